use std::sync::Arc;
use std::thread;
use std::time::Instant;

use async_executor::Executor;
use futures::FutureExt;
use futures::channel::oneshot;

use super::async_executor::AsyncIo;
use super::traits::{Spawner, Timer};
use ::futures::future::BoxFuture;
use ::futures::task::SpawnError;

/// An executor with threads of its own, for programs without an async runtime. Feature `standalone`.
///
/// The executor has one thread for each processor, but at least 2 and at most 8 threads. The threads are named
/// `atevery-0`, `atevery-1` and so on. Blocking jobs run on the pool of the `blocking` crate.
///
/// A clone is a handle to the same threads. The threads end when the last handle is dropped; a scheduler holds a handle
/// too. No drop waits for a thread, so a handle may be dropped anywhere.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, runtime::Standalone};
/// use futures::executor::block_on;
///
/// # fn main() -> Result<(), atevery::Error> {
/// let scheduler = Scheduler::new(Standalone::new());
/// scheduler.every(Duration::from_millis(50)).run(|| println!("beat"))?;
/// scheduler.start()?;
///
/// std::thread::sleep(Duration::from_millis(120));
/// block_on(scheduler.stop().into_future());
/// # Ok(())
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "standalone")))]
#[derive(Clone, Debug)]
pub struct Standalone {
    executor: Arc<Executor<'static>>,
    /// Never sends. The threads end when the sender is dropped.
    _alive: Arc<oneshot::Sender<()>>,
}

impl Standalone {
    /// Starts the threads.
    ///
    /// # Panics
    ///
    /// Panics if the system refuses a thread, as [`std::thread::spawn`] does.
    pub fn new() -> Standalone {
        let executor = Arc::new(Executor::new());
        let (alive, gone) = oneshot::channel::<()>();
        let gone = gone.shared();
        let threads = thread::available_parallelism().map_or(2, |processors| processors.get().clamp(2, 8));
        for number in 0..threads {
            let (executor, gone) = (executor.clone(), gone.clone());
            thread::Builder::new()
                .name(format!("atevery-{number}"))
                .spawn(move || async_io::block_on(executor.run(gone)))
                .expect("the system refused a thread for `Standalone`");
        }
        Standalone {
            executor,
            _alive: Arc::new(alive),
        }
    }
}

impl Default for Standalone {
    fn default() -> Standalone {
        Standalone::new()
    }
}

impl Spawner for Standalone {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        Spawner::spawn(&self.executor, future)
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        self.executor.spawn_blocking(work)
    }
}

impl Timer for Standalone {
    fn now(&self) -> Instant {
        AsyncIo.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        AsyncIo.sleep_until(deadline)
    }
}
