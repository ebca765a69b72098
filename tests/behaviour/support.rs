//! Shared by the tests: a world on virtual time, a log with times, and a few odd futures.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Job, JobBuilder, Run, Scheduler, Stop, StopReport};

pub(crate) const TICK: Duration = ms(50);
pub(crate) const SECOND: Duration = ms(1_000);

pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A scheduler with default settings on virtual time, and a log.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) time: VirtualTime,
    pub(crate) scheduler: Scheduler,
    pub(crate) log: Log,
}

impl World {
    pub(crate) fn new() -> World {
        let time = VirtualTime::new();
        World {
            scheduler: Scheduler::new(time.clone()),
            log: Log::new(&time),
            time,
        }
    }

    pub(crate) fn started() -> World {
        let world = World::new();
        world.scheduler.start().unwrap();
        world
    }

    pub(crate) fn every(&self, interval_ms: u64) -> JobBuilder {
        self.scheduler.every(ms(interval_ms))
    }

    /// Registers a job that only notes its runs.
    pub(crate) fn noting(&self, name: &'static str, interval_ms: u64) -> Job {
        self.every(interval_ms).name(name).run(self.log.noting(name)).unwrap()
    }

    /// Registers a job. Each run notes that it begins, and then takes `duration_ms`.
    pub(crate) fn taking(&self, name: &'static str, interval_ms: u64, duration_ms: u64) -> Job {
        self.every(interval_ms)
            .name(name)
            .run(self.log.taking(name, move |_| duration_ms))
            .unwrap()
    }

    /// Registers a job whose runs never end.
    pub(crate) fn endless(&self, name: &'static str) -> Job {
        self.every(1_000).name(name).run(std::future::pending::<()>).unwrap()
    }

    /// Starts the scheduler, and serves the tick at 0.
    pub(crate) fn start(&self) {
        self.scheduler.start().unwrap();
        self.settle();
    }

    pub(crate) fn settle(&self) {
        self.time.run_until_stalled();
    }

    pub(crate) fn advance(&self, by_ms: u64) {
        self.time.advance(ms(by_ms));
    }

    pub(crate) fn elapsed_ms(&self) -> u64 {
        elapsed_ms(&self.time)
    }

    pub(crate) fn stop(&self) -> StopReport {
        self.wait(self.scheduler.stop())
    }

    pub(crate) fn wait(&self, stop: Stop) -> StopReport {
        self.time.block_on(stop)
    }
}

/// Tasks are dropped here, because a task that holds a handle of its own runtime would live on.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() && Arc::strong_count(&self.log.entries) == 1 {
            self.time.shut_down();
        }
    }
}

fn elapsed_ms(time: &VirtualTime) -> u64 {
    u64::try_from(time.elapsed().as_millis()).unwrap()
}

/// A log of names, each with its millisecond.
#[derive(Clone)]
pub(crate) struct Log {
    time: VirtualTime,
    entries: Arc<Mutex<Vec<(u64, String)>>>,
}

impl Log {
    pub(crate) fn new(time: &VirtualTime) -> Log {
        Log {
            time: time.clone(),
            entries: Arc::default(),
        }
    }

    pub(crate) fn time(&self) -> &VirtualTime {
        &self.time
    }

    pub(crate) fn note(&self, what: impl Into<String>) {
        let entry = (elapsed_ms(&self.time), what.into());
        self.entries.lock().unwrap().push(entry);
    }

    pub(crate) fn noting(&self, what: &'static str) -> impl FnMut() + Send + 'static {
        let log = self.clone();
        move || log.note(what)
    }

    /// A target. Each run notes that it begins, and takes as long as `duration_ms` returns for its number.
    pub(crate) fn taking(
        &self,
        what: &'static str,
        duration_ms: impl Fn(u64) -> u64 + Send + 'static,
    ) -> impl FnMut(Run) -> futures::future::BoxFuture<'static, ()> + Send + 'static {
        let log = self.clone();
        move |run: Run| {
            log.note(what);
            log.time.sleep(ms(duration_ms(run.number())))
        }
    }

    /// Takes the names, in order.
    pub(crate) fn take_names(&self) -> Vec<String> {
        self.take().into_iter().map(|(_, what)| what).collect()
    }

    /// Takes the instants, in milliseconds.
    pub(crate) fn take_times(&self) -> Vec<u64> {
        self.take().into_iter().map(|(at_ms, _)| at_ms).collect()
    }

    pub(crate) fn take(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.entries.lock().unwrap())
    }
}

/// A shared counter.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn up(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Counts when it is dropped.
    pub(crate) fn on_drop(&self) -> CountsDrop {
        CountsDrop(self.clone())
    }
}

pub(crate) struct CountsDrop(Count);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.up();
    }
}

/// Panics when it is dropped.
#[derive(Debug)]
pub(crate) struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("a destructor panics");
    }
}

/// A waker that panics when it is woken.
pub(crate) fn panicking_waker() -> Waker {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker panics");
        }
    }
    Waker::from(Arc::new(Panics))
}

/// Is pending once, and wakes itself at once.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls a future once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future again and again, and calls `turn` in between, in which the executor polls its tasks.
pub(crate) fn drive<F: IntoFuture, T>(future: F, turn: impl Fn() -> T) -> F::Output {
    let mut future = std::pin::pin!(future.into_future());
    for _ in 0..1_000 {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
        turn();
    }
    panic!("it does not end");
}

/// Registers a synchronous job, on the executor or on the blocking pool.
pub(crate) fn register(builder: JobBuilder, blocking: bool, target: impl FnMut(Run) + Send + 'static) -> Job {
    let job = if blocking {
        builder.run_blocking(target)
    } else {
        builder.run(target)
    };
    job.unwrap()
}

/// A slot that is filled later.
pub(crate) type Later<T> = Arc<Mutex<Option<T>>>;

pub(crate) fn later<T>() -> Later<T> {
    Arc::default()
}

pub(crate) fn put<T>(slot: &Later<T>, value: T) {
    *slot.lock().unwrap() = Some(value);
}

pub(crate) fn take<T>(slot: &Later<T>) -> T {
    slot.lock().unwrap().take().expect("it was put there")
}

pub(crate) fn names(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(Job::name).collect()
}

/// Panics, with an output type that a job accepts.
pub(crate) fn blow_up() {
    panic!("a job panics");
}

/// Fails if `test` hangs.
pub(crate) fn in_time(test: impl FnOnce() + Send + 'static) {
    let (sender, done) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        sender.send(()).unwrap();
    });
    let waited = done.recv_timeout(SECOND * 60);
    assert_ne!(waited, Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    thread.join().unwrap();
}
