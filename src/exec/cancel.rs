//! Tells runs in progress to end, and cancels them.

use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::engine::Engine;
use crate::exec::poller::RunPoller;
use crate::job::cell::JobCell;
use crate::observe::trace::warn_of_drop;
use crate::unwind::{lock, quietly};

/// Cancels all runs in progress.
pub(crate) fn cancel_runs(engine: &Arc<Engine>) {
    for batch in engine.active_batches() {
        batch.cancel();
        tell_to_end(engine, &batch);
        cancel_pending(engine, &batch);
    }
}

/// Cancels the pending runs of a batch.
pub(crate) fn cancel_pending(engine: &Arc<Engine>, batch: &Batch) {
    let mut poller = RunPoller::new(engine);
    while let Some(run) = batch.take_pending() {
        run.cancel(&mut poller);
    }
}

/// Tells all runs of these batches that are in progress to end.
pub(crate) fn tell_runs_to_end(engine: &Engine, batches: &[Arc<Batch>]) {
    for batch in batches {
        tell_to_end(engine, batch);
    }
}

fn tell_to_end(engine: &Engine, batch: &Batch) {
    for run in &batch.jobs {
        if run.state().cancel(batch.offer_id) {
            engine.cancel_listeners.wake(run.job.id);
        }
    }
}

/// Cancels the run in progress of an `Overlap::Replace` job, so that the next run can replace the run. If the run
/// waits, its future is dropped here. If the run is being polled, the poller drops the future after the poll.
/// Synchronous code continues, and may check `Run::is_cancelled`.
pub(crate) fn cancel_replaced(engine: &Engine, job: &JobCell) {
    job.state.cancel_current();
    engine.cancel_listeners.wake(job.id);
    if let Some(run) = job.rules().and_then(|rules| rules.replaceable()) {
        run.cancel();
    }
}

/// Removes all jobs of a scheduler whose last handle was dropped, and cancels their runs.
pub(crate) fn close(engine: &Arc<Engine>) {
    let was_running = engine.is_running();
    engine.halt(None);
    let jobs = lock(&engine.core).jobs.take();
    if was_running && !jobs.is_empty() {
        warn_of_drop(jobs.len());
    }
    for job in jobs {
        // A job without other references has no run in progress. Dropping such a job is enough.
        if Arc::strong_count(&job) > 1 {
            job.remove();
        }
        quietly(|| drop(job));
    }
    cancel_runs(engine);
    engine.observers.close();
}
