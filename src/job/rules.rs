//! The options of a job beyond its interval. Most jobs have no such options and no `Rules`.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::job::instance::Instances;
use crate::job::permits::Membership;
use crate::job::slots::Slots;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::time::Jitter;
use crate::time::{Span, Time};
use crate::unwind::{Guarded, lock};

pub(crate) struct Rules {
    /// `None` if the job has an interval.
    pub(crate) slots: Option<Slots>,
    pub(crate) jitter: Option<Jitter>,
    pub(crate) times: Option<Times>,
    /// No run begins whose scheduled time is later.
    pub(crate) until: Time,
    /// Whether the interval counts from the end of a run.
    pub(crate) fixed_delay: bool,
    pub(crate) time_limit: Option<Span>,
    /// The time limit of each attempt.
    pub(crate) attempt_limit: Option<Span>,
    pub(crate) backoffs: Option<Guarded<Backoffs>>,
    pub(crate) group: Option<Membership>,
    pub(crate) overlap: OverlapState,
}

/// The wait before each further attempt of a run.
pub(crate) type Backoff = Box<dyn Iterator<Item = Duration> + Send>;

/// Makes the back-off of each run.
pub(crate) type Backoffs = Box<dyn Fn() -> Backoff + Send + Sync>;

/// A run that waits, and can be cancelled.
pub(crate) trait CancelRun: Send + Sync {
    fn cancel(&self);
}

/// How the runs of a job overlap.
pub(crate) enum OverlapState {
    Wait,
    Skip(Skipped),
    Replace(Replacement),
    Allow(Instances),
}

/// The number of runs that were dropped during runs, and that no run has reported as missed.
#[derive(Default)]
pub(crate) struct Skipped(AtomicU64);

/// The state of a job whose next run replaces the run in progress.
#[derive(Default)]
pub(crate) struct Replacement {
    /// The run in progress, if it waits.
    current: Mutex<Option<Arc<dyn CancelRun>>>,
    /// Whether the run in progress was cancelled for a run that is due. The due run begins at the end of the cancelled
    /// run, before the next tick.
    is_due_at_end: AtomicBool,
}

/// A limit on the number of runs.
pub(crate) struct Times {
    limit: u64,
    /// Number of offered runs, without withdrawn offers.
    offered: AtomicU64,
}

impl Times {
    pub(crate) fn new(limit: u64) -> Times {
        Times {
            limit,
            offered: AtomicU64::new(0),
        }
    }
}

impl Rules {
    /// When a run with this scheduled time is due.
    pub(crate) fn with_jitter(&self, scheduled: Time) -> Time {
        match self.jitter {
            Some(jitter) if scheduled != Time::NEVER => scheduled.after(jitter.of(scheduled)),
            _ => scheduled,
        }
    }

    /// Whether no run may be offered any more. `scheduled` is the scheduled time of the next run.
    pub(crate) fn is_exhausted(&self, scheduled: Time) -> bool {
        let offered_all = self.times.as_ref().is_some_and(|times| times.left() == 0);
        offered_all || self.is_past_end(scheduled)
    }

    /// Whether `runs` include the last run. `scheduled` is the scheduled time of the next run.
    pub(crate) fn are_over(&self, runs: u64, scheduled: Time) -> bool {
        let all_begun = self.times.as_ref().is_some_and(|times| runs >= times.limit);
        all_begun || self.is_past_end(scheduled)
    }

    /// Whether the end of the job comes before this scheduled time.
    pub(crate) fn is_past_end(&self, scheduled: Time) -> bool {
        scheduled > self.until
    }

    /// When a job that is never scheduled is removed: after its end.
    pub(crate) fn removal(&self) -> Time {
        self.until.after(Span::from_nanos(1))
    }

    pub(crate) fn note_offer(&self) {
        if let Some(times) = &self.times {
            times.offered.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn note_withdrawal(&self) {
        if let Some(times) = &self.times {
            times.offered.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Returns the permit of a run, if the job is in a group. True if a job waits for it.
    pub(crate) fn release_permit(&self) -> bool {
        self.group.as_ref().is_some_and(|permits| permits.release())
    }

    /// The instances of a job with several runs at a time.
    pub(crate) fn instances(&self) -> Option<&Instances> {
        match &self.overlap {
            OverlapState::Allow(instances) => Some(instances),
            _ => None,
        }
    }

    /// Whether runs that come due during a run are dropped.
    pub(crate) fn skips(&self) -> bool {
        matches!(self.overlap, OverlapState::Skip(_))
    }

    /// Under `Overlap::Skip`, notes that runs were dropped.
    pub(crate) fn note_skipped(&self, runs: u64) {
        if let OverlapState::Skip(Skipped(skipped)) = &self.overlap {
            skipped.fetch_add(runs, Ordering::Relaxed);
        }
    }

    /// Takes the number of runs that were dropped during runs, for the run that reports them as missed.
    pub(crate) fn take_skipped(&self) -> u64 {
        match &self.overlap {
            OverlapState::Skip(Skipped(skipped)) => skipped.fetch_and(0, Ordering::Relaxed),
            _ => 0,
        }
    }

    /// Under `Overlap::Replace`, keeps a reference to the run that waits, so that the next run can cancel it.
    pub(crate) fn keep_replaceable(&self, run: impl FnOnce() -> Arc<dyn CancelRun>) {
        if let OverlapState::Replace(replacement) = &self.overlap {
            let run = run();
            let old = lock(&replacement.current).replace(run);
            drop(old);
        }
    }

    /// Notes that the next run is due at the end of the run in progress, which the caller cancels. Returns the run in
    /// progress, if it waits.
    pub(crate) fn replace_run(&self) -> Option<Arc<dyn CancelRun>> {
        let OverlapState::Replace(replacement) = &self.overlap else {
            return None;
        };
        replacement.is_due_at_end.store(true, Ordering::Release);
        lock(&replacement.current).clone()
    }

    /// Whether a run was cancelled for the next run, and the next run was not offered since.
    pub(crate) fn is_replacement_due(&self) -> bool {
        match &self.overlap {
            OverlapState::Replace(replacement) => replacement.is_due_at_end.load(Ordering::Acquire),
            _ => false,
        }
    }

    /// Notes that the next run is offered.
    pub(crate) fn note_replacement(&self) {
        if let OverlapState::Replace(replacement) = &self.overlap {
            replacement.is_due_at_end.store(false, Ordering::Release);
        }
    }
}

impl Times {
    /// Number of runs that are left after this number of runs.
    pub(super) fn left_after(&self, runs: u64) -> u64 {
        self.limit.saturating_sub(runs)
    }

    fn left(&self) -> u64 {
        // If two threads withdraw the same offer, both may subtract it for a moment. The counter then wraps below zero
        // until one thread notices and adds its offer back.
        let offered = self.offered.load(Ordering::Relaxed);
        let is_below_none = offered > u64::MAX / 2;
        self.limit.saturating_sub(if is_below_none { 0 } else { offered })
    }
}

/// Checks that the interval is not shorter than a tick.
pub(crate) fn check_interval(interval: Duration, resolution: Duration) -> Result<(), Error> {
    if interval < resolution {
        Err(Error::interval_too_short(interval, resolution))
    } else {
        Ok(())
    }
}

/// Checks that the jitter is shorter than the interval. Otherwise runs could lose their order.
pub(crate) fn check_jitter(max: Duration, interval: Duration) -> Result<(), Error> {
    if max < interval {
        return Ok(());
    }
    Err(Error::invalid_option(format!(
        "a jitter of {max:?} is not shorter than the interval of {interval:?}: take a shorter jitter, or a longer interval"
    )))
}
