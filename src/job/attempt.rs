//! The time limit of one attempt of a run.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::job::run_end::RunEnd;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::{Span, Time};
use crate::unwind::quietly;

pub(crate) struct AttemptLimit {
    length: Span,
    /// When the attempt exceeds its limit.
    pub(crate) until: Time,
    /// Whether the attempt was told that its time is up.
    is_told: AtomicBool,
}

impl AttemptLimit {
    /// For an attempt that begins at `started`.
    pub(crate) fn new(length: Span, started: Time) -> AttemptLimit {
        AttemptLimit {
            length,
            until: started.after(length),
            is_told: AtomicBool::new(false),
        }
    }

    /// Notes that the attempt is told that its time is up. The attempt then fails, even if it obeys at once.
    pub(crate) fn tell_time_is_up(&self) {
        self.is_told.store(true, Ordering::Relaxed);
    }

    /// How the attempt ends that has come to `end` at `ended`. An attempt that was told of its limit, or has taken
    /// longer, failed.
    pub(crate) fn judge(&self, end: RunEnd, ended: Time) -> RunEnd {
        let is_late = self.is_told.load(Ordering::Relaxed) || ended > self.until;
        if !is_late || !matches!(end, RunEnd::Finished | RunEnd::Failed(_)) {
            return end;
        }
        quietly(|| drop(end));
        self.failure()
    }

    /// The end of an attempt that has exceeded its limit.
    pub(crate) fn failure(&self) -> RunEnd {
        RunEnd::Failed(Box::new(AttemptTimedOut(self.length.into())))
    }
}

/// The error of an attempt that has exceeded its limit.
#[derive(Debug)]
struct AttemptTimedOut(Duration);

impl fmt::Display for AttemptTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the attempt exceeded its limit of {:?}", self.0)
    }
}

impl Error for AttemptTimedOut {}
