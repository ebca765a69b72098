//! The faults that a test asks for: clocks that jump or are set, inexact timers, spawns that are refused.

use std::time::Duration;

use crate::runtime::Timer;

use super::VirtualTime;
use super::state::Inexact;

/// Faults.
impl VirtualTime {
    /// Moves the clock ahead without stopping at timers, as on a machine that was suspended and whose monotonic clock
    /// went on. In a [`suspend`](Self::suspend) the monotonic clock stands still.
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

    /// Moves the clock back, which a monotonic clock should never do. The wall clock goes back with it.
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

    /// Sets the wall clock forth by `seconds`, or back if `seconds` is negative, as an administrator does.
    ///
    /// No time passes: [`now`](crate::runtime::Timer::now) stays, no task runs and no timer fires.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atevery::runtime::Timer;
    /// use atevery::testing::VirtualTime;
    ///
    /// let time = VirtualTime::at(UNIX_EPOCH + Duration::from_secs(7200));
    /// time.step_wall(-3600);
    /// assert_eq!(time.wall(), UNIX_EPOCH + Duration::from_secs(3600));
    /// assert_eq!(time.elapsed(), Duration::ZERO);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the time is out of the range of [`SystemTime`](std::time::SystemTime).
    #[track_caller]
    pub fn step_wall(&self, seconds: i64) {
        let by = Duration::from_secs(seconds.unsigned_abs());
        let stepped = self.lock().wall.step(by, seconds < 0);
        assert!(
            stepped,
            "the wall clock can't be set by {seconds} s: that is out of the range of SystemTime"
        );
    }

    /// Suspends the machine for `length`: the wall clock goes on, and the monotonic clock stands still, as on Linux and
    /// macOS.
    ///
    /// No task runs, no timer fires, and no timer comes nearer. On systems whose monotonic clock goes on meanwhile,
    /// such as Windows, a suspended machine is a [`jump`](Self::jump).
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atevery::runtime::Timer;
    /// use atevery::testing::VirtualTime;
    ///
    /// const DAY: Duration = Duration::from_secs(86_400);
    ///
    /// let time = VirtualTime::at(UNIX_EPOCH);
    /// time.suspend(2 * DAY);
    /// assert_eq!(time.wall(), UNIX_EPOCH + 2 * DAY);
    /// assert_eq!(time.elapsed(), Duration::ZERO);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the time is out of the range of [`SystemTime`](std::time::SystemTime).
    #[track_caller]
    pub fn suspend(&self, length: Duration) {
        let stepped = self.lock().wall.step(length, false);
        assert!(
            stepped,
            "the machine can't be suspended for {length:?}: the wall clock would be out of the range of SystemTime"
        );
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
    /// [`SpawnError::shutdown`]: crate::runtime::SpawnError::shutdown
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
