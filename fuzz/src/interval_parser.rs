//! Compares the parser of intervals with a second parser, which is written for clarity. The second parser cannot
//! overflow, because it computes in 128 bits. It has no positions, because it works on tokens.

use std::time::Duration;

use atevery::parse_interval;

/// Both parsers accept `text` or both refuse it, and read the same duration. An accepted duration can be written as
/// text again, and that text has the same duration.
pub fn check(text: &str) {
    match parse_interval(text) {
        Ok(interval) => {
            assert_eq!(oracle(text), Some(interval), "{text:?}");
            assert_eq!(parse_interval(&in_two_units(interval)), Ok(interval), "{text:?}");
            assert_eq!(parse_interval(&in_all_units(interval)), Ok(interval), "{text:?}");
        }
        Err(error) => {
            assert_eq!(oracle(text), None, "{text:?} was refused: {error}");
            assert!(!error.to_string().is_empty());
        }
    }
}

/// The units from the largest to the smallest, in nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("d", 24 * 60 * 60 * SECOND),
    ("h", 60 * 60 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];
const SECOND: u128 = 1_000_000_000;

fn oracle(text: &str) -> Option<Duration> {
    let tokens = tokens(text);
    let mut units = UNITS.iter();
    let mut nanos = 0;
    for pair in tokens.chunks(2) {
        let [number, word] = pair else { return None };
        let number: u64 = number.parse().ok()?;
        // Continues after the last unit, so that no unit comes twice or in the wrong order.
        let (_, unit) = units.find(|(name, _)| name == word)?;
        nanos += u128::from(number) * unit;
    }
    let seconds = u64::try_from(nanos / SECOND).ok()?;
    let rest = u32::try_from(nanos % SECOND).ok()?;
    (!tokens.is_empty()).then(|| Duration::new(seconds, rest))
}

/// Splits the text into sequences of digits and sequences of other characters, without spaces.
fn tokens(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_ascii_whitespace())
        .flat_map(|word| {
            word.as_bytes()
                .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        })
        .map(|token| std::str::from_utf8(token).expect("digits are characters of their own"))
        .collect()
}

fn in_two_units(interval: Duration) -> String {
    format!("{}s{}ns", interval.as_secs(), interval.subsec_nanos())
}

fn in_all_units(interval: Duration) -> String {
    let mut rest = interval.as_nanos();
    UNITS
        .map(|(name, unit)| {
            let number = rest / unit;
            rest %= unit;
            format!(" {number} {name}")
        })
        .concat()
}
