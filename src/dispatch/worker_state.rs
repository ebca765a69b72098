//! The state of a worker, beside the batch that it runs.

use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::dispatch::queue::Queue;

#[derive(Default)]
pub(crate) struct WorkerState {
    /// Whether the queue counts the worker as idle.
    is_idle: bool,
    /// Whether the executor refused the helper that this worker had asked for.
    pub(crate) helper_refused: bool,
    /// The batch that the worker ran last.
    done: Option<Arc<Batch>>,
    /// A batch that has been cleared, for the queue to use again.
    spare: Option<Arc<Batch>>,
}

impl WorkerState {
    /// The state of a worker that is about to be spawned. The queue counts the worker as idle already.
    pub(crate) fn idle() -> WorkerState {
        WorkerState {
            is_idle: true,
            ..WorkerState::default()
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// Puts away a batch whose runs have all ended.
    pub(crate) fn put_away(&mut self, batch: Arc<Batch>) {
        self.done = Some(batch);
    }

    /// Finishes the batch that was put away, and gives the queue the batch that is cleared.
    pub(crate) fn finish(&mut self, queue: &mut Queue) {
        if let Some(done) = &self.done {
            queue.finish(done);
        }
        if let Some(spare) = self.spare.take() {
            queue.keep_spare(spare);
        }
    }

    /// Called when the worker is about to take another batch.
    pub(crate) fn count_as_idle(&mut self, queue: &mut Queue) {
        if !std::mem::replace(&mut self.is_idle, true) {
            queue.add_idle_worker();
        }
    }

    /// Called when the worker takes a batch, or is done.
    pub(crate) fn count_as_busy(&mut self, queue: &mut Queue) {
        if std::mem::take(&mut self.is_idle) {
            queue.remove_idle_worker();
        }
    }

    /// Clears the batch that was put away and is finished. Call without a lock: the batch may hold the last reference
    /// to a job, and dropping the job drops values of a user.
    pub(crate) fn clear_done(&mut self) {
        let Some(mut done) = self.done.take() else { return };
        if let Some(batch) = Arc::get_mut(&mut done) {
            batch.jobs.clear();
            self.spare = Some(done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::batch::OfferedAt;
    use crate::dispatch::demand::Urgency;
    use crate::job::cell::JobInstance;
    use crate::job::cell::tests::job;
    use crate::job::state::OfferId;
    use crate::time::{Grid, Span, Time};

    #[test]
    fn a_worker_counts_as_idle_once_until_it_is_busy() {
        let mut queue = Queue::default();
        queue.want_workers(1, Urgency::Behind);
        let mut worker = WorkerState::idle();
        let one_is_idle = |queue: &Queue| queue.has_workers_for(1) && !queue.has_workers_for(2);
        for _ in 0..2 {
            worker.count_as_idle(&mut queue);
            assert!(one_is_idle(&queue));
        }
        for _ in 0..2 {
            worker.count_as_busy(&mut queue);
            assert!(!queue.has_workers_for(1));
        }
        worker.count_as_idle(&mut queue);
        assert!(one_is_idle(&queue));
    }

    #[test]
    fn a_batch_that_was_put_away_is_finished_and_used_again() {
        let mut queue = Queue::default();
        let mut worker = WorkerState::default();
        let offered_at = OfferedAt {
            offer_id: OfferId::new(1),
            now: Time::ORIGIN,
            grid: Grid::new(Time::ORIGIN, Span::from_nanos(50)),
        };
        let batch = queue.dispatch(offered_at, vec![JobInstance::own(&job())]);
        worker.put_away(batch);
        worker.finish(&mut queue);
        assert!(queue.active().is_empty());
        assert_eq!(queue.take_list().capacity(), 0);
        worker.clear_done();
        worker.finish(&mut queue);
        let list = queue.take_list();
        assert!(list.is_empty() && list.capacity() > 0);
    }
}
