//! Runs on their way to the executor: handed out in batches, taken up by lanes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::cell::JobCell;
use crate::claim::Ticket;
use crate::panics::lock;
use crate::parked::Parked;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::Time;

/// The most lanes that take up batches at a time. So many jobs can block their threads before others have to wait,
/// given as many threads.
const LANES: usize = 64;

/// The most jobs in a batch. They share a task until they wait, so one that blocks holds up this many at the most.
const BATCH: usize = 64;

/// How many jobs make a batch when `due` jobs are due together: one each, until that would make too many batches.
pub(crate) fn size(due: usize) -> usize {
    (due / LANES).clamp(1, BATCH)
}

/// Under which ticket runs are offered, and when.
pub(crate) type Occasion = (Ticket, Time);

/// Jobs that were due at one tick and share a task.
pub(crate) struct Batch {
    number: u64,
    pub(crate) ticket: Ticket,
    /// When the runs were offered.
    pub(crate) offered: Time,
    pub(crate) jobs: Vec<Arc<JobCell>>,
    cancelled: AtomicBool,
    parked: Mutex<Vec<Arc<Parked>>>,
    /// Its task is gone, while a run of it was being cancelled from outside.
    abandoned: AtomicBool,
}

impl Batch {
    /// Keeps a run that waits, unless the batch has been cancelled.
    pub(crate) fn park(&self, run: &Arc<Parked>) -> bool {
        let mut parked = lock(&self.parked);
        let stays = !self.is_cancelled();
        if stays {
            parked.push(Arc::clone(run));
        }
        stays
    }

    /// From here on no run of the batch may wait.
    pub(crate) fn cancel(&self) {
        let _parked = lock(&self.parked);
        self.cancelled.store(true, Ordering::SeqCst);
    }

    /// One of the runs that wait, for whoever cancels the batch. They are taken one by one: what is cancelled may call a
    /// hook that cancels the others.
    pub(crate) fn take_parked(&self) -> Option<Arc<Parked>> {
        let mut parked = lock(&self.parked);
        (!parked.is_empty()).then(|| parked.remove(0))
    }

    /// Whether a run of it is in progress.
    pub(crate) fn is_running(&self) -> bool {
        self.jobs.iter().any(|job| job.claim.is_running_under(self.ticket))
    }

    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
    }

    fn is_over(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst) && !self.is_running()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

/// The batches that wait for a lane, and those that have one.
#[derive(Default)]
pub(crate) struct Queue {
    ready: VecDeque<Arc<Batch>>,
    active: BTreeMap<u64, Arc<Batch>>,
    /// Lanes that are about to take a batch. One that is in the midst of a batch doesn't count: it may be stuck there.
    free_lanes: usize,
    batches: u64,
}

impl Queue {
    fn batch(&mut self, (ticket, offered): Occasion, jobs: Vec<Arc<JobCell>>) -> Arc<Batch> {
        self.batches += 1;
        Arc::new(Batch {
            number: self.batches,
            ticket,
            offered,
            jobs,
            cancelled: AtomicBool::new(false),
            parked: Mutex::default(),
            abandoned: AtomicBool::new(false),
        })
    }

    /// Queues jobs that were offered on this occasion, in order.
    pub(crate) fn push(&mut self, occasion: Occasion, jobs: Vec<Arc<JobCell>>) {
        let batch = self.batch(occasion, jobs);
        self.ready.push_back(batch);
    }

    /// A batch that needs no lane.
    pub(crate) fn push_active(&mut self, occasion: Occasion, job: Arc<JobCell>) -> Arc<Batch> {
        let batch = self.batch(occasion, vec![job]);
        self.active.insert(batch.number, Arc::clone(&batch));
        batch
    }

    /// How many lanes are wanting; the caller starts them.
    pub(crate) fn hire(&mut self) -> usize {
        let wanting = self.ready.len().min(LANES).saturating_sub(self.free_lanes);
        self.free_lanes += wanting;
        wanting
    }

    /// The next batch for a free lane; without one, the lane has left.
    pub(crate) fn next(&mut self) -> Option<Arc<Batch>> {
        self.free_lanes -= 1;
        let batch = self.ready.pop_front()?;
        self.active.insert(batch.number, Arc::clone(&batch));
        Some(batch)
    }

    /// A lane is done with its batch, and free for another.
    pub(crate) fn free(&mut self, batch: &Batch) {
        self.free_lanes += 1;
        self.finish(batch);
    }

    /// A free lane was lost to an executor that refused or dropped it. Returns the batches that no lane is left for.
    pub(crate) fn lose(&mut self) -> Vec<Arc<Batch>> {
        self.free_lanes = self.free_lanes.saturating_sub(1);
        if self.free_lanes == 0 {
            self.take_ready()
        } else {
            Vec::new()
        }
    }

    /// Nothing of the batch is in progress any more.
    pub(crate) fn finish(&mut self, batch: &Batch) {
        self.active.remove(&batch.number);
    }

    pub(crate) fn take_ready(&mut self) -> Vec<Arc<Batch>> {
        self.ready.drain(..).collect()
    }

    pub(crate) fn active(&mut self) -> Vec<Arc<Batch>> {
        self.active.retain(|_, batch| !batch.is_over());
        self.active.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_jobs_have_a_batch_each_and_no_batch_is_large() {
        let table = [
            (1, 1),
            (64, 1),
            (127, 1),
            (128, 2),
            (640, 10),
            (4_096, 64),
            (1_000_000, 64),
        ];
        for (due, expected) in table {
            assert_eq!(size(due), expected, "{due} due");
        }
    }

    #[test]
    fn as_many_lanes_are_hired_as_there_are_batches_and_no_more() {
        let mut queue = Queue::default();
        let push = |queue: &mut Queue| queue.push((Ticket::new(1), Time::ORIGIN), Vec::new());
        assert_eq!(queue.hire(), 0);
        push(&mut queue);
        push(&mut queue);
        assert_eq!(queue.hire(), 2);
        assert_eq!(queue.hire(), 0);
        let first = queue.next().unwrap();
        let second = queue.next().unwrap();
        assert_ne!(first.number, second.number);
        assert_eq!(queue.active().len(), 2);
        push(&mut queue);
        // Those that have a batch don't count: they may be stuck there.
        assert_eq!(queue.hire(), 1);
        queue.free(&first);
        assert_eq!(queue.active().len(), 1);
        push(&mut queue);
        assert_eq!(queue.hire(), 0);
        for _ in 0..LANES * 2 {
            push(&mut queue);
        }
        assert_eq!(queue.hire(), LANES - 2);
    }

    #[test]
    fn the_last_lane_that_is_lost_gives_the_batches_back() {
        let mut queue = Queue::default();
        for _ in 0..2 {
            queue.push((Ticket::new(1), Time::ORIGIN), Vec::new());
        }
        queue.hire();
        assert_eq!(queue.lose().len(), 0);
        assert_eq!(queue.lose().len(), 2);
        assert_eq!(queue.hire(), 0);
    }
}
