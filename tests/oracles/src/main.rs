//! Compares random cron expressions with croner, and prints them with their slots for the libraries of Python.
//!
//! ```text
//! atevery-oracles [COUNT [SEED]]    20,000 expressions and seed 1, unless said
//! ```
//!
//! The expressions are those that all libraries read in the same way: no field for a day begins with `*` and goes on. The
//! slots are in UTC. What time zones add is compared with counting in `tests/calendar/brute_force.rs`. Each line on
//! standard output is an expression, the instant after which the slots come, and the slots, separated by tabs.

mod expressions;

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::{Calendar, Cron};
use chrono::{DateTime, Utc};
use croner::parser::{CronParser, Seconds, Year};

use expressions::Random;

/// So many slots are compared.
const SLOTS: usize = 5;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let count = arguments.next().and_then(Result::ok).unwrap_or(20_000);
    let mut random = Random::new(arguments.next().and_then(Result::ok).unwrap_or(1));
    let mut wrong = 0;
    for _ in 0..count {
        let expression = random.expression();
        let after = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + random.below(100_000_000));
        let ours = slots(&expression, after);
        let theirs = slots_of_croner(&expression, after);
        if ours != theirs {
            wrong += 1;
            eprintln!(
                "{expression} after {}: here {ours:?}, croner {theirs:?}",
                seconds(after)
            );
        }
        if !expression.contains(['L', 'W', '#']) {
            let slots: Vec<String> = ours.unwrap_or_default().iter().map(u64::to_string).collect();
            println!("{expression}\t{}\t{}", seconds(after), slots.join(","));
        }
    }
    eprintln!("{count} expressions, {wrong} of them differ from croner");
    if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// `None` if the expression is refused.
fn slots(expression: &str, after: SystemTime) -> Option<Vec<u64>> {
    let cron: Cron = expression.parse().ok()?;
    let slots = std::iter::successors(cron.next(after), |slot| cron.next(*slot));
    Some(slots.take(SLOTS).map(seconds).collect())
}

fn slots_of_croner(expression: &str, after: SystemTime) -> Option<Vec<u64>> {
    let parser = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed)
        .build();
    let cron = parser.parse(expression).ok()?;
    let mut at = DateTime::<Utc>::from_timestamp(i64::try_from(seconds(after)).ok()?, 0)?;
    let mut slots = Vec::new();
    for _ in 0..SLOTS {
        at = cron.find_next_occurrence(&at, false).ok()?;
        slots.push(u64::try_from(at.timestamp()).ok()?);
    }
    Some(slots)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
