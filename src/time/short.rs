//! Lengths of time as short text, for people.

use std::time::Duration;

/// Whether an instant so far ahead is never reached.
pub(crate) fn is_endless(duration: Duration) -> bool {
    duration >= Duration::from_nanos(i64::MAX.unsigned_abs())
}

/// Formats a duration in its two largest units, `1d 4h` or `1m 30s`. Below a minute: `1.5s` or `20ms`. From 292 years:
/// `never`.
pub(crate) fn short(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    if is_endless(duration) {
        return String::from("never");
    }
    let seconds = duration.as_secs();
    let Some(first) = UNITS.iter().position(|(unit, _)| *unit > 1 && seconds >= *unit) else {
        return below_a_minute(duration);
    };
    let (unit, name) = UNITS[first];
    let (next_unit, next_name) = UNITS[first + 1];
    match seconds % unit / next_unit {
        0 => format!("{}{name}", seconds / unit),
        rest => format!("{}{name} {rest}{next_name}", seconds / unit),
    }
}

fn below_a_minute(duration: Duration) -> String {
    let rounded = format!("{duration:.1?}");
    match rounded.split_once(".0") {
        Some((whole, unit)) => format!("{whole}{unit}"),
        None => rounded,
    }
}
