//! An executor with threads, for tests that need threads.

use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use atevery::runtime::{BoxFuture, SpawnError, Spawner};
use atevery::testing::VirtualTime;
use atevery::{Job, Scheduler};
use futures::executor::block_on;
use futures::task::{ArcWake, waker};

/// A fixed number of threads that share a queue, or a thread for each future.
#[derive(Clone)]
pub(crate) struct Threads(Option<Arc<Pool>>);

struct Pool {
    queue: mpsc::Sender<Arc<Task>>,
}

struct Task {
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    queue: mpsc::Sender<Arc<Task>>,
}

impl Threads {
    pub(crate) fn new(count: usize) -> Threads {
        let (queue, tasks) = mpsc::channel::<Arc<Task>>();
        let tasks = Arc::new(Mutex::new(tasks));
        for _ in 0..count {
            let tasks = Arc::clone(&tasks);
            std::thread::spawn(move || {
                loop {
                    let task = tasks.lock().unwrap().recv();
                    let Ok(task) = task else { return };
                    task.poll();
                }
            });
        }
        Threads(Some(Arc::new(Pool { queue })))
    }

    pub(crate) fn unbounded() -> Threads {
        Threads(None)
    }

    /// Stops a scheduler, within a time limit.
    pub(crate) fn stop(&self, scheduler: &Scheduler) {
        let stop = scheduler.stop().timeout(Duration::from_secs(20)).into_future();
        assert!(block_on(stop).is_clean());
    }
}

impl Task {
    fn poll(self: Arc<Task>) {
        let waker = waker(Arc::clone(&self));
        let mut slot = self.future.lock().unwrap();
        let Some(mut future) = slot.take() else { return };
        if future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
            .is_pending()
        {
            *slot = Some(future);
        }
    }
}

impl ArcWake for Task {
    fn wake_by_ref(task: &Arc<Task>) {
        let _ = task.queue.send(Arc::clone(task));
    }
}

impl Spawner for Threads {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        let Some(pool) = &self.0 else {
            std::thread::spawn(move || block_on(future));
            return Ok(());
        };
        let task = Arc::new(Task {
            future: Mutex::new(Some(future)),
            queue: pool.queue.clone(),
        });
        pool.queue.send(task).map_err(|_| SpawnError::shutdown())
    }
}

/// A scheduler on threads, with a clock that the test moves, and jobs that block their threads until they are released.
pub(crate) struct Stuck {
    pub(crate) scheduler: Scheduler,
    time: VirtualTime,
    waiter: Waiter,
    begun: mpsc::Receiver<()>,
}

/// Blocks the waiting threads until the release.
#[derive(Clone)]
pub(crate) struct Waiter {
    begin: mpsc::Sender<()>,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

/// Moves the clock.
pub(crate) struct Hand<'a>(&'a VirtualTime);

impl Stuck {
    pub(crate) fn new() -> Stuck {
        let time = VirtualTime::new();
        let (begin, begun) = mpsc::channel();
        Stuck {
            scheduler: Scheduler::new((Threads::new(4), time.clone())),
            time,
            waiter: Waiter {
                begin,
                gate: Arc::default(),
            },
            begun,
        }
    }

    pub(crate) fn waiter(&self) -> Waiter {
        self.waiter.clone()
    }

    pub(crate) fn world(&self) -> Hand<'_> {
        Hand(&self.time)
    }

    pub(crate) fn register(&self, name: &str) -> Job {
        let waiter = self.waiter();
        let builder = self.scheduler.every(Duration::from_millis(50)).name(name);
        builder.run(move || waiter.wait()).unwrap()
    }

    pub(crate) fn register_blocking(&self, name: &str) -> Job {
        let waiter = self.waiter();
        let builder = self.scheduler.every(Duration::from_millis(50)).name(name);
        builder.run_blocking(move || waiter.wait()).unwrap()
    }

    /// Starts, and waits until a job is stuck.
    pub(crate) fn start(&self) {
        self.scheduler.start().unwrap();
        self.begun();
    }

    /// Waits until another run has begun to wait.
    pub(crate) fn begun(&self) {
        self.begun.recv_timeout(Duration::from_secs(20)).expect("a run begins");
    }

    pub(crate) fn release(&self) {
        let (open, opened) = &*self.waiter.gate;
        *open.lock().unwrap() = true;
        opened.notify_all();
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.release();
    }
}

impl Waiter {
    pub(crate) fn wait(&self) {
        let _ = self.begin.send(());
        let (open, opened) = &*self.gate;
        drop(opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
    }
}

impl Hand<'_> {
    pub(crate) fn advance(&self, by_ms: u64) {
        self.0.advance(Duration::from_millis(by_ms));
    }

    /// Moves the clock tick by tick, beside the threads, until the condition holds.
    pub(crate) fn advance_until(&self, condition: impl Fn() -> bool) {
        for _ in 0..20_000 {
            if condition() {
                return;
            }
            self.advance(50);
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("it does not come to that");
    }
}
