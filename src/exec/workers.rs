//! Spawns workers, and carries out the actions that the core returns, without the core's lock. `dispatch/demand.rs`
//! decides how many workers are wanted.

use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::dispatch::core::Pulled;
use crate::dispatch::offers::FollowUp;
use crate::dispatch::worker_state::WorkerState;
use crate::engine::Engine;
use crate::exec::blocking::BlockingRun;
use crate::exec::cancel::cancel_replaced;
use crate::exec::worker::Worker;
use crate::job::config::Host;
use crate::unwind::{lock, quietly};

/// What a worker does next.
pub(crate) enum NextBatch {
    Run(Arc<Batch>),
    /// The worker yields, and asks again at its next turn. The workers that it has spawned come first.
    Later,
    Nothing,
}

/// The executor has refused a worker, or dropped it.
pub(crate) struct WorkerRefused;

/// The next batch for a worker.
pub(crate) fn next_batch(engine: &Arc<Engine>, worker: &mut WorkerState) -> NextBatch {
    let wants_helper = !std::mem::take(&mut worker.helper_refused);
    // The clock is read anew, because the tick may have been served long before. Jobs inserted here come up after this
    // instant.
    let now = engine.now();
    let pulled = lock(&engine.core).pull(worker, wants_helper, now);
    worker.clear_done();
    match pulled {
        Pulled::Batch(batch) => return NextBatch::Run(batch),
        Pulled::Nothing(waker) => {
            worker.finish(&mut lock(&engine.core).queue);
            waker.inspect(|waker| waker.wake());
            return NextBatch::Nothing;
        }
        Pulled::FollowUp(work) => {
            let workers = lock(&engine.core).workers_beside(&work);
            // If workers are refused, this worker continues without them.
            let _ = spawn_workers(engine, workers);
            follow_up(engine, work);
            spawn_instead(engine);
        }
        // Spawn before a batch is taken: an executor may poll a new task at once, and runs must begin in order.
        Pulled::SpawnFirst(workers) => {
            if spawn_workers(engine, workers).is_err() {
                // This worker continues without a helper. The loop is woken, so that it does not count on a helper.
                worker.helper_refused = true;
                wake_loop(engine);
            }
        }
    }
    NextBatch::Later
}

/// Spawns the workers that are wanted in place of a worker that is about to do something else. Returns whether a worker
/// was spawned or the loop was woken. If so, the caller yields before it does anything that may block.
pub(crate) fn spawn_instead(engine: &Arc<Engine>) -> bool {
    let workers = lock(&engine.core).workers_instead();
    // If a worker is refused, the other idle workers take its batches. If no idle worker is left, the offers are
    // withdrawn.
    let _ = spawn_workers(engine, workers);
    let waker = lock(&engine.core).postpone_wake();
    let has_woken = waker.inspect(|waker| waker.wake()).is_some();
    workers > 0 || has_woken
}

/// Spawns `workers` workers. The executor drops a worker that it refuses. If no idle worker is left then,
/// [`worker_dropped`] withdraws the offers. Returns an error if any worker was dropped.
pub(crate) fn spawn_workers(engine: &Arc<Engine>, workers: usize) -> Result<(), WorkerRefused> {
    if workers == 0 {
        return Ok(());
    }
    let dropped = lock(&engine.core).queue.dropped_workers();
    for _ in 0..workers {
        let worker = Worker::new(Arc::clone(engine));
        quietly(|| drop(engine.clock.runtime().spawn(Box::pin(worker))));
    }
    if lock(&engine.core).queue.dropped_workers() == dropped {
        Ok(())
    } else {
        Err(WorkerRefused)
    }
}

/// Called when the executor has refused or dropped an idle worker. If no idle worker is left, offers all due runs and
/// withdraws the offers. The next tick tries again.
pub(crate) fn worker_dropped(engine: &Arc<Engine>) {
    if !lock(&engine.core).queue.drop_worker() {
        return;
    }
    let mut worker = WorkerState::default();
    loop {
        let now = engine.now();
        let pulled = lock(&engine.core).pull(&mut worker, false, now);
        worker.clear_done();
        match pulled {
            Pulled::Batch(batch) => {
                engine.withdraw_refused(&batch);
                engine.finish_batch(&batch);
            }
            Pulled::FollowUp(work) => follow_up(engine, work),
            Pulled::SpawnFirst(_) | Pulled::Nothing(_) => return,
        }
    }
}

/// Carries out the follow-up of a dispatch.
pub(crate) fn follow_up(engine: &Arc<Engine>, work: FollowUp) {
    for batch in work.outside {
        if batch.jobs[0].job.has_ticks() {
            engine.deliver(batch);
        } else {
            BlockingRun::new(Arc::clone(engine), batch).dispatch();
        }
    }
    for job in work.removed {
        job.clear_removed();
    }
    for job in work.exhausted {
        engine.retire(&job);
    }
    if work.has_left_drain {
        engine.drain_shrank();
    }
    for job in work.replaced {
        cancel_replaced(engine, &job);
    }
}

fn wake_loop(engine: &Engine) {
    let waker = lock(&engine.core).loop_waker();
    waker.inspect(|waker| waker.wake());
}
