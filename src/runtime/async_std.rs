use std::time::Instant;

use async_std::task;

use super::traits::{Spawner, Timer};
use ::futures::future::BoxFuture;
use ::futures::task::SpawnError;

/// async-std: its executor, its blocking pool and its timers. Feature `async-std`.
///
/// async-std is discontinued upstream ([RUSTSEC-2025-0052]). The adapter is for programs that already use async-std.
/// New programs should use [smol](https://docs.rs/smol), the base of async-std.
///
/// ```
/// use std::time::Duration;
/// use async_std::task;
/// use atevery::{Scheduler, runtime::AsyncStd};
///
/// # fn main() -> Result<(), atevery::Error> {
/// task::block_on(async {
///     let scheduler = Scheduler::new(AsyncStd);
///     scheduler.every(Duration::from_millis(50)).run(|| println!("beat"))?;
///     scheduler.start()?;
///
///     task::sleep(Duration::from_millis(120)).await;
///     scheduler.stop().await;
///     Ok(())
/// })
/// # }
/// ```
///
/// [RUSTSEC-2025-0052]: https://rustsec.org/advisories/RUSTSEC-2025-0052
#[cfg_attr(docsrs, doc(cfg(feature = "async-std")))]
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStd;

// Dropping a `JoinHandle` of async-std detaches the task.
impl Spawner for AsyncStd {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        drop(task::spawn(future));
        Ok(())
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        drop(task::spawn_blocking(work));
        Ok(())
    }
}

impl Timer for AsyncStd {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        // `sleep` counts from its first poll, so the rest of the time is computed at the first poll too.
        Box::pin(async move { task::sleep(deadline.saturating_duration_since(Instant::now())).await })
    }
}
