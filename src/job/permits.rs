//! The permits of a group, which limit how many of its runs are in progress at once.

use crate::sync::Mutex;
use crate::unwind::lock;

/// The permits of one group. A run holds one from its offer to its end.
pub(crate) struct Permits {
    /// The number of the group in its scheduler.
    group: usize,
    counts: Mutex<Counts>,
}

struct Counts {
    limit: usize,
    taken: usize,
    /// How many jobs wait for a permit.
    waiting: usize,
}

impl Permits {
    pub(crate) fn new(group: usize, limit: usize) -> Permits {
        let counts = Counts {
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
