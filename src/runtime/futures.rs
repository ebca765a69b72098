use std::time::Instant;

use futures::task::{FutureObj, Spawn};
use futures_timer::Delay;

use super::traits::{Spawner, Timer};
use ::futures::future::BoxFuture;
use ::futures::task::SpawnError;

/// Any executor that implements [`Spawn`] of `futures`, such as a `ThreadPool`. Feature `futures-timer`.
///
/// [`Spawn`] has no method for blocking work, so a blocking job runs on a thread of the executor.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, runtime::{FuturesSpawner, FuturesTimer}};
/// use futures::executor::{ThreadPool, block_on};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = ThreadPool::new()?;
/// let scheduler = Scheduler::new((FuturesSpawner(pool), FuturesTimer));
/// scheduler.every(Duration::from_millis(50)).run(|| println!("beat"))?;
/// scheduler.start()?;
///
/// std::thread::sleep(Duration::from_millis(120));
/// block_on(scheduler.stop().into_future());
/// # Ok(())
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "futures-timer")))]
#[derive(Clone, Copy, Debug, Default)]
pub struct FuturesSpawner<S>(pub S);

impl<S: Spawn + Send + Sync + 'static> Spawner for FuturesSpawner<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.0.spawn_obj(FutureObj::from(future))
    }
}

/// The timers of the crate `futures-timer`, for an executor without timers. Feature `futures-timer`.
///
/// The timers need no runtime: one thread of `futures-timer` wakes all of them. Pass the timers and an executor as a
/// pair:
///
/// ```
/// use atevery::{Scheduler, runtime::{FuturesSpawner, FuturesTimer}};
///
/// let pool = futures::executor::ThreadPool::new()?;
/// let scheduler = Scheduler::new((FuturesSpawner(pool), FuturesTimer));
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "futures-timer")))]
#[derive(Clone, Copy, Debug, Default)]
pub struct FuturesTimer;

impl Timer for FuturesTimer {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        Box::pin(Delay::new(deadline.saturating_duration_since(Instant::now())))
    }
}
