//! The slots of a pattern in a zone, as system time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::zone::Zone;
use crate::time::{Pattern, next_slot};

/// The first slot later than `after`. `None` if there is none up to the year 9999, or up to the end of the system's
/// clock.
pub(super) fn next(pattern: &impl Pattern, zone: &Zone, after: SystemTime) -> Option<SystemTime> {
    let slot = next_slot(pattern, &zone.rules(), whole_seconds(after))?;
    let distance = Duration::from_secs(slot.unsigned_abs());
    if slot >= 0 {
        UNIX_EPOCH.checked_add(distance)
    } else {
        UNIX_EPOCH.checked_sub(distance)
    }
}

/// The last whole second that is not later, counted from the Unix epoch. What is past the range becomes its end.
fn whole_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(error) => {
            let before = error.duration();
            let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            let begun = i64::from(before.subsec_nanos() > 0);
            seconds.saturating_neg().saturating_sub(begun)
        }
    }
}
