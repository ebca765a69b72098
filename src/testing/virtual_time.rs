//! The handle: what a test does with virtual time.
//!
//! Behind it are the data (`state`), what runs on them (`executor`), and the one future that waits (`sleep`).

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
use self::state::State;

/// A runtime for tests: one thread, deterministic, with a clock that only the test moves.
///
/// Nothing here sleeps. [`advance`](Self::advance) takes the clock from timer to timer and runs what each one wakes,
/// so a day of a job passes in a millisecond, and in the same way each time. The handle is cheap to clone: give one to
/// the scheduler, one to the jobs, and keep one.
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
/// // A day in a millisecond: 24 backups are done, the one of midnight has just begun.
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
/// Work is done in rounds. A round fires the timers that are due, by deadline and then in the order in which they were
/// set, and polls once each task that is ready by then, first come first served. Only when a round finds nothing to
/// do does the clock move. Blocking work waits its turn like a task.
///
/// # Whose turn it is
///
/// The test drives: [`advance`](Self::advance), [`run_until_stalled`](Self::run_until_stalled) and
/// [`block_on`](Self::block_on) poll tasks on the calling thread, and panic if called from inside a task. A job sleeps
/// with [`sleep`](Self::sleep), and lets time pass in synchronous code with [`block_for`](Self::block_for).
///
/// A panic of a task comes out of the call that drove it. The task is gone, everything else goes on with the next
/// call. (A scheduler catches the panics of its jobs, so those don't arrive here.)
///
/// Tasks that are left over when the test ends live on if they hold a handle themselves;
/// [`shut_down`](Self::shut_down) drops them.
#[derive(Clone)]
pub struct VirtualTime {
    state: Arc<Mutex<State>>,
}

/// Moving the clock and running what is ready.
impl VirtualTime {
    /// A runtime without tasks, whose clock stands still at some instant.
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

    /// How far the clock is from where it stood when this runtime was made; zero if it stands before that.
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

    /// Polls every task that is ready, and those that they wake, until none is. The clock stays where it is.
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
    /// If called from inside a task, if a task panics, or if there is no end to it after a million rounds.
    #[track_caller]
    pub fn run_until_stalled(&self) {
        let _driving = self.drive("run_until_stalled");
        self.settle(None);
    }

    /// Moves the clock forward, stopping at each timer on the way to run what it wakes.
    ///
    /// When this returns the clock stands exactly `by` further and no task is ready; timers that are due at that very
    /// instant have fired. Only where a job blocks the thread beyond it, the clock stands later, and what has become
    /// ready by then stays for the next call.
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
    /// As [`run_until_stalled`](Self::run_until_stalled), and if the clock can't go that far.
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

    /// Drives `future` to its end and returns its output; whenever all is stalled, the clock moves to the next timer.
    ///
    /// The future may borrow and need not be `Send`. It is polled at the head of a round in which it was woken. When
    /// it is ready, what else is ready stays for the next call.
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
    /// If nothing can ever make progress: the future is pending, no task is ready and no timer is set. Other threads are
    /// not waited for. Also if the future hasn't ended after a million rounds, if called from inside a task, and if a
    /// task panics.
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

/// Waiting, from inside a task.
impl VirtualTime {
    /// A future that is ready once the clock has moved on by `by`; if the clock can't go that far, never.
    ///
    /// The time is counted from this call, not from the first poll.
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
            Some(deadline) => self.sleep_until(deadline),
            None => Box::pin(pending()),
        }
    }

    /// Lets time pass for synchronous code, as `std::thread::sleep` does: the clock moves, and nothing else runs.
    ///
    /// This is what a job that blocks the executor's thread looks like. Timers that came due meanwhile fire when the
    /// job gives the thread back, late.
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
    /// assert_eq!(time.elapsed(), Duration::from_millis(170)); // woken late: the thread was taken
    /// # Ok::<(), futures::task::SpawnError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the clock can't go that far.
    #[track_caller]
    pub fn block_for(&self, by: Duration) {
        let later = self.later(by);
        self.lock().set_now(later);
    }
}

/// Faults.
impl VirtualTime {
    /// The clock leaps ahead past the timers in between, as on a machine that was suspended.
    ///
    /// Nothing runs. The timers that were leapt over all fire at the next call that drives.
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
    /// If the clock can't go that far.
    #[track_caller]
    pub fn jump(&self, by: Duration) {
        self.block_for(by);
    }

    /// The clock steps back, as a monotonic clock should not.
    ///
    /// Timers that have fired stay fired; those that have not wait for the clock to come back to their deadline.
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
    /// If the clock can't go that far.
    #[track_caller]
    pub fn step_back(&self, by: Duration) {
        let Some(earlier) = self.now().checked_sub(by) else {
            panic!("the clock can't step back by {by:?}: that is before the first Instant");
        };
        self.lock().set_now(earlier);
    }

    /// The next `count` spawns are refused with [`SpawnError::shutdown`], blocking ones among them.
    ///
    /// Replaces what an earlier call left over; 0 ends the fault.
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

    /// The next `count` spawns are accepted and their futures dropped unpolled, as some executors do when they are shut
    /// down.
    ///
    /// Replaces what an earlier call left over; 0 ends the fault. Refusals come first.
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

    /// The executor goes away for good: all tasks are dropped, later spawns are refused, no timer fires any more.
    ///
    /// A task that calls this is dropped when its poll returns. The clock can still be read and moved, and
    /// [`block_on`](Self::block_on) still drives its future.
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
        drop(remains); // destructors of futures, which may use this runtime: the lock is released
    }
}

/// Counts, for a test to assert that nothing leaks and nothing spins.
impl VirtualTime {
    /// Tasks that were spawned and have not ended.
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

    /// Timers that were set and have neither fired nor been dropped. A sleep sets its timer at its first poll.
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

    /// How often a task was polled, of all tasks ever; the future of `block_on` doesn't count.
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
    // `spawn_blocking` stays as provided: on one thread, blocking work is a task that does all in one poll.
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.admit(future)
    }
}

impl Timer for VirtualTime {
    fn now(&self) -> Instant {
        self.lock().now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        Box::pin(Sleep::new(self.clone(), deadline))
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
