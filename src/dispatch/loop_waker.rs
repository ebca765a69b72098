//! How the loop is woken, and what it does next.

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

    /// Call without a lock: the waker is the executor's.
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
