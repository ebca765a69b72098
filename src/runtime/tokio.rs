use std::future::{Future, pending};
use std::time::{Duration, Instant, SystemTime};

use futures::FutureExt;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

use super::traits::{Spawner, Timer};
use crate::error::Error;
use ::futures::future::BoxFuture;
use ::futures::task::SpawnError;

/// Tokio: its executor, its blocking pool and its clock. Feature `tokio`.
///
/// The adapter holds a [`Handle`], so the scheduler may be used from any thread and from other runtimes. The handle
/// does not keep the Tokio runtime alive. When the runtime is shut down, no more runs begin, and a stop returns.
///
/// Tokio's timers panic if they are polled after the shutdown. The scheduler treats the panic as "elapsed". A stop
/// after the shutdown therefore does not wait for a blocking run in progress, and names its job in the report.
///
/// Tokio's timers have a resolution of 1 ms, and may be up to 2 ms late. With a
/// [`resolution`](crate::SchedulerBuilder::resolution) below 2 ms, the loop therefore sleeps over ticks, and a job with
/// an interval below 2 ms does about half of its runs. [`MissedTicks`](crate::MissedTicks) says what becomes of the
/// others.
///
/// A job that blocks its thread in [`run`](crate::JobBuilder::run) may hold up all of Tokio's timers, as any task on
/// Tokio may: a thread that sleeps does not take over the timers. The scheduler knows a job that has blocked its
/// thread, see [`EventKind::HeldThread`](crate::EventKind::HeldThread). Before the next run of such a job that is due
/// alone, the scheduler has Tokio wake another thread. When a lone job blocks for the first time, the timers still wait
/// for its end. [`run_blocking`](crate::JobBuilder::run_blocking) avoids the problem.
///
/// The clock is Tokio's clock. In a test with a paused clock (`start_paused`, Tokio's feature `test-util`), jobs run in
/// paused time.
///
/// The wall clock ([`Timer::wall`]) is the system's. Once Tokio's clock was paused, the wall clock is the time at which
/// the adapter was made, plus the time that has passed on Tokio's clock since. This holds after `tokio::time::resume`
/// too, because Tokio's clock then stays apart from the system's. Tokio does not say whether its clock is paused: the
/// adapter compares Tokio's clock with the system's monotonic clock. For a test that begins at a certain date, see
/// [`VirtualTime::at`](https://docs.rs/atevery/latest/atevery/testing/struct.VirtualTime.html#method.at).
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, runtime::Tokio};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), atevery::Error> {
/// let scheduler = Scheduler::new(Tokio::current());
/// let beat = scheduler.every(Duration::from_secs(1)).run(|| println!("beat"))?;
/// scheduler.start()?;
///
/// tokio::time::sleep(Duration::from_millis(2500)).await;
/// scheduler.stop().await;
/// assert_eq!(beat.runs(), 3);
/// # Ok(())
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
#[derive(Clone, Debug)]
pub struct Tokio {
    handle: Handle,
    /// An instant of Tokio's clock, and the wall-clock time at that instant. For a clock that was paused.
    origin: (Instant, SystemTime),
}

impl Tokio {
    /// Returns an adapter for the current runtime.
    ///
    /// # Panics
    ///
    /// Panics outside a Tokio runtime, and if the runtime was built without `enable_time` or `enable_all`.
    #[track_caller]
    pub fn current() -> Tokio {
        // Not `unwrap_or_else`: `track_caller` would report the line of the closure.
        match Tokio::try_current() {
            Ok(tokio) => tokio,
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns an adapter for the current runtime, if there is a current runtime.
    ///
    /// # Errors
    ///
    /// Returns an error with [`Error::is_no_runtime`] outside a Tokio runtime.
    ///
    /// # Panics
    ///
    /// Panics if the runtime was built without `enable_time` or `enable_all`.
    ///
    /// ```
    /// use atevery::runtime::Tokio;
    ///
    /// assert!(Tokio::try_current().unwrap_err().is_no_runtime());
    /// ```
    #[track_caller]
    pub fn try_current() -> Result<Tokio, Error> {
        Ok(Tokio::from(Handle::try_current().map_err(|_| Error::no_runtime())?))
    }
}

/// For code outside the runtime.
///
/// # Panics
///
/// Panics if the runtime was built without `enable_time` or `enable_all`.
///
/// ```
/// use atevery::{Scheduler, runtime::Tokio};
///
/// let runtime = tokio::runtime::Runtime::new()?;
/// let scheduler = Scheduler::new(Tokio::from(runtime.handle().clone()));
/// # Ok::<(), std::io::Error>(())
/// ```
impl From<Handle> for Tokio {
    #[track_caller]
    fn from(handle: Handle) -> Tokio {
        let context = handle.enter();
        // If the runtime has no timers, Tokio panics here with advice. Later, in a task, nobody would see the panic.
        drop(tokio::time::sleep(Duration::ZERO));
        let origin = wall_origin();
        drop(context);
        Tokio { handle, origin }
    }
}

impl Spawner for Tokio {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        accepted(self.handle.spawn(future))
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        accepted(self.handle.spawn_blocking(work))
    }

    fn enter(&self, work: &mut dyn FnMut()) {
        if is_thread_ending() {
            return work();
        }
        let _context = self.handle.enter();
        work();
    }
}

/// Reports a refusal if the runtime is shut down: Tokio then accepts the task and cancels the task at once.
fn accepted(task: JoinHandle<()>) -> Result<(), SpawnError> {
    match task.now_or_never() {
        Some(Err(end)) if end.is_cancelled() => Err(SpawnError::shutdown()),
        _ => Ok(()),
    }
}

/// Whether the thread has destroyed Tokio's thread-local. `Handle::enter` would panic then, in a destructor of another
/// thread-local, and abort the process.
fn is_thread_ending() -> bool {
    Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed())
}

/// Sleeps in a task, which needs no context of this thread. Once the runtime is gone, the future is never ready.
fn sleep_in_task(handle: &Handle, deadline: Instant) -> impl Future<Output = ()> + use<> {
    let task = handle.spawn(async move { tokio::time::sleep_until(deadline.into()).await });
    async {
        if task.await.is_err() {
            pending::<()>().await;
        }
    }
}

/// The present instant of Tokio's clock, and the wall-clock time that belongs to it. If the clock stands an hour ahead
/// of the system's, the time is in an hour. Adapters that are made at different times therefore agree.
fn wall_origin() -> (Instant, SystemTime) {
    let now = tokio::time::Instant::now().into_std();
    let wall = shifted(SystemTime::now(), Instant::now(), now);
    (now, wall)
}

/// The wall-clock time at the instant `to`, if the wall clock shows `wall` at the instant `from`. If the time is out of
/// range, returns `wall`.
fn shifted(wall: SystemTime, from: Instant, to: Instant) -> SystemTime {
    match to.checked_duration_since(from) {
        Some(passed) => wall.checked_add(passed),
        None => wall.checked_sub(from.duration_since(to)),
    }
    .unwrap_or(wall)
}

impl Tokio {
    /// Whether Tokio's clock may differ from the system's. Only a current-thread runtime can pause its clock. Other
    /// runtimes avoid the cost of `enter`.
    fn may_be_paused(&self) -> bool {
        self.handle.runtime_flavor() == RuntimeFlavor::CurrentThread && !is_thread_ending()
    }
}

impl Timer for Tokio {
    fn now(&self) -> Instant {
        if !self.may_be_paused() {
            return Instant::now();
        }
        let _context = self.handle.enter();
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        // Tokio rounds deadlines up to the millisecond, and panics if the result is out of the clock's range.
        if deadline.checked_add(Duration::from_millis(1)).is_none() {
            return Box::pin(pending());
        }
        if is_thread_ending() {
            return Box::pin(sleep_in_task(&self.handle, deadline));
        }
        let _context = self.handle.enter();
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }

    fn wall(&self) -> SystemTime {
        if !self.may_be_paused() {
            return SystemTime::now();
        }
        let before = Instant::now();
        let now = self.now();
        // A clock that was never paused is the system's clock, and reads the same to the nanosecond.
        if (before..=Instant::now()).contains(&now) {
            return SystemTime::now();
        }
        let (origin, wall) = self.origin;
        shifted(wall, origin, now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use tokio::runtime::Builder;

    use super::*;

    /// An adapter whose origin is long ago, so that the time tells whether the origin was used.
    fn made_in_1970(handle: &Handle) -> Tokio {
        Tokio {
            origin: (Instant::now(), UNIX_EPOCH),
            handle: handle.clone(),
        }
    }

    fn is_in_1970(wall: SystemTime) -> bool {
        wall < UNIX_EPOCH + Duration::from_secs(365 * 86_400)
    }

    #[test]
    fn the_wall_clock_is_the_systems_unless_tokios_clock_was_paused() {
        let multi = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let single = Builder::new_current_thread().enable_all().build().unwrap();
        let paused = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        std::thread::sleep(Duration::from_millis(1));
        assert!(is_in_1970(made_in_1970(paused.handle()).wall()));
        for _ in 0..100 {
            assert!(!is_in_1970(made_in_1970(multi.handle()).wall()));
            assert!(!is_in_1970(made_in_1970(single.handle()).wall()));
        }
        single.block_on(async { tokio::time::pause() });
        std::thread::sleep(Duration::from_millis(1));
        assert!(is_in_1970(made_in_1970(single.handle()).wall()));
        single.block_on(async { tokio::time::resume() });
        assert!(is_in_1970(made_in_1970(single.handle()).wall()));
    }
}
