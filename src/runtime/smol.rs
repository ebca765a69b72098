use std::time::Instant;

use futures::FutureExt;

use super::traits::{Spawner, Timer};
use ::futures::future::BoxFuture;
use ::futures::task::SpawnError;

/// smol: its global executor, its blocking pool and async-io's timers. Feature `smol`.
///
/// By default smol's executor has one thread; the environment variable `SMOL_THREADS` sets another number. With one
/// thread, a long synchronous job delays all other jobs: register such a job with
/// [`run_blocking`](crate::JobBuilder::run_blocking). The executor lives as long as the process.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, runtime::Smol};
///
/// # fn main() -> Result<(), atevery::Error> {
/// smol::block_on(async {
///     let scheduler = Scheduler::new(Smol);
///     scheduler.every(Duration::from_millis(50)).run(|| println!("beat"))?;
///     scheduler.start()?;
///
///     smol::Timer::after(Duration::from_millis(120)).await;
///     scheduler.stop().await;
///     Ok(())
/// })
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "smol")))]
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Spawner for Smol {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        smol::spawn(future).detach();
        Ok(())
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        smol::unblock(work).detach();
        Ok(())
    }
}

impl Timer for Smol {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        smol::Timer::at(deadline).map(drop).boxed()
    }
}
