use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::text::describe;

/// What has happened.
///
/// A run that has [started](EventKind::Started) ends in exactly one way: it is finished, failed, panicked, timed out or
/// cancelled.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EventKind {
    /// A run has begun.
    Started,
    /// A run has ended well.
    Finished,
    /// A run has returned this error.
    Failed(Arc<dyn Error + Send + Sync>),
    /// A run has panicked, and said this.
    Panicked(Arc<str>),
    /// A run has taken longer than the job's [`timeout`](crate::JobBuilder::timeout).
    TimedOut,
    /// A run was cancelled: by a stop, by the run after it, or since the executor dropped it.
    Cancelled,
    /// An attempt has failed or panicked, and said this; the run goes on with another, see
    /// [`retry`](crate::JobBuilder::retry).
    Retried(Arc<str>),
    /// At this run so many intervals were dropped, see [`MissedTicks`](crate::MissedTicks).
    Missed(u64),
    /// A run has begun more than two ticks after it was due; by so much.
    Late(Duration),
    /// The job is off its scheduler: it was removed, or has done the last of its runs.
    Removed,
    /// The executor would not take a run, or dropped it before it had begun. It is tried again at the next tick.
    Refused,
}

impl EventKind {
    /// Whether this is the end of a run.
    pub fn is_end(&self) -> bool {
        match self {
            EventKind::Finished
            | EventKind::Failed(_)
            | EventKind::Panicked(_)
            | EventKind::TimedOut
            | EventKind::Cancelled => true,
            EventKind::Started
            | EventKind::Retried(_)
            | EventKind::Missed(_)
            | EventKind::Late(_)
            | EventKind::Removed
            | EventKind::Refused => false,
        }
    }

    /// What was said of what went wrong.
    pub(crate) fn error_text(&self) -> Option<Box<str>> {
        match self {
            EventKind::Failed(error) => Some(describe(&**error).into()),
            EventKind::Panicked(message) => Some(format!("panicked: {message}").into()),
            EventKind::Retried(message) => Some((**message).into()),
            EventKind::TimedOut => Some("timed out".into()),
            _ => None,
        }
    }

    /// In a word, as a label.
    pub fn as_str(&self) -> &'static str {
        match self {
            EventKind::Started => "started",
            EventKind::Finished => "finished",
            EventKind::Failed(_) => "failed",
            EventKind::Panicked(_) => "panicked",
            EventKind::TimedOut => "timed out",
            EventKind::Cancelled => "cancelled",
            EventKind::Retried(_) => "retried",
            EventKind::Missed(_) => "missed",
            EventKind::Late(_) => "late",
            EventKind::Removed => "removed",
            EventKind::Refused => "refused",
        }
    }
}
