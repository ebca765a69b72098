//! What the scheduler needs of a runtime.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use ::futures::future::BoxFuture;
use ::futures::task::SpawnError;

/// Runs futures, and blocking work.
///
/// Only [`spawn`](Spawner::spawn) is required. The scheduler holds no lock when it calls a method of this trait.
pub trait Spawner: Send + Sync + 'static {
    /// Spawns `future` as a detached task.
    ///
    /// # Errors
    ///
    /// Returns a [`SpawnError`] if the executor accepts no more futures. An executor that is shut down may also accept
    /// the future and drop it: the scheduler notices the drop.
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError>;

    /// Runs `work`, which may block its thread.
    ///
    /// By default the work runs inside a spawned future, on a thread of the executor. An adapter should override this
    /// method if the runtime has a blocking pool.
    ///
    /// # Errors
    ///
    /// Returns a [`SpawnError`] if the executor accepts no more work.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        self.spawn(Box::pin(async move { work() }))
    }

    /// Calls `work`, inside the runtime's context if the runtime has one.
    ///
    /// The scheduler calls this method if it has to drop the future of a cancelled run on a thread of the user, because
    /// the executor does not. The future's destructor may then use the runtime, for example spawn a task. By default
    /// `work` is called as it is.
    fn enter(&self, work: &mut dyn FnMut()) {
        work();
    }
}

/// The clocks of a scheduler: the monotonic clock, and the wall clock beside it.
///
/// The scheduler reads the time from [`now`](Timer::now) and [`wall`](Timer::wall) only. A timer for tests may
/// therefore return a time of its own.
pub trait Timer: Send + Sync + 'static {
    /// Returns the present instant.
    ///
    /// The clock should not step back. If the clock steps back, the scheduler still begins no run early.
    fn now(&self) -> Instant;

    /// Returns a future that is ready once [`now`](Timer::now) has reached `deadline`. If the deadline has passed, the
    /// future is ready at once.
    ///
    /// The future may be ready early, late or at random: the scheduler then asks [`now`](Timer::now), begins no run
    /// early, and sleeps again. If a timer is always early by the same length, the scheduler adds this length to the
    /// deadline.
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()>;

    /// Returns the present wall-clock time, which schedules by the calendar follow.
    ///
    /// By default this is the time of the system. A timer whose [`now`](Timer::now) is not the system's clock should
    /// override this method, so that the wall clock moves with `now`. Unlike `now`, the wall clock may be set forth and
    /// back.
    ///
    /// ```
    /// use std::time::{Duration, Instant, SystemTime};
    /// use atevery::runtime::{BoxFuture, Timer};
    ///
    /// /// Time that passes ten times as fast as it does on `timer`.
    /// struct Fast<T> {
    ///     timer: T,
    ///     start: (Instant, SystemTime),
    /// }
    ///
    /// impl<T: Timer> Fast<T> {
    ///     fn passed(&self) -> Duration {
    ///         self.timer.now() - self.start.0
    ///     }
    /// }
    ///
    /// impl<T: Timer> Timer for Fast<T> {
    ///     fn now(&self) -> Instant {
    ///         self.start.0 + 10 * self.passed()
    ///     }
    ///     fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
    ///         self.timer.sleep_until(self.start.0 + (deadline - self.start.0) / 10)
    ///     }
    ///     fn wall(&self) -> SystemTime {
    ///         self.start.1 + 10 * self.passed()
    ///     }
    /// }
    /// ```
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A runtime for a scheduler: every type that is a [`Spawner`] and a [`Timer`].
pub trait Runtime: Spawner + Timer {}

impl<R: Spawner + Timer + ?Sized> Runtime for R {}

impl<S: Spawner, T: Timer> Spawner for (S, T) {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.0.spawn(future)
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        self.0.spawn_blocking(work)
    }

    fn enter(&self, work: &mut dyn FnMut()) {
        self.0.enter(work);
    }
}

impl<S: Spawner, T: Timer> Timer for (S, T) {
    fn now(&self) -> Instant {
        self.1.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.1.sleep_until(deadline)
    }

    fn wall(&self) -> SystemTime {
        self.1.wall()
    }
}

impl<S: Spawner + ?Sized> Spawner for Arc<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        (**self).spawn(future)
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        (**self).spawn_blocking(work)
    }

    fn enter(&self, work: &mut dyn FnMut()) {
        (**self).enter(work);
    }
}

impl<T: Timer + ?Sized> Timer for Arc<T> {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        (**self).sleep_until(deadline)
    }

    fn wall(&self) -> SystemTime {
        (**self).wall()
    }
}
