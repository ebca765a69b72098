use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::control::job_builder::JobBuilder;
use crate::control::stop::Stop;
use crate::engine::{Engine, Settings};
use crate::error::Error;
use crate::job::handle::Job;
use crate::observe::event::Event;
use crate::observe::status::SchedulerStatus;
use crate::observe::stream::Events;
use crate::runtime::Runtime;
use crate::time::MissedTicks;

/// Runs jobs every so often. A cheap handle: clones are the same scheduler.
///
/// Dropping the last handle stops the scheduler: no run begins any more, runs in progress are cancelled, and nothing
/// waits for them. That goes for a handle dropped in a job, in a hook, or by a panic too. A [`Job`], a [`Run`](crate::Run) or a
/// [`WeakScheduler`] doesn't keep it alive; a target that captures a `Scheduler` does.
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
    /// A scheduler with the default settings: ticks of 50 ms, [`MissedTicks::Burst`].
    pub fn new(runtime: impl Runtime) -> Scheduler {
        Scheduler::builder(runtime).finish()
    }

    /// A scheduler with settings of its own.
    pub fn builder(runtime: impl Runtime) -> SchedulerBuilder {
        SchedulerBuilder {
            runtime: Box::new(runtime),
            settings: Settings {
                resolution: DEFAULT_RESOLUTION,
                policy: MissedTicks::default(),
                seed: RandomState::new().hash_one(()),
                hooks: Vec::new(),
            },
        }
    }

    /// Describes a job that runs every `interval`. It may be registered whether or not the scheduler runs. What lies more
    /// than 292 years ahead, or beyond the clock's range, is never: so with `Duration::MAX` it runs once.
    pub fn every(&self, interval: Duration) -> JobBuilder {
        JobBuilder::new(self.clone(), interval, self.engine().policy)
    }

    /// Starts the scheduler, or starts it again after a stop. Time in which it was stopped is not missed: a job that has
    /// come due meanwhile runs once, at once. Keep the handle: when the last one is dropped, the jobs end.
    ///
    /// # Errors
    ///
    /// [`is_already_started`](Error::is_already_started) while it runs, [`is_stopping`](Error::is_stopping) while a stop
    /// is waiting, [`is_spawn`](Error::is_spawn) if the runtime refuses. Nothing changes then.
    pub fn start(&self) -> Result<(), Error> {
        self.engine().start()
    }

    /// Stops the scheduler, once the [`Stop`] is awaited.
    pub fn stop(&self) -> Stop {
        Stop::new(Arc::clone(self.engine()))
    }

    /// Whether it was started, and not stopped since.
    pub fn is_running(&self) -> bool {
        self.engine().is_running()
    }

    /// All its jobs, in the order in which they were registered.
    pub fn jobs(&self) -> Vec<Job> {
        self.engine().jobs()
    }

    /// What its jobs have done so far; `Display` writes a table.
    pub fn status(&self) -> SchedulerStatus {
        SchedulerStatus::of(self.engine().state(), &self.jobs(), &self.engine().clock)
    }

    /// A stream of what happens to its jobs from now on. It keeps the last 1,024 events for its reader.
    pub fn events(&self) -> Events {
        self.events_with_capacity(DEFAULT_EVENTS)
    }

    /// Likewise with room for so many events, at least one.
    pub fn events_with_capacity(&self, capacity: usize) -> Events {
        self.engine().observers.subscribe(capacity.max(1))
    }

    /// Makes a group of jobs of which `limit` at most run at once, or changes the limit of a group; jobs join it by
    /// [`JobBuilder::group`]. Runs in progress beyond a lower limit go on.
    ///
    /// # Errors
    ///
    /// [`is_invalid_option`](Error::is_invalid_option) if the limit is 0.
    pub fn group(&self, name: &str, limit: usize) -> Result<(), Error> {
        self.engine().set_group(name, limit)
    }

    /// The present instant of the runtime's clock, which is [`Timer::now`](crate::runtime::Timer::now). Code that asks this
    /// clock, and not [`Instant::now`], can be tested on virtual time.
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

    /// A handle that doesn't keep the scheduler alive, for its own jobs and for hooks.
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

impl Drop for Handle {
    fn drop(&mut self) {
        self.engine.close();
    }
}

// No panic leaves a scheduler in a state that its handles could not bear.
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

/// A handle of a [`Scheduler`] that doesn't keep it alive; [`Scheduler::downgrade`] makes one.
///
/// A target or a hook that needs its own scheduler captures this: with a [`Scheduler`] in it the scheduler would keep
/// itself alive.
#[derive(Clone)]
pub struct WeakScheduler {
    handle: Weak<Handle>,
}

impl WeakScheduler {
    /// The scheduler; `None` once its last handle has been dropped. As long as the returned handle is there, it keeps the
    /// scheduler alive.
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

/// Settings of a scheduler; [`Scheduler::builder`] makes one.
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
    /// The length of a tick: how finely time is cut, and the shortest interval. 50 ms unless said, at least 1 ms.
    ///
    /// Ticks in which nothing is due cost nothing. A longer tick lets jobs share wake-ups. A shorter tick lets runs begin
    /// closer to their due instants.
    pub fn resolution(mut self, tick: Duration) -> SchedulerBuilder {
        self.settings.resolution = tick;
        self
    }

    /// What becomes of runs that a job was too late for, unless the job says otherwise; [`MissedTicks::Burst`] unless
    /// said.
    pub fn missed_ticks(mut self, policy: MissedTicks) -> SchedulerBuilder {
        self.settings.policy = policy;
        self
    }

    /// What all that is random comes from, such as [`jitter`](JobBuilder::jitter): with the same seed, and the same jobs in the
    /// same order, it comes out the same. Another one in each process unless said.
    pub fn seed(mut self, seed: u64) -> SchedulerBuilder {
        self.settings.seed = seed;
        self
    }

    /// Calls `hook` with whatever [happens](crate::EventKind) to a job, on the thread on which it happens. Several hooks are
    /// called one after the other.
    ///
    /// The run that an event is about waits for the hook: keep it short, or read [`events`](Scheduler::events) instead. A
    /// hook may call anything of the scheduler's; a stop that is waited for in a hook does not wait for the run that the
    /// hook was called for, but names it as still running. What a hook panics with is dropped.
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

    /// Makes the scheduler. It does not run yet.
    ///
    /// # Errors
    ///
    /// [`is_invalid_resolution`](Error::is_invalid_resolution) if the resolution is shorter than 1 ms.
    pub fn build(self) -> Result<Scheduler, Error> {
        if self.settings.resolution < FINEST_RESOLUTION {
            return Err(Error::invalid_resolution(self.settings.resolution));
        }
        Ok(self.finish())
    }

    fn finish(self) -> Scheduler {
        let engine = Engine::new(self.runtime, self.settings);
        Scheduler {
            handle: Arc::new(Handle { engine }),
        }
    }
}

impl fmt::Debug for SchedulerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchedulerBuilder")
            .field("resolution", &self.settings.resolution)
            .field("missed_ticks", &self.settings.policy)
            .finish_non_exhaustive()
    }
}

const DEFAULT_EVENTS: usize = 1_024;
const DEFAULT_RESOLUTION: Duration = Duration::from_millis(50);
const FINEST_RESOLUTION: Duration = Duration::from_millis(1);
