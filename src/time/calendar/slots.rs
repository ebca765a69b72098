//! From an instant to the next slot: what local times mean where the clocks go forward or back.
//!
//! All instants here are whole seconds since the Unix epoch. A local time is a number too: the seconds from 1 January
//! 1970, 00:00, on the clocks of the zone.

use super::date::{LAST_YEAR, Month};

pub(crate) const DAY: i64 = 24 * 60 * 60;

/// No zone is further away from UTC. (jiff's limit is a second less.)
const MOST_OFFSET: i64 = 26 * 60 * 60;

/// The rules of every zone and the dates of the calendar repeat every 400 years. A rhythm without a slot in that time
/// has none later.
const CYCLE: i64 = 146_097 * DAY;

/// From here on, no zone has rules that hold for some years only.
const RULES_ARE_REGULAR: i64 = Month { year: 2100, number: 1 }.first_day() * DAY;

/// The first and the last instant that are looked at.
const FIRST: i64 = Month { year: 1, number: 1 }.first_day() * DAY;
const LAST: i64 = Month {
    year: LAST_YEAR + 1,
    number: 1,
}
.first_day()
    * DAY
    - 1;

/// The local times of a schedule.
pub(crate) trait Pattern {
    /// The first day that matches and is not before `day`.
    fn day_from(&self, day: i64) -> Option<i64>;

    /// The first time of the day that matches and is not before `second`.
    fn time_from(&self, second: u32) -> Option<u32>;

    /// Whether the schedule is a rhythm (`*/10 * * * *`) or an appointment (`0 3 * * *`).
    fn is_rhythm(&self) -> bool;

    /// The first local time that matches and is not before `local`.
    fn next_from(&self, local: i64) -> Option<i64> {
        let (today, now) = (local.div_euclid(DAY), local.rem_euclid(DAY) as u32);
        let mut day = self.day_from(today)?;
        if day == today {
            if let Some(time) = self.time_from(now) {
                return Some(today * DAY + i64::from(time));
            }
            day = self.day_from(today + 1)?;
        }
        Some(day * DAY + i64::from(self.time_from(0)?))
    }
}

/// The rules of a time zone.
pub(crate) trait Zone {
    /// The period around the instant `at` in which the clocks are not changed.
    fn period(&self, at: i64) -> Period;
}

/// A time between two changes of the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    /// The instant of the change at which the period begins. `i64::MIN` if there is none.
    pub(crate) start: i64,
    /// The instant of the change at which the period ends. `i64::MAX` if there is none.
    pub(crate) end: i64,
    /// What the local time is ahead of UTC, in seconds.
    pub(crate) offset: i64,
}

/// The first slot later than `after`. `None` if there is none up to the year 9999.
pub(crate) fn next_slot(pattern: &impl Pattern, zone: &impl Zone, after: i64) -> Option<i64> {
    let after = after.max(FIRST);
    if after >= LAST {
        return None;
    }
    let next = if pattern.is_rhythm() {
        next_of_rhythm(pattern, zone, after)
    } else {
        next_of_appointment(pattern, zone, after)
    };
    next.filter(|slot| *slot <= LAST)
}

/// An appointment takes place at the first instant at which the clocks show its local time, or a later one. In a gap,
/// this is the end of the gap. In a fold, it is the first occurrence.
///
/// Therefore the appointments that lie ahead are those that the clocks have not reached until `after`.
fn next_of_appointment(pattern: &impl Pattern, zone: &impl Zone, after: i64) -> Option<i64> {
    let local = pattern.next_from(latest_local(zone, after) + 1)?;
    Some(first_instant(zone, local, after + 1))
}

/// The latest local time that the clocks have shown until `at`.
fn latest_local(zone: &impl Zone, at: i64) -> i64 {
    let mut period = zone.period(at);
    let mut latest = at + period.offset;
    // Before that, no offset could have shown a later time.
    while period.start > at - 2 * MOST_OFFSET {
        let last = period.start - 1;
        period = zone.period(last);
        latest = latest.max(last + period.offset);
    }
    latest
}

/// The first instant from `from` on at which the clocks show `local` or a later time.
fn first_instant(zone: &impl Zone, local: i64, from: i64) -> i64 {
    let mut at = from.max(local - MOST_OFFSET);
    loop {
        let period = zone.period(at);
        let instant = at.max(local - period.offset);
        if instant < period.end {
            return instant;
        }
        at = period.end;
    }
}

