//! A task that takes batches, begins their runs, and polls its pending runs.
//!
//! A worker takes one batch after another until no batch is left. Once runs of a batch are pending, the worker takes no
//! further batch. It polls these runs to their end, and another worker continues with the queue.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::dispatch::batch::Batch;
use crate::dispatch::worker_state::WorkerState;
use crate::engine::Engine;
use crate::exec::begin::begin_run;
use crate::exec::cancel::cancel_pending_here;
use crate::exec::finish::finish_ready;
use crate::exec::poller::{RunPoller, keep_pending, poll_and_clear};
use crate::exec::reaper::cancel_in_slot;
use crate::exec::workers::{NextBatch, next_batch, spawn_instead, worker_dropped};
use crate::job::cell::JobInstance;
use crate::job::current_run::enter_task;
use crate::job::run::RunInfo;
use crate::job::target::RunFuture;
use crate::park::poller::PendingRun;
use crate::park::pool::KEPT_FOR;
use crate::park::set::SlotSet;
use crate::time::Time;
use crate::unwind::lock;

/// After a turn of about this length, a worker yields to the other tasks of the executor. Shorter turns would cost too
/// much: each yield may wake a thread, which takes as long as hundreds of short runs.
const TURN: Duration = Duration::from_micros(50);

/// The number of runs after which a worker looks at the clock.
const RUNS_PER_LOOK: usize = 64;

/// The turn ends at this look, even if the clock stands still.
const LOOKS: usize = 8;

pub(crate) struct Worker {
    engine: Arc<Engine>,
    state: WorkerState,
    /// The slots of the worker's pending runs. `Some` from the first batch until the worker is done.
    slots: Option<SlotSet>,
    stage: Stage,
}

enum Stage {
    /// The worker takes batches.
    Pulling,
    /// The worker polls the pending runs of a batch. `waiting` is their number.
    Polling {
        batch: Arc<Batch>,
        waiting: usize,
    },
    Done,
}

/// The work of a worker since the executor polled it.
struct Turn {
    end: Time,
    runs: usize,
    looks: usize,
}

impl Turn {
    fn begin(engine: &Engine) -> Turn {
        Turn {
            end: engine.now().after(TURN.into()),
            runs: 0,
            looks: 0,
        }
    }

    fn is_over(&mut self, engine: &Engine) -> bool {
        if self.runs < RUNS_PER_LOOK {
            return false;
        }
        self.runs = 0;
        self.looks += 1;
        self.looks == LOOKS || engine.now() >= self.end
    }
}

impl Worker {
    pub(crate) fn new(engine: Arc<Engine>) -> Worker {
        Worker {
            engine,
            state: WorkerState::idle(),
            slots: None,
            stage: Stage::Pulling,
        }
    }

    /// From here on, the executor polls the task again when a run of the worker is woken.
    fn register(&mut self, cx: &Context<'_>) {
        let Some(slots) = &mut self.slots else { return };
        slots.register(cx.waker());
        if matches!(self.stage, Stage::Pulling) {
            // No run is pending yet, so the wakes so far were for runs that have ended. Clear them: otherwise a later
            // wake takes the task for woken already.
            slots.poll_woken(&mut RunPoller::of_batch(&self.engine));
        }
    }

