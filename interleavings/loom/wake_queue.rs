//! Slots that are woken, the task that they wake, and the task before that task.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use super::bench::Task;
use super::{all, both, three};
use crate::park::wake_queue::WakeQueue;

/// The slots that a task has found woken.
#[derive(Clone, Default)]
struct Found(Arc<Mutex<Vec<usize>>>);

impl Found {
    fn look(&self, queue: &WakeQueue) {
        let mut woken = Vec::new();
        queue.take_woken(&mut woken);
        self.0.lock().unwrap().extend(woken);
    }

    fn has(&self, slot: usize) -> bool {
        self.0.lock().unwrap().contains(&slot)
    }
}

/// A task that is attached at its first poll, and then looks whenever it is woken.
fn task(queue: &Arc<WakeQueue>, found: &Found) -> Arc<Task> {
    let (queue, found) = (Arc::clone(queue), found.clone());
    let mut is_attached = false;
    Task::new(poll_fn(move |cx| {
        if std::mem::replace(&mut is_attached, true) {
            queue.register(cx.waker());
            found.look(&queue);
        } else {
            queue.attach(cx.waker());
        }
        Poll::Pending
    }))
}

fn settle(task: &Arc<Task>) {
    while task.run() {}
}

#[test]
fn all_slots_are_found_that_are_woken_at_once() {
    all(|| {
        let (queue, found) = (Arc::<WakeQueue>::default(), Found::default());
        let task = task(&queue, &found);
        task.run();
        let [one, other] = [&queue; 2].map(Arc::clone);
        three(move || one.wake(1), move || other.wake(2), || settle(&task));
        settle(&task);
        assert!(found.has(1) && found.has(2), "nobody looks after one");
    });
}

/// The waker of an earlier run is still kept.
#[test]
fn a_late_wake_does_not_swallow_one_for_the_next_task() {
    all(|| {
        let (queue, found) = (Arc::<WakeQueue>::default(), Found::default());
        queue.attach(Waker::noop());
        queue.detach();
        let task = task(&queue, &found);
        let [late, next] = [&queue; 2].map(Arc::clone);
        let attached = Arc::clone(&task);
        both(
            move || late.wake(1),
            move || {
                attached.run();
                next.wake(2);
            },
        );
        settle(&task);
        assert!(found.has(2), "nobody looks after it");
    });
}
