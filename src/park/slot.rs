//! The slot of a pending run. The run is polled only after its own waker was woken. Any thread can cancel the run.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use crate::job::target::FutureBuf;
use crate::park::poller::{PendingRun, Poller};
use crate::park::wake_queue::WakeQueue;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::Time;
use crate::unwind::lock;

/// A slot lends its waker to the first poll of a run. If the run is pending, the slot keeps the run.
pub(crate) struct RunSlot {
    queue: Arc<WakeQueue>,
    /// The slot's number in the wake queue.
    number: usize,
    /// Whether the slot is in the list of woken slots.
    woken: AtomicBool,
    stage: Mutex<Stage>,
}

enum Stage {
    Vacant,
    Waiting(PendingRun),
    Polled {
        cancel: bool,
    },
    /// The run was cancelled. Its future is not dropped yet: the worker must not count the run as ended.
    Cancelled,
    /// The cancelled run has ended. The worker has not noticed yet.
    Ended,
}

/// The result of a poll.
pub(crate) enum Polled {
    Pending,
    /// The run has ended in this poll, or by a cancellation that the worker had not noticed yet.
    Ended(FutureBuf),
}

impl RunSlot {
    pub(crate) fn vacant(queue: &Arc<WakeQueue>, number: usize) -> Arc<RunSlot> {
        Arc::new(RunSlot {
            queue: Arc::clone(queue),
            number,
            woken: AtomicBool::new(false),
            stage: Mutex::new(Stage::Vacant),
        })
    }

    /// Clears the wake flag. Call only when no other `Arc` to this slot exists.
    pub(crate) fn reset(&self) {
        self.woken.store(false, Ordering::Relaxed);
    }

    /// Keeps a run whose first poll, with this slot's waker, left it pending.
    pub(crate) fn keep(&self, run: PendingRun) {
        *lock(&self.stage) = Stage::Waiting(run);
    }

    /// Polls a run that was woken, with this slot's waker. The worker read the clock at `now`, before it polled its
    /// woken runs.
    pub(crate) fn poll(self: &Arc<Self>, poller: &mut impl Poller, waker: &Waker, now: Time) -> Polled {
        // The swap makes the poll see everything that was done before the wake.
        if !self.woken.swap(false, Ordering::AcqRel) {
            // A late wake for an earlier run of this slot.
            return Polled::Pending;
        }
        let mut stage = lock(&self.stage);
        match std::mem::replace(&mut *stage, Stage::Polled { cancel: false }) {
            Stage::Waiting(run) => {
                drop(stage);
                self.poll_run(poller, run, waker, now)
            }
            Stage::Ended => {
                *stage = Stage::Vacant;
                Polled::Ended(None)
            }
            other => {
                *stage = other;
                Polled::Pending
            }
        }
    }

    fn poll_run(self: &Arc<Self>, poller: &mut impl Poller, mut run: PendingRun, waker: &Waker, now: Time) -> Polled {
        match poller.poll(&mut run, waker) {
            Poll::Ready(ready) => {
                let buf = poller.finish(run, ready, now);
                *lock(&self.stage) = Stage::Vacant;
                Polled::Ended(buf)
            }
            Poll::Pending => {
                self.keep_pending(poller, run);
                Polled::Pending
            }
        }
    }

    fn keep_pending(self: &Arc<Self>, poller: &mut impl Poller, run: PendingRun) {
        let mut stage = lock(&self.stage);
        if matches!(*stage, Stage::Polled { cancel: true }) {
            *stage = Stage::Cancelled;
            drop(stage);
            poller.cancel(CancelledRun::new(self, run));
        } else {
            *stage = Stage::Waiting(run);
        }
    }

    /// Cancels the run. If the run waits, returns the run, and the caller has its future dropped. If the run is being
    /// polled, the poller cancels the run as soon as the poll leaves the run pending.
    pub(crate) fn cancel(self: &Arc<Self>) -> Option<CancelledRun> {
        let mut stage = lock(&self.stage);
        match &mut *stage {
            Stage::Waiting(_) => {
                let Stage::Waiting(run) = std::mem::replace(&mut *stage, Stage::Cancelled) else {
                    unreachable!()
                };
                Some(CancelledRun::new(self, run))
            }
            Stage::Polled { cancel } => {
                *cancel = true;
                None
            }
            Stage::Vacant | Stage::Cancelled | Stage::Ended => None,
        }
    }
}

/// A cancelled run, whose future is to be dropped. Once it is dropped, the run's slot tells the worker.
pub(crate) struct CancelledRun {
    run: PendingRun,
    slot: Arc<RunSlot>,
}

impl CancelledRun {
    fn new(slot: &Arc<RunSlot>, run: PendingRun) -> CancelledRun {
        CancelledRun {
            run,
            slot: Arc::clone(slot),
        }
    }

    /// The run, before its future is dropped.
    pub(crate) fn run(&mut self) -> &mut PendingRun {
        &mut self.run
    }

    /// Ends the run: `finish` drops its future.
    pub(crate) fn end(self, finish: impl FnOnce(PendingRun)) {
        finish(self.run);
        *lock(&self.slot.stage) = Stage::Ended;
        self.slot.wake_by_ref();
    }
}

impl Wake for RunSlot {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.queue.wake(self.number);
        }
    }
}
