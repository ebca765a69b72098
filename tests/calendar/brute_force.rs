//! Random schedules in random zones, against a second implementation: it counts through the seconds of a few days, and
//! asks jiff for nothing but the offset at an instant.
//!
//! Three in four times the days lie around a change of the clocks, else around a slot. The environment variable
//! `ATEVERY_CALENDAR_CASES` sets the number of schedules.

use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::{Calendar, Cron};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{self, TimeZone};

use crate::generate::{Random, Schedule};

const DAY: i64 = 86_400;

#[test]
fn slots_are_those_of_counting() {
    let cases = env::var("ATEVERY_CALENDAR_CASES").map_or(100, |cases| cases.parse().expect("a number of cases"));
    let zones: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
    let zones: Vec<String> = zones.into_iter().filter(|name| name != "Factory").collect();
    for case in 0..cases {
        let mut random = Random::new(case);
        let schedule = Schedule::random(&mut random);
        let anywhere = random.between(0, 130 * 365 * DAY);
        let zone = |random: &mut Random| &zones[random.below(zones.len() as u64) as usize];
        if random.below(4) == 0 {
            check(&schedule, zone(&mut random), Around::Slot(anywhere), &mut random);
            continue;
        }
        // Many zones never change their clocks again.
        let found = (0..50).find_map(|_| {
            let zone = zone(&mut random);
            change(zone, anywhere).map(|change| (zone, change))
        });
        let (zone, change) = found.expect("a zone changes its clocks");
        check(&schedule, zone, Around::Change(change), &mut random);
    }
}

/// Where the days lie that are counted through.
enum Around {
    Change(i64),
    /// The first slot after the instant.
    Slot(i64),
}

fn check(schedule: &Schedule, name: &str, days: Around, random: &mut Random) {
    let cron: Cron = match schedule.text.parse() {
        Ok(cron) => cron,
        Err(error) => return assert!(schedule.never_comes(), "{error}"),
    };
    let cron = cron.zone(name).expect("jiff has listed the zone");
    let zone = TimeZone::get(name).expect("jiff has listed the zone");
    assert_eq!(cron.is_rhythm(), schedule.is_rhythm, "{cron}");

    let middle = match days {
        Around::Change(instant) => instant,
        Around::Slot(instant) => slot(&cron, instant).unwrap_or(instant),
    };
    let start = middle - random.between(0, 3 * DAY);
    let end = start + 4 * DAY;
    let expected = counted(schedule, &zone, start, end);

    let mut found = Vec::new();
    let mut after = start - 1;
    while let Some(next) = slot(&cron, after) {
        assert!(next > after, "{cron} after {after}: {next} is not later");
        if next >= end {
            break;
        }
        let just_before = time(next) - Duration::from_nanos(1);
        assert_eq!(cron.next(just_before), Some(time(next)), "{cron}, just before {next}");
        found.push(next);
        after = next;
    }
    assert_eq!(found, expected, "{cron} from {start} to {end}");
}

/// The slots from `start` to before `end`.
fn counted(schedule: &Schedule, zone: &TimeZone, start: i64, end: i64) -> Vec<i64> {
    let mut today = (i64::MAX, false);
    let mut matches = |local: i64| {
        let day = local.div_euclid(DAY);
        if day != today.0 {
            today = (day, schedule.has_day(date(day)));
        }
        today.1 && schedule.has_time(local.rem_euclid(DAY) as u32)
    };
    let mut slots = Vec::new();
    // The clocks may have shown a later time three days ago, but not before that.
    let begin = start - 3 * DAY;
    let mut reached = begin + offset(zone, begin);
    for (from, to, offset) in periods(zone, begin + 1, end) {
        for instant in from..to {
            let local = instant + offset;
            let is_slot = if schedule.is_rhythm {
                matches(local)
            } else {
                // In a gap, the clocks reach several times at once.
                (reached + 1..=local).any(&mut matches)
            };
            reached = reached.max(local);
            if is_slot && instant >= start {
                slots.push(instant);
            }
        }
    }
    slots
}

/// The time from `start` to `end` in parts of one offset each.
fn periods(zone: &TimeZone, start: i64, end: i64) -> Vec<(i64, i64, i64)> {
    const STEP: i64 = 900;
    let mut periods = vec![(start, end, offset(zone, start))];
    let mut at = start;
    while at < end {
        let next = (at + STEP).min(end);
        let (mut same, mut different) = (at, next);
        if offset(zone, next) != offset(zone, at) {
            while different - same > 1 {
                let middle = (same + different) / 2;
                if offset(zone, middle) == offset(zone, at) {
                    same = middle;
                } else {
                    different = middle;
                }
            }
            periods.last_mut().expect("there is a period").1 = different;
            periods.push((different, end, offset(zone, different)));
        }
        at = next;
    }
    periods
}

fn offset(zone: &TimeZone, at: i64) -> i64 {
    let at = Timestamp::from_second(at).expect("the instant is in jiff's range");
    zone.to_offset(at).seconds().into()
}

fn date(day: i64) -> Date {
    let noon = Timestamp::from_second(day * DAY + DAY / 2).expect("the day is in jiff's range");
    TimeZone::UTC.to_datetime(noon).date()
}

/// The first change of the clocks after `at`.
fn change(zone: &str, at: i64) -> Option<i64> {
    let zone = TimeZone::get(zone).expect("jiff has listed the zone");
    let at = Timestamp::from_second(at).expect("the instant is in jiff's range");
    zone.following(at).next().map(|change| change.timestamp().as_second())
}

fn slot(cron: &Cron, after: i64) -> Option<i64> {
    let next = cron.next(time(after))?;
    let since = next.duration_since(UNIX_EPOCH).map(|since| since.as_secs() as i64);
    Some(since.unwrap_or_else(|error| -(error.duration().as_secs() as i64)))
}

fn time(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        UNIX_EPOCH - distance
    } else {
        UNIX_EPOCH + distance
    }
}
