//! How many runs of a group may be in progress at once.

use crate::sync::Mutex;
use crate::unwind::lock;

/// The permits of one group. A run holds one from its offer to its end.
pub(crate) struct Permits {
    /// The group's place among the groups of its scheduler.
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

    /// So many jobs wait from here on. A permit that is returned after this is reported.
    pub(crate) fn set_waiting(&self, waiting: usize) {
        lock(&self.counts).waiting = waiting;
    }

    /// Takes a permit if there is one.
    pub(crate) fn try_acquire(&self) -> bool {
        let mut counts = lock(&self.counts);
        let is_free = counts.taken < counts.limit;
        counts.taken += usize::from(is_free);
        is_free
    }

    /// Returns a permit. True if a job waits for it.
    pub(crate) fn release(&self) -> bool {
        let mut counts = lock(&self.counts);
        counts.taken -= 1;
        counts.waiting > 0
    }
}
