//! The seam between a run that waits and the code that polls it.

use std::task::{Poll, Waker};

use crate::job::cell::JobInstance;
use crate::job::run::RunInfo;
use crate::job::run_end::RunEnd;
use crate::job::target::{FutureBuf, RunFuture};
use crate::park::slot::CancelledRun;
use crate::time::Time;

/// A run that has begun and continues as a future.
pub(crate) struct PendingRun {
    pub(crate) run: JobInstance,
    pub(crate) info: RunInfo,
    pub(crate) future: RunFuture,
}

/// How a run ended whose future is ready.
pub(crate) struct Ready {
    pub(crate) end: RunEnd,
    /// Whether the future was dropped in place. Its memory can then be used again.
    pub(crate) is_cleared: bool,
}

/// Polls, finishes and cancels runs on behalf of their slots. `exec/` implements this trait, so that a slot needs no
/// engine.
pub(crate) trait Poller {
    fn now(&self) -> Time;

    /// Polls the run's future, and drops it in place once it is ready. A panic becomes the end of the run.
    fn poll(&mut self, run: &mut PendingRun, waker: &Waker) -> Poll<Ready>;

    /// Finishes a run that was polled to its end. The poll began after `now`. Returns the memory of the future.
    fn finish(&mut self, run: PendingRun, ready: Ready, now: Time) -> FutureBuf;

    /// Cancels a run that a poll has left pending: has its future dropped, and finishes the run.
    fn cancel(&mut self, run: CancelledRun);
}
