use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::control::job_builder::JobBuilder;
use crate::control::schedule::Schedule;
use crate::control::stop::Stop;
use crate::engine::{Engine, Settings};
use crate::error::Error;
use crate::exec::cancel::close;
use crate::exec::driver;
use crate::job::config::Host;
use crate::job::handle::Job;
use crate::job::run::Run;
use crate::job::sampling::Sampling;
use crate::observe::event::Event;
use crate::observe::status::SchedulerStatus;
use crate::observe::stream::Events;
use crate::runtime::Runtime;
use crate::time::{FirstRun, MissedTicks};

/// A scheduler of periodic jobs. The type is a cheap handle: all clones refer to the same scheduler.
///
/// Dropping the last handle stops the scheduler: no further run begins, and runs in progress are cancelled without
/// waiting. With the feature `tracing`, a warning then says how many jobs ended. The same holds if a job, a hook or a
/// panic drops the last handle. A [`Job`], a [`Run`] or a [`WeakScheduler`]
/// does not keep the scheduler alive. A target that captures a `Scheduler` does.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, testing::VirtualTime};
///
/// let time = VirtualTime::new();
/// let scheduler = Scheduler::new(time.clone());
/// let job = scheduler.every(Duration::from_millis(100)).run(|| println!("tick"))?;
/// scheduler.start()?;
/// time.advance(Duration::from_secs(1));
/// let report = time.block_on(scheduler.stop());
/// assert!(report.is_clean());
/// assert_eq!(job.runs(), 11);
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Clone)]
pub struct Scheduler {
    handle: Arc<Handle>,
}

struct Handle {
    engine: Arc<Engine>,
}

impl Scheduler {
    /// Returns a scheduler with the default settings: ticks of 50 ms and [`MissedTicks::Burst`].
    pub fn new(runtime: impl Runtime) -> Scheduler {
        Scheduler::builder(runtime).finish()
    }

    /// Returns a builder for a scheduler with other settings.
    pub fn builder(runtime: impl Runtime) -> SchedulerBuilder {
        SchedulerBuilder {
            runtime: Box::new(runtime),
            settings: Settings {
                resolution: DEFAULT_RESOLUTION,
                policy: MissedTicks::default(),
                first: FirstRun::default(),
                seed: RandomState::new().hash_one(()),
                sampling: Sampling::default(),
                hooks: Vec::new(),
            },
        }
    }

    /// Returns a builder for a job that runs every `interval`. Jobs can be registered before and after the start of the
    /// scheduler.
    ///
    /// An instant more than 292 years ahead, or beyond the clock's range, is never reached. With `Duration::MAX`, a job
    /// therefore runs once.
    pub fn every(&self, interval: Duration) -> JobBuilder {
        JobBuilder::new(self.clone(), Schedule::Every(interval))
    }

    /// Starts the scheduler, or starts it again after a stop. Time before a start does not count as missed: if a job
    /// became due in the meantime, it runs once, immediately. Keep the handle: when the last handle is dropped, the
    /// scheduler stops.
    ///
    /// # Errors
    ///
    /// Returns [`is_already_started`](Error::is_already_started) if the scheduler is running. Returns
    /// [`is_stopping`](Error::is_stopping) if a stop is waiting for runs to end. Returns [`is_spawn`](Error::is_spawn)
    /// if the runtime refuses to run the scheduler's loop. After an error nothing has changed.
    pub fn start(&self) -> Result<(), Error> {
        driver::start(self.engine())
    }

    /// Returns a [`Stop`], which stops the scheduler when it is awaited.
    pub fn stop(&self) -> Stop {
        Stop::of_scheduler(Arc::clone(self.engine()))
    }

    /// Returns whether the scheduler was started and not stopped since.
    pub fn is_running(&self) -> bool {
        self.engine().is_running()
    }

    /// Returns all jobs, in the order of registration. To select jobs, give them a [tag](JobBuilder::tag).
    pub fn jobs(&self) -> Vec<Job> {
        self.engine().jobs()
    }

    /// Returns the status of the scheduler and its jobs. The `Display` of the status writes a table.
    pub fn status(&self) -> SchedulerStatus {
        self.engine().look_at_wall_clock();
        SchedulerStatus::of(self.engine().state(), &self.jobs(), &self.engine().clock)
    }

    /// Returns a stream of the events from now on. The stream keeps the last 1,024 unread events.
    pub fn events(&self) -> Events {
        self.events_with_capacity(DEFAULT_EVENTS)
    }

    /// Like [`events`](Scheduler::events), with room for `capacity` unread events. The minimum is one event.
    pub fn events_with_capacity(&self, capacity: usize) -> Events {
        self.engine().observers.subscribe(capacity.max(1))
    }

