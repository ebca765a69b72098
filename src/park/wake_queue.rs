//! The woken run slots of a task, and the waker of the task.

use std::task::Waker;

use crate::sync::{AtomicWaker, Mutex};
use crate::unwind::lock;

/// The slots of one worker that were woken, and the waker of the worker's task.
#[derive(Default)]
pub(crate) struct WakeQueue {
    woken: Mutex<Vec<usize>>,
    waker: AtomicWaker,
}

impl WakeQueue {
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Attaches another task. Wakes from before are not for this task, and are forgotten.
    pub(crate) fn attach(&self, waker: &Waker) {
        // Register before the list is cleared: a slot that is woken meanwhile wakes the new task.
        self.register(waker);
        lock(&self.woken).clear();
    }

    /// Detaches the task: no wake reaches it from here on.
    pub(crate) fn detach(&self) {
        drop(self.waker.take());
    }

    /// Exchanges the list of woken slots for an empty list.
    pub(crate) fn take_woken(&self, empty: &mut Vec<usize>) {
        std::mem::swap(&mut *lock(&self.woken), empty);
    }

    pub(crate) fn wake(&self, slot: usize) {
        let mut woken = lock(&self.woken);
        let is_first = woken.is_empty();
        woken.push(slot);
        drop(woken);
        if is_first {
            // If the list was not empty, an earlier slot has woken the task, and the task looks at all woken slots.
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn woken(queue: &WakeQueue) -> Vec<usize> {
        let mut woken = Vec::new();
        queue.take_woken(&mut woken);
        woken
    }

    #[test]
    fn a_task_is_woken_for_the_first_slot_of_several_and_again_once_it_has_looked() {
        let (queue, count) = (WakeQueue::default(), Arc::<Count>::default());
        let waker = Waker::from(Arc::clone(&count));
        let wakes = || count.0.load(Ordering::Relaxed);
        queue.attach(&waker);
        queue.wake(1);
        queue.register(&waker);
        queue.wake(2);
        assert_eq!((wakes(), woken(&queue)), (1, vec![1, 2]));
        queue.wake(3);
        assert_eq!(wakes(), 2);
    }

    #[test]
    fn a_slot_that_was_woken_before_a_task_is_attached_does_not_keep_the_task_asleep() {
        let (queue, count) = (WakeQueue::default(), Arc::<Count>::default());
        queue.wake(1);
        queue.attach(&Waker::from(Arc::clone(&count)));
        queue.wake(2);
        assert_eq!((count.0.load(Ordering::Relaxed), woken(&queue)), (1, vec![2]));
    }

    #[test]
    fn a_wake_queue_drops_the_waker_of_a_detached_task() {
        let (queue, count) = (WakeQueue::default(), Arc::<Count>::default());
        queue.attach(&Waker::from(Arc::clone(&count)));
        assert_eq!(Arc::strong_count(&count), 2);
        queue.detach();
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
