//! Places that are woken, the task that lives there, and the one that lived there before.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use super::bench::Task;
use super::{all, both, three};
use crate::park::slot::Home;

/// Which places a task has found to be woken.
#[derive(Clone, Default)]
struct Found(Arc<Mutex<Vec<usize>>>);

impl Found {
    fn look(&self, home: &Home) {
        let mut woken = Vec::new();
        home.take_woken(&mut woken);
        self.0.lock().unwrap().extend(woken);
    }

    fn has(&self, place: usize) -> bool {
        self.0.lock().unwrap().contains(&place)
    }
}

/// A task that moves in at its first poll, and then looks whenever it is woken.
fn resident(home: &Arc<Home>, found: &Found) -> Arc<Task> {
    let (home, found) = (Arc::clone(home), found.clone());
    let mut has_moved_in = false;
    Task::new(poll_fn(move |cx| {
        if std::mem::replace(&mut has_moved_in, true) {
            home.register(cx.waker());
            found.look(&home);
        } else {
            home.move_in(cx.waker());
        }
        Poll::Pending
    }))
}

fn settle(task: &Arc<Task>) {
    while task.run() {}
}

#[test]
fn all_places_are_found_that_are_woken_at_once() {
    all(|| {
        let (home, found) = (Arc::<Home>::default(), Found::default());
        let task = resident(&home, &found);
        task.run();
        let [one, other] = [&home; 2].map(Arc::clone);
        three(move || one.wake(1), move || other.wake(2), || settle(&task));
        settle(&task);
        assert!(found.has(1) && found.has(2), "nobody looks after one");
    });
}

/// Somebody keeps the waker of a place from before.
#[test]
fn a_late_word_does_not_swallow_one_for_the_next_task() {
    all(|| {
        let (home, found) = (Arc::<Home>::default(), Found::default());
        home.move_in(Waker::noop());
        home.move_out();
        let task = resident(&home, &found);
        let [late, next] = [&home; 2].map(Arc::clone);
        let moved_in = Arc::clone(&task);
        both(
            move || late.wake(1),
            move || {
                moved_in.run();
                next.wake(2);
            },
        );
        settle(&task);
        assert!(found.has(2), "nobody looks after it");
    });
}
