use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::text::describe;

/// What happened.
///
/// A [started](EventKind::Started) run ends in exactly one way: finished, failed, panicked, timed out or cancelled.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EventKind {
    /// A run began.
    Started,
    /// A run ended without an error.
    Finished,
    /// A run returned this error.
    Failed(Arc<dyn Error + Send + Sync>),
    /// A run panicked with this message.
    Panicked(Arc<str>),
    /// A run took longer than the job's [`timeout`](crate::JobBuilder::timeout).
    TimedOut,
    /// A run was cancelled by a stop, by the next run, or because the executor dropped it.
    Cancelled,
    /// An attempt failed or panicked with this message. The run continues with another attempt, see
    /// [`retry`](crate::JobBuilder::retry).
    Retried(Arc<str>),
    /// This number of intervals was dropped before this run, see [`MissedTicks`](crate::MissedTicks) and
    /// [`Overlap::Skip`](crate::Overlap::Skip). For a job by a calendar, this number of slots got no run, up to 10,000;
    /// if all of them were later than [`late_at_most`](crate::JobBuilder::late_at_most), there is no run.
    Missed(u64),
    /// A run began more than two ticks after it was due, by this duration. This event is repeated only if the lateness
    /// has doubled since the last such event, or if a run in between was not late.
    Late(Duration),
    /// A run held its executor's thread for this long at one go, more than 10 ms: in the call of the target with the
    /// first poll of its future, or in a later poll. Other tasks may have waited for the thread. Register such code
    /// with [`run_blocking`](crate::JobBuilder::run_blocking).
    ///
    /// Only [measured](crate::JobStatus) runs are considered, and no blocking runs. The length includes the time in
    /// which the thread itself waited for a processor. This event is emitted at most once a minute for each job.
    /// [`JobStatus::held_thread`](crate::JobStatus::held_thread) counts all such runs.
    HeldThread(Duration),
    /// The job's [calendar](crate::Calendar) panicked, or answered with an instant that is not later, as this message
    /// says. The job ends: [`Removed`](EventKind::Removed) follows, after the run in progress.
    InvalidSchedule(Arc<str>),
    /// The job left its scheduler: a caller removed the job, or the job completed its last run.
    Removed,
    /// The executor refused a run, or dropped the run before it began. The scheduler tries again at the next tick.
    /// Further refusals are only [counted](crate::JobStatus::refused), until a run of the job has begun.
    Refused,
}

impl EventKind {
    /// Returns whether this event ends a run.
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
            | EventKind::HeldThread(_)
            | EventKind::InvalidSchedule(_)
            | EventKind::Removed
            | EventKind::Refused => false,
        }
    }

    /// Whether this event ends a run that has failed.
    pub(crate) fn is_failed_run(&self) -> bool {
        matches!(
            self,
            EventKind::Failed(_) | EventKind::Panicked(_) | EventKind::TimedOut
        )
    }

    /// The text of the failure. `None` if this event is no failure.
    pub(crate) fn error_text(&self) -> Option<Box<str>> {
        match self {
            EventKind::Failed(error) => Some(describe(&**error).into()),
            EventKind::Panicked(message) => Some(format!("panicked: {message}").into()),
            EventKind::Retried(message) | EventKind::InvalidSchedule(message) => Some((**message).into()),
            EventKind::TimedOut => Some("timed out".into()),
            _ => None,
        }
    }

    /// Returns the name of the kind, for use as a label.
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
            EventKind::HeldThread(_) => "held thread",
            EventKind::InvalidSchedule(_) => "invalid schedule",
            EventKind::Removed => "removed",
            EventKind::Refused => "refused",
        }
    }
}
