//! The slots in `cases.jsonl`, which README.md describes.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::{Calendar, Cron, Daily, Error};
use serde::Deserialize;

/// The number of cases that the file must hold.
const COUNT: usize = 287;

#[derive(Deserialize)]
struct Case {
    zone: String,
    cron: Option<String>,
    daily: Option<Vec<String>>,
    on: Option<String>,
    after: u64,
    next: Vec<u64>,
}

impl Case {
    fn schedule(&self) -> Result<Box<dyn Calendar>, Error> {
        match (&self.cron, &self.daily) {
            (Some(cron), None) => Ok(Box::new(cron.parse::<Cron>()?.zone(&self.zone)?)),
            (None, Some(times)) => {
                let daily = Daily::at(times)?.zone(&self.zone)?;
                Ok(Box::new(match &self.on {
                    Some(weekdays) => daily.on(weekdays)?,
                    None => daily,
                }))
            }
            _ => panic!("a case has either `cron` or `daily`"),
        }
    }
}

#[test]
fn every_case_has_its_slots() {
    let cases = cases();
    assert_eq!(cases.len(), COUNT);
    let mut wrong = Vec::new();
    for case in cases {
        let schedule = case.schedule().expect("the schedule of a case can be read");
        let found = slots(schedule.as_ref(), case.after, case.next.len());
        if found != case.next {
            let name = schedule.describe();
            wrong.push(format!(
                "{name} after {}\n  found {found:?}\n  not   {:?}",
                case.after, case.next
            ));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn cases() -> Vec<Case> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calendar/cases.jsonl");
    let text = fs::read_to_string(file).expect("the file of cases can be read");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line is a case"))
        .collect()
}

fn slots(schedule: &dyn Calendar, after: u64, count: usize) -> Vec<u64> {
    let mut at = UNIX_EPOCH + Duration::from_secs(after);
    let mut slots = Vec::new();
    while slots.len() < count {
        let Some(next) = schedule.next(at) else { break };
        slots.push(seconds(next));
        at = next;
    }
    slots
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).expect("the cases are later than 1970");
    assert_eq!(since.subsec_nanos(), 0, "a slot is a whole second");
    since.as_secs()
}
