//! The waker of the loop, and the loop's next step. The core returns the waker, and its caller wakes the loop without
//! the lock. `engine/wakeups.rs` collects the wakeups of a worker.

use std::task::Waker;

use crate::sync::AtomicWaker;
use crate::time::Time;

/// Wakes the loop of one session.
#[derive(Default)]
pub(crate) struct LoopWaker(AtomicWaker);

impl LoopWaker {
    pub(crate) fn register(&self, waker: &Waker) {
        self.0.register(waker);
    }

    /// Call without a lock, because the waker is code of the executor.
    pub(crate) fn wake(&self) {
        self.0.wake();
    }
}

/// What the loop does next.
pub(crate) enum Next {
    SleepUntil(Time),
    /// Nothing is due: the loop waits for its waker.
    Wait,
    End,
}
