//! Runs on their way to the executor: handed out in batches, taken up by lanes.

use std::collections::VecDeque;
use std::sync::Arc;

use slab::Slab;

use crate::job::cell::JobInstance;
use crate::job::state::OfferId;
use crate::park::set::Pool;
use crate::park::slot::Parked;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::Time;
use crate::unwind::lock;

/// The most lanes that are free at a time. So many jobs can block their threads before others have to wait, given as many
/// threads.
const LANES: usize = 64;

/// So many lanes are free at a tick, and when one of them is about to take a batch, if there is so much to do: that one, and another for
/// the rest. They become as many as find a thread, since one that has taken a batch isn't free. No more begin with a tick: each costs a
/// spawn, and may wake a thread.
const FREE_LANES: usize = 2;

/// The most jobs in a batch. They share a task until they wait, so one that blocks holds up this many at the most.
const BATCH: usize = 64;

/// The most batches that are kept to be used again: one for each lane there may be, and its next.
const SPARES: usize = 2 * LANES;

/// How many jobs make a batch when `due` jobs are due together: one each, until that would make too many batches.
pub(crate) fn size(due: usize) -> usize {
    (due / LANES).clamp(1, BATCH)
}

/// Under which offer id runs are offered, and when.
pub(crate) type OfferedAt = (OfferId, Time);

/// Jobs that were due at one tick and share a task.
pub(crate) struct Batch {
    number: u64,
    /// In the queue.
    place: usize,
    pub(crate) offer_id: OfferId,
    /// When the runs were offered.
    pub(crate) offered: Time,
    pub(crate) jobs: Vec<JobInstance>,
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
            if parked.is_empty() {
                // Where one has to wait, most of them have.
                parked.reserve(self.jobs.len());
            }
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

    /// All runs that have waited have ended.
    pub(crate) fn forget_parked(&self) {
        let parked = std::mem::take(&mut *lock(&self.parked));
        drop(parked);
    }

