//! The permits of a group, which limit how many of its runs are in progress at once.

use std::ops::Deref;
use std::sync::Arc;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::unwind::lock;

/// The permits of one group. A run holds one from its offer to its end.
pub(crate) struct Permits {
    /// The number of the group in its scheduler.
    group: usize,
    counts: Mutex<Counts>,
}

struct Counts {
    /// How many jobs are in the group.
    members: usize,
    limit: usize,
    taken: usize,
    /// How many jobs wait for a permit.
    waiting: usize,
}

impl Permits {
    pub(crate) fn new(group: usize, limit: usize) -> Permits {
        let counts = Counts {
            members: 0,
            limit,
            taken: 0,
            waiting: 0,
        };
        Permits {
            group,
            counts: Mutex::new(counts),
        }
    }

    pub(crate) fn group(&self) -> usize {
        self.group
    }

    pub(crate) fn has_members(&self) -> bool {
        lock(&self.counts).members > 0
    }

    pub(crate) fn limit(&self) -> usize {
        lock(&self.counts).limit
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        lock(&self.counts).limit = limit;
    }

    /// Sets how many jobs wait for a permit. While jobs wait, `release` returns `true`.
    pub(crate) fn set_waiting(&self, waiting: usize) {
        lock(&self.counts).waiting = waiting;
    }

    /// Takes a permit, if a permit is free. Returns whether a permit was taken.
    pub(crate) fn try_acquire(&self) -> bool {
        let mut counts = lock(&self.counts);
        let is_free = counts.taken < counts.limit;
        counts.taken += usize::from(is_free);
        is_free
    }

    /// Gives a permit back. Returns whether a job waits for a permit.
    pub(crate) fn release(&self) -> bool {
        let mut counts = lock(&self.counts);
        counts.taken -= 1;
        counts.waiting > 0
    }
}

/// A job's place in a group, from its registration until the job was removed and its last run has ended.
pub(crate) struct Membership {
    permits: Arc<Permits>,
    has_left: AtomicBool,
}

impl Membership {
    pub(crate) fn join(permits: &Arc<Permits>) -> Membership {
        lock(&permits.counts).members += 1;
        Membership {
            permits: Arc::clone(permits),
            has_left: AtomicBool::new(false),
        }
    }

    pub(crate) fn leave(&self) {
        if !self.has_left.swap(true, Ordering::AcqRel) {
            lock(&self.permits.counts).members -= 1;
        }
    }
}

impl Deref for Membership {
    type Target = Permits;

    fn deref(&self) -> &Permits {
        &self.permits
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave();
    }
}
