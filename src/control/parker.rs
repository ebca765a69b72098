//! Blocks a thread until a stop has returned.

use std::sync::{Arc, PoisonError};
use std::task::{Wake, Waker};
use std::time::Instant;

use crate::sync::{Condvar, Mutex};
use crate::unwind::lock;

/// Blocks its thread until its waker is woken. Needs no thread-local, because a thread that ends may stop a scheduler.
#[derive(Default)]
pub(crate) struct Parker {
    woken: Mutex<bool>,
    wakes: Condvar,
}

impl Parker {
    pub(crate) fn new() -> (Arc<Parker>, Waker) {
        let parker = Arc::<Parker>::default();
        let waker = Waker::from(Arc::clone(&parker));
        (parker, waker)
    }

    /// Returns after a wake, or at `deadline` by the thread's own clock, and possibly before.
    pub(crate) fn park(&self, deadline: Option<Instant>) {
        let woken = lock(&self.woken);
        let mut woken = match deadline {
            _ if *woken => woken,
            None => self.wakes.wait(woken).unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let waited = self.wakes.wait_timeout(woken, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        *woken = false;
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *lock(&self.woken) = true;
        self.wakes.notify_one();
    }
}
