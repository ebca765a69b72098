//! Cron expressions as sets of numbers, and their parser.
//!
//! The parser is a `const fn`. The same code reads a text at run time and the literal of an attribute at compile time.

use super::super::interval::parse_interval;
use super::days::Days;
use super::field::{Allowed, Field, or_return, read_field};
use super::problem::{Part, Problem, ScheduleError};
use super::slots::Pattern;

/// A cron expression. Two expressions are equal if they mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expression {
    /// The bits 0 to 59.
    seconds: u64,
    /// The bits 0 to 59.
    minutes: u64,
    /// The bits 0 to 23.
    hours: u32,
    days: Days,
    is_rhythm: bool,
}

impl Expression {
    pub(crate) const fn parse(text: &str) -> Result<Expression, ScheduleError> {
        let bytes = text.as_bytes();
        let words = Words::of(bytes);
        if words.count > 0 && bytes[words.parts[0].start] == b'@' {
            return match nickname(bytes, words) {
                Ok(meaning) => Expression::of_fields(meaning.as_bytes(), Words::of(meaning.as_bytes())),
                Err(problem) => Err(ScheduleError::new(problem, bytes)),
            };
        }
        match unlike_cron(text, words) {
            Some(problem) => Err(ScheduleError::new(problem, bytes)),
            None => Expression::of_fields(bytes, words),
        }
    }

    /// Reads five or six fields.
    const fn of_fields(text: &[u8], words: Words) -> Result<Expression, ScheduleError> {
        let has_seconds = words.count == 6;
        let parts = words.last_five();
        let seconds = if has_seconds {
            or_return!(read_field(text, Field::Second, words.parts[0])).values
        } else {
            1
        };
        let minutes = or_return!(read_field(text, Field::Minute, parts[0])).values;
        let hours = or_return!(read_field(text, Field::Hour, parts[1])).values as u32;
        let days = or_return!(read_days(text, parts[2], parts[3], parts[4]));
        let is_rhythm = has_seconds && is_rhythmic(text, words.parts[0])
            || is_rhythmic(text, parts[0])
            || is_rhythmic(text, parts[1]);
        if !days.ever_comes() {
            return Err(ScheduleError::new(Problem::NeverComes, text));
        }
        Ok(Expression {
            seconds,
            minutes,
            hours,
            days,
            is_rhythm,
        })
    }
}

impl Pattern for Expression {
    fn day_from(&self, day: i64) -> Option<i64> {
        self.days.next_from(day)
    }

    fn time_from(&self, second_of_day: u32) -> Option<u32> {
        let (hour, minute, second) = (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
        let first_minute = self.minutes.trailing_zeros();
        let first_second = self.seconds.trailing_zeros();
        let at = |hour: u32, minute: u32, second: u32| Some(hour * 3_600 + minute * 60 + second);
        if self.hours & (1 << hour) != 0 {
            if self.minutes & (1 << minute) != 0 {
                if let Some(second) = bit_from(self.seconds, second) {
                    return at(hour, minute, second);
                }
            }
            if let Some(minute) = bit_from(self.minutes, minute + 1) {
                return at(hour, minute, first_second);
            }
        }
        let hour = bit_from(u64::from(self.hours), hour + 1)?;
        at(hour, first_minute, first_second)
    }

    fn is_rhythm(&self) -> bool {
        self.is_rhythm
    }
}

/// The first number of a set that is not before `from`, which is at most 63.
fn bit_from(set: u64, from: u32) -> Option<u32> {
    let rest = set & (u64::MAX << from);
    (rest != 0).then(|| rest.trailing_zeros())
}

const fn read_days(text: &[u8], date: Part, month: Part, weekday: Part) -> Result<Days, ScheduleError> {
    let dates: Allowed = or_return!(read_field(text, Field::Date, date));
    let months = or_return!(read_field(text, Field::Month, month));
    let has_plus = text[weekday.start] == b'+';
    let list = if has_plus {
        weekday.from(weekday.start + 1)
    } else {
        weekday
    };
    if list.find(text, b'+') < list.end {
        return Err(ScheduleError::in_field(Problem::Plus, Field::Weekday, weekday));
    }
    let weekdays = or_return!(read_field(text, Field::Weekday, list));
    let either = !has_plus && !begins_with_star(text, date) && !begins_with_star(text, weekday);
    Ok(Days::new(
        months.values as u16,
        dates.dates(),
        weekdays.weekdays(),
        either,
    ))
}

const fn begins_with_star(text: &[u8], part: Part) -> bool {
    matches!(text[part.start], b'*' | b'?')
}

/// Whether a field of a time makes the schedule a rhythm.
const fn is_rhythmic(text: &[u8], part: Part) -> bool {
    part.find(text, b'*') < part.end || part.find(text, b'-') < part.end || part.find(text, b'/') < part.end
}

/// What a name such as `@daily` stands for.
const fn nickname(text: &[u8], words: Words) -> Result<&'static str, Problem> {
    const NICKNAMES: [(&str, &str); 7] = [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ];
    let word = words.parts[0];
    let mut at = 0;
    while at < NICKNAMES.len() {
        let (name, meaning) = NICKNAMES[at];
        if word.is_word(text, name.as_bytes()) {
            return if words.count == 1 {
                Ok(meaning)
            } else {
                Err(Problem::NotAlone)
            };
        }
        at += 1;
    }
    Err(if word.is_word(text, b"@reboot") {
        Problem::Reboot
    } else if word.is_word(text, b"@every") {
        Problem::Every
    } else {
        Problem::Nickname
    })
}

