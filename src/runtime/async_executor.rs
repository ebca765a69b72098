use std::time::Instant;

use async_executor::Executor;
use async_io::Timer as IoTimer;
use futures::FutureExt;

use super::traits::{Spawner, Timer};
use ::futures::future::BoxFuture;
use ::futures::task::SpawnError;

/// Feature `async-executor`. Blocking jobs run on the pool of the `blocking` crate.
///
/// The program drives the executor: jobs run only while a thread is in [`run`](Executor::run).
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use async_executor::Executor;
/// use atevery::{Scheduler, runtime::AsyncIo};
///
/// # fn main() -> Result<(), atevery::Error> {
/// let executor = Arc::new(Executor::new());
/// let scheduler = Scheduler::new((executor.clone(), AsyncIo));
/// scheduler.every(Duration::from_millis(50)).run(|| println!("beat"))?;
/// scheduler.start()?;
///
/// async_io::block_on(executor.run(async {
///     async_io::Timer::after(Duration::from_millis(120)).await;
///     scheduler.stop().await
/// }));
/// # Ok(())
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "async-executor")))]
impl Spawner for Executor<'static> {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        Executor::spawn(self, future).detach();
        Ok(())
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        blocking::unblock(work).detach();
        Ok(())
    }
}

/// The timers of async-io, for an executor without timers. Feature `async-executor`.
///
/// The timers need no runtime: a thread of async-io wakes the timers. Pass the timers and an executor as a pair:
///
/// ```
/// use std::sync::Arc;
/// use async_executor::Executor;
/// use atevery::{Scheduler, runtime::AsyncIo};
///
/// let executor = Arc::new(Executor::new());
/// let scheduler = Scheduler::new((executor, AsyncIo));
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "async-executor")))]
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncIo;

impl Timer for AsyncIo {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        IoTimer::at(deadline).map(drop).boxed()
    }
}
