//! Batches on their way to the workers.

use std::collections::VecDeque;
use std::sync::Arc;

use slab::Slab;

use crate::dispatch::batch::{Batch, OfferedAt};
use crate::dispatch::demand::{Demand, MOST_WORKERS, Urgency, workers_wanted};
use crate::job::cell::{JobCell, JobInstance};
use crate::time::Time;

/// The most spare batches: two for each worker, its batch and its next.
const MOST_SPARES: usize = 2 * MOST_WORKERS;

/// The most spare batches of one job: the runs of so many holders of `Ticks` at a tick allocate nothing.
const MOST_SMALL_SPARES: usize = 2_048;

/// The dispatched batches, and the number of workers that can take them.
#[derive(Default)]
pub(crate) struct Queue {
    /// The batches that are not over.
    batches: Slab<Arc<Batch>>,
    /// The batches that wait for a worker. Most batches do not wait, because they are made when a worker asks for a
    /// batch.
    ready: VecDeque<Arc<Batch>>,
    /// Batches that are over, with their empty lists of jobs, to be used again.
    spares: Vec<Arc<Batch>>,
    /// Like `spares`, with room for one job.
    small_spares: Vec<Arc<Batch>>,
    /// Number of workers that are about to take a batch. A worker that has a batch does not count, because it may be
    /// stuck.
    idle_workers: usize,
    /// How many idle workers the executor has refused or dropped so far.
    dropped_workers: u64,
    dispatched: u64,
}

/// The batches that a stop finds.
pub(crate) struct Closed {
    /// The batches that are not over, in the order in which they were dispatched.
    pub(crate) batches: Vec<Arc<Batch>>,
    /// The batches among them that wait for a worker.
    pub(crate) ready: VecDeque<Arc<Batch>>,
}

impl Queue {
    /// Makes a batch of jobs that were offered. The batch is over when it is [finished](Queue::finish).
    pub(crate) fn dispatch(&mut self, offered_at: OfferedAt, jobs: Vec<JobInstance>) -> Arc<Batch> {
        let spare = self.spares.pop();
        self.dispatch_in(spare, offered_at, jobs)
    }

    /// Makes a batch of one job, which no worker runs.
    pub(crate) fn dispatch_alone(&mut self, offered_at: OfferedAt, run: JobInstance) -> Arc<Batch> {
        let mut spare = self.small_spares.pop();
        let mut jobs = take_list_of(spare.as_mut());
        jobs.push(run);
        self.dispatch_in(spare, offered_at, jobs)
    }

    fn dispatch_in(&mut self, spare: Option<Arc<Batch>>, offered_at: OfferedAt, jobs: Vec<JobInstance>) -> Arc<Batch> {
        self.dispatched += 1;
        let entry = self.batches.vacant_entry();
        let batch = Batch::new(self.dispatched, entry.key(), offered_at, jobs);
        let batch = reuse(spare, batch);
        entry.insert(Arc::clone(&batch));
        batch
    }

    /// Makes a batch for the next idle worker.
    pub(crate) fn push(&mut self, offered_at: OfferedAt, jobs: Vec<JobInstance>) {
        let batch = self.dispatch(offered_at, jobs);
        self.ready.push_back(batch);
    }

    /// Keeps a batch that is over, whose list of jobs is empty, to be used again.
    pub(crate) fn keep_spare(&mut self, spare: Arc<Batch>) {
        if self.spares.len() < MOST_SPARES {
            self.spares.push(spare);
        }
    }

    /// Takes the empty list of jobs of the batch that is used again next.
    pub(crate) fn take_list(&mut self) -> Vec<JobInstance> {
        take_list_of(self.spares.last_mut())
    }

    /// Returns how many workers the caller has to spawn. These workers count as idle from here on.
    pub(crate) fn want_workers(&mut self, undispatched: usize, urgency: Urgency) -> usize {
        let wanted = workers_wanted(Demand {
            queued: self.ready.len(),
            undispatched,
            idle: self.idle_workers,
            urgency,
            holds_thread: self.ready.front().is_some_and(|batch| batch.holds_thread()),
        });
        self.idle_workers += wanted;
        wanted
    }

    /// When the first of the batches that wait was offered.
    pub(crate) fn waits_since(&self) -> Option<Time> {
        self.ready.front().map(|batch| batch.offered)
    }

    /// Whether there is an idle worker for each waiting batch, and for `more` further batches.
    pub(crate) fn has_workers_for(&self, more: usize) -> bool {
        self.ready.len() + more <= self.idle_workers
    }

