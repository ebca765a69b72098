//! `VirtualTime`, the handle of a test. `state` has the data, `executor` runs the tasks, and `sleep` is the future that
//! waits.

mod executor;
mod sleep;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::future::pending;

use crate::runtime::{BoxFuture, SpawnError, Spawner, Timer};

use self::executor::{PATIENCE, WakeFlag};
use self::sleep::Sleep;
use self::state::{Inexact, State};

/// A runtime for tests: one thread, deterministic, with a clock that only the test moves.
///
/// Nothing sleeps. [`advance`](Self::advance) moves the clock from timer to timer and runs the tasks that each timer
/// wakes. A day of a job passes in a millisecond, and in the same way each time. Clones are cheap handles to the same
/// runtime: pass a clone to the scheduler and to the jobs, and keep a clone in the test.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
///
/// use atevery::Scheduler;
/// use atevery::testing::VirtualTime;
///
/// const MINUTE: Duration = Duration::from_secs(60);
///
/// # fn main() -> Result<(), atevery::Error> {
/// let time = VirtualTime::new();
/// let scheduler = Scheduler::new(time.clone());
///
/// // The job under test: a backup every hour, which takes ten minutes.
/// let backups = Arc::new(AtomicU64::new(0));
/// let (clock, done) = (time.clone(), backups.clone());
/// scheduler.every(60 * MINUTE).name("backup").run(move || {
///     let (clock, done) = (clock.clone(), done.clone());
///     async move {
///         clock.sleep(10 * MINUTE).await;
///         done.fetch_add(1, Ordering::Relaxed);
///     }
/// })?;
/// scheduler.start()?;
///
/// // A day in a millisecond: 24 backups are done, and the backup of midnight has just begun.
/// time.advance(24 * 60 * MINUTE);
/// assert_eq!(backups.load(Ordering::Relaxed), 24);
///
/// let report = time.block_on(scheduler.stop());
/// assert_eq!(report.cancelled()[0].name(), "backup");
/// assert_eq!(time.elapsed(), 24 * 60 * MINUTE);
/// # Ok(())
/// # }
/// ```
///
/// # Order
///
/// The runtime works in rounds. A round fires the due timers, ordered by deadline and then by the order in which the
/// timers were set. The round then polls each ready task once, first come, first served. The clock moves only when a
/// round finds no work. Blocking work is queued like a task.
///
/// # Who drives
///
/// The test drives the runtime: [`advance`](Self::advance), [`run_until_stalled`](Self::run_until_stalled) and
/// [`block_on`](Self::block_on) poll tasks on the calling thread. These methods panic if a task calls them. A job
/// sleeps with [`sleep`](Self::sleep). Synchronous code lets time pass with [`block_for`](Self::block_for).
///
/// If a task panics, the panic reaches the caller of the method that polled the task. The task is dropped, and the next
/// call continues with the other tasks. The scheduler catches panics of jobs, so panics of jobs do not reach the
/// caller.
///
/// A task that holds a handle to the runtime keeps the runtime, and so itself, alive after the test.
/// [`shut_down`](Self::shut_down) drops such tasks.
#[derive(Clone)]
pub struct VirtualTime {
    state: Arc<Mutex<State>>,
}

/// Moving the clock and running tasks.
impl VirtualTime {
    /// Creates a runtime without tasks. The clock stands still at the present instant.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// assert_eq!(time.elapsed(), Duration::ZERO);
    /// ```
    pub fn new() -> VirtualTime {
        VirtualTime {
            state: Arc::new(Mutex::new(State::new(Instant::now()))),
        }
    }

    /// Returns how far the clock has moved since the runtime was created; zero if the clock has stepped back further.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.advance(Duration::from_millis(70));
    /// assert_eq!(time.elapsed(), Duration::from_millis(70));
    /// ```
    pub fn elapsed(&self) -> Duration {
        self.lock().elapsed()
    }

    /// Polls ready tasks until no task is ready. The clock does not move.
    ///
    /// ```
    /// use atevery::runtime::Spawner;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.spawn(Box::pin(async { println!("hello") }))?;
    /// assert_eq!(time.tasks(), 1);
    ///
    /// time.run_until_stalled();
    /// assert_eq!(time.tasks(), 0);
    /// # Ok::<(), futures::task::SpawnError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if called from inside a task, if a task panics, or if tasks are still ready after a million rounds.
    #[track_caller]
    pub fn run_until_stalled(&self) {
        let _driving = self.drive("run_until_stalled");
        self.settle(None);
    }

