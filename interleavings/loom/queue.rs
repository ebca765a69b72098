//! The queue: a batch that is ready has a worker, or a worker is about to be spawned.

use std::sync::Arc;

use super::{all, both, job, three};
use crate::dispatch::batch::OfferedAt;
use crate::dispatch::demand::Urgency;
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
    /// Workers that were spawned and have not begun.
    spawned: AtomicU64,
    taken: AtomicU64,
}

impl Small {
    fn tick(&self, number: u64) {
        let offered_at = OfferedAt {
            offer_id: OfferId::new(number),
            now: Time::ORIGIN,
        };
        lock(&self.queue).push(offered_at, vec![JobInstance::own(&job())]);
        self.spawn();
    }

    fn spawn(&self) {
        let wanted = lock(&self.queue).want_workers(0, Urgency::Behind);
        self.spawned.fetch_add(wanted as u64, Ordering::AcqRel);
    }

    /// A worker. After `short` batches, the worker stays with the last batch, whose runs are pending.
    fn work(&self, short: usize) {
        for nth in 0.. {
            let mut queue = lock(&self.queue);
            queue.remove_idle_worker();
            let Some(batch) = queue.next() else { return };
            drop(queue);
            self.taken.fetch_add(1, Ordering::AcqRel);
            if nth == short {
                self.spawn();
                return;
            }
            let mut queue = lock(&self.queue);
            queue.finish(&batch);
            queue.add_idle_worker();
        }
    }

    /// The executor drops a worker that was spawned. Returns the number of withdrawn batches.
    fn drop_worker(&self) -> u64 {
        let mut back = 0;
        if lock(&self.queue).drop_worker() {
            while lock(&self.queue).next().is_some() {
                back += 1;
            }
        }
        back
    }

    /// The executor runs the workers that were spawned.
    fn settle(&self) {
        while self.spawned.load(Ordering::Acquire) > 0 {
            self.spawned.fetch_sub(1, Ordering::AcqRel);
            self.work(usize::MAX);
        }
    }
}

#[test]
fn a_batch_that_is_ready_has_a_worker() {
    for short in [0, 1] {
        all(move || {
            let small = Arc::new(Small::default());
            small.tick(1);
            small.spawned.fetch_sub(1, Ordering::AcqRel);
            let worker = Arc::clone(&small);
            both(move || worker.work(short), || small.tick(2));
            small.settle();
            assert_eq!(small.taken.load(Ordering::Acquire), 2);
        });
    }
}

#[test]
fn what_a_dropped_worker_leaves_is_withdrawn_or_run() {
    all(|| {
        let small = Arc::new(Small::default());
        small.tick(1);
        small.tick(2);
        small.spawned.fetch_sub(2, Ordering::AcqRel);
        let (worker, dropped) = (Arc::clone(&small), Arc::clone(&small));
        let (_, back, _) = three(move || worker.work(0), move || dropped.drop_worker(), || small.tick(3));
        small.settle();
        assert_eq!(back + small.taken.load(Ordering::Acquire), 3);
    });
}