    /// Called when an idle worker takes a batch, or is done.
    pub(crate) fn remove_idle_worker(&mut self) {
        self.idle_workers -= 1;
    }

    /// Called when a worker is about to take another batch.
    pub(crate) fn add_idle_worker(&mut self) {
        self.idle_workers += 1;
    }

    /// Called when the executor has refused or dropped an idle worker. Returns whether no idle worker is left.
    pub(crate) fn drop_worker(&mut self) -> bool {
        self.dropped_workers += 1;
        self.idle_workers = self.idle_workers.saturating_sub(1);
        self.idle_workers == 0
    }

    pub(crate) fn dropped_workers(&self) -> u64 {
        self.dropped_workers
    }

    /// Puts a batch that was not begun back to the front of the queue.
    pub(crate) fn put_back(&mut self, batch: Arc<Batch>) {
        self.ready.push_front(batch);
    }

    /// Takes the next waiting batch.
    pub(crate) fn next(&mut self) -> Option<Arc<Batch>> {
        self.ready.pop_front()
    }

    /// Removes a batch of which no run is in progress any more.
    pub(crate) fn finish(&mut self, batch: &Batch) {
        if self
            .batches
            .get(batch.key)
            .is_some_and(|there| there.number == batch.number)
        {
            self.batches.remove(batch.key);
        }
    }

    /// Finishes a batch of one job, which is used again. The caller has another reference to the job, so that the job
    /// is not dropped here.
    pub(crate) fn finish_alone(&mut self, mut batch: Arc<Batch>) {
        self.finish(&batch);
        if let Some(memory) = Arc::get_mut(&mut batch).filter(|_| self.small_spares.len() < MOST_SMALL_SPARES) {
            memory.jobs.clear();
            self.small_spares.push(batch);
        }
    }

    /// Forgets the small spares, because no run is due soon.
    pub(crate) fn forget_small_spares(&mut self) {
        self.small_spares = Vec::new();
    }

    /// Takes all waiting batches. The caller withdraws these batches, and then [finishes](Queue::finish) them.
    pub(crate) fn close(&mut self) -> Closed {
        Closed {
            batches: self.active(),
            ready: std::mem::take(&mut self.ready),
        }
    }

    /// The batches that are not over, in the order in which they were dispatched.
    ///
    /// If an abandoned batch is over, this call is the last that returns it. The caller then drops the batch without a
    /// lock, because the batch may hold the last reference to a job.
    pub(crate) fn active(&mut self) -> Vec<Arc<Batch>> {
        let mut batches: Vec<_> = self.batches.iter().map(|(_, batch)| Arc::clone(batch)).collect();
        self.batches.retain(|_, batch| !batch.is_over());
        batches.sort_unstable_by_key(|batch| batch.number);
        batches
    }

    /// The batches with the runs of this job that are in progress.
    pub(crate) fn batches_of(&self, job: &JobCell) -> Vec<Arc<Batch>> {
        let offer_ids = job.running_under();
        let has_run =
            |batch: &Batch| offer_ids.contains(&batch.offer_id) && batch.jobs.iter().any(|run| run.job.id == job.id);
        let batches = self.batches.iter().map(|(_, batch)| batch);
        batches.filter(|batch| has_run(batch)).cloned().collect()
    }
}

/// Takes the empty list of jobs of a spare batch.
fn take_list_of(spare: Option<&mut Arc<Batch>>) -> Vec<JobInstance> {
    let spare = spare.and_then(Arc::get_mut);
    spare.map(|spare| std::mem::take(&mut spare.jobs)).unwrap_or_default()
}

