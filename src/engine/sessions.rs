//! Begins and ends sessions and stops.

use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::dispatch::core::StartRefused;
use crate::dispatch::loop_waker::LoopWaker;
use crate::engine::Engine;
use crate::error::Error;
use crate::observe::status::SchedulerState;
use crate::sync::atomic::Ordering;
use crate::unwind::lock;

impl Engine {
    /// Begins a session. Returns its number and the waker of its loop. The caller spawns the loop.
    pub(crate) fn begin_session(&self) -> Result<(u64, Arc<LoopWaker>), Error> {
        let now = self.now();
        let started = lock(&self.core).start(self.resolution.into(), now);
        started.map_err(|refused| match refused {
            StartRefused::AlreadyStarted => Error::already_started(),
            StartRefused::Stopping => Error::stopping(),
        })
    }

    pub(crate) fn is_running(&self) -> bool {
        lock(&self.core).is_running()
    }

    /// Ends the session. If there is a `number`, ends only the session with this number. No run begins from here on.
    pub(crate) fn halt(self: &Arc<Self>, number: Option<u64>) {
        let halted = lock(&self.core).halt(number);
        let Some(halted) = halted else { return };
        // Withdraw even without a session: a concurrent stop may have ended it but not yet withdrawn its offers.
        for batch in &halted.batches {
            self.withdraw_for_stop(batch);
        }
        halted.ready.iter().for_each(|batch| self.finish_batch(batch));
        drop((halted.waiting, halted.slot_sets));
        halted.waker.inspect(|waker| waker.wake());
    }

    pub(crate) fn state(&self) -> SchedulerState {
        let core = lock(&self.core);
        match (core.is_running(), core.stops) {
            (true, _) => SchedulerState::Running,
            (false, 1..) => SchedulerState::Stopping,
            (false, 0) => SchedulerState::Stopped,
        }
    }

    /// Begins a stop that waits for its runs.
    pub(crate) fn begin_stop(self: &Arc<Self>) {
        lock(&self.core).stops += 1;
        self.halt(None);
    }

    pub(crate) fn end_stop(&self) {
        lock(&self.core).stops -= 1;
    }

    /// Called when the executor has dropped the loop of this session before the session's end.
    pub(crate) fn driver_dropped(self: &Arc<Self>, number: u64) {
        self.has_lost_driver.store(true, Ordering::Release);
        self.halt(Some(number));
    }

    /// Called when the executor polls the loop.
    pub(crate) fn driver_polled(&self) {
        self.has_lost_driver.store(false, Ordering::Release);
    }

    /// Whether the executor has dropped the loop of the last session.
    pub(crate) fn has_lost_driver(&self) -> bool {
        self.has_lost_driver.load(Ordering::Acquire)
    }

    /// The batches that are not over.
    pub(crate) fn active_batches(&self) -> Vec<Arc<Batch>> {
        lock(&self.core).queue.active()
    }

    pub(crate) fn finish_batch(&self, batch: &Batch) {
        lock(&self.core).queue.finish(batch);
    }
}
