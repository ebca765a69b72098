//! What a lane does to the loop's waker waits until its batch is over.
//!
//! An executor may keep a task for the thread that woke it (Tokio does), and the next run of the batch may block that thread: the
//! loop would be stuck behind it. So the ends of runs ring once nothing of the batch is left to do, and the lane then
//! returns to the executor. What users' code asks for while it runs is not held back, as it may wait for that.

use std::cell::RefCell;
use std::sync::Arc;

use crate::session::Bell;
use crate::sync::thread_local;

thread_local! {
    /// There while a lane of this thread is in a batch.
    static HELD: RefCell<Option<Vec<Arc<Bell>>>> = const { RefCell::new(None) };
}

pub(crate) fn ring(bell: Option<Arc<Bell>>) {
    if let Some(bell) = bell {
        bell.0.wake();
    }
}

/// Rings once the batch is over that this thread is in, if it is in one.
pub(crate) fn ring_after_batch(bell: Option<Arc<Bell>>) {
    let Some(bell) = bell else { return };
    let now = HELD.with(|held| match &mut *held.borrow_mut() {
        Some(held) => {
            held.push(bell);
            None
        }
        None => Some(bell),
    });
    ring(now);
}

/// Runs a batch, or what was woken of one, and rings what was held back meanwhile. Tells as well whether that was any.
pub(crate) fn hold_back<T>(batch: impl FnOnce() -> T) -> (T, bool) {
    // An executor may run a lane inside of what another one calls.
    let outer = HELD.with(|held| held.replace(Some(Vec::new())));
    let restore = Restore { outer };
    let result = batch();
    let held = HELD.with(|held| held.take()).unwrap_or_default();
    drop(restore);
    let any = !held.is_empty();
    held.into_iter().for_each(|bell| ring(Some(bell)));
    (result, any)
}

/// Also where a batch panics, which none does.
struct Restore {
    outer: Option<Vec<Arc<Bell>>>,
}

impl Drop for Restore {
    fn drop(&mut self) {
        HELD.with(|held| *held.borrow_mut() = self.outer.take());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::task::noop_waker;

    use super::*;

    /// A bell with somebody at the other end.
    fn bell() -> Arc<Bell> {
        let bell = Arc::<Bell>::default();
        bell.0.register(&noop_waker());
        bell
    }

    fn has_rung(bell: &Bell) -> bool {
        bell.0.take().is_none()
    }

    #[test]
    fn what_is_rung_in_a_batch_rings_after_it() {
        let (first, second) = (bell(), bell());
        let within = Cell::new(true);
        let ((), any) = hold_back(|| {
            ring_after_batch(Some(Arc::clone(&first)));
            let (_, inner) = hold_back(|| ring_after_batch(Some(Arc::clone(&second))));
            assert!(inner);
            within.set(has_rung(&second) && Arc::strong_count(&first) == 2);
        });
        assert!(any && within.get() && has_rung(&first));
        let third = bell();
        ring_after_batch(Some(Arc::clone(&third)));
        assert!(has_rung(&third) && !hold_back(|| ()).1);
    }
}