    /// Creates a group: at most `limit` runs of its jobs are in progress at once. If the group exists, changes its
    /// limit. Jobs join a group by [`JobBuilder::group`]. If a lower limit is exceeded, the runs in progress continue.
    ///
    /// # Errors
    ///
    /// Returns [`is_invalid_option`](Error::is_invalid_option) if the limit is 0.
    pub fn group(&self, name: &str, limit: usize) -> Result<(), Error> {
        self.engine().set_group(name, limit)
    }

    /// Returns the current instant of the runtime's clock, see [`Timer::now`](crate::runtime::Timer::now). Code that
    /// calls this method instead of [`Instant::now`] can be tested on virtual time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let begin = scheduler.now();
    /// time.advance(Duration::from_secs(3600));
    /// assert_eq!(scheduler.now() - begin, Duration::from_secs(3600));
    /// ```
    pub fn now(&self) -> Instant {
        self.engine().clock.runtime().now()
    }

    /// Returns a handle that does not keep the scheduler alive, for use in jobs and hooks.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let weak = scheduler.downgrade();
    /// let job = scheduler.every(Duration::from_secs(60)).run(move || {
    ///     if let Some(scheduler) = weak.upgrade() {
    ///         println!("{}", scheduler.status());
    ///     }
    /// })?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(60));
    /// assert_eq!(job.runs(), 2);
    /// drop(scheduler); // The job doesn't keep it alive: there are no further runs.
    /// time.advance(Duration::from_secs(60));
    /// assert_eq!(job.runs(), 2);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn downgrade(&self) -> WeakScheduler {
        WeakScheduler {
            handle: Arc::downgrade(&self.handle),
        }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.handle.engine
    }
}

impl Run {
    /// Returns the scheduler of this run's job, for a job that adds jobs. `None` if the scheduler's last handle was
    /// dropped.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// scheduler.every(Duration::from_secs(60)).times(1).run(|run: Run| {
    ///     let Some(scheduler) = run.scheduler() else { return Ok(()) };
    ///     scheduler.every(Duration::from_secs(1)).name("added").run(|| ())?;
    ///     Ok::<(), atevery::Error>(())
    /// })?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(3));
    /// assert_eq!(scheduler.jobs()[0].name(), "added");
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn scheduler(&self) -> Option<Scheduler> {
        let engine = engine_of(self.host()?)?;
        let handle = engine.handle.get()?.upgrade()?.downcast().ok()?;
        Some(Scheduler { handle })
    }
}

/// The engine behind a job's interface to its scheduler.
pub(crate) fn engine_of(host: Arc<dyn Host>) -> Option<Arc<Engine>> {
    host.into_any().downcast().ok()
}

impl Drop for Handle {
    fn drop(&mut self) {
        close(&self.engine);
    }
}

// A panic never leaves a scheduler in an inconsistent state.
impl UnwindSafe for Scheduler {}
impl RefUnwindSafe for Scheduler {}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("running", &self.is_running())
            .field("jobs", &self.jobs().len())
            .finish_non_exhaustive()
    }
}

/// A handle of a [`Scheduler`] that does not keep the scheduler alive. [`Scheduler::downgrade`] returns this type.
///
/// If a target or a hook needs its own scheduler, it should capture a `WeakScheduler`. With a captured [`Scheduler`],
/// the scheduler would keep itself alive.
#[derive(Clone)]
pub struct WeakScheduler {
    handle: Weak<Handle>,
}

impl WeakScheduler {
    /// Returns the scheduler, or `None` if its last handle was dropped. The returned handle keeps the scheduler alive.
    pub fn upgrade(&self) -> Option<Scheduler> {
        let handle = self.handle.upgrade()?;
        Some(Scheduler { handle })
    }
}

// As for `Scheduler`.
impl UnwindSafe for WeakScheduler {}
impl RefUnwindSafe for WeakScheduler {}

impl fmt::Debug for WeakScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakScheduler")
            .field("alive", &(self.handle.strong_count() > 0))
            .finish_non_exhaustive()
    }
}

/// A builder for a scheduler. [`Scheduler::builder`] returns this type.
///
/// ```
/// use std::time::Duration;
/// use atevery::{MissedTicks, Scheduler, testing::VirtualTime};
///
/// let scheduler = Scheduler::builder(VirtualTime::new())
///     .resolution(Duration::from_millis(10))
///     .missed_ticks(MissedTicks::Skip)
///     .build()?;
/// scheduler.every(Duration::from_millis(20)).run(|| ())?;
/// # Ok::<(), atevery::Error>(())
/// ```
#[must_use = "`build` makes the scheduler"]
pub struct SchedulerBuilder {
    runtime: Box<dyn Runtime>,
    settings: Settings,
}

impl SchedulerBuilder {
    /// Sets the length of a tick, which is also the shortest interval. By default 50 ms. `tick` must be at least 1 ms.
    ///
    /// Ticks without a due job cost nothing. A longer tick lets jobs share wake-ups. A shorter tick lets runs begin
    /// closer to their due instants.
    pub fn resolution(mut self, tick: Duration) -> SchedulerBuilder {
        self.settings.resolution = tick;
        self
    }