    /// Runs batches until no batch is left, until runs of a batch are pending, or until the turn is over.
    fn pull_batches(&mut self, cx: &Context<'_>) -> Poll<()> {
        let mut turn = Turn::begin(&self.engine);
        while !turn.is_over(&self.engine) {
            let batch = match next_batch(&self.engine, &mut self.state) {
                NextBatch::Run(batch) => batch,
                NextBatch::Later => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                NextBatch::Nothing => {
                    self.leave();
                    return Poll::Ready(());
                }
            };
            turn.runs += batch.jobs.len().max(1);
            let Worker { engine, slots, .. } = self;
            let slots = slots.get_or_insert_with(|| take_slots(engine, cx));
            let mut poller = RunPoller::of_batch(engine);
            let waits = |run: &&JobInstance| start(&mut poller, slots, &batch, run);
            let waiting = batch.jobs.iter().filter(waits).count();
            let has_woken_loop = poller.wakeups.flush();
            drop(poller);
            if waiting > 0 {
                return self.keep_pending(batch, waiting, has_woken_loop);
            }
            self.state.put_away(batch);
            if has_woken_loop {
                break;
            }
        }
        lock(&self.engine.core).pause_worker(&mut self.state);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Stays with a batch whose runs are pending. If batches are left, spawns another worker and yields, so that the
    /// new worker has its turn first. A run that was woken already has woken this task too.
    fn keep_pending(&mut self, batch: Arc<Batch>, waiting: usize, has_woken_loop: bool) -> Poll<()> {
        self.stage = Stage::Polling { batch, waiting };
        self.state = WorkerState::default();
        if let Some(slots) = &mut self.slots {
            slots.store_buf();
        }
        if spawn_instead(&self.engine) || has_woken_loop {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Polls the woken runs. Ready once no run is pending any more.
    fn poll_woken(&mut self) -> Poll<()> {
        let Stage::Polling { batch, waiting } = &mut self.stage else {
            return Poll::Ready(());
        };
        if let Some(slots) = &mut self.slots {
            *waiting -= slots.poll_woken(&mut RunPoller::of_batch(&self.engine));
        }
        if *waiting > 0 {
            return Poll::Pending;
        }
        self.engine.finish_batch(batch);
        batch.forget_pending();
        self.leave();
        Poll::Ready(())
    }

    /// Ends the work of the worker, and gives its slots back.
    fn leave(&mut self) {
        self.stage = Stage::Done;
        if let Some(slots) = self.slots.take() {
            keep_slots(&self.engine, slots);
        }
    }
}

/// Takes slots for a worker that is polled with this context.
fn take_slots(engine: &Engine, cx: &Context<'_>) -> SlotSet {
    let slots = lock(&engine.core).slot_sets.take().unwrap_or_default();
    slots.attach(cx.waker());
    slots
}

/// Keeps the slots of a worker that is done, if the next worker will need slots soon.
fn keep_slots(engine: &Engine, mut slots: SlotSet) {
    slots.detach();
    let soon = engine.now().after(KEPT_FOR);
    let mut core = lock(&engine.core);
    let unused = if core.is_due_by(soon) {
        core.slot_sets.keep(slots)
    } else {
        Some(slots)
    };
    drop(core);
    drop(unused);
}

/// Begins a run of this batch, and polls the run once. Returns whether the run is pending.
fn start(poller: &mut RunPoller<'_>, slots: &mut SlotSet, batch: &Batch, run: &JobInstance) -> bool {
    let begun = begin_run(&mut poller.wakeups, batch, run, slots.buf());
    begun.is_some_and(|(info, future)| poll_first(poller, slots, batch, run, info, future))
}

fn poll_first(
    poller: &mut RunPoller<'_>,
    slots: &mut SlotSet,
    batch: &Batch,
    run: &JobInstance,
    info: RunInfo,
    mut future: RunFuture,
) -> bool {
    let (slot, waker) = slots.vacant();
    match poll_and_clear(run, &info, &mut future, waker) {
        Poll::Ready(ready) => {
            let buf = finish_ready(&mut poller.wakeups, run, &info, future, ready, None);
            slots.keep_buf(buf);
            false
        }
        Poll::Pending => {
            let pending = PendingRun {
                run: run.clone(),
                info,
                future,
            };
            keep_pending(poller.wakeups.engine(), slot, pending);
            let is_kept = batch.add_pending(run.job.id, slot);
            if !is_kept || run.state().load().ends_at_wait() {
                cancel_in_slot(poller.wakeups.engine(), slot);
            }
            slots.occupy();
            true
        }
    }
}

impl Future for Worker {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        enter_task(|| {
            self.register(cx);
            if matches!(self.stage, Stage::Pulling) && self.pull_batches(cx).is_pending() {
                return Poll::Pending;
            }
            self.poll_woken()
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(slots) = &self.slots {
            slots.close();
        }
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => {}
            Stage::Pulling if self.state.is_idle() => worker_dropped(&self.engine),
            Stage::Pulling => {}
            Stage::Polling { batch, .. } => {
                batch.cancel();
                cancel_pending_here(&self.engine, &batch);
                if batch.is_running() {
                    batch.abandon();
                } else {
                    self.engine.finish_batch(&batch);
                }
            }
        }
    }
}
