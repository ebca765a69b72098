//! Schedules by the wall clock: pure functions from an instant to the next one.
//!
//! A schedule is sets of numbers (`expression`, `times`, `days`). `slots` looks for the next local time that matches,
//! and turns the local time into an instant. Time zones come from above: `slots` asks a trait for them.

mod aligned;
#[cfg_attr(
    not(feature = "calendar"),
    allow(dead_code, reason = "only expressions need all of it")
)]
mod date;
#[cfg(feature = "calendar")]
mod days;
#[cfg(feature = "calendar")]
mod expression;
#[cfg(feature = "calendar")]
mod field;
#[cfg(feature = "calendar")]
mod message;
#[cfg(feature = "calendar")]
mod problem;
#[cfg(feature = "calendar")]
mod slots;
#[cfg(feature = "calendar")]
mod times;
mod utc;

use std::sync::Arc;
use std::time::SystemTime;

pub(crate) use self::aligned::Aligned;
#[cfg(feature = "calendar")]
pub(crate) use self::expression::Expression;
#[cfg(feature = "calendar")]
pub(crate) use self::slots::{Pattern, Period, Zone, next_slot};
#[cfg(feature = "calendar")]
pub(crate) use self::times::{Times, parse_time, parse_weekdays};
pub(crate) use self::utc::utc;

/// A schedule by the wall clock: a function from an instant to the next one.
///
/// With the feature `calendar`, [`Cron`](crate::Cron) and [`Daily`](crate::Daily) are calendars. A program can write
/// its own.
///
/// ```
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
/// use atevery::Calendar;
///
/// /// Each quarter of an hour, except between 22:00 and 06:00 UTC.
/// struct WhileOpen;
///
/// impl Calendar for WhileOpen {
///     fn next(&self, after: SystemTime) -> Option<SystemTime> {
///         let seconds = after.duration_since(UNIX_EPOCH).ok()?.as_secs();
///         let next = (seconds / 900 + 1) * 900;
///         let (day, time) = (next / 86_400, next % 86_400);
///         let next = match time / 3_600 {
///             0..6 => day * 86_400 + 6 * 3_600,
///             6..22 => next,
///             _ => (day + 1) * 86_400 + 6 * 3_600,
///         };
///         Some(UNIX_EPOCH + Duration::from_secs(next))
///     }
///
///     fn describe(&self) -> String {
///         "while open".to_owned()
///     }
/// }
///
/// let midnight = UNIX_EPOCH + Duration::from_secs(20_000 * 86_400);
/// assert_eq!(WhileOpen.next(midnight), Some(midnight + Duration::from_secs(6 * 3_600)));
/// ```
pub trait Calendar: Send + Sync + 'static {
    /// Returns the first slot that is later than `after`, or `None` if no slot follows.
    ///
    /// The function must be pure: the same instant must give the same answer, unless the world changes, such as the
    /// rules of a time zone. The scheduler calls the function without a lock. If the function panics, or returns an
    /// instant that is not later than `after`, the job ends.
    fn next(&self, after: SystemTime) -> Option<SystemTime>;

    /// Returns the schedule in a few words, for the status table: `30 2 * * * Europe/Berlin`.
    fn describe(&self) -> String;

    /// Returns whether the schedule is a rhythm, such as every ten minutes. Otherwise the schedule consists of
    /// appointments, such as each day at three.
    ///
    /// The two differ when the wall clock is set back by less than 3 hours. A rhythm continues from the new time. No
    /// slot of an appointment comes twice.
    fn is_rhythm(&self) -> bool {
        false
    }
}

/// Several jobs can share a schedule.
impl<C: Calendar + ?Sized> Calendar for Arc<C> {
    fn next(&self, after: SystemTime) -> Option<SystemTime> {
        (**self).next(after)
    }

    fn describe(&self) -> String {
        (**self).describe()
    }

    fn is_rhythm(&self) -> bool {
        (**self).is_rhythm()
    }
}
