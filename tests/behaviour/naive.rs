//! A runtime as a user might write it in an afternoon. Tasks live in their wakers and in one queue, and the test moves
//! the clock. Faults can be switched on.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use atevery::runtime::{BoxFuture, SpawnError, Spawner, Timer};

/// The fate of the next futures that are spawned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// The futures wait for `run`.
    Queue,
    /// The first poll is inside `spawn`.
    Inline,
    Refuse,
    /// Accepted, and dropped inside `spawn`.
    Drop,
    Panic,
}

/// The executor.
#[derive(Clone)]
pub(crate) struct Naive(Arc<Inner>);

struct Inner {
    mode: Mutex<Mode>,
    refuse_blocking: Mutex<bool>,
    spawns: AtomicUsize,
    queue: Arc<Mutex<Option<VecDeque<Arc<Task>>>>>,
    /// Each task holds a clone of this value, which counts the tasks.
    alive: Arc<()>,
}

struct Task {
    _alive: Arc<()>,
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    queue: Arc<Mutex<Option<VecDeque<Arc<Task>>>>>,
}

impl Naive {
    pub(crate) fn new() -> Naive {
        Naive(Arc::new(Inner {
            mode: Mutex::new(Mode::Queue),
            refuse_blocking: Mutex::new(false),
            spawns: AtomicUsize::new(0),
            queue: Arc::new(Mutex::new(Some(VecDeque::new()))),
            alive: Arc::default(),
        }))
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.0.mode.lock().unwrap() = mode;
    }

    pub(crate) fn refuse_blocking(&self, refuse: bool) {
        *self.0.refuse_blocking.lock().unwrap() = refuse;
    }

    /// Number of calls of `spawn`.
    pub(crate) fn spawns(&self) -> usize {
        self.0.spawns.load(Ordering::Relaxed)
    }

    /// Number of tasks. A task that is done counts as long as its waker is kept.
    pub(crate) fn tasks(&self) -> usize {
        Arc::strong_count(&self.0.alive) - 1
    }

    /// Polls ready tasks until no task is ready. Returns the number of polls.
    pub(crate) fn run(&self) -> usize {
        for polls in 0..1_000_000 {
            let task = self.0.queue.lock().unwrap().as_mut().and_then(VecDeque::pop_front);
            let Some(task) = task else { return polls };
            task.poll();
        }
        panic!("there is no end to it");
    }

    /// Polls at most `polls` times.
    pub(crate) fn step(&self, polls: usize) {
        for _ in 0..polls {
            let task = self.0.queue.lock().unwrap().as_mut().and_then(VecDeque::pop_front);
            let Some(task) = task else { return };
            task.poll();
        }
    }

    /// Shuts down for ever. Tasks in the queue are dropped. Tasks that only wakers hold are left.
    pub(crate) fn go_away(&self) {
        let queue = self.0.queue.lock().unwrap().take();
        self.set(Mode::Refuse);
        drop(queue);
    }
}

impl Spawner for Naive {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.0.spawns.fetch_add(1, Ordering::Relaxed);
        let mode = *self.0.mode.lock().unwrap();
        let task = Arc::new(Task {
            _alive: Arc::clone(&self.0.alive),
            future: Mutex::new(Some(future)),
            queue: Arc::clone(&self.0.queue),
        });
        match mode {
            Mode::Queue => task.wake(),
            Mode::Inline => task.poll(),
            Mode::Refuse => return Err(SpawnError::shutdown()),
            Mode::Drop => {}
            Mode::Panic => panic!("a spawner panics"),
        }
        Ok(())
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        if *self.0.refuse_blocking.lock().unwrap() {
            return Err(SpawnError::shutdown());
        }
        self.spawn(Box::pin(async move { work() }))
    }
}

impl Task {
    fn poll(self: &Arc<Task>) {
        let waker = Waker::from(Arc::clone(self));
        let mut slot = self.future.lock().unwrap();
        let Some(mut future) = slot.take() else { return };
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            *slot = Some(future);
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Task>) {
        let queue = Arc::clone(&self.queue);
        if let Some(queue) = queue.lock().unwrap().as_mut() {
            queue.push_back(self);
        }
    }
}

/// The clock.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Mutex<Face>>);

struct Face {
    origin: Instant,
    now: Instant,
    sleepers: Vec<(Instant, Waker)>,
    /// Sleeps end this much before (early) or after (late) their deadline.
    early: Duration,
    late: Duration,
    dead: bool,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock::at(Instant::now())
    }

    pub(crate) fn at(now: Instant) -> Clock {
        Clock(Arc::new(Mutex::new(Face {
            origin: now,
            now,
            sleepers: Vec::new(),
            early: Duration::ZERO,
            late: Duration::ZERO,
            dead: false,
        })))
    }

    pub(crate) fn early(self, by: Duration) -> Clock {
        self.0.lock().unwrap().early = by;
        self
    }

    pub(crate) fn late(self, by: Duration) -> Clock {
        self.0.lock().unwrap().late = by;
        self
    }

    /// From here on, no timer fires.
    pub(crate) fn die(&self) {
        let mut face = self.0.lock().unwrap();
        face.dead = true;
        let sleepers = std::mem::take(&mut face.sleepers);
        drop(face);
        drop(sleepers);
    }

    pub(crate) fn elapsed_ms(&self) -> u64 {
        let face = self.0.lock().unwrap();
        u64::try_from((face.now - face.origin).as_millis()).unwrap()
    }

    /// Sets the clock, and wakes no sleeper.
    pub(crate) fn set(&self, now: Instant) {
        self.0.lock().unwrap().now = now;
    }

    /// Wakes all sleepers, whether or not their sleep is over.
    pub(crate) fn wake_all(&self) {
        let sleepers = std::mem::take(&mut self.0.lock().unwrap().sleepers);
        sleepers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Wakes the sleepers whose sleep is over.
    pub(crate) fn fire(&self) {
        let mut face = self.0.lock().unwrap();
        let now = face.now;
        let (early, late) = (face.early, face.late);
        let sleepers = std::mem::take(&mut face.sleepers);
        let (over, left) = sleepers
            .into_iter()
            .partition(|(deadline, _)| is_over(*deadline, now, early, late));
        face.sleepers = left;
        drop(face);
        let over: Vec<(Instant, Waker)> = over;
        over.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

fn is_over(deadline: Instant, now: Instant, early: Duration, late: Duration) -> bool {
    deadline.checked_add(late).is_some_and(|over| over <= now + early)
}

impl Timer for Clock {
    fn now(&self) -> Instant {
        self.0.lock().unwrap().now
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(std::future::poll_fn(move |cx| {
            let mut face = clock.0.lock().unwrap();
            if face.dead {
                return Poll::Pending;
            }
            if is_over(deadline, face.now, face.early, face.late) {
                return Poll::Ready(());
            }
            face.sleepers.push((deadline, cx.waker().clone()));
            Poll::Pending
        }))
    }
}

/// Moves the clock in steps of `step`, and runs the tasks that wake.
pub(crate) fn pass(clock: &Clock, naive: &Naive, span: Duration, step: Duration) {
    let end = clock.now() + span;
    naive.run();
    while clock.now() < end {
        clock.set(end.min(clock.now() + step));
        clock.fire();
        naive.run();
    }
}
