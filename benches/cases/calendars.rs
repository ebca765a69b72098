//! Schedules by the wall clock: from an instant to the next slot, and the parser.

use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::{Calendar, Cron, Daily};

use super::Case;

/// 1 January 2026, UTC.
const NEW_YEAR: Duration = Duration::from_secs(1_767_225_600);

pub(crate) fn all() -> Vec<Case> {
    vec![
        slots(365, || cron("0 3 * * *", "UTC")),
        slots(365, || cron("0 3 * * *", "Europe/Berlin")),
        slots(365, || cron("0 3 * * *", "America/New_York")),
        slots(8_760, || cron("0 * * * *", "Europe/Berlin")),
        slots(261, || daily(&["09:00"], "Europe/Berlin")),
        slots(12, || cron("0 0 L * *", "Europe/Berlin")),
        slots(8, || cron("0 0 29 2 +mon", "Europe/Berlin")),
        slots(8, || cron("*/5 * 29 2 +mon", "Europe/Berlin")),
        parse("30 2 * * mon-fri"),
        parse("*/5 9-17 1,15,LW jan-jun +mon#1,friL"),
    ]
}

/// As many slots as given, one after the other.
fn slots<C: Calendar>(count: u64, schedule: fn() -> C) -> Case {
    let name = format!("calendar, next of {}", schedule().describe());
    Case::again(name, count, move || {
        let schedule = schedule();
        move || {
            let mut at: SystemTime = UNIX_EPOCH + NEW_YEAR;
            for _ in 0..count {
                at = schedule.next(black_box(at)).expect("a slot follows");
            }
        }
    })
}

fn parse(text: &'static str) -> Case {
    Case::again(format!("calendar, parse {text}"), 1, move || {
        move || drop(black_box(black_box(text).parse::<Cron>()))
    })
}

fn cron(text: &str, zone: &str) -> Cron {
    let cron = text.parse::<Cron>().and_then(|cron| cron.zone(zone));
    cron.expect("the expression is right")
}

fn daily(times: &[&str], zone: &str) -> Daily {
    let daily = Daily::at(times).and_then(|daily| daily.on("mon-fri")?.zone(zone));
    daily.expect("the times are right")
}
