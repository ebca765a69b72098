//! An executor with several threads, a clock that the test moves, and counts of the runs.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool as Flag, AtomicU64 as Count, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use atevery::runtime::{BoxFuture, SpawnError, Spawner, Timer};
use atevery::{Scheduler, StopReport};
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread::{self, JoinHandle};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const TICK: Duration = Duration::from_millis(50);

pub(crate) struct World {
    runtime: Arc<Executor>,
    workers: Vec<JoinHandle<()>>,
    pub(crate) tally: Arc<Tally>,
}

impl World {
    /// An executor with `threads` threads for tasks. Each blocking run has a thread of its own.
    pub(crate) fn new(threads: usize) -> World {
        let runtime = Arc::new(Executor {
            origin: Instant::now(),
            state: Mutex::default(),
            work: Condvar::new(),
            quiet: Condvar::new(),
        });
        let worker = || {
            let runtime = Arc::clone(&runtime);
            thread::spawn(move || runtime.work())
        };
        World {
            workers: (0..threads).map(|_| worker()).collect(),
            runtime,
            tally: Arc::default(),
        }
    }

    pub(crate) fn scheduler(&self) -> Scheduler {
        let runtime = Handle(Arc::clone(&self.runtime));
        Scheduler::builder(runtime).resolution(TICK).seed(0).build().unwrap()
    }

    /// A handle with which any thread can let time pass.
    pub(crate) fn clock(&self) -> Clock {
        Clock(Arc::clone(&self.runtime))
    }

    /// Spawns a task of the test on the executor.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        Handle(Arc::clone(&self.runtime)).spawn(Box::pin(task)).unwrap();
    }

    /// Waits until no task has anything to do.
    pub(crate) fn settle(&self) {
        let mut state = self.runtime.state.lock().unwrap();
        while state.busy > 0 || !state.queue.is_empty() {
            state = self.runtime.quiet.wait(state).unwrap();
        }
    }

    /// Lets time pass tick by tick. Each tick is served to its end.
    pub(crate) fn pass(&self, time: Duration) {
        for _ in 0..time.as_millis() / TICK.as_millis() {
            self.clock().pass(TICK);
            self.settle();
        }
    }

    /// Stops and drops the scheduler. Nothing may be left, and no check may have failed.
    pub(crate) fn end(self, scheduler: Scheduler) {
        let report = scheduler.stop().blocking_wait();
        self.check_stop(report);
        drop(scheduler);
        self.close();
    }

    /// The same, once the last handle is gone.
    pub(crate) fn close(self) {
        self.settle();
        let begun = self.tally.begun();
        self.pass(2 * TICK);
        assert_eq!(self.tally.begun(), begun, "a run began without a scheduler");
        self.runtime.close();
        let threads = std::mem::take(&mut self.runtime.state.lock().unwrap().threads);
        for thread in self.workers.into_iter().chain(threads) {
            thread.join().unwrap();
        }
        self.tally.check();
        let Tally {
            begun, ended, targets, ..
        } = &*self.tally;
        assert_eq!(begun.load(SeqCst), ended.load(SeqCst), "begun and ended");
        assert_eq!(targets.load(SeqCst), 0, "targets that are left");
        assert_eq!(Arc::strong_count(&self.runtime), 1, "the runtime is still held");
    }

    /// Checks a stop without a time limit that has just returned. Call only if the scheduler was not started again.
    pub(crate) fn check_stop(&self, report: StopReport) {
        assert!(report.is_clean());
        // The report names jobs, and so keeps them alive.
        drop(report);
        assert_eq!(self.tally.inside.load(SeqCst), 0, "a run went on after the stop");
        let begun = self.tally.begun();
        self.pass(2 * TICK);
        assert_eq!(self.tally.begun(), begun, "a run began after the stop");
    }
}

#[derive(Clone)]
pub(crate) struct Clock(Arc<Executor>);

impl Clock {
    pub(crate) fn pass(&self, time: Duration) {
        let mut state = self.0.state.lock().unwrap();
        state.passed += time;
        let now = self.0.origin + state.passed;
        let sleepers = std::mem::take(&mut state.sleepers);
        let (over, left) = sleepers.into_iter().partition(|(deadline, _)| *deadline <= now);
        state.sleepers = left;
        drop(state);
        let over: Vec<(Instant, Waker)> = over;
        for (_, waker) in over {
            waker.wake();
        }
    }
}

pub(crate) struct Executor {
    origin: Instant,
    state: Mutex<State>,
    work: Condvar,
    quiet: Condvar,
}

#[derive(Default)]
struct State {
    passed: Duration,
    sleepers: Vec<(Instant, Waker)>,
    queue: VecDeque<Arc<Task>>,
    /// Number of threads that are in a task, or in blocking work.
    busy: usize,
    /// The threads of blocking work.
    threads: Vec<JoinHandle<()>>,
    closed: bool,
}

struct Task {
    runtime: Arc<Executor>,
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    queued: Mutex<bool>,
}

impl Executor {
    fn work(&self) {
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(task) = state.queue.pop_front() {
                state.busy += 1;
                drop(state);
                task.poll();
                drop(task);
                state = self.rest();
            } else if state.closed {
                return;
            } else {
                state = self.work.wait(state).unwrap();
            }
        }
    }

    /// Called when a thread is done with a task, or with blocking work.
    fn rest(&self) -> shuttle::sync::MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        state.busy -= 1;
        if state.busy == 0 && state.queue.is_empty() {
            self.quiet.notify_all();
        }
        state
    }

    fn close(&self) {
        let mut state = self.state.lock().unwrap();
        state.closed = true;
        let sleepers = std::mem::take(&mut state.sleepers);
        drop(state);
        drop(sleepers);
        self.work.notify_all();
    }
}

