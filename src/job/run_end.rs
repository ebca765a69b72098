//! How a run ended.

use std::any::Any;
use std::error::Error;

use crate::job::event_kind::EventKind;
use crate::text::payload_text;
use crate::unwind::discard;

/// The result of a run that ended by itself.
pub(crate) type JobResult = Result<(), Box<dyn Error + Send + Sync>>;

/// How a run ended.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub enum RunEnd {
    Finished,
    Failed(Box<dyn Error + Send + Sync>),
    Panicked(Box<dyn Any + Send>),
    TimedOut,
    Cancelled,
}

impl From<JobResult> for RunEnd {
    fn from(result: JobResult) -> RunEnd {
        result.map_or_else(RunEnd::Failed, |()| RunEnd::Finished)
    }
}

impl RunEnd {
    /// Whether the run failed or panicked, and may be retried.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, RunEnd::Failed(_) | RunEnd::Panicked(_))
    }

    /// The end of a run after its future was dropped. The drop may have panicked. The first failure counts.
    pub(crate) fn after_drop(self, dropped: Result<(), Box<dyn Any + Send>>) -> RunEnd {
        match (self, dropped) {
            (RunEnd::Finished, Err(payload)) => RunEnd::Panicked(payload),
            (end, Err(payload)) => {
                discard(payload);
                end
            }
            (end, Ok(())) => end,
        }
    }

    /// Converts the end into the kind of its event.
    pub(crate) fn into_kind(self) -> EventKind {
        match self {
            RunEnd::Finished => EventKind::Finished,
            RunEnd::Failed(error) => EventKind::Failed(error.into()),
            RunEnd::Panicked(payload) => EventKind::Panicked(payload_text(payload).into()),
            RunEnd::TimedOut => EventKind::TimedOut,
            RunEnd::Cancelled => EventKind::Cancelled,
        }
    }
}
