//! A runtime that does nothing by itself: the model polls the tasks, on the threads that it chooses.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::control::scheduler::Scheduler;
use crate::runtime::{BoxFuture, SpawnError, Spawner, Timer};
use crate::sync::atomic::{AtomicBool, Ordering};

/// The std locks here are no part of the model: a thread does nothing else while it holds such a lock.
#[derive(Default)]
pub(super) struct Bench {
    tasks: Mutex<VecDeque<Arc<Task>>>,
    clock: Arc<Clock>,
}

struct Clock {
    origin: Instant,
    state: Mutex<ClockState>,
}

#[derive(Default)]
struct ClockState {
    passed: Duration,
    sleepers: Vec<(Instant, Waker)>,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock {
            origin: Instant::now(),
            state: Mutex::default(),
        }
    }
}

impl Clock {
    fn now(&self) -> Instant {
        self.origin + self.state.lock().unwrap().passed
    }
}

impl Bench {
    pub(super) fn new() -> Arc<Bench> {
        Arc::default()
    }

    pub(super) fn scheduler(self: &Arc<Self>) -> Scheduler {
        Scheduler::builder(Arc::clone(self)).seed(0).build().unwrap()
    }

    /// Takes the task that was spawned first.
    pub(super) fn take(&self) -> Arc<Task> {
        self.taken().expect("a task was spawned")
    }

    fn taken(&self) -> Option<Arc<Task>> {
        self.tasks.lock().unwrap().pop_front()
    }

    /// Polls the woken tasks of `tasks`, and all tasks that are spawned, until no task is woken.
    pub(super) fn settle(&self, tasks: &mut Vec<Arc<Task>>) {
        loop {
            tasks.extend(std::iter::from_fn(|| self.taken()));
            if tasks.iter().filter(|task| task.run()).count() == 0 {
                return;
            }
        }
    }

    /// Lets time pass, and wakes the tasks whose sleep is over.
    pub(super) fn pass(&self, millis: u64) {
        let mut state = self.clock.state.lock().unwrap();
        state.passed += Duration::from_millis(millis);
        let now = self.clock.origin + state.passed;
        let (over, left) = std::mem::take(&mut state.sleepers)
            .into_iter()
            .partition(|(deadline, _)| *deadline <= now);
        state.sleepers = left;
        drop(state);
        let over: Vec<(Instant, Waker)> = over;
        over.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Spawner for Bench {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        let task = Task::new(future);
        self.tasks.lock().unwrap().push_back(task);
        Ok(())
    }
}

impl Timer for Bench {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(&self.clock);
        Box::pin(poll_fn(move |cx| {
            if clock.now() >= deadline {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            clock.state.lock().unwrap().sleepers.push((deadline, waker));
            Poll::Pending
        }))
    }
}

/// A future, and whether its task has been woken.
pub(super) struct Task {
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    woken: AtomicBool,
}

impl Task {
    pub(super) fn new(future: impl Future<Output = ()> + Send + 'static) -> Arc<Task> {
        Arc::new(Task {
            future: Mutex::new(Some(Box::pin(future))),
            woken: AtomicBool::new(true),
        })
    }

    /// Polls the future once, if it was woken. Returns whether it was woken.
    pub(super) fn run(self: &Arc<Self>) -> bool {
        if !self.woken.swap(false, Ordering::AcqRel) {
            return false;
        }
        let taken = self.future.lock().unwrap().take();
        let Some(mut future) = taken else { return false };
        let waker = Waker::from(Arc::clone(self));
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            *self.future.lock().unwrap() = Some(future);
        }
        true
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.swap(true, Ordering::AcqRel);
    }
}
