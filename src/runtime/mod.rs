//! The seam between the scheduler and a runtime: something that runs futures, and something that knows the time.
//!
//! Two small traits say what the scheduler needs: [`Spawner`] and [`Timer`]. Whatever is both is a [`Runtime`]; so is
//! a pair `(spawner, timer)`, and an `Arc` of either. The adapters here cover the common executors; the example
//! `custom_runtime` writes one for an executor that has none. [`BoxFuture`] and [`SpawnError`], which an adapter needs, are
//! those of the crate `futures`.
//!
//! | on | the scheduler is made by | feature |
//! | --- | --- | --- |
//! | Tokio | `Scheduler::new(Tokio::current())`, outside it `Scheduler::new(Tokio::from(handle))` | `tokio` |
//! | smol | `Scheduler::new(Smol)` | `smol` |
//! | async-std | `Scheduler::new(AsyncStd)` | `async-std` |
//! | an `Arc<async_executor::Executor>` | `Scheduler::new((executor, AsyncIo))` | `async-executor` |
//! | any `futures` executor | `Scheduler::new((FuturesSpawner(pool), FuturesTimer))` | `futures-timer` |
//! | no runtime at all | `Scheduler::new(Standalone::new())` | `standalone` |
//!
//! No feature is on unless asked for, and each brings in no other runtime's crates.

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
/// Only [`spawn`](Spawner::spawn) is required. The scheduler calls it while it holds no lock.
pub trait Spawner: Send + Sync + 'static {
    /// Starts `future`; nobody waits for its handle.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] if the executor takes no more futures. An executor that is shut down may also accept the future
    /// and drop it; the scheduler notices either way.
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError>;

    /// Runs `work`, which may block its thread.
    ///
    /// Unless the adapter overrides it, the work runs inside a spawned future, and so on a thread of the executor.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] if the executor takes no more work.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        self.spawn(Box::pin(async move { work() }))
    }
}

/// The one clock of a scheduler.
///
/// Everything that the scheduler knows of time comes from [`now`](Timer::now), so a timer that makes its time up moves
/// the scheduler with it.
pub trait Timer: Send + Sync + 'static {
    /// The present instant. It should not step back; if it does, no run begins early.
    fn now(&self) -> Instant;

    /// A future that is ready once `now` has reached `deadline`; a deadline that has passed is ready at once.
    ///
    /// Waking early, late or at random is harmless: the scheduler asks [`now`](Timer::now), begins no run early, and sleeps again. A
    /// timer that is early by the same again and again is asked for that much more.
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()>;
}

/// What a scheduler runs on: everything that is a [`Spawner`] and a [`Timer`].
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