    /// Moves the clock forward by `by`. At each timer on the way, the clock stops and the woken tasks run.
    ///
    /// When the method returns, timers that are due at the final instant have fired, and no task is ready. If a job
    /// blocks the thread beyond the final instant, the clock stands later, and tasks that became ready by then wait for
    /// the next call.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::runtime::Spawner;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// let clock = time.clone();
    /// time.spawn(Box::pin(async move {
    ///     clock.sleep(Duration::from_secs(1)).await;
    ///     clock.sleep(Duration::from_secs(1)).await;
    /// }))?;
    ///
    /// time.advance(Duration::from_millis(1999));
    /// assert_eq!(time.tasks(), 1);
    /// time.advance(Duration::from_millis(1));
    /// assert_eq!(time.tasks(), 0);
    /// # Ok::<(), futures::task::SpawnError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Panics as [`run_until_stalled`](Self::run_until_stalled) does, and if the instant is out of the clock's range.
    #[track_caller]
    pub fn advance(&self, by: Duration) {
        let _driving = self.drive("advance");
        let target = self.later(by);
        loop {
            self.settle(Some(target));
            if !self.lock().move_to_next_timer(Some(target)) {
                break;
            }
        }
    }

    /// Drives `future` to its end and returns the output. When no task is ready, the clock moves to the next timer.
    ///
    /// The future may borrow, and need not be `Send`. If the future was woken, the next round polls the future first.
    /// When the future is ready, other ready tasks wait for the next call.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// let answer = time.block_on(async {
    ///     time.sleep(Duration::from_secs(3600)).await;
    ///     42
    /// });
    /// assert_eq!(answer, 42);
    /// assert_eq!(time.elapsed(), Duration::from_secs(3600));
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if no progress is possible: the future is pending, no task is ready, and no timer is set. The method does
    /// not wait for other threads. Panics also if the future is pending after a million rounds, if called from inside a
    /// task, and if a task panics.
    #[track_caller]
    pub fn block_on<F: IntoFuture>(&self, future: F) -> F::Output {
        let _driving = self.drive("block_on");
        let mut future = pin!(future.into_future());
        let flag = WakeFlag::new(true);
        let waker = Waker::from(flag.clone());
        for _ in 0..PATIENCE {
            if flag.take() {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return output;
                }
            }
            let stalled = !self.round() && !flag.is_set();
            if stalled && !self.lock().move_to_next_timer(None) {
                self.deadlock();
            }
        }
        panic!(
            "block_on: the future is still pending after {PATIENCE} rounds, at {:?}; \
             something goes on for ever, and the future does not wait for it: drive it with `advance` instead",
            self.elapsed()
        );
    }
}

/// Waiting inside a task.
impl VirtualTime {
    /// Returns a future that is ready once the clock has moved forward by `by`. If the instant is out of the clock's
    /// range, the future is never ready.
    ///
    /// The time counts from this call, not from the first poll.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.block_on(time.sleep(Duration::from_millis(30)));
    /// assert_eq!(time.elapsed(), Duration::from_millis(30));
    /// ```
    pub fn sleep(&self, by: Duration) -> BoxFuture<'static, ()> {
        match self.now().checked_add(by) {
            Some(deadline) => Box::pin(Sleep::new(self.clone(), deadline, false)),
            None => Box::pin(pending()),
        }
    }

    /// Lets time pass for synchronous code, as `std::thread::sleep` does: the clock moves, and no task runs.
    ///
    /// A job that calls this method blocks the executor's thread. Timers that come due meanwhile fire late, when the
    /// job returns.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::runtime::Spawner;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// let clock = time.clone();
    /// time.spawn_blocking(Box::new(move || clock.block_for(Duration::from_millis(170))))?;
    ///
    /// time.block_on(time.sleep(Duration::from_millis(50)));
    /// assert_eq!(time.elapsed(), Duration::from_millis(170)); // woken late: the thread was blocked
    /// # Ok::<(), futures::task::SpawnError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the instant is out of the clock's range.
    #[track_caller]
    pub fn block_for(&self, by: Duration) {
        let later = self.later(by);
        self.lock().set_now(later);
    }
}

/// Faults.
impl VirtualTime {
    /// Moves the clock ahead without stopping at timers, as on a machine that was suspended.
    ///
    /// No task runs. All timers that are due by then fire at the next call that drives the runtime.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// let sleep = time.sleep(Duration::from_secs(1));
    /// time.jump(Duration::from_secs(60));
    /// time.block_on(sleep);
    /// assert_eq!(time.elapsed(), Duration::from_secs(60));
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the instant is out of the clock's range.
    #[track_caller]
    pub fn jump(&self, by: Duration) {
        self.block_for(by);
    }

    /// Moves the clock back, which a monotonic clock should never do.
    ///
    /// Timers that have fired do not fire again. Other timers fire when the clock reaches their deadline.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.advance(Duration::from_secs(10));
    /// time.step_back(Duration::from_secs(4));
    /// assert_eq!(time.elapsed(), Duration::from_secs(6));
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the instant is out of the clock's range.
    #[track_caller]
    pub fn step_back(&self, by: Duration) {
        let Some(earlier) = self.now().checked_sub(by) else {
            panic!("the clock can't step back by {by:?}: that is before the first Instant");
        };
        self.lock().set_now(earlier);
    }

