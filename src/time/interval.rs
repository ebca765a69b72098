//! The parser of intervals in text form: `"50ms"`, `"2s"`, `"1m 30s"`, `"2h"`, `"1d"`.
//!
//! The parser is a `const fn`, so the same code reads a `str` at run time and the literal of `#[every("2s")]` at
//! compile time. The attribute only expands to the call.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Reads a duration such as `"50ms"`, `"2s"`, `"1m 30s"`, `"2h"` or `"1d"`.
///
/// The text consists of whole numbers, each followed by a unit: `d` (24 hours), `h`, `m`, `s`, `ms`, `us` or `ns`. The
/// largest unit must come first, and each unit at most once. Spaces may stand anywhere between numbers and units. A
/// number may exceed the next larger unit (`"90s"`).
///
/// `#[every("2s")]` calls this `const fn` at compile time.
///
/// # Errors
///
/// Returns a [`ParseIntervalError`] if the text is not an interval.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(atevery::parse_interval("1m 30s")?, Duration::from_secs(90));
/// assert_eq!(atevery::parse_interval("1h30m")?, Duration::from_secs(5400));
/// assert!(atevery::parse_interval("soon").is_err());
/// # Ok::<(), atevery::ParseIntervalError>(())
/// ```
pub const fn parse_interval(text: &str) -> Result<Duration, ParseIntervalError> {
    let text = text.as_bytes();
    match read(text) {
        Err(_) if looks_like_cron(text) => Err(ParseIntervalError::Cron),
        read => read,
    }
}

const fn read(text: &[u8]) -> Result<Duration, ParseIntervalError> {
    let mut total = Duration::ZERO;
    let mut last_rank = 0;
    let mut at = skip_spaces(text, 0);
    if at == text.len() {
        return Err(ParseIntervalError::Empty);
    }
    while at < text.len() {
        let (number, after_number) = match number(text, at) {
            Ok(read) => read,
            Err(error) => return Err(error),
        };
        let (unit, after_unit) = match unit(text, skip_spaces(text, after_number)) {
            Ok(read) => read,
            Err(error) => return Err(error),
        };
        if unit.rank <= last_rank {
            return Err(ParseIntervalError::Order);
        }
        last_rank = unit.rank;
        total = match unit.times(number) {
            Some(part) => match total.checked_add(part) {
                Some(sum) => sum,
                None => return Err(ParseIntervalError::TooLong),
            },
            None => return Err(ParseIntervalError::TooLong),
        };
        at = skip_spaces(text, after_unit);
    }
    Ok(total)
}

/// The reason why [`parse_interval`] refuses a text. `Debug` writes the same message as `Display`, because a `main`
/// that returns the error prints the `Debug` form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseIntervalError {
    /// The text is empty.
    Empty,
    /// A number is missing: `"s"`, `"soon"`.
    NoNumber,
    /// The number has a fraction or a sign: `"1.5s"`, `"-2s"`.
    NotWhole,
    /// The number has no unit: `"2"`.
    NoUnit,
    /// The unit is unknown: `"2 weeks"`.
    UnknownUnit,
    /// A unit comes twice, or a smaller unit comes before a larger: `"30s 1m"`.
    Order,
    /// The interval does not fit into a `Duration`.
    TooLong,
    /// The text is a cron expression: `"*/5 * * * *"`.
    Cron,
}

impl ParseIntervalError {
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Empty => "the interval is empty: write a number and its unit, such as \"2s\" or \"1m 30s\"",
            Self::NoNumber => "an interval starts with a number: write \"50ms\", \"2s\", \"1m 30s\", \"2h\" or \"1d\"",
            Self::NotWhole => "the numbers of an interval are whole and positive: write \"1s 500ms\", not \"1.5s\"",
            Self::NoUnit => "the number has no unit: write \"2s\", with one of d, h, m, s, ms, us, ns",
            Self::UnknownUnit => "unknown unit: write one of d, h, m, s, ms, us, ns, as in \"1m 30s\"",
            Self::Order => "write the largest unit first, and each unit at most once, as in \"1h 30m\"",
            Self::TooLong => "the interval is too long for a `Duration`",
            Self::Cron => {
                "a cron expression is no interval: write it with `#[cron(\"..\")]` or `Scheduler::cron`, of the \
                 feature `calendar`"
            }
        }
    }
}

impl fmt::Display for ParseIntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for ParseIntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for ParseIntervalError {}

#[derive(Clone, Copy)]
struct Unit {
    /// Grows from the largest unit to the smallest.
    rank: u8,
    seconds: u64,
    nanoseconds: u64,
}

impl Unit {
    const fn of_seconds(rank: u8, seconds: u64) -> Unit {
        Unit {
            rank,
            seconds,
            nanoseconds: 0,
        }
    }

    const fn of_nanoseconds(rank: u8, nanoseconds: u64) -> Unit {
        Unit {
            rank,
            seconds: 0,
            nanoseconds,
        }
    }

    const fn times(self, number: u64) -> Option<Duration> {
        if self.seconds > 0 {
            match number.checked_mul(self.seconds) {
                Some(seconds) => Some(Duration::from_secs(seconds)),
                None => None,
            }
        } else {
            let per_second = 1_000_000_000 / self.nanoseconds;
            let rest = (number % per_second) * self.nanoseconds;
            // `rest` is less than a second, so the cast is lossless.
            Some(Duration::new(number / per_second, rest as u32))
        }
    }
}

