//! What a job may ask for beyond its interval. Most ask for nothing, and have none of this.

use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::group::Group;
use crate::error::Error;
use crate::job::instance::Instances;
use crate::park::slot::Parked;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::Jitter;
use crate::time::{Span, Time};
use crate::unwind::{Guarded, lock};

pub(crate) struct Rules {
    pub(crate) jitter: Option<Jitter>,
    pub(crate) times: Option<Times>,
    /// No run whose scheduled time is later.
    pub(crate) until: Time,
    /// The interval counts from the end of a run.
    pub(crate) fixed_delay: bool,
    pub(crate) time_limit: Option<Span>,
    pub(crate) backoffs: Option<Guarded<Backoffs>>,
    pub(crate) group: Option<Arc<Group>>,
    pub(crate) overlap: OverlapState,
}

/// How long to wait before each further attempt of one run.
pub(crate) type Backoff = Box<dyn Iterator<Item = Duration> + Send>;

/// Makes the back-off of each run.
pub(crate) type Backoffs = Box<dyn Fn() -> Backoff + Send + Sync>;

/// How runs of a job go together.
pub(crate) enum OverlapState {
    Wait,
    /// The run in progress, if it waits.
    Replace(Mutex<Option<Arc<Parked>>>),
    Allow(Instances),
}

/// So many runs, and no more.
pub(crate) struct Times {
    limit: u64,
    /// Runs that were offered and not withdrawn.
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

    /// Whether no run may be offered any more, the next one having this scheduled time.
    pub(crate) fn is_exhausted(&self, scheduled: Time) -> bool {
        let offered_all = self.times.as_ref().is_some_and(|times| times.left() == 0);
        offered_all || self.is_past_end(scheduled)
    }

    /// Whether `runs` were the last ones, the next one having this scheduled time.
    pub(crate) fn are_over(&self, runs: u64, scheduled: Time) -> bool {
        let all_begun = self.times.as_ref().is_some_and(|times| runs >= times.limit);
        all_begun || self.is_past_end(scheduled)
    }

    pub(crate) fn is_past_end(&self, scheduled: Time) -> bool {
        scheduled > self.until
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

    /// The instances of a job that allows several runs at a time.
    pub(crate) fn instances(&self) -> Option<&Instances> {
        match &self.overlap {
            OverlapState::Allow(instances) => Some(instances),
            _ => None,
        }
    }

    /// Keeps the run that is in progress at hand, if it may have to give way.
    pub(crate) fn keep_at_hand(&self, run: &Arc<Parked>) {
        if let OverlapState::Replace(current) = &self.overlap {
            let old = lock(current).replace(Arc::clone(run));
            drop(old);
        }
    }

    /// The run that may have to give way.
    pub(crate) fn at_hand(&self) -> Option<Arc<Parked>> {
        match &self.overlap {
            OverlapState::Replace(current) => lock(current).clone(),
            _ => None,
        }
    }
}

impl Times {
    fn left(&self) -> u64 {
        // Two who withdraw the same offer may both have taken it off, until one of them sees that it was the other.
        let offered = self.offered.load(Ordering::Relaxed);
        let is_below_none = offered > u64::MAX / 2;
        self.limit.saturating_sub(if is_below_none { 0 } else { offered })
    }
}

/// An interval is at least as long as a tick.
pub(crate) fn check_interval(interval: Duration, resolution: Duration) -> Result<(), Error> {
    if interval < resolution {
        Err(Error::interval_too_short(interval, resolution))
    } else {
        Ok(())
    }
}

/// A jitter is shorter than the interval, so that runs keep their order.
pub(crate) fn check_jitter(max: Duration, interval: Duration) -> Result<(), Error> {
    if max < interval {
        return Ok(());
    }
    Err(Error::invalid_option(format!(
        "a jitter of {max:?} is not shorter than the interval of {interval:?}: take a shorter jitter, or a longer interval"
    )))
}
