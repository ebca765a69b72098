//! How a run ended.

use std::any::Any;
use std::error::Error;
use std::sync::Arc;

use crate::job::event_kind::EventKind;
use crate::job::target::JobResult;
use crate::unwind::discard;

/// How a run ended.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub enum End {
    Finished,
    Failed(Box<dyn Error + Send + Sync>),
    Panicked(Box<dyn Any + Send>),
    TimedOut,
    Cancelled,
}

impl From<JobResult> for End {
    fn from(result: JobResult) -> End {
        result.map_or_else(End::Failed, |()| End::Finished)
    }
}

impl End {
    /// Whether there is something wrong with the job, so that it may be tried again.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, End::Failed(_) | End::Panicked(_))
    }

    /// The end of a run whose future was dropped after this, which may have panicked. What went wrong first is what counts.
    pub(crate) fn after_drop(self, dropped: Result<(), Box<dyn Any + Send>>) -> End {
        match (self, dropped) {
            (End::Finished, Err(payload)) => End::Panicked(payload),
            (end, Err(payload)) => {
                discard(payload);
                end
            }
            (end, Ok(())) => end,
        }
    }

    /// The end as it is told to those who want to know.
    pub(crate) fn into_kind(self) -> EventKind {
        match self {
            End::Finished => EventKind::Finished,
            End::Failed(error) => EventKind::Failed(error.into()),
            End::Panicked(payload) => EventKind::Panicked(message(payload)),
            End::TimedOut => EventKind::TimedOut,
            End::Cancelled => EventKind::Cancelled,
        }
    }
}

/// What a panic said.
fn message(payload: Box<dyn Any + Send>) -> Arc<str> {
    let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => Arc::from(*text),
        (_, Some(text)) => Arc::from(text.as_str()),
        _ => Arc::from("a panic whose payload is no text"),
    };
    discard(payload);
    message
}