    /// Whether a run of it is in progress.
    pub(crate) fn is_running(&self) -> bool {
        self.jobs.iter().any(|job| job.state().is_running_under(self.offer_id))
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

/// The batches that were handed out, and the lanes that take them up.
#[derive(Default)]
pub(crate) struct Queue {
    /// Those that are not over.
    batches: Slab<Arc<Batch>>,
    /// Those of them that wait for a lane. Most don't: they are made up when a lane asks for one.
    ready: VecDeque<Arc<Batch>>,
    /// Batches that are over, to be used again, with their empty lists of jobs.
    spares: Vec<Arc<Batch>>,
    /// Lanes that are about to take a batch. One that is in the midst of a batch doesn't count: it may be stuck there.
    free_lanes: usize,
    /// Free lanes that were lost so far.
    lost: u64,
    handed_out: u64,
    /// Where runs may wait.
    pub(crate) places: Pool,
}

/// What a stop finds in the queue.
pub(crate) struct Closed {
    /// What is not over, in the order in which it was handed out.
    pub(crate) batches: Vec<Arc<Batch>>,
    /// Those of them that no lane has.
    pub(crate) ready: VecDeque<Arc<Batch>>,
}

impl Queue {
    /// Hands out jobs that were offered on this occasion; the batch is over when it is [finished](Queue::finish).
    pub(crate) fn hand_out(&mut self, (offer_id, offered): OfferedAt, jobs: Vec<JobInstance>) -> Arc<Batch> {
        self.handed_out += 1;
        let entry = self.batches.vacant_entry();
        let batch = Batch {
            number: self.handed_out,
            place: entry.key(),
            offer_id,
            offered,
            jobs,
            cancelled: AtomicBool::new(false),
            parked: Mutex::default(),
            abandoned: AtomicBool::new(false),
        };
        let batch = renew(self.spares.pop(), batch);
        entry.insert(Arc::clone(&batch));
        batch
    }

    /// Likewise, for the next free lane.
    pub(crate) fn push(&mut self, offered_at: OfferedAt, jobs: Vec<JobInstance>) {
        let batch = self.hand_out(offered_at, jobs);
        self.ready.push_back(batch);
    }

    /// Keeps a batch that is over, whose list of jobs is empty, to be used again.
    pub(crate) fn keep(&mut self, spare: Arc<Batch>) {
        if self.spares.len() < SPARES {
            self.spares.push(spare);
        }
    }

    /// The empty list of the batch that is used again next.
    pub(crate) fn take_list(&mut self) -> Vec<JobInstance> {
        let spare = self.spares.last_mut().and_then(Arc::get_mut);
        spare.map(|spare| std::mem::take(&mut spare.jobs)).unwrap_or_default()
    }

    /// How many lanes are wanting, so that there is one for each batch that waits, and `more`; the caller starts them.
    pub(crate) fn hire(&mut self, more: usize) -> usize {
        self.hire_up_to(LANES, more)
    }

    /// Likewise, but one more if any batch waits: whoever asks may block its thread, and a lane may be stuck there.
    pub(crate) fn hire_beside(&mut self, more: usize) -> usize {
        let some = self.ready.len() + more > 0;
        self.hire(more + usize::from(some))
    }

    /// How many lanes are wanting for others to follow at need: for a free lane that is about to take a batch, or at a tick.
    pub(crate) fn hire_another(&mut self, more: usize) -> usize {
        self.hire_up_to(FREE_LANES, more)
    }

    fn hire_up_to(&mut self, enough: usize, more: usize) -> usize {
        let wanting = (self.ready.len() + more).min(enough).saturating_sub(self.free_lanes);
        self.free_lanes += wanting;
        wanting
    }

    /// When the first of the batches that wait was offered.
    pub(crate) fn waits_since(&self) -> Option<Time> {
        self.ready.front().map(|batch| batch.offered)
    }

    /// Whether there is a lane for each batch that waits, and for `more`.
    pub(crate) fn has_lanes_for(&self, more: usize) -> bool {
        self.ready.len() + more <= self.free_lanes
    }

    /// A lane that was free is about to begin with a batch, or to leave.
    pub(crate) fn take_free_lane(&mut self) {
        self.free_lanes -= 1;
    }

    /// A lane is free for another batch.
    pub(crate) fn add_free_lane(&mut self) {
        self.free_lanes += 1;
    }

    /// A lane gives back a batch that it has not begun with: it is the next one.
    pub(crate) fn put_back(&mut self, batch: Arc<Batch>) {
        self.ready.push_front(batch);
    }

    /// The next of the batches that wait.
    pub(crate) fn next(&mut self) -> Option<Arc<Batch>> {
        self.ready.pop_front()
    }

    /// A free lane was lost to an executor that refused or dropped it. True if it was the last.
    pub(crate) fn lose(&mut self) -> bool {
        self.lost += 1;
        self.free_lanes = self.free_lanes.saturating_sub(1);
        self.free_lanes == 0
    }

    /// How many free lanes were lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Nothing of the batch is in progress any more.
    pub(crate) fn finish(&mut self, batch: &Batch) {
        if self
            .batches
            .get(batch.place)
            .is_some_and(|there| there.number == batch.number)
        {
            self.batches.remove(batch.place);
        }
    }

    /// No batch waits for a lane any more. Those that did are to be [finished](Queue::finish) once they are taken back.
    pub(crate) fn close(&mut self) -> Closed {
        Closed {
            batches: self.active(),
            ready: std::mem::take(&mut self.ready),
        }
    }

    /// What is not over, in the order in which it was handed out.
    pub(crate) fn active(&mut self) -> Vec<Arc<Batch>> {
        self.batches.retain(|_, batch| !batch.is_over());
        let mut batches: Vec<_> = self.batches.iter().map(|(_, batch)| Arc::clone(batch)).collect();
        batches.sort_unstable_by_key(|batch| batch.number);
        batches
    }
}

/// Puts `batch` in the place of `spare`, if nobody else looks at that.
fn renew(spare: Option<Arc<Batch>>, batch: Batch) -> Arc<Batch> {
    let Some(mut spare) = spare else {
        return Arc::new(batch);
    };
    match Arc::get_mut(&mut spare) {
        Some(place) => {
            *place = batch;
            spare
        }
        None => Arc::new(batch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::cell::tests::job;

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

    const OFFERED_AT: OfferedAt = (OfferId::new(1), Time::ORIGIN);

    #[test]
    fn as_many_lanes_are_hired_as_there_are_batches_and_no_more() {
        let mut queue = Queue::default();
        assert_eq!(queue.hire(0), 0);
        queue.push(OFFERED_AT, Vec::new());
        assert_eq!(queue.hire(1), 2);
        assert_eq!(queue.hire(1), 0);
        queue.take_free_lane();
        assert!(queue.next().is_some() && queue.next().is_none());
        // One that has a batch doesn't count: it may be stuck there.
        assert_eq!(queue.hire(2), 1);
        queue.add_free_lane();
        assert_eq!(queue.hire(3), 0);
        assert_eq!(queue.hire(4), 1);
        assert_eq!(queue.hire(LANES * 2), LANES - 4);
    }

    #[test]
    fn another_lane_is_free_when_one_takes_a_batch() {
        let mut queue = Queue::default();
        assert_eq!(queue.hire(1), 1);
        assert_eq!(queue.hire_another(1), 0);
        assert_eq!(queue.hire_another(2), 1);
        assert_eq!(queue.hire_another(LANES), 0);
        queue.take_free_lane();
        queue.push(OFFERED_AT, Vec::new());
        assert_eq!(queue.hire_another(0), 0);
        assert_eq!(queue.hire_another(1), 1);
    }

    #[test]
    fn there_are_lanes_for_as_many_batches_as_lanes_are_free() {
        let mut queue = Queue::default();
        assert!(queue.has_lanes_for(0) && !queue.has_lanes_for(1));
        queue.push(OFFERED_AT, Vec::new());
        queue.hire(1);
        assert!(queue.has_lanes_for(1) && !queue.has_lanes_for(2));
    }

    #[test]
    fn a_batch_that_its_task_has_left_is_there_until_its_runs_have_ended() {
        let mut queue = Queue::default();
        let job = job();
        let batch = queue.hand_out(OFFERED_AT, vec![JobInstance::own(&job)]);
        job.state.offer(batch.offer_id);
        job.state.begin(batch.offer_id);
        batch.abandon();
        assert_eq!(queue.active().len(), 1);
        job.state.end(None);
        assert_eq!(queue.active().len(), 0);
    }

    #[test]
    fn a_batch_is_there_until_it_is_finished_and_its_place_is_used_again() {
        let mut queue = Queue::default();
        let first = queue.hand_out(OFFERED_AT, Vec::new());
        let second = queue.hand_out(OFFERED_AT, Vec::new());
        queue.finish(&first);
        let third = queue.hand_out(OFFERED_AT, Vec::new());
        queue.finish(&first);
        let active: Vec<_> = queue.active().iter().map(|batch| batch.number).collect();
        assert_eq!(active, [second.number, third.number]);
        assert_eq!(third.place, first.place);
    }

    #[test]
    fn a_batch_that_is_kept_is_used_again_unless_somebody_looks_at_it() {
        let mut queue = Queue::default();
        let mut batch = queue.hand_out(OFFERED_AT, Vec::with_capacity(10));
        let place = Arc::as_ptr(&batch);
        for somebody_looks in [false, true] {
            queue.finish(&batch);
            let look = somebody_looks.then(|| Arc::clone(&batch));
            queue.keep(batch);
            let list = queue.take_list();
            assert_eq!(list.capacity() >= 10, look.is_none());
            batch = queue.hand_out(OFFERED_AT, list);
            assert_eq!(Arc::as_ptr(&batch) == place, look.is_none());
        }
    }

    #[test]
    fn no_more_batches_are_kept_than_lanes_may_use() {
        let mut queue = Queue::default();
        let batches: Vec<_> = (0..=SPARES).map(|_| queue.hand_out(OFFERED_AT, Vec::new())).collect();
        for batch in batches {
            queue.finish(&batch);
            queue.keep(batch);
        }
        assert_eq!(queue.spares.len(), SPARES);
    }

    #[test]
    fn the_last_lane_that_is_lost_says_so() {
        let mut queue = Queue::default();
        assert_eq!(queue.hire(2), 2);
        assert!(!queue.lose());
        assert!(queue.lose());
        assert_eq!(queue.lost(), 2);
        assert_eq!(queue.hire(1), 1);
    }
}
