//! Appointments at times of the day: `03:00`, or `09:00` and `17:30` from Monday to Friday.

use super::super::interval::looks_like_cron;
use super::date::weekday;
use super::days::ALL_WEEKDAYS;
use super::field::{Field, WEEKDAY_NAMES, or_return, read_field};
use super::problem::{Part, Problem, ScheduleError};
use super::slots::Pattern;

/// The times of a day, and the weekdays on which they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Times {
    /// In seconds from midnight, in ascending order. There is at least one.
    times: Vec<u32>,
    /// Bit 0 is Sunday. There is at least one.
    weekdays: u8,
}

impl Times {
    /// Each day at these times, in seconds from midnight. `None` if there are none.
    pub(crate) fn every_day(mut times: Vec<u32>) -> Option<Times> {
        times.sort_unstable();
        times.dedup();
        (!times.is_empty()).then_some(Times {
            times,
            weekdays: ALL_WEEKDAYS,
        })
    }

    /// At the same times, on these weekdays. The set must not be empty.
    pub(crate) fn on(self, weekdays: u8) -> Times {
        Times { weekdays, ..self }
    }

    /// For example `09:00, 17:30 mon-fri`.
    pub(crate) fn describe(&self) -> String {
        let times: Vec<String> = self.times.iter().map(|time| describe_time(*time)).collect();
        let mut text = times.join(", ");
        if self.weekdays != ALL_WEEKDAYS {
            text += " ";
            text += &describe_weekdays(self.weekdays);
        }
        text
    }
}

impl Pattern for Times {
    fn day_from(&self, day: i64) -> Option<i64> {
        (day..day + 7).find(|day| self.weekdays & (1 << weekday(*day)) != 0)
    }

    fn time_from(&self, second: u32) -> Option<u32> {
        let passed = self.times.partition_point(|time| *time < second);
        self.times.get(passed).copied()
    }

    fn is_rhythm(&self) -> bool {
        false
    }
}

/// Reads `HH:MM` or `HH:MM:SS`, in seconds from midnight.
pub(crate) const fn parse_time(text: &str) -> Result<u32, ScheduleError> {
    let bytes = text.as_bytes();
    let all = Part::all(bytes).trimmed(bytes);
    if is_of_twelve_hours(bytes, all) {
        return Err(ScheduleError::new(Problem::TwelveHours, bytes));
    }
    let colon = all.find(bytes, b':');
    let hour = all.until(colon);
    if hour.is_empty() || colon == all.end || !hour.is_of_digits(bytes) {
        return Err(ScheduleError::new(unlike_time(bytes), bytes));
    }
    let rest = all.from(colon + 1);
    let colon = rest.find(bytes, b':');
    let hour = or_return!(two_digits(bytes, hour, 23, Problem::HourOutOfRange));
    let minute = or_return!(two_digits(bytes, rest.until(colon), 59, Problem::MinuteOutOfRange));
    let second = if colon < rest.end {
        or_return!(two_digits(bytes, rest.from(colon + 1), 59, Problem::SecondOutOfRange))
    } else {
        0
    };
    Ok(hour * 3_600 + minute * 60 + second)
}

const fn two_digits(text: &[u8], part: Part, most: u32, out_of_range: Problem) -> Result<u32, ScheduleError> {
    if part.is_empty() || !part.is_of_digits(text) {
        return Err(ScheduleError::new(unlike_time(text), text));
    }
    if part.len() != 2 {
        return Err(ScheduleError::new(Problem::OneDigit, text));
    }
    match part.number(text) {
        Some(number) if number <= most => Ok(number),
        _ => Err(ScheduleError::new(out_of_range, text)),
    }
}

/// Why a text doesn't have the form of a time.
const fn unlike_time(text: &[u8]) -> Problem {
    let all = Part::all(text);
    if looks_like_cron(text) {
        Problem::CronHere
    } else if all.find(text, b',') < all.end {
        Problem::SeveralTimes
    } else {
        Problem::NotATime
    }
}

/// Whether a text is like `3pm` or `9:30 AM`.
const fn is_of_twelve_hours(text: &[u8], part: Part) -> bool {
    part.len() >= 3
        && text[part.start].is_ascii_digit()
        && part.last(text).eq_ignore_ascii_case(&b'm')
        && matches!(part.without_last().last(text), b'a' | b'A' | b'p' | b'P')
}

/// Reads weekdays, such as `mon-fri` or `sat,sun`, as a set whose bit 0 is Sunday.
pub(crate) const fn parse_weekdays(text: &str) -> Result<u8, ScheduleError> {
    let bytes = text.as_bytes();
    let part = Part::all(bytes).trimmed(bytes);
    let allowed = or_return!(read_field(bytes, Field::Weekday, part));
    let weekdays = allowed.weekdays();
    if weekdays.places() != 0 {
        return Err(ScheduleError::in_field(Problem::PlainWeekdays, Field::Weekday, part));
    }
    Ok(weekdays.every)
}

fn describe_time(time: u32) -> String {
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    if second == 0 {
        format!("{hour:02}:{minute:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}")
    }
}

/// For example `mon-fri` or `sat,sun`. The week begins on Monday.
fn describe_weekdays(weekdays: u8) -> String {
    let mut days = (1..=7).filter(|day| weekdays & (1 << (day % 7)) != 0).peekable();
    let mut items = Vec::new();
    while let Some(first) = days.next() {
        let mut last = first;
        while let Some(next) = days.next_if_eq(&(last + 1)) {
            last = next;
        }
        match last - first {
            0 => items.push(name(first).to_owned()),
            1 => items.extend([name(first).to_owned(), name(last).to_owned()]),
            _ => items.push(format!("{}-{}", name(first), name(last))),
        }
    }
    items.join(",")
}

fn name(weekday: usize) -> &'static str {
    std::str::from_utf8(&WEEKDAY_NAMES[weekday % 7]).unwrap_or_default()
}
