//! The interface between the scheduler and an async runtime, and the adapters for common runtimes.
//!
//! The scheduler needs two traits of a runtime: a [`Spawner`] runs futures, and a [`Timer`] is the clock. Every type
//! that implements both traits is a [`Runtime`]. A pair `(spawner, timer)` and an `Arc` of a runtime are runtimes too.
//! The example `custom_runtime` implements both traits for an executor without an adapter. [`BoxFuture`] and
//! [`SpawnError`] are re-exports from the crate `futures`, for adapters.
//!
//! | runtime | how to create the scheduler | feature |
//! | --- | --- | --- |
//! | Tokio | `Scheduler::new(Tokio::current())`, outside it `Scheduler::new(Tokio::from(handle))` | `tokio` |
//! | smol | `Scheduler::new(Smol)` | `smol` |
//! | async-std | `Scheduler::new(AsyncStd)` | `async-std` |
//! | an `Arc<async_executor::Executor>` | `Scheduler::new((executor, AsyncIo))` | `async-executor` |
//! | any `futures` executor | `Scheduler::new((FuturesSpawner(pool), FuturesTimer))` | `futures-timer` |
//! | no runtime at all | `Scheduler::new(Standalone::new())` | `standalone` |
//!
//! All of these features are off by default. Each feature adds only the crates of its own runtime.

#[cfg(feature = "async-executor")]
mod async_executor;
#[cfg(feature = "async-std")]
mod async_std;
#[cfg(feature = "futures-timer")]
mod futures;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "standalone")]
mod standalone;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "async-executor")]
pub use self::async_executor::AsyncIo;
#[cfg(feature = "async-std")]
pub use self::async_std::AsyncStd;
#[cfg(feature = "futures-timer")]
pub use self::futures::{FuturesSpawner, FuturesTimer};
#[cfg(feature = "smol")]
pub use self::smol::Smol;
#[cfg(feature = "standalone")]
pub use self::standalone::Standalone;
#[cfg(feature = "tokio")]
pub use self::tokio::Tokio;
#[doc(no_inline)]
pub use ::futures::future::BoxFuture;
#[doc(no_inline)]
pub use ::futures::task::SpawnError;

use std::sync::Arc;
use std::time::Instant;

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
}

/// The one clock of a scheduler.
///
/// The scheduler reads the time from [`now`](Timer::now) only. A timer for tests may therefore return a time of its
/// own.
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
}

impl<S: Spawner, T: Timer> Timer for (S, T) {
    fn now(&self) -> Instant {
        self.1.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.1.sleep_until(deadline)
    }
}

impl<S: Spawner + ?Sized> Spawner for Arc<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        (**self).spawn(future)
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        (**self).spawn_blocking(work)
    }
}

impl<T: Timer + ?Sized> Timer for Arc<T> {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        (**self).sleep_until(deadline)
    }
}
