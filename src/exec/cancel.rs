//! Tells runs in progress to end, and cancels them.

use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::engine::Engine;
use crate::engine::tickers::end_ticks;
use crate::exec::reaper::{cancel_in_slot, reap_here};
use crate::job::cell::JobCell;
use crate::job::state::{OfferId, RunState};
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

/// Cancels the runs of this job that are in progress. If a run waits, a reaper drops its future. If a run is being
/// polled, its future is dropped after the poll. Synchronous code continues, and may check `Run::is_cancelled`.
pub(crate) fn cancel_job(engine: &Arc<Engine>, job: &JobCell) {
    let batches = engine.batches_of(job);
    tell_job(engine, job, &batches, RunState::cancel_at_wait);
    for slot in batches.iter().filter_map(|batch| batch.take_pending_of(job.id)) {
        cancel_in_slot(engine, &slot);
    }
}

/// Tells the runs of this job that are in progress to end. `batches` are the batches with these runs.
pub(crate) fn tell_job_to_end(engine: &Engine, job: &JobCell, batches: &[Arc<Batch>]) {
    tell_job(engine, job, batches, RunState::cancel);
}

fn tell_job(engine: &Engine, job: &JobCell, batches: &[Arc<Batch>], tell: fn(&RunState, OfferId) -> bool) {
    for batch in batches {
        let mut runs = batch.jobs.iter().filter(|run| run.job.id == job.id);
        if runs.any(|run| tell(run.state(), batch.offer_id)) {
            engine.listeners.wake(job.id);
        }
    }
}

/// Cancels the pending runs of a batch. Reapers drop their futures.
fn cancel_pending(engine: &Arc<Engine>, batch: &Batch) {
    while let Some(slot) = batch.take_pending() {
        cancel_in_slot(engine, &slot);
    }
}

/// Cancels the pending runs of a batch whose task the executor drops, and drops their futures here: the executor may
/// not accept another task.
pub(crate) fn cancel_pending_here(engine: &Arc<Engine>, batch: &Batch) {
    while let Some(slot) = batch.take_pending() {
        slot.cancel().into_iter().for_each(|run| reap_here(engine, run));
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
            engine.listeners.wake(run.job.id);
        }
    }
}

/// Cancels the run in progress of an `Overlap::Replace` job. The next run begins at the end of this run. If the run
/// waits, a reaper drops its future. If the run is being polled, it is cancelled after the poll. Synchronous code
/// continues, and may check `Run::is_cancelled`.
pub(crate) fn cancel_replaced(engine: &Engine, job: &JobCell) {
    let waiting = job.rules().and_then(|rules| rules.replace_run());
    job.state.cancel_current();
    engine.listeners.wake(job.id);
    if let Some(run) = waiting {
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
        end_ticks(&job);
        quietly(|| drop(job));
    }
    engine.listeners.wake_all();
    cancel_runs(engine);
}
