//! The executor: admits tasks, fires timers and polls ready tasks, round by round.
//!
//! The executor holds no lock when it polls, wakes or drops a future or a waker.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::runtime::{BoxFuture, SpawnError, Timer};

use super::VirtualTime;
use super::state::{Admission, State};

/// After this many rounds without an end, a test fails instead of hanging.
pub(super) const PATIENCE: u32 = if cfg!(test) { 10_000 } else { 1_000_000 };

impl VirtualTime {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn admit(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        let mut state = self.lock();
        match state.admit() {
            Admission::Refused => Err(SpawnError::shutdown()),
            Admission::Lost => Ok(()),
            Admission::Granted(id) => {
                let waker = Waker::from(Arc::new(TaskWaker {
                    id,
                    state: Arc::downgrade(&self.state),
                }));
                state.insert(id, future, waker);
                Ok(())
            }
        }
    }

    /// Marks the executor as running until the guard is dropped.
    #[track_caller]
    pub(super) fn drive(&self, method: &str) -> Driving<'_> {
        let already = std::mem::replace(&mut self.lock().driven, true);
        assert!(
            !already,
            "VirtualTime::{method} was called while the executor is running, from inside a task or from a second thread; \
             inside a task, let time pass with `sleep(..).await` or `block_for(..)`"
        );
        Driving(self)
    }

    /// Runs rounds until no task is ready, or until the clock has passed `limit`.
    #[track_caller]
    pub(super) fn settle(&self, limit: Option<Instant>) {
        for _ in 0..PATIENCE {
            let passed = limit.is_some_and(|limit| self.now() > limit);
            if passed || !self.round() {
                return;
            }
        }
        panic!(
            "tasks are still ready after {PATIENCE} rounds, at {:?}: one keeps waking itself, or blocks for longer than it sleeps",
            self.elapsed()
        );
    }

    /// Fires the due timers, then polls each task that is ready by then. Returns whether any task was ready.
    pub(super) fn round(&self) -> bool {
        let due = self.lock().take_due();
        due.into_iter().for_each(Waker::wake);
        let ready = self.lock().ready();
        for _ in 0..ready {
            self.poll_next();
        }
        ready > 0
    }

    fn poll_next(&self) {
        let Some((id, mut future, waker)) = self.lock().take_ready() else {
            return;
        };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            future.as_mut().poll(&mut Context::from_waker(&waker))
        }));
        if matches!(polled, Ok(Poll::Pending)) {
            let dropped = self.lock().put_back(id, future);
            drop(dropped); // after the lock: the future of a task that was shut down meanwhile
            return;
        }
        let ended = self.lock().remove(id);
        drop((ended, future));
        if let Err(panic) = polled {
            resume_unwind(panic);
        }
    }

    #[track_caller]
    pub(super) fn deadlock(&self) -> ! {
        panic!(
            "block_on: deadlock at {:?}: the future is pending, no task is ready ({} wait) and no timer is set, \
             so nothing can ever make progress",
            self.elapsed(),
            self.tasks()
        );
    }

    #[track_caller]
    pub(super) fn later(&self, by: Duration) -> Instant {
        let Some(later) = self.now().checked_add(by) else {
            panic!("the clock can't move by {by:?}: that is past the last Instant");
        };
        later
    }
}

/// No code panics under the lock. Only an allocation failure could poison the lock.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A guard: a method of the runtime is driving until the guard is dropped.
pub(super) struct Driving<'a>(&'a VirtualTime);

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        self.0.lock().driven = false;
    }
}

/// A waker that puts its task into the run queue.
struct TaskWaker {
    id: u64,
    state: Weak<Mutex<State>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(state) = self.state.upgrade() {
            lock(&state).enqueue(self.id);
        }
    }
}

/// Records whether the future of `block_on` was woken.
pub(super) struct WakeFlag(AtomicBool);

impl WakeFlag {
    pub(super) fn new(woken: bool) -> Arc<WakeFlag> {
        Arc::new(WakeFlag(AtomicBool::new(woken)))
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