/// Puts `batch` into the memory of `spare`, if there is no other reference to the spare.
fn reuse(spare: Option<Arc<Batch>>, batch: Batch) -> Arc<Batch> {
    let Some(mut spare) = spare else {
        return Arc::new(batch);
    };
    match Arc::get_mut(&mut spare) {
        Some(memory) => {
            *memory = batch;
            spare
        }
        None => Arc::new(batch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::cell::tests::job;
    use crate::job::state::OfferId;
    use crate::time::{Grid, Span};

    const OFFERED_AT: OfferedAt = OfferedAt {
        offer_id: OfferId::new(1),
        now: Time::ORIGIN,
        grid: Grid::new(Time::ORIGIN, Span::from_nanos(50)),
    };

    #[test]
    fn workers_that_are_wanted_count_as_idle_until_they_take_a_batch() {
        let mut queue = Queue::default();
        assert_eq!(queue.want_workers(0, Urgency::Behind), 0);
        queue.push(OFFERED_AT, Vec::new());
        assert_eq!(queue.want_workers(1, Urgency::Behind), 2);
        assert_eq!(queue.want_workers(1, Urgency::Behind), 0);
        queue.remove_idle_worker();
        assert!(queue.next().is_some() && queue.next().is_none());
        // A worker that has a batch does not count, because it may be stuck.
        assert_eq!(queue.want_workers(2, Urgency::Behind), 1);
        queue.add_idle_worker();
        assert_eq!(queue.want_workers(3, Urgency::Behind), 0);
        assert_eq!(queue.want_workers(4, Urgency::Behind), 1);
    }

    #[test]
    fn there_are_workers_for_as_many_batches_as_workers_are_idle() {
        let mut queue = Queue::default();
        assert!(queue.has_workers_for(0) && !queue.has_workers_for(1));
        queue.push(OFFERED_AT, Vec::new());
        queue.want_workers(1, Urgency::Behind);
        assert!(queue.has_workers_for(1) && !queue.has_workers_for(2));
    }

    #[test]
    fn a_batch_whose_task_is_gone_is_there_until_its_runs_have_ended() {
        let mut queue = Queue::default();
        let job = job();
        let batch = queue.dispatch(OFFERED_AT, vec![JobInstance::own(&job)]);
        job.state.offer(batch.offer_id);
        job.state.begin(batch.offer_id);
        batch.abandon();
        assert_eq!(queue.active().len(), 1);
        job.state.end(None);
        // Returned once more, so that the caller drops the batch without a lock.
        assert_eq!(queue.active().len(), 1);
        assert_eq!(queue.active().len(), 0);
    }

    #[test]
    fn a_batch_is_there_until_it_is_finished_and_its_key_is_used_again() {
        let mut queue = Queue::default();
        let first = queue.dispatch(OFFERED_AT, Vec::new());
        let second = queue.dispatch(OFFERED_AT, Vec::new());
        queue.finish(&first);
        let third = queue.dispatch(OFFERED_AT, Vec::new());
        queue.finish(&first);
        let active: Vec<_> = queue.active().iter().map(|batch| batch.number).collect();
        assert_eq!(active, [second.number, third.number]);
        assert_eq!(third.key, first.key);
    }

    #[test]
    fn a_spare_batch_is_used_again_unless_somebody_refers_to_it() {
        let mut queue = Queue::default();
        let mut batch = queue.dispatch(OFFERED_AT, Vec::with_capacity(10));
        let address = Arc::as_ptr(&batch);
        for is_referenced in [false, true] {
            queue.finish(&batch);
            let reference = is_referenced.then(|| Arc::clone(&batch));
            queue.keep_spare(batch);
            let list = queue.take_list();
            assert_eq!(list.capacity() >= 10, reference.is_none());
            batch = queue.dispatch(OFFERED_AT, list);
            assert_eq!(Arc::as_ptr(&batch) == address, reference.is_none());
        }
    }

    #[test]
    fn no_more_batches_are_kept_than_workers_may_use() {
        let mut queue = Queue::default();
        let batches: Vec<_> = (0..=MOST_SPARES)
            .map(|_| queue.dispatch(OFFERED_AT, Vec::new()))
            .collect();
        for batch in batches {
            queue.finish(&batch);
            queue.keep_spare(batch);
        }
        assert_eq!(queue.spares.len(), MOST_SPARES);
    }

    #[test]
    fn a_batch_of_one_job_is_used_again_until_it_is_forgotten() {
        let mut queue = Queue::default();
        let job = job();
        let batch = queue.dispatch_alone(OFFERED_AT, JobInstance::own(&job));
        let place = Arc::as_ptr(&batch);
        queue.finish_alone(batch);
        assert!(queue.active().is_empty());
        assert_eq!(Arc::strong_count(&job), 1);
        let again = queue.dispatch_alone(OFFERED_AT, JobInstance::own(&job));
        assert_eq!((Arc::as_ptr(&again), again.jobs.len()), (place, 1));
        queue.finish_alone(again);
        queue.forget_small_spares();
        assert!(queue.small_spares.is_empty());
    }

    #[test]
    fn the_queue_knows_when_the_last_idle_worker_was_dropped() {
        let mut queue = Queue::default();
        assert_eq!(queue.want_workers(2, Urgency::Behind), 2);
        assert!(!queue.drop_worker());
        assert!(queue.drop_worker());
        assert_eq!(queue.dropped_workers(), 2);
        assert_eq!(queue.want_workers(1, Urgency::Behind), 1);
    }
}
