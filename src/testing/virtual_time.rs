//! `VirtualTime`, the handle of a test. `state` has the data, `executor` runs the tasks, and `sleep` is the future that
//! waits. `wall` is the wall clock, and `faults` are the methods that disturb the runtime.

mod executor;
mod faults;
mod sleep;
mod state;
#[cfg(test)]
mod tests;
mod wall;

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::pending;

use crate::runtime::{BoxFuture, SpawnError, Spawner, Timer};

use self::executor::{PATIENCE, WakeFlag};
use self::sleep::Sleep;
use self::state::State;
use self::wall::NEW_MILLENNIUM;

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
/// # The wall clock
///
/// The wall clock starts at 2000-01-01T00:00:00Z, or at the time given to [`at`](Self::at), and goes on with the clock.
/// [`wall`](Timer::wall) reads it. [`step_wall`](Self::step_wall) and [`suspend`](Self::suspend) move the wall clock
/// alone.
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
    /// Creates a runtime without tasks. The clock stands still at the present instant. The wall clock shows
    /// 2000-01-01T00:00:00Z, a Saturday.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::new();
    /// assert_eq!(time.elapsed(), Duration::ZERO);
    /// ```
    pub fn new() -> VirtualTime {
        VirtualTime::at(UNIX_EPOCH + NEW_MILLENNIUM)
    }

    /// Creates a runtime as [`new`](Self::new) does, whose wall clock shows `start`.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atevery::runtime::Timer;
    /// use atevery::testing::VirtualTime;
    ///
    /// // 2026-03-29T00:00:00Z. An hour later, Europe sets its clocks forward.
    /// let start = UNIX_EPOCH + Duration::from_secs(1_774_742_400);
    /// let time = VirtualTime::at(start);
    /// assert_eq!(time.wall(), start);
    ///
    /// time.advance(Duration::from_secs(3600));
    /// assert_eq!(time.wall(), start + Duration::from_secs(3600));
    /// ```
    pub fn at(start: SystemTime) -> VirtualTime {
        VirtualTime {
            state: Arc::new(Mutex::new(State::new(Instant::now(), start))),
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

    fn wall(&self) -> SystemTime {
        self.lock().wall()
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
