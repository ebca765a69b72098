//! A task that takes batches, runs them, and polls those of its runs that wait.
//!
//! A worker takes one batch after another until none is left. Once runs of a batch wait, the worker takes no more: it stays their task
//! to the end, and another worker continues with the queue.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::dispatch::batch::Batch;
use crate::dispatch::worker_state::WorkerState;
use crate::engine::Engine;
use crate::exec::begin::begin_run;
use crate::exec::cancel::cancel_pending;
use crate::exec::finish::finish_in_place;
use crate::exec::poller::{RunPoller, keep_pending, poll_in_span};
use crate::exec::workers::{NextBatch, next_batch, spawn_instead, worker_dropped};
use crate::job::cell::JobInstance;
use crate::job::run::RunInfo;
use crate::job::target::RunFuture;
use crate::park::poller::PendingRun;
use crate::park::pool::KEPT_FOR;
use crate::park::set::SlotSet;
use crate::time::Time;
use crate::unwind::lock;

/// After a turn of about this length a worker lets the other tasks of the executor have a turn. Each change of turns may wake a thread,
/// which costs as much as hundreds of short runs.
const TURN: Duration = Duration::from_micros(50);

/// After so many runs a worker looks at the clock.
const RUNS_PER_LOOK: usize = 64;

/// A worker looks at most so many times in one turn, whatever the clock says.
const LOOKS: usize = 8;

pub(crate) struct Worker {
    engine: Arc<Engine>,
    state: WorkerState,
    /// Where the runs of the worker wait. There from its first batch until it is done.
    slots: Option<SlotSet>,
    stage: Stage,
}

enum Stage {
    /// The worker takes batches.
    Pulling,
    /// So many runs of a batch wait, and the worker polls them.
    Polling {
        batch: Arc<Batch>,
        waiting: usize,
    },
    Done,
}

/// How long a worker has been at it since it was polled.
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

    /// From here on the task is polled again when a run of the worker is woken.
    fn register(&mut self, cx: &Context<'_>) {
        let Some(slots) = &mut self.slots else { return };
        slots.register(cx.waker());
        if matches!(self.stage, Stage::Pulling) {
            // No run waits yet. Wakes so far were for runs that are over. Later wakes must not think that the task was woken.
            slots.poll_woken(&mut RunPoller::of_batch(&self.engine));
        }
    }

    /// Runs batches until there is none, until runs of one wait, or until the turn is over.
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

    /// Stays with a batch whose runs wait. If there is work, another worker takes its place and has its turn first. Runs that were woken
    /// already have woken this task too.
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

    /// Polls the runs that were woken, until none waits any more.
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

    /// Nothing is left to do.
    fn leave(&mut self) {
        self.stage = Stage::Done;
        if let Some(slots) = self.slots.take() {
            keep_slots(&self.engine, slots);
        }
    }
}

/// Slots for a worker that is polled with this context.
fn take_slots(engine: &Engine, cx: &Context<'_>) -> SlotSet {
    let slots = lock(&engine.core).slot_sets.take().unwrap_or_default();
    slots.attach(cx.waker());
    slots
}

/// Keeps the slots of a worker that is done for the next worker, if that won't be long.
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

/// Begins a run of this batch and polls it once. True if it waits.
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
    match poll_in_span(run, &info, &mut future, waker) {
        Poll::Ready(end) => {
            let buf = finish_in_place(&mut poller.wakeups, run, &info, future, end, None);
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
            if !batch.add_pending(slot) {
                slot.cancel(poller);
            }
            slots.occupy();
            true
        }
    }
}

impl Future for Worker {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.register(cx);
        if matches!(self.stage, Stage::Pulling) && self.pull_batches(cx).is_pending() {
            return Poll::Pending;
        }
        self.poll_woken()
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
                cancel_pending(&self.engine, &batch);
                if batch.is_running() {
                    batch.abandon();
                } else {
                    self.engine.finish_batch(&batch);
                }
            }
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::{Scheduler, testing::VirtualTime};

    #[test]
    fn slots_are_kept_for_runs_that_come_soon_and_until_the_stop() {
        for (seconds, is_kept) in [(1, true), (3_600, false)] {
            let time = VirtualTime::new();
            let scheduler = Scheduler::new(time.clone());
            let clock = time.clone();
            let target = move || clock.sleep(Duration::from_millis(5));
            let job = scheduler.every(Duration::from_secs(seconds)).run(target).unwrap();
            let engine = Arc::clone(scheduler.engine());
            let keeps = || !lock(&engine.core).slot_sets.is_empty();
            scheduler.start().unwrap();
            time.advance(Duration::from_millis(100));
            assert_eq!((job.runs(), keeps()), (1, is_kept));
            job.remove();
            time.advance(Duration::from_secs(2));
            assert!(!keeps(), "nothing is to come");
            scheduler.every(Duration::from_secs(1)).run(async || ()).unwrap();
            time.advance(Duration::from_millis(100));
            assert!(keeps());
            time.block_on(scheduler.stop());
            assert!(!keeps());
        }
    }
}
