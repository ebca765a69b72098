//! Times as numbers that Lua computes exactly.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A hundred years. A lease is at most this long.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// More than thirty million years.
const MOST_SECONDS: u64 = 1_000_000_000_000_000;

/// Seconds since 1970, rounded down, and the nanoseconds from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

impl Slot {
    pub(crate) fn new(time: SystemTime) -> io::Result<Slot> {
        let (distance, is_before) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (after, false),
            Err(before) => (before.duration(), true),
        };
        if distance.as_secs() > MOST_SECONDS {
            let message =
                format!("the slot {time:?} does not fit in a ledger on Redis: it is more than 30 million years away");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let (seconds, nanoseconds) = (distance.as_secs() as i64, distance.subsec_nanos());
        Ok(match (is_before, nanoseconds) {
            (false, _) => Slot { seconds, nanoseconds },
            (true, 0) => Slot {
                seconds: -seconds,
                nanoseconds,
            },
            (true, _) => Slot {
                seconds: -seconds - 1,
                nanoseconds: 1_000_000_000 - nanoseconds,
            },
        })
    }

    pub(crate) fn time(self) -> Option<SystemTime> {
        let seconds = Duration::from_secs(self.seconds.unsigned_abs());
        let whole = if self.seconds < 0 {
            UNIX_EPOCH.checked_sub(seconds)
        } else {
            UNIX_EPOCH.checked_add(seconds)
        };
        whole?.checked_add(Duration::from_nanos(self.nanoseconds.into()))
    }
}

/// The length of a lease in microseconds. What is left of a microsecond counts as a whole one.
pub(crate) fn length(length: Duration) -> u64 {
    let microseconds = length.min(LONGEST).as_nanos().div_ceil(1000);
    u64::try_from(microseconds).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots() {
        let (second, nanosecond) = (Duration::from_secs(1), Duration::from_nanos(1));
        let table = [
            (UNIX_EPOCH, 0, 0),
            (UNIX_EPOCH + nanosecond, 0, 1),
            (UNIX_EPOCH - nanosecond, -1, 999_999_999),
            (UNIX_EPOCH - second, -1, 0),
            (UNIX_EPOCH - second - nanosecond, -2, 999_999_999),
            (UNIX_EPOCH + 1_000_000_000 * second, 1_000_000_000, 0),
        ];
        for (time, seconds, nanoseconds) in table {
            let slot = Slot { seconds, nanoseconds };
            assert_eq!(Slot::new(time).unwrap(), slot);
            assert_eq!(slot.time(), Some(time));
        }
    }

    #[test]
    fn slot_that_is_too_far_away_is_an_error() {
        let error = Slot::new(UNIX_EPOCH + Duration::from_secs(1 << 60)).unwrap_err();
        assert!(error.to_string().contains("30 million years"), "{error}");
    }

    #[test]
    fn lengths() {
        let table = [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_secs(30), 30_000_000),
            (Duration::MAX, 3_153_600_000_000_000),
        ];
        for (duration, microseconds) in table {
            assert_eq!(length(duration), microseconds, "{duration:?}");
        }
    }
}