    /// Makes the timers inexact, as on a real machine: each timer fires late, by a random part of `late`. One in eight
    /// timers wakes a scheduler early, half-way to its deadline. A [`sleep`](Self::sleep) is never early.
    ///
    /// The clock stays exact: [`advance`](Self::advance) moves the clock by the requested length, and a timer that is
    /// not over by then fires in a later call. The same `seed` gives the same timers. A job that behaves differently on
    /// inexact timers depends on an accuracy that no runtime has.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new().with_inexact_timers(7, Duration::from_millis(50));
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(1)).run(|| ())?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_millis(100_050));
    /// assert_eq!(job.runs(), 101);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn with_inexact_timers(self, seed: u64, late: Duration) -> VirtualTime {
        self.lock().inexact = Some(Inexact::new(seed, late));
        self
    }

    /// Refuses the next `count` spawns with [`SpawnError::shutdown`], including blocking work.
    ///
    /// Replaces the count of an earlier call; 0 ends the fault.
    ///
    /// ```
    /// use atevery::runtime::Spawner;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.refuse_spawns(1);
    /// assert!(time.spawn(Box::pin(async {})).is_err());
    /// assert!(time.spawn(Box::pin(async {})).is_ok());
    /// ```
    pub fn refuse_spawns(&self, count: usize) {
        self.lock().refusals = count;
    }

    /// Accepts the next `count` spawns, and drops the futures unpolled, as some executors do after a shutdown.
    ///
    /// Replaces the count of an earlier call; 0 ends the fault. If refusals are set too, refusals come first.
    ///
    /// ```
    /// use atevery::runtime::Spawner;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.drop_spawns(1);
    /// assert!(time.spawn(Box::pin(async { unreachable!() })).is_ok());
    /// time.run_until_stalled();
    /// ```
    pub fn drop_spawns(&self, count: usize) {
        self.lock().losses = count;
    }

    /// Shuts the executor down for good: drops all tasks, refuses later spawns, and fires no timer any more.
    ///
    /// If a task calls this method, the task is dropped when its poll returns. The clock can still be read and moved,
    /// and [`block_on`](Self::block_on) still drives its future.
    ///
    /// ```
    /// use std::future::pending;
    /// use atevery::runtime::Spawner;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.spawn(Box::pin(pending()))?;
    /// time.shut_down();
    /// assert_eq!(time.tasks(), 0);
    /// assert!(time.spawn(Box::pin(async {})).is_err());
    /// # Ok::<(), futures::task::SpawnError>(())
    /// ```
    pub fn shut_down(&self) {
        let remains = self.lock().shut_down();
        drop(remains); // after the lock: destructors of futures may use this runtime
    }
}

/// Counts, for tests that assert that no task leaks or spins.
impl VirtualTime {
    /// Returns the number of tasks that were spawned and have not ended.
    ///
    /// ```
    /// use atevery::runtime::Spawner;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.spawn(Box::pin(async {}))?;
    /// assert_eq!(time.tasks(), 1);
    /// # Ok::<(), futures::task::SpawnError>(())
    /// ```
    pub fn tasks(&self) -> usize {
        self.lock().tasks()
    }

    /// Returns the number of timers that are set: neither fired nor dropped. A sleep sets its timer at its first poll.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::runtime::Spawner;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.spawn(time.sleep(Duration::from_secs(1)))?;
    /// time.run_until_stalled();
    /// assert_eq!(time.timers(), 1);
    /// # Ok::<(), futures::task::SpawnError>(())
    /// ```
    pub fn timers(&self) -> usize {
        self.lock().timers()
    }

    /// Returns the number of polls of all tasks so far, without the polls of the future of `block_on`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::runtime::Spawner;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// time.spawn(time.sleep(Duration::from_secs(3600)))?;
    /// time.advance(Duration::from_secs(7200));
    /// assert_eq!(time.polls(), 2); // once to set its timer, once when it fired
    /// # Ok::<(), futures::task::SpawnError>(())
    /// ```
    pub fn polls(&self) -> u64 {
        self.lock().polls()
    }
}

impl Spawner for VirtualTime {
    // `spawn_blocking` keeps its default: on one thread, blocking work is a task with one poll.
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.admit(future)
    }
}

impl Timer for VirtualTime {
    fn now(&self) -> Instant {
        self.lock().now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        Box::pin(Sleep::new(self.clone(), deadline, true))
    }
}

impl Default for VirtualTime {
    fn default() -> VirtualTime {
        VirtualTime::new()
    }
}

impl fmt::Debug for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("VirtualTime")
            .field("elapsed", &state.elapsed())
            .field("tasks", &state.tasks())
            .field("timers", &state.timers())
            .finish_non_exhaustive()
    }
}