const fn unit(text: &[u8], from: usize) -> Result<(Unit, usize), ParseIntervalError> {
    let mut end = from;
    while end < text.len() && !text[end].is_ascii_digit() && !is_space(text[end]) {
        end += 1;
    }
    let (_, tail) = text.split_at(from);
    let (word, _) = tail.split_at(end - from);
    let unit = match word {
        b"d" => Unit::of_seconds(1, 24 * 60 * 60),
        b"h" => Unit::of_seconds(2, 60 * 60),
        b"m" => Unit::of_seconds(3, 60),
        b"s" => Unit::of_seconds(4, 1),
        b"ms" => Unit::of_nanoseconds(5, 1_000_000),
        b"us" => Unit::of_nanoseconds(6, 1_000),
        b"ns" => Unit::of_nanoseconds(7, 1),
        [] => return Err(ParseIntervalError::NoUnit),
        [b'.' | b',', ..] => return Err(ParseIntervalError::NotWhole),
        _ => return Err(ParseIntervalError::UnknownUnit),
    };
    Ok((unit, end))
}

const fn number(text: &[u8], from: usize) -> Result<(u64, usize), ParseIntervalError> {
    let mut number: u64 = 0;
    let mut end = from;
    while end < text.len() && text[end].is_ascii_digit() {
        number = match number.checked_mul(10) {
            Some(tens) => match tens.checked_add((text[end] - b'0') as u64) {
                Some(sum) => sum,
                None => return Err(ParseIntervalError::TooLong),
            },
            None => return Err(ParseIntervalError::TooLong),
        };
        end += 1;
    }
    if end > from {
        return Ok((number, end));
    }
    Err(match text[from] {
        b'.' | b',' | b'-' | b'+' => ParseIntervalError::NotWhole,
        _ => ParseIntervalError::NoNumber,
    })
}

/// Whether a text that is something else by mistake is a cron expression: `@daily`, `*/5 * * * *`. It has five to seven
/// words, and the first consists of numbers and signs.
pub(super) const fn looks_like_cron(text: &[u8]) -> bool {
    let first = skip_spaces(text, 0);
    let mut at = first;
    while at < text.len() && matches!(text[at], b'0'..=b'9' | b'*' | b'/' | b',' | b'-' | b'?') {
        at += 1;
    }
    let is_of_signs = at > first && (at == text.len() || is_space(text[at]));
    let is_name = first < text.len() && text[first] == b'@';
    is_name || (is_of_signs && matches!(count_words(text), 5..=7))
}

const fn count_words(text: &[u8]) -> usize {
    let mut count = 0;
    let mut at = skip_spaces(text, 0);
    while at < text.len() {
        count += 1;
        while at < text.len() && !is_space(text[at]) {
            at += 1;
        }
        at = skip_spaces(text, at);
    }
    count
}

const fn skip_spaces(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && is_space(text[at]) {
        at += 1;
    }
    at
}

const fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::ParseIntervalError::{Cron, Empty, NoNumber, NoUnit, NotWhole, Order, TooLong, UnknownUnit};
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, expected) in [
            ("50ms", Duration::from_millis(50)),
            ("2s", Duration::from_secs(2)),
            ("1m 30s", Duration::from_secs(90)),
            ("1m30s", Duration::from_secs(90)),
            (" 1 m  30 s ", Duration::from_secs(90)),
            ("90s", Duration::from_secs(90)),
            ("2h", Duration::from_secs(7_200)),
            ("1h 30m", Duration::from_secs(5_400)),
            ("1d", Duration::from_secs(86_400)),
            ("1d 2h 3m 4s 5ms 6us 7ns", Duration::new(93_784, 5_006_007)),
            ("1500ms", Duration::from_millis(1_500)),
            ("0s", Duration::ZERO),
            ("18446744073709551615ns", Duration::from_nanos(u64::MAX)),
            ("18446744073709551615ms", Duration::from_millis(u64::MAX)),
            ("18446744073709551615s", Duration::from_secs(u64::MAX)),
        ] {
            assert_eq!(parse_interval(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn says_what_it_cannot_read() {
        for (text, expected) in [
            ("", Empty),
            ("  ", Empty),
            ("s", NoNumber),
            ("soon", NoNumber),
            ("1m and 30s", NoNumber),
            ("1.5s", NotWhole),
            ("-2s", NotWhole),
            ("2", NoUnit),
            ("1m 30", NoUnit),
            ("2 weeks", UnknownUnit),
            ("2S", UnknownUnit),
            ("2µs", UnknownUnit),
            ("30s 1m", Order),
            ("1s 1s", Order),
            ("18446744073709551616s", TooLong),
            ("18446744073709551620s", TooLong),
            ("18446744073709551615m", TooLong),
            ("213503982334601d 7h 60m", TooLong),
            ("*/5 * * * *", Cron),
            ("0 30 2 * * mon-fri", Cron),
            ("0 3 1 1 1", Cron),
            ("@daily", Cron),
            ("1 2 3 4", NoUnit),
        ] {
            assert_eq!(parse_interval(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn reads_at_compile_time() {
        const INTERVAL: Duration = match parse_interval("1m 30s") {
            Ok(interval) => interval,
            Err(_) => Duration::ZERO,
        };
        assert_eq!(INTERVAL, Duration::from_secs(90));
    }

    #[test]
    fn each_error_says_something_of_its_own() {
        let errors = [Empty, NoNumber, NotWhole, NoUnit, UnknownUnit, Order, TooLong, Cron];
        let mut said = errors.map(|error| error.to_string()).to_vec();
        assert!(said.iter().all(|text| text.contains(' ')));
        said.sort();
        said.dedup();
        assert_eq!(said.len(), errors.len());
    }
}