/// A rhythm has a slot whenever the clocks show one of its local times: twice in a fold, and not in a gap.
fn next_of_rhythm(pattern: &impl Pattern, zone: &impl Zone, after: i64) -> Option<i64> {
    let mut at = after + 1;
    let horizon = after.max(RULES_ARE_REGULAR) + CYCLE;
    while at <= horizon {
        let period = zone.period(at);
        let instant = pattern.next_from(at + period.offset)? - period.offset;
        if instant < period.end {
            return Some(instant);
        }
        // The following periods have no slot either, up to the next local time that matches with any offset.
        let local = pattern.next_from(period.end - MOST_OFFSET)?;
        at = period.end.max(local - MOST_OFFSET);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::expression::Expression;
    use super::*;

    const HOUR: i64 = 60 * 60;

    /// A zone whose clocks are changed at some instants, in ascending order, to an offset.
    struct Changes(Vec<(i64, i64)>);

    impl Zone for Changes {
        fn period(&self, at: i64) -> Period {
            let next = self.0.partition_point(|(change, _)| *change <= at);
            let (start, offset) = next.checked_sub(1).map_or((i64::MIN, 0), |last| self.0[last]);
            let end = self.0.get(next).map_or(i64::MAX, |(change, _)| *change);
            Period { start, end, offset }
        }
    }

    /// The slots from midnight to midnight of the first day, as the time that has passed: `2:00`.
    fn slots(cron: &str, zone: &Changes) -> Vec<String> {
        let pattern = Expression::parse(cron).expect("the expression is right");
        let mut slots = Vec::new();
        let mut after = -1;
        while let Some(slot) = next_slot(&pattern, zone, after).filter(|slot| *slot < DAY) {
            slots.push(format!("{}:{:02}", slot / HOUR, slot / 60 % 60));
            after = slot;
        }
        slots
    }

    #[test]
    fn the_clocks_go_forward() {
        // At 2:00 the clocks show 3:00.
        let zone = Changes(vec![(2 * HOUR, HOUR)]);
        assert_eq!(slots("30 2 * * *", &zone), ["2:00"]);
        assert_eq!(slots("0,15,30 2,3 * * *", &zone), ["2:00", "2:15", "2:30"]);
        assert_eq!(slots("30 1-4 * * *", &zone), ["1:30", "2:30", "3:30"]);
        assert_eq!(slots("30 2-2 * * *", &zone), Vec::<String>::new());
    }

    #[test]
    fn the_clocks_go_back() {
        // At 3:00 the clocks show 2:00.
        let zone = Changes(vec![(3 * HOUR, -HOUR)]);
        assert_eq!(slots("30 2 * * *", &zone), ["2:30"]);
        assert_eq!(slots("0 2,3 * * *", &zone), ["2:00", "4:00"]);
        assert_eq!(slots("30 1-3 * * *", &zone), ["1:30", "2:30", "3:30", "4:30"]);
    }

    #[test]
    fn a_day_is_missing() {
        // At midnight the date moves from the second to the fourth.
        let zone = Changes(vec![(DAY, DAY)]);
        let friday = Expression::parse("0 9 2 1 *").expect("the expression is right");
        assert_eq!(next_slot(&friday, &zone, 0), Some(DAY));
        let rhythm = Expression::parse("0 9-17 2 1 *").expect("the expression is right");
        let next_year = Month { year: 1971, number: 1 }.first_day() * DAY + 9 * HOUR;
        assert_eq!(next_slot(&rhythm, &zone, 0), Some(next_year));
    }

    #[test]
    fn most_of_a_day_comes_twice() {
        // At 20:00 the clocks show 0:00 again.
        let zone = Changes(vec![(20 * HOUR, -20 * HOUR)]);
        let daily = Expression::parse("0 9 * * *").expect("the expression is right");
        for after in [9, 19, 20, 22, 29, 52] {
            assert_eq!(next_slot(&daily, &zone, after * HOUR), Some(53 * HOUR), "{after}");
        }
        let rhythm = Expression::parse("0 9-9 * * *").expect("the expression is right");
        assert_eq!(next_slot(&rhythm, &zone, 9 * HOUR), Some(29 * HOUR));
    }

    #[test]
    fn the_clocks_change_twice_in_an_hour() {
        // 1:00 is shown as 2:00. Half an hour later, 2:30 is shown as 1:00 again.
        let zone = Changes(vec![(HOUR, HOUR), (HOUR + 1_800, -1_800)]);
        assert_eq!(slots("30 1 * * *", &zone), ["1:00"]);
        assert_eq!(slots("15 2 * * *", &zone), ["1:15"]);
        assert_eq!(slots("15,45 2 * * *", &zone), ["1:15", "3:15"]);
        assert_eq!(
            slots("*/15 2 * * *", &zone),
            ["1:00", "1:15", "2:30", "2:45", "3:00", "3:15"]
        );
    }
}
