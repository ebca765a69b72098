//! The queue: a batch that is ready has a lane, or one is about to be hired.

use std::sync::Arc;

use super::{all, both, job, three};
use crate::dispatch::queue::Queue;
use crate::job::cell::JobInstance;
use crate::job::state::OfferId;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::Time;
use crate::unwind::lock;

#[derive(Default)]
struct Small {
    queue: Mutex<Queue>,
    /// Lanes that were hired and have not begun.
    hired: AtomicU64,
    taken: AtomicU64,
}

impl Small {
    fn tick(&self, number: u64) {
        lock(&self.queue).push((OfferId::new(number), Time::ORIGIN), vec![JobInstance::own(&job())]);
        self.hire();
    }

    fn hire(&self) {
        let wanting = lock(&self.queue).hire(0);
        self.hired.fetch_add(wanting as u64, Ordering::AcqRel);
    }

    /// A lane; after `short` batches it stays with the last one, whose runs wait.
    fn lane(&self, short: usize) {
        for nth in 0.. {
            let mut queue = lock(&self.queue);
            queue.take_free_lane();
            let Some(batch) = queue.next() else { return };
            drop(queue);
            self.taken.fetch_add(1, Ordering::AcqRel);
            if nth == short {
                self.hire();
                return;
            }
            let mut queue = lock(&self.queue);
            queue.finish(&batch);
            queue.add_free_lane();
        }
    }

    /// The executor drops a lane that was hired. Returns what was taken back.
    fn lose(&self) -> u64 {
        let mut back = 0;
        if lock(&self.queue).lose() {
            while lock(&self.queue).next().is_some() {
                back += 1;
            }
        }
        back
    }

    /// The executor gets round to the lanes that were hired.
    fn settle(&self) {
        while self.hired.load(Ordering::Acquire) > 0 {
            self.hired.fetch_sub(1, Ordering::AcqRel);
            self.lane(usize::MAX);
        }
    }
}

#[test]
fn a_batch_that_is_ready_has_a_lane() {
    for short in [0, 1] {
        all(move || {
            let small = Arc::new(Small::default());
            small.tick(1);
            small.hired.fetch_sub(1, Ordering::AcqRel);
            let lane = Arc::clone(&small);
            both(move || lane.lane(short), || small.tick(2));
            small.settle();
            assert_eq!(small.taken.load(Ordering::Acquire), 2);
        });
    }
}

#[test]
fn what_a_lost_lane_leaves_is_taken_back_or_run() {
    all(|| {
        let small = Arc::new(Small::default());
        small.tick(1);
        small.tick(2);
        small.hired.fetch_sub(2, Ordering::AcqRel);
        let (lane, lost) = (Arc::clone(&small), Arc::clone(&small));
        let (_, back, _) = three(move || lane.lane(0), move || lost.lose(), || small.tick(3));
        small.settle();
        assert_eq!(back + small.taken.load(Ordering::Acquire), 3);
    });
}