/// Why a text doesn't have the form of a cron expression.
const fn unlike_cron(text: &str, words: Words) -> Option<Problem> {
    let bytes = text.as_bytes();
    if words.count == 0 {
        return Some(Problem::Empty);
    }
    let first = words.parts[0];
    if first.begins_with(bytes, b"TZ=") || first.begins_with(bytes, b"CRON_TZ=") {
        return Some(Problem::Zone);
    }
    if is_zone(bytes, words.parts[5]) || is_zone(bytes, words.parts[6]) {
        return Some(Problem::Zone);
    }
    if first.is_word(bytes, b"every") {
        return Some(Problem::Every);
    }
    if words.count > 7 || begins_command(bytes, words.parts[5]) || begins_command(bytes, words.parts[6]) {
        return Some(Problem::Command);
    }
    match words.count {
        5 | 6 => None,
        _ if parse_interval(text).is_ok() => Some(Problem::Interval),
        1 if bytes[first.start].is_ascii_digit() && first.find(bytes, b':') < first.end => Some(Problem::TimeOfDay),
        7 if is_year(bytes, words.parts[6]) => Some(Problem::Year),
        count => Some(Problem::FieldCount(count as u32)),
    }
}

/// Whether a word looks like the path of a program. Missing words are empty.
const fn begins_command(text: &[u8], word: Part) -> bool {
    word.len() > 1 && matches!(text[word.start], b'/' | b'.' | b'~')
}

/// Whether a word looks like a time zone, such as `Europe/Berlin`. Missing words are empty.
const fn is_zone(text: &[u8], word: Part) -> bool {
    if word.is_empty() || !text[word.start].is_ascii_alphabetic() {
        return false;
    }
    let slash = word.find(text, b'/');
    word.is_word(text, b"UTC") || slash + 1 < word.end && text[slash + 1].is_ascii_alphabetic()
}

/// Whether a part looks like Quartz's field of years.
const fn is_year(text: &[u8], part: Part) -> bool {
    matches!(text[part.start], b'*' | b'?') || (part.len() >= 4 && part.until(part.start + 4).is_of_digits(text))
}

/// The words of a text. Only the first seven are kept, but all are counted.
#[derive(Clone, Copy)]
struct Words {
    parts: [Part; 7],
    count: usize,
}

impl Words {
    const fn of(text: &[u8]) -> Words {
        let mut parts = [Part { start: 0, end: 0 }; 7];
        let mut count = 0;
        let mut at = 0;
        while at < text.len() {
            let start = at;
            while at < text.len() && !text[at].is_ascii_whitespace() {
                at += 1;
            }
            if at > start {
                if count < parts.len() {
                    parts[count] = Part { start, end: at };
                }
                count += 1;
            }
            at += 1;
        }
        Words { parts, count }
    }

    /// The fields without the second.
    const fn last_five(&self) -> [Part; 5] {
        let skipped = self.count - 5;
        let mut last = [self.parts[0]; 5];
        let mut at = 0;
        while at < 5 {
            last[at] = self.parts[at + skipped];
            at += 1;
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Message;
    use super::*;

    #[test]
    fn reads_at_compile_time() {
        const NIGHTLY: Expression = match Expression::parse("30 2 * * mon-fri") {
            Ok(expression) => expression,
            Err(_) => panic!("the expression is right"),
        };
        assert_eq!(Ok(NIGHTLY), Expression::parse("0 30 2 ? * 1-5"));
    }

    #[test]
    fn says_at_compile_time_what_is_wrong() {
        const TEXT: &str = "60 * * * *";
        const MESSAGE: Message = match Expression::parse(TEXT) {
            Ok(_) => Message::new(),
            Err(error) => error.about_cron(TEXT),
        };
        // What an attribute passes to `panic!`.
        const WORDS: &str = MESSAGE.as_str();
        assert!(WORDS.contains("the minute field has \"60\""), "{WORDS}");
    }

    #[test]
    fn the_next_time_of_a_day() {
        let expression = Expression::parse("10,40 15,45 9,17 * * *").expect("it is right");
        let time = |hour: u32, minute: u32, second: u32| hour * 3_600 + minute * 60 + second;
        for (from, expected) in [
            (0, Some(time(9, 15, 10))),
            (time(9, 15, 10), Some(time(9, 15, 10))),
            (time(9, 15, 11), Some(time(9, 15, 40))),
            (time(9, 15, 41), Some(time(9, 45, 10))),
            (time(9, 16, 0), Some(time(9, 45, 10))),
            (time(9, 45, 41), Some(time(17, 15, 10))),
            (time(12, 0, 0), Some(time(17, 15, 10))),
            (time(17, 45, 40), Some(time(17, 45, 40))),
            (time(17, 45, 41), None),
            (time(23, 59, 59), None),
        ] {
            assert_eq!(expression.time_from(from), expected, "{from}");
        }
    }
}
