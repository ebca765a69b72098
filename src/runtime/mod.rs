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
mod traits;

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
pub use self::traits::{Runtime, Spawner, Timer};
#[doc(no_inline)]
pub use ::futures::future::BoxFuture;
#[doc(no_inline)]
pub use ::futures::task::SpawnError;