impl Task {
    fn poll(self: &Arc<Self>) {
        *self.queued.lock().unwrap() = false;
        let mut future = self.future.lock().unwrap();
        let Some(polled) = &mut *future else { return };
        let waker = Waker::from(Arc::clone(self));
        if polled.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            *future = None;
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !std::mem::replace(&mut *self.queued.lock().unwrap(), true) {
            let runtime = &self.runtime;
            runtime.state.lock().unwrap().queue.push_back(Arc::clone(&self));
            runtime.work.notify_one();
        }
    }
}

/// The runtime that the scheduler gets.
struct Handle(Arc<Executor>);

impl Spawner for Handle {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        let task = Arc::new(Task {
            runtime: Arc::clone(&self.0),
            future: Mutex::new(Some(future)),
            queued: Mutex::default(),
        });
        task.wake();
        Ok(())
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        let runtime = Arc::clone(&self.0);
        runtime.state.lock().unwrap().busy += 1;
        let thread = thread::spawn(move || {
            work();
            drop(runtime.rest());
        });
        self.0.state.lock().unwrap().threads.push(thread);
        Ok(())
    }
}

impl Timer for Handle {
    fn now(&self) -> Instant {
        self.0.origin + self.0.state.lock().unwrap().passed
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let runtime = Arc::clone(&self.0);
        Box::pin(poll_fn(move |cx| {
            let mut state = runtime.state.lock().unwrap();
            if runtime.origin + state.passed >= deadline {
                return Poll::Ready(());
            }
            state.sleepers.push((deadline, cx.waker().clone()));
            Poll::Pending
        }))
    }
}

/// Counts of all runs. Jobs report here, because the scheduler catches a panic in a job.
#[derive(Default)]
pub(crate) struct Tally {
    begun: Count,
    ended: Count,
    pub(crate) inside: Count,
    /// Targets that are not dropped yet.
    targets: Count,
    too_many: Flag,
}

impl Tally {
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(SeqCst)
    }

    pub(crate) fn targets(&self) -> u64 {
        self.targets.load(SeqCst)
    }

    fn check(&self) {
        assert!(!self.too_many.load(SeqCst), "more runs at once than there may be");
    }

    /// A limit for targets that may together have `limit` runs at once, of one job or of several jobs.
    pub(crate) fn limit(self: &Arc<Self>, limit: u64) -> Arc<Limit> {
        Arc::new(Limit {
            tally: Arc::clone(self),
            limit,
            inside: Count::new(0),
        })
    }
}

pub(crate) struct Limit {
    tally: Arc<Tally>,
    limit: u64,
    inside: Count,
}

impl Limit {
    pub(crate) fn target(self: &Arc<Self>) -> Target {
        self.tally.targets.fetch_add(1, SeqCst);
        Target(Arc::clone(self))
    }
}

/// A value that a target captures.
pub(crate) struct Target(Arc<Limit>);

impl Target {
    pub(crate) fn begin(&self) -> Inside {
        let Limit { tally, limit, inside } = &*self.0;
        tally.begun.fetch_add(1, SeqCst);
        tally.inside.fetch_add(1, SeqCst);
        if inside.fetch_add(1, SeqCst) >= *limit {
            tally.too_many.store(true, SeqCst);
        }
        Inside(Arc::clone(&self.0))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.0.tally.targets.fetch_sub(1, SeqCst);
    }
}

/// A run, from its beginning until its future is dropped.
pub(crate) struct Inside(Arc<Limit>);

impl Drop for Inside {
    fn drop(&mut self) {
        // Other threads may run here.
        thread::yield_now();
        self.0.inside.fetch_sub(1, SeqCst);
        self.0.tally.inside.fetch_sub(1, SeqCst);
        self.0.tally.ended.fetch_add(1, SeqCst);
    }
}

/// A target whose runs end at once.
pub(crate) fn at_once(limit: &Arc<Limit>) -> impl Fn() + Send + Sync + use<> {
    let target = limit.target();
    move || {
        let inside = target.begin();
        thread::yield_now();
        drop(inside);
    }
}

/// A target whose runs are pending `turns` times.
pub(crate) fn in_turns(limit: &Arc<Limit>, turns: u32) -> impl Fn() -> BoxFuture<'static, ()> + Send + Sync + use<> {
    let target = limit.target();
    move || {
        let inside = target.begin();
        let mut left = turns;
        Box::pin(async move {
            poll_fn(|cx| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            drop(inside);
        })
    }
}

/// A target whose runs wait at the gate.
pub(crate) fn at_gate(
    limit: &Arc<Limit>,
    gate: &Arc<Gate>,
) -> impl Fn() -> BoxFuture<'static, ()> + Send + Sync + use<> {
    let (target, gate) = (limit.target(), Arc::clone(gate));
    move || {
        let (inside, gate) = (target.begin(), Arc::clone(&gate));
        Box::pin(async move {
            gate.passed().await;
            drop(inside);
        })
    }
}

/// Runs wait until the gate is open.
#[derive(Default)]
pub(crate) struct Gate(Mutex<(bool, Vec<Waker>)>);

impl Gate {
    pub(crate) fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        let wakers = std::mem::take(&mut state.1);
        drop(state);
        for waker in wakers {
            waker.wake();
        }
    }

    async fn passed(&self) {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Polls a future once.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