    /// Sets the default policy for missed runs. A job may have a different policy. By default [`MissedTicks::Burst`].
    pub fn missed_ticks(mut self, policy: MissedTicks) -> SchedulerBuilder {
        self.settings.policy = policy;
        self
    }

    /// Sets when the first run of each job is scheduled. A job may say otherwise, by
    /// [`JobBuilder::first_run`]. By default [`FirstRun::Now`].
    ///
    /// If a process registers many jobs at its start, [`FirstRun::Within`] spreads their first runs:
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{FirstRun, Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let minute = Duration::from_secs(60);
    /// let scheduler = Scheduler::builder(time.clone()).first_run(FirstRun::Within(minute)).seed(7).build()?;
    /// for _ in 0..100 {
    ///     scheduler.every(minute).run(|| ())?;
    /// }
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(30));
    /// let begun = scheduler.jobs().iter().filter(|job| job.runs() == 1).count();
    /// assert!((35..65).contains(&begun));
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn first_run(mut self, first: FirstRun) -> SchedulerBuilder {
        self.settings.first = first;
        self
    }

    /// Sets the seed of all random numbers, such as those of [`jitter`](JobBuilder::jitter) and
    /// [`FirstRun::Within`]. The same seed gives the
    /// same random numbers, if the same jobs are registered in the same order. By default, each scheduler has a
    /// different seed.
    pub fn seed(mut self, seed: u64) -> SchedulerBuilder {
        self.settings.seed = seed;
        self
    }

    /// Reads the clock at the start and the end of every run, as if an observer were there. For the tests of this
    /// crate, which compare the path of such runs with the path of the others.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn time_every_run(mut self) -> SchedulerBuilder {
        self.settings.sampling = Sampling { every_run: true };
        self
    }

    /// Calls `hook` for each [event](crate::EventKind) of a job, on the thread of the event. If there are several
    /// hooks, they are called in the order of registration.
    ///
    /// The event's run waits for the hook. A hook should therefore be short; otherwise read
    /// [`events`](Scheduler::events) instead. A hook may call any method of the scheduler. If a hook waits for a stop,
    /// the stop does not wait for the hook's run, but reports the run as still running. A panic of the hook is caught
    /// and discarded.
    ///
    /// ```
    /// use atevery::{EventKind, Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::builder(VirtualTime::new())
    ///     .on_event(|event| {
    ///         if let EventKind::Failed(_) | EventKind::Panicked(_) = event.kind() {
    ///             eprintln!("{event}");
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> SchedulerBuilder {
        self.settings.hooks.push(Box::new(hook));
        self
    }

    /// Builds the scheduler, which must then be started.
    ///
    /// # Errors
    ///
    /// Returns [`is_invalid_resolution`](Error::is_invalid_resolution) if the resolution is shorter than 1 ms.
    pub fn build(self) -> Result<Scheduler, Error> {
        if self.settings.resolution < FINEST_RESOLUTION {
            return Err(Error::invalid_resolution(self.settings.resolution));
        }
        Ok(self.finish())
    }

    fn finish(self) -> Scheduler {
        let engine = Engine::new(self.runtime, self.settings);
        let handle = Arc::new(Handle { engine });
        let weak: Weak<Handle> = Arc::downgrade(&handle);
        // The engine is new, so nobody has set its handle.
        let _ = handle.engine.handle.set(weak);
        Scheduler { handle }
    }
}

impl fmt::Debug for SchedulerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchedulerBuilder")
            .field("resolution", &self.settings.resolution)
            .field("missed_ticks", &self.settings.policy)
            .field("first_run", &self.settings.first)
            .finish_non_exhaustive()
    }
}

const DEFAULT_EVENTS: usize = 1_024;
const DEFAULT_RESOLUTION: Duration = Duration::from_millis(50);
const FINEST_RESOLUTION: Duration = Duration::from_millis(1);

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::testing::VirtualTime;
    use crate::unwind::lock;

    #[test]
    fn slots_are_kept_for_runs_that_come_soon_and_until_the_stop() {
        for (seconds, is_kept) in [(1, true), (3_600, false)] {
            let time = VirtualTime::new();
            let scheduler = Scheduler::new(time.clone());
            let clock = time.clone();
            let target = move || clock.sleep(Duration::from_millis(5));
            let job = scheduler.every(Duration::from_secs(seconds)).run(target).unwrap();
            let engine = Arc::clone(scheduler.engine());
            let keeps = || !lock(&engine.core).slot_sets.is_empty();
            scheduler.start().unwrap();
            time.advance(Duration::from_millis(100));
            assert_eq!((job.runs(), keeps()), (1, is_kept));
            job.remove();
            time.advance(Duration::from_secs(2));
            assert!(!keeps(), "nothing is to come");
            scheduler.every(Duration::from_secs(1)).run(async || ()).unwrap();
            time.advance(Duration::from_millis(100));
            assert!(keeps());
            time.block_on(scheduler.stop());
            assert!(!keeps());
        }
    }
}
