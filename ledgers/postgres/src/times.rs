//! Times as numbers of PostgreSQL.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A hundred years. A lease is at most this long.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Nanoseconds since 1970.
pub(crate) fn nanoseconds(time: SystemTime) -> io::Result<i64> {
    let since = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok(),
        Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|before| -before),
    };
    since.ok_or_else(|| {
        let message = format!("the slot {time:?} does not fit in a ledger on PostgreSQL: slots are from 1677 to 2262");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}

pub(crate) fn time(nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    if nanoseconds < 0 {
        UNIX_EPOCH - distance
    } else {
        UNIX_EPOCH + distance
    }
}

/// The length of a lease in microseconds. What is left of a microsecond counts as a whole one.
pub(crate) fn length(length: Duration) -> i64 {
    let microseconds = length.min(LONGEST).as_nanos().div_ceil(1000);
    i64::try_from(microseconds).unwrap_or(i64::MAX)
}

pub(crate) fn wait(nanoseconds: i64) -> Duration {
    Duration::from_nanos(nanoseconds.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_can_be_read_back() {
        for nanoseconds in [0, 1, -1, i64::MAX, -i64::MAX] {
            assert_eq!(super::nanoseconds(time(nanoseconds)).unwrap(), nanoseconds);
        }
    }

    #[test]
    fn other_times_are_errors() {
        let error = nanoseconds(UNIX_EPOCH + Duration::from_secs(1 << 40)).unwrap_err();
        assert!(error.to_string().contains("1677 to 2262"), "{error}");
    }

    #[test]
    fn lengths() {
        let table = [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_nanos(1001), 2),
            (Duration::from_secs(30), 30_000_000),
            (Duration::MAX, 3_153_600_000_000_000),
        ];
        for (duration, microseconds) in table {
            assert_eq!(length(duration), microseconds, "{duration:?}");
        }
    }
}
