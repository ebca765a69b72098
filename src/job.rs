use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cell::{JobCell, Timing};
use crate::error::Error;
use crate::schedule::{FirstRun, MissedTicks};
use crate::scheduler::Scheduler;
use crate::target::{BlockingTarget, Body, Target};

/// A job that is being described; [`Scheduler::every`] makes one.
///
/// ```
/// use std::time::Duration;
/// use atevery::{FirstRun, MissedTicks, Scheduler, testing::VirtualTime};
///
/// let scheduler = Scheduler::new(VirtualTime::new());
/// let mut count = 0;
/// let job = scheduler
///     .every(Duration::from_secs(2))
///     .name("count")
///     .missed_ticks(MissedTicks::Skip)
///     .first_run(FirstRun::AfterInterval)
///     .run(move || count += 1)?;
/// assert_eq!(job.name(), "count");
/// # Ok::<(), atevery::Error>(())
/// ```
#[must_use = "a job is registered by `run` or `run_blocking`"]
#[derive(Debug)]
pub struct JobBuilder {
    scheduler: Scheduler,
    interval: Duration,
    name: Option<Cow<'static, str>>,
    policy: MissedTicks,
    first: FirstRun,
}

impl JobBuilder {
    pub(crate) fn new(scheduler: Scheduler, interval: Duration, policy: MissedTicks) -> JobBuilder {
        JobBuilder {
            scheduler,
            interval,
            name: None,
            policy,
            first: FirstRun::Now,
        }
    }

    /// The job's name in reports; the type name of its target unless said. Names need not differ.
    pub fn name(mut self, name: impl Into<String>) -> JobBuilder {
        self.name = Some(Cow::Owned(name.into()));
        self
    }

    /// What becomes of runs that the job was too late for; the scheduler's default unless said.
    pub fn missed_ticks(mut self, policy: MissedTicks) -> JobBuilder {
        self.policy = policy;
        self
    }

    /// When the job is due for the first time; [`FirstRun::Now`] unless said.
    pub fn first_run(mut self, first: FirstRun) -> JobBuilder {
        self.first = first;
        self
    }

    /// Registers the job. [`Target`] says which functions can be one.
    ///
    /// A synchronous function runs on the executor, like the first step of an asynchronous one: it should return within
    /// microseconds. One that takes longer belongs into [`run_blocking`](JobBuilder::run_blocking).
    ///
    /// A run that returns an error, or panics, ends like any other. The error itself is dropped: a job that wants it known
    /// logs it. An `async` closure that captures something can't be a job; return an `async move` block from a plain closure:
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// async fn renew_lease() -> Result<(), std::io::Error> {
    ///     Ok(())
    /// }
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler.every(Duration::from_secs(10)).run(renew_lease)?;
    /// scheduler.every(Duration::from_secs(1)).run(|| println!("tick"))?;
    /// scheduler.every(Duration::from_secs(1)).run(async |run: Run| println!("run {}", run.number()))?;
    ///
    /// let hosts = std::sync::Arc::new(vec!["a", "b"]);
    /// scheduler.every(Duration::from_secs(5)).run(move || {
    ///     let hosts = hosts.clone();
    ///     async move { println!("{} hosts to check", hosts.len()) }
    /// })?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`is_interval_too_short`](Error::is_interval_too_short) if the interval is shorter than the scheduler's
    /// resolution.
    pub fn run<M>(self, target: impl Target<M>) -> Result<Job, Error> {
        self.register(target, false)
    }

    /// Registers a job that blocks its thread: it runs on the runtime's blocking pool.
    ///
    /// Blocking code can't be cancelled from outside; let it look at [`Run::is_cancelled`](crate::Run::is_cancelled).
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler.every(Duration::from_secs(60)).run_blocking(|| std::fs::remove_file("/tmp/stale"))?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`run`](JobBuilder::run).
    pub fn run_blocking<M>(self, target: impl BlockingTarget<M>) -> Result<Job, Error> {
        self.register(target, true)
    }

    fn register<M, T: Target<M>>(self, target: T, blocking: bool) -> Result<Job, Error> {
        let engine = self.scheduler.engine();
        engine.check_interval(self.interval)?;
        let name = self.name.unwrap_or(Cow::Borrowed(std::any::type_name::<T>()));
        let timing = Timing {
            interval: self.interval,
            policy: self.policy,
        };
        let cell = JobCell::new(name, timing, blocking, Arc::downgrade(engine), target.into_body());
        let cell: Arc<JobCell<dyn Body>> = Arc::new(cell);
        engine.register(&cell, self.first);
        Ok(Job::new(cell))
    }
}

/// A registered job. Cloning is cheap, and dropping it changes nothing. It doesn't keep its scheduler alive: without a
/// [`Scheduler`] handle there are no runs.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, testing::VirtualTime};
///
/// let time = VirtualTime::new();
/// let scheduler = Scheduler::new(time.clone());
/// let job = scheduler.every(Duration::from_secs(1)).name("beat").run(|| ())?;
/// scheduler.start()?;
/// time.advance(Duration::from_secs(3));
/// assert_eq!(job.runs(), 4);
/// job.remove();
/// time.advance(Duration::from_secs(3));
/// assert_eq!(job.runs(), 4);
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Clone)]
pub struct Job(Arc<JobCell>);

impl Job {
    pub(crate) fn new(cell: Arc<JobCell>) -> Job {
        Job(cell)
    }

    pub(crate) fn cell(&self) -> &JobCell {
        &self.0
    }

    /// Tells this job from every other in the process.
    pub fn id(&self) -> JobId {
        self.0.id
    }

    /// The name it was given, or the type name of its target.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// How often it runs.
    pub fn interval(&self) -> Duration {
        self.0.interval
    }

    /// Whether a run is in progress.
    pub fn is_running(&self) -> bool {
        self.0.claim.is_running()
    }

    /// How many runs have begun.
    pub fn runs(&self) -> u64 {
        self.0.runs()
    }

    /// Takes the job off its scheduler: no later run begins, a run in progress goes on. What the target captured is
    /// dropped now, or when the run in progress has ended.
    pub fn remove(&self) {
        if self.0.claim.remove() {
            self.0.clear();
        }
        if let Some(engine) = self.0.engine.upgrade() {
            engine.unregister(&self.0);
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("interval", &self.interval())
            .field("runs", &self.runs())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Job) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Job {}

impl Hash for Job {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

/// Tells one job from another; ordered by registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

impl JobId {
    pub(crate) fn next() -> JobId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        JobId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
