//! Reapers: tasks that drop the futures of cancelled runs, and finish these runs.
//!
//! The destructors of a future may take long, and may need the context of the runtime. So no future is dropped where
//! its run is cancelled, by the loop, by whoever stops the scheduler, or between the other runs of a worker. A reaper
//! takes one run after another. If other runs wait, it spawns another reaper first: slow destructors hold up only the
//! thread that they block.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::dispatch::batch::Batch;
use crate::engine::Engine;
use crate::engine::cancelled_runs::Reaping;
use crate::engine::wakeups::Wakeups;
use crate::exec::finish::finish_dropping;
use crate::job::current_run::enter_task;
use crate::job::run_end::RunEnd;
use crate::park::poller::PendingRun;
use crate::park::slot::{CancelledRun, RunSlot};
use crate::unwind::quietly;

/// After a turn of about this length, a reaper yields to the other tasks of the executor.
const TURN: Duration = Duration::from_micros(50);

/// The turn ends after this many runs, even if the clock stands still.
const MOST_RUNS: usize = 64;

/// Cancels the run in this slot. If the run waits, a reaper drops its future.
#[cold]
pub(crate) fn cancel_in_slot(engine: &Arc<Engine>, slot: &Arc<RunSlot>) {
    if let Some(run) = slot.cancel() {
        reap(engine, run);
    }
}

/// Has the future of a cancelled run dropped by a reaper.
#[cold]
pub(crate) fn reap(engine: &Arc<Engine>, mut run: CancelledRun) {
    note_cancelled(engine, run.run());
    if engine.cancelled_runs.push(run) {
        spawn_reaper(engine);
    }
}

/// Drops the future of a cancelled run on this thread.
pub(crate) fn reap_here(engine: &Arc<Engine>, mut run: CancelledRun) {
    note_cancelled(engine, run.run());
    end_here(engine, run);
}

fn note_cancelled(engine: &Engine, run: &mut PendingRun) {
    recall_start(engine, run);
    run.run.state().cancel_current();
}

/// If an observer was added after an untimed run began, sets the start of the run to the start that its job noted. The
/// event of the run's end then has a duration.
pub(crate) fn recall_start(engine: &Engine, run: &mut PendingRun) {
    if run.info.started.is_none() && engine.observers.is_enabled() {
        run.info.started = Some(run.run.job.last_start());
    }
}

fn end_here(engine: &Arc<Engine>, run: CancelledRun) {
    in_context(engine, || end(engine, run));
}

/// Ends all cancelled runs that wait for a task of the executor, on this thread: the runs whose futures are to be
/// dropped, and the blocking runs between two attempts.
pub(crate) fn end_all_here(engine: &Arc<Engine>) {
    while let Some(run) = engine.cancelled_runs.take() {
        end_here(engine, run);
    }
    let cancelled = engine.active_batches().into_iter().filter(|batch| batch.is_cancelled());
    end_paused_here(engine, &cancelled.collect::<Vec<_>>());
}

/// Ends the blocking runs of these batches that are between two attempts, on this thread.
pub(crate) fn end_paused_here(engine: &Arc<Engine>, batches: &[Arc<Batch>]) {
    for run in batches.iter().filter_map(|batch| batch.take_paused()) {
        in_context(engine, || run.cancel());
    }
}

/// Calls `end`, which must not panic, inside the runtime's context.
fn in_context(engine: &Engine, end: impl FnOnce()) {
    let mut end = Some(end);
    quietly(|| {
        let mut call = || {
            if let Some(end) = end.take() {
                end();
            }
        };
        engine.clock.runtime().enter(&mut call);
    });
    if let Some(end) = end {
        // The runtime did not call the closure.
        end();
    }
}

fn end(engine: &Arc<Engine>, run: CancelledRun) {
    run.end(|PendingRun { run, info, future }| {
        let now = engine.now();
        let mut wakeups = Wakeups::new(engine);
        finish_dropping(&mut wakeups, &run, &info, future, RunEnd::Cancelled, Some(now));
    });
}

/// Spawns a reaper, which counts as idle. Returns whether the executor has kept the reaper.
fn spawn_reaper(engine: &Arc<Engine>) -> bool {
    let dropped = engine.cancelled_runs.dropped_reapers();
    let reaper = Reaper {
        engine: Arc::clone(engine),
        is_idle: true,
        wants_other: true,
    };
    quietly(|| drop(engine.clock.runtime().spawn(Box::pin(reaper))));
    engine.cancelled_runs.dropped_reapers() == dropped
}

struct Reaper {
    engine: Arc<Engine>,
    /// Whether the reaper counts as idle.
    is_idle: bool,
    /// Whether another reaper is spawned if more runs wait. The executor has refused none so far.
    wants_other: bool,
}

impl Reaper {
    /// Ends the runs that wait, until none is left or the turn is over.
    fn end_runs(&mut self) -> Poll<()> {
        let engine = &self.engine;
        let end_of_turn = engine.now().after(TURN.into());
        for _ in 0..MOST_RUNS {
            match engine.cancelled_runs.reap(self.wants_other) {
                Reaping::Run(run) => {
                    self.is_idle = false;
                    end(engine, run);
                    engine.cancelled_runs.add_idle_reaper();
                    self.is_idle = true;
                }
                Reaping::SpawnFirst => {
                    self.wants_other = spawn_reaper(engine);
                    break;
                }
                Reaping::Nothing => {
                    self.is_idle = false;
                    return Poll::Ready(());
                }
            }
            if engine.now() >= end_of_turn {
                break;
            }
        }
        Poll::Pending
    }
}

impl Future for Reaper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = enter_task(|| self.end_runs());
        if polled.is_pending() {
            // The wake of a task by itself also wakes another thread of the executor, for the other reaper.
            cx.waker().wake_by_ref();
        }
        polled
    }
}

impl Drop for Reaper {
    /// Called when the reaper is done, too.
    fn drop(&mut self) {
        if self.is_idle && self.engine.cancelled_runs.drop_reaper() {
            end_all_here(&self.engine);
        }
    }
}
