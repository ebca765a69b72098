//! Wall-clock times as text.

use std::time::{SystemTime, UNIX_EPOCH};

use super::date::Month;

/// The time in UTC: `2026-03-29T01:00:00Z`, with a fraction of the second if there is one.
pub(crate) fn utc(time: SystemTime) -> String {
    let nanos = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(error) => -(error.duration().as_nanos() as i128),
    };
    let seconds = nanos.div_euclid(1_000_000_000) as i64;
    let (Month { year, number }, date) = Month::of(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let mut text = format!("{year:04}-{number:02}-{date:02}T{hour:02}:{minute:02}:{second:02}");
    let fraction = nanos.rem_euclid(1_000_000_000);
    if fraction > 0 {
        text += format!(".{fraction:09}").trim_end_matches('0');
    }
    text + "Z"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_written_as_rfc_3339_says() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_774_746_000_000_000_000, "2026-03-29T01:00:00Z"),
            (1_774_746_000_050_000_000, "2026-03-29T01:00:00.05Z"),
            (951_782_399_000_000_001, "2000-02-28T23:59:59.000000001Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_nanos(nanos)), text);
        }
        assert_eq!(utc(UNIX_EPOCH - Duration::from_millis(1)), "1969-12-31T23:59:59.999Z");
    }
}
