//! A rhythm of the wall clock without a calendar: multiples of an interval since the Unix epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Calendar;

/// The multiples of an interval since the Unix epoch: every ten minutes at :00, :10, :20 and so on.
#[derive(Debug)]
pub(crate) struct Aligned {
    interval: Duration,
    description: String,
}

impl Aligned {
    pub(crate) fn new(interval: Duration, description: String) -> Aligned {
        Aligned { interval, description }
    }
}

impl Calendar for Aligned {
    /// `None` if the interval is zero, or if the multiple is past the range of `SystemTime`.
    fn next(&self, after: SystemTime) -> Option<SystemTime> {
        match after.duration_since(UNIX_EPOCH) {
            Ok(passed) => {
                let rest = remainder(passed, self.interval)?;
                after.checked_add(self.interval - rest)
            }
            Err(error) => {
                let rest = remainder(error.duration(), self.interval)?;
                after.checked_add(if rest.is_zero() { self.interval } else { rest })
            }
        }
    }

    fn describe(&self) -> String {
        self.description.clone()
    }

    fn is_rhythm(&self) -> bool {
        true
    }
}

fn remainder(passed: Duration, interval: Duration) -> Option<Duration> {
    let nanos = passed.as_nanos().checked_rem(interval.as_nanos())?;
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    // The rest of a second fits.
    Some(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_since_the_epoch() {
        const MS: i64 = 1_000_000;
        // interval, after => next, in nanoseconds from the epoch
        for (interval, after, expected) in [
            (600_000 * MS, 0, 600_000 * MS),
            (600_000 * MS, 599_999 * MS, 600_000 * MS),
            (600_000 * MS, 600_000 * MS, 1_200_000 * MS),
            (600_000 * MS, -1, 0),
            (600_000 * MS, -600_000 * MS, 0),
            (600_000 * MS, -600_001 * MS, -600_000 * MS),
            (7, 13, 14),
            (7, 14, 21),
        ] {
            let aligned = every(Duration::from_nanos(interval as u64));
            let next = aligned.next(at(after));
            assert_eq!(next, Some(at(expected)), "{interval} after {after}");
            assert_eq!(aligned.next(at(expected - 1)), next, "{interval} before {expected}");
        }
    }

    #[test]
    fn what_has_no_next_multiple_has_none() {
        assert_eq!(every(Duration::ZERO).next(UNIX_EPOCH), None);
        assert_eq!(every(Duration::MAX).next(UNIX_EPOCH), None);
    }

    fn every(interval: Duration) -> Aligned {
        Aligned::new(interval, String::new())
    }

    fn at(nanos: i64) -> SystemTime {
        let distance = Duration::from_nanos(nanos.unsigned_abs());
        if nanos < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        }
    }
}
