use std::fmt;
use std::time::Duration;

use futures::task::SpawnError;

/// The error of building a scheduler, starting a scheduler, or registering a job.
///
/// The predicates distinguish the kinds of error. The message states the value seen, the value allowed, and how to
/// correct the call. `Debug` writes the same message, because `fn main() -> Result<(), Error>` prints the `Debug` form.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, testing::VirtualTime};
///
/// let scheduler = Scheduler::new(VirtualTime::new());
/// let error = scheduler.every(Duration::from_millis(5)).run(|| ()).unwrap_err();
/// assert!(error.is_interval_too_short());
/// assert!(error.to_string().contains("5ms"));
/// ```
#[non_exhaustive]
pub struct Error {
    kind: Kind,
}

enum Kind {
    IntervalTooShort {
        interval: Duration,
        resolution: Duration,
    },
    InvalidResolution {
        resolution: Duration,
    },
    AlreadyStarted,
    Stopping,
    Spawn(SpawnError),
    #[cfg_attr(
        not(feature = "tokio"),
        allow(dead_code, reason = "only Tokio's adapter looks for a runtime")
    )]
    NoRuntime,
    InvalidOption(String),
    #[cfg_attr(
        not(feature = "calendar"),
        allow(dead_code, reason = "without the feature there are no schedules in text form")
    )]
    InvalidSchedule(String),
}

impl Error {
    /// Returns whether the interval is shorter than the scheduler's resolution.
    pub fn is_interval_too_short(&self) -> bool {
        matches!(self.kind, Kind::IntervalTooShort { .. })
    }

    /// Returns whether the resolution is shorter than 1 ms.
    pub fn is_invalid_resolution(&self) -> bool {
        matches!(self.kind, Kind::InvalidResolution { .. })
    }

    /// Returns whether the scheduler was already running. In this case nothing has changed.
    pub fn is_already_started(&self) -> bool {
        matches!(self.kind, Kind::AlreadyStarted)
    }

    /// Returns whether a stop was still waiting for runs to end.
    pub fn is_stopping(&self) -> bool {
        matches!(self.kind, Kind::Stopping)
    }

    /// Returns whether the runtime refused to run the scheduler's loop.
    pub fn is_spawn(&self) -> bool {
        matches!(self.kind, Kind::Spawn(_))
    }

    /// Returns whether no runtime was found for the call.
    pub fn is_no_runtime(&self) -> bool {
        matches!(self.kind, Kind::NoRuntime)
    }

    /// Returns whether an option of a job or a group has an invalid value.
    pub fn is_invalid_option(&self) -> bool {
        matches!(self.kind, Kind::InvalidOption(_))
    }

    /// Returns whether a schedule can't be read, has no slot at all, or names an unknown time zone.
    pub fn is_invalid_schedule(&self) -> bool {
        matches!(self.kind, Kind::InvalidSchedule(_))
    }

    /// `message` must state the text, the limit, and how to correct the schedule.
    #[cfg_attr(
        not(feature = "calendar"),
        allow(dead_code, reason = "without the feature there are no schedules in text form")
    )]
    pub(crate) fn invalid_schedule(message: impl Into<String>) -> Error {
        Kind::InvalidSchedule(message.into()).into()
    }

    /// `message` must state the value, the limit, and how to correct the call.
    pub(crate) fn invalid_option(message: impl Into<String>) -> Error {
        Kind::InvalidOption(message.into()).into()
    }

    pub(crate) fn interval_too_short(interval: Duration, resolution: Duration) -> Error {
        Kind::IntervalTooShort { interval, resolution }.into()
    }

    pub(crate) fn invalid_resolution(resolution: Duration) -> Error {
        Kind::InvalidResolution { resolution }.into()
    }

    pub(crate) fn already_started() -> Error {
        Kind::AlreadyStarted.into()
    }

    pub(crate) fn stopping() -> Error {
        Kind::Stopping.into()
    }

    pub(crate) fn spawn(refusal: SpawnError) -> Error {
        Kind::Spawn(refusal).into()
    }

    #[cfg_attr(
        not(feature = "tokio"),
        allow(dead_code, reason = "only Tokio's adapter looks for a runtime")
    )]
    pub(crate) fn no_runtime() -> Error {
        Kind::NoRuntime.into()
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Error {
        Error { kind }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::IntervalTooShort { interval, resolution } => write!(
                f,
                "an interval of {interval:?} is shorter than the scheduler's resolution of {resolution:?}: \
                 take a longer interval, or build the scheduler with a finer `resolution`"
            ),
            Kind::InvalidResolution { resolution } => {
                write!(f, "a resolution of {resolution:?} is too fine: it must be at least 1ms")
            }
            Kind::AlreadyStarted => f.write_str("the scheduler is running already: stop it before it is started again"),
            Kind::Stopping => {
                f.write_str("a stop of the scheduler is still waiting for runs to end: await it, or give it a timeout")
            }
            Kind::Spawn(_) => f.write_str("the runtime refused to run the scheduler's loop: is it shut down?"),
            Kind::InvalidOption(message) | Kind::InvalidSchedule(message) => f.write_str(message),
            Kind::NoRuntime => f.write_str(
                "there is no Tokio runtime here: call this within one, or make the adapter from a \
                 `tokio::runtime::Handle`",
            ),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Spawn(refusal) => Some(refusal),
            _ => None,
        }
    }
}
