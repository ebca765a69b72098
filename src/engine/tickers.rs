//! The jobs whose runs are ticks: hands offers to their holders, and ends their ticks.

use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::dispatch::ticker::ticker_of;
use crate::engine::Engine;
use crate::job::cell::JobCell;
use crate::job::config::Host;
use crate::unwind::{lock, quietly};

impl Engine {
    /// Ends all ticks, and removes their jobs: the scheduler stops.
    pub(crate) fn end_ticks(&self) {
        self.end_ticks_of(|_| true);
    }

    /// Ends the ticks of all jobs that get no last run in a drain.
    pub(crate) fn end_undrained_ticks(&self) {
        self.end_ticks_of(|job| !job.state.load().is_triggered());
    }

    fn end_ticks_of(&self, ends: impl Fn(&JobCell) -> bool) {
        let jobs = lock(&self.core).jobs.with_ticks();
        for job in jobs {
            if ends(&job) {
                // The removal ends the ticks.
                self.retire(&job);
            }
            quietly(|| drop(job));
        }
    }

    /// Hands an offer to the holder of the job's `Ticks`. If the holder has dropped it, withdraws the offer.
    pub(crate) fn deliver(self: &Arc<Self>, batch: Arc<Batch>) {
        let job = Arc::clone(&batch.jobs[0].job);
        let Some(ticker) = ticker_of(&job) else { return };
        if let Some(refused) = ticker.offer(batch) {
            self.withdraw_for_stop(&refused);
            self.finish_batch(&refused);
        }
        ticker.wake();
        quietly(|| drop(job));
    }
}

/// Ends the ticks of a job that was removed, if its runs are ticks.
pub(crate) fn end_ticks(job: &JobCell) {
    ticker_of(job).inspect(|ticker| ticker.end());
}

impl Drop for Engine {
    /// A job that was registered after the last handle has gone: nobody has removed it.
    fn drop(&mut self) {
        for job in lock(&self.core).jobs.take() {
            end_ticks(&job);
            quietly(|| drop(job));
        }
    }
}
