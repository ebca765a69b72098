use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::control::options::{Options, Overlaps};
use crate::control::overlap::{OneAtATime, OverlapPolicy, Several};
use crate::control::scheduler::Scheduler;
use crate::error::Error;
use crate::job::cell::JobCell;
use crate::job::config::RunMode;
use crate::job::group_name::IntoGroup;
use crate::job::handle::Job;
use crate::job::rules;
use crate::job::target::{BlockingTarget, Body, Named, SharedTarget, Target};
use crate::time::{FirstRun, MissedTicks};

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
pub struct JobBuilder<Runs = OneAtATime> {
    scheduler: Scheduler,
    interval: Duration,
    name: Option<Box<str>>,
    policy: MissedTicks,
    first: FirstRun,
    options: Options,
    runs: PhantomData<fn() -> Runs>,
}

impl JobBuilder {
    pub(crate) fn new(scheduler: Scheduler, interval: Duration, policy: MissedTicks) -> JobBuilder {
        JobBuilder {
            scheduler,
            interval,
            name: None,
            policy,
            first: FirstRun::Now,
            options: Options::default(),
            runs: PhantomData,
        }
    }
}

/// What it is called, and when it runs.
impl<Runs> JobBuilder<Runs> {
    /// The job's name in reports; the type name of its target unless said. Names need not differ.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// What becomes of runs that the job was too late for; the scheduler's default unless said.
    pub fn missed_ticks(mut self, policy: MissedTicks) -> Self {
        self.policy = policy;
        self
    }

    /// When the first run is scheduled; [`FirstRun::Now`] by default.
    pub fn first_run(mut self, first: FirstRun) -> Self {
        self.first = first;
        self
    }

    /// Puts each run off by a random part of `max`, so that jobs of many processes don't come all at once. The schedule
    /// doesn't wander: each run is [due](crate::Run::due) up to `max` after its own [scheduled](crate::Run::scheduled)
    /// instant. `max` must be shorter than the interval.
    ///
    /// ```text
    /// s           0         1         2         3         4
    /// scheduled   x         x         x         x         x
    /// run           #          #      #           #        #     jitter: 300 ms
    /// ```
    ///
    /// What is random comes from the scheduler's [`seed`](crate::SchedulerBuilder::seed), and repeats with it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::builder(VirtualTime::new()).seed(7).build()?;
    /// scheduler.every(Duration::from_secs(60)).jitter(Duration::from_secs(5)).run(|| ())?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn jitter(mut self, max: Duration) -> Self {
        self.options.jitter = Some(max);
        self
    }

    /// So many runs; after the end of the last one the job removes itself ([`Removed`](crate::EventKind::Removed)).
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(1)).times(3).run(|| ())?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(10));
    /// assert_eq!(job.runs(), 3);
    /// assert!(scheduler.jobs().is_empty());
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn times(mut self, runs: u64) -> Self {
        self.options.times = Some(runs);
        self
    }

    /// No run is scheduled later than `instant`. Once no run is left, the job removes itself
    /// ([`Removed`](crate::EventKind::Removed)). A run that was scheduled before `instant` and is late still begins. A run
    /// that is [triggered](crate::Job::trigger) after `instant` doesn't.
    ///
    /// ```text
    /// s     0         1         2    |    3
    /// due   x         x         x  until
    /// run   #         #         #
    /// ```
    pub fn until(mut self, instant: Instant) -> Self {
        self.options.until = Some(instant);
        self
    }

    /// Counts the interval from the end of a run (fixed delay), not from the instant at which the run was scheduled (fixed
    /// rate). No run is missed then.
    ///
    /// Here a job of 100 ms whose runs take 70 ms; the ticks are 50 ms apart.
    ///
    /// ```text
    /// ms    0         100       200       300       400
    /// tick  |    |    |    |    |    |    |    |    |
    /// run   #######             #######             ####
    /// due                    x                   x
    /// ```
    pub fn fixed_delay(mut self) -> Self {
        self.options.fixed_delay = true;
        self
    }
}

/// What a run may do.
impl<Runs> JobBuilder<Runs> {
    /// A run that takes longer is cancelled: its future is dropped, and it counts as
    /// [timed out](crate::EventKind::TimedOut). The limit holds for a run with all its [attempts](JobBuilder::retry), and is
    /// kept by the runtime's timer, not by the tick.
    ///
    /// Synchronous code can't be cancelled: [`Run::is_cancelled`](crate::Run::is_cancelled) tells it that its time is up,
    /// and it counts as timed out when it ends.
    ///
    /// ```text
    /// ms    0         100       200       300
    /// run   #######   #######   ####      #######     timeout: 70 ms
    ///             \         \               \ cancelled
    /// ```
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options.timeout = Some(limit);
        self
    }

    /// A run that fails or panics is tried again, after the waits that `backoff` gives for it, until one attempt succeeds or
    /// there are no more waits. It is one run all the while: the next one waits for its end, and a stop cancels it, also
    /// while it waits. Runtimes' timers are exact to about a millisecond, so attempts don't fall on ticks.
    ///
    /// ```text
    /// ms    0         100       200       300       400
    /// run   #..#......#                   #           backoff: 20 ms, 60 ms
    ///     fails fails succeeds
    /// ```
    ///
    /// Any iterator of `Duration` will do, such as those of the crate `backon`:
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    /// use backon::{BackoffBuilder, ExponentialBuilder};
    ///
    /// async fn renew_lease() -> Result<(), std::io::Error> {
    ///     Ok(())
    /// }
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler
    ///     .every(Duration::from_secs(10))
    ///     .retry(|| ExponentialBuilder::default().with_max_times(4).build())
    ///     .run(renew_lease)?;
    /// scheduler
    ///     .every(Duration::from_secs(10))
    ///     .retry(|| [Duration::from_millis(100), Duration::from_secs(1)])
    ///     .run(renew_lease)?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn retry<B>(mut self, backoff: impl Fn() -> B + Send + Sync + 'static) -> Self
    where
        B: IntoIterator<Item = Duration, IntoIter: Send + 'static>,
    {
        self.options.backoffs = Some(Box::new(move || Box::new(backoff().into_iter())));
        self
    }

    /// What becomes of a run that is due while one is in progress: [`Overlap::Wait`](crate::Overlap::Wait) unless said,
    /// [`Overlap::Replace`](crate::Overlap::Replace), or [`Allow`](crate::Allow) for several at a time, for which the
    /// target has to be `Fn`.
    pub fn on_overlap<P: OverlapPolicy>(self, policy: P) -> JobBuilder<P::Runs> {
        policy.apply(self)
    }

    /// Puts the job into a group, of whose jobs only so many run at once: a name given to
    /// [`Scheduler::group`], or a name and a limit, which makes the group if it isn't there.
    ///
    /// A job that is due and finds no place waits. As soon as a run of the group has ended its place goes to whoever came up at the
    /// earliest tick, and of those to the earliest due instant. A job that has runs to make up for thus joins the end of the line for each.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler.group("db", 4)?;
    /// scheduler.every(Duration::from_secs(60)).group("db").run(async || println!("vacuum"))?;
    /// scheduler.every(Duration::from_secs(60)).group(("mail", 1)).run(async || println!("digest"))?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn group(mut self, group: impl IntoGroup) -> Self {
        self.options.group = Some(group.into_group());
        self
    }

    pub(crate) fn overlapping<Other>(mut self, overlap: Overlaps) -> JobBuilder<Other> {
        self.options.overlap = overlap;
        JobBuilder {
            scheduler: self.scheduler,
            interval: self.interval,
            name: self.name,
            policy: self.policy,
            first: self.first,
            options: self.options,
            runs: PhantomData,
        }
    }

    /// Registers a job with this body.
    fn register<B: Body>(self, body: B, blocking: bool) -> Result<Job, Error> {
        let engine = self.scheduler.engine();
        rules::check_interval(self.interval, engine.resolution)?;
        let rules = self.options.into_rules(engine, self.interval)?;
        let config = engine.config(RunMode::new(self.policy, blocking, body.takes_run()), rules);
        let cell: Arc<JobCell> = match self.name {
            None => Arc::new(JobCell::new(self.interval, config, body)),
            Some(name) => Arc::new(JobCell::new(self.interval, config, Named::new(name, body))),
        };
        engine.register(&cell, self.first);
        Ok(Job::new(cell))
    }
}

impl<Runs> fmt::Debug for JobBuilder<Runs> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobBuilder")
            .field("interval", &self.interval)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl JobBuilder {
    /// Registers the job. [`Target`] says which functions can be one.
    ///
    /// A synchronous function runs on the executor, like the first step of an asynchronous one: it should return within
    /// microseconds. One that takes longer belongs in [`run_blocking`](JobBuilder::run_blocking).
    ///
    /// A run that returns an error, or panics, ends like any other. The error is counted and shown in
    /// [`Job::status`], and told to those who [listen](crate::SchedulerBuilder::on_event). A panic in the destructor of a
    /// future that had finished counts as a panic of the run. One in the destructor of a cancelled future, of the target, or of a
    /// panic's payload is caught and dropped.
    ///
    /// A future that wakes itself without end leaves all others their turn, and is cancelled by a stop. However many jobs are due at
    /// once, other tasks of the executor have their turn in between.
    ///
    /// An `async` closure that captures something can't be a job; return an `async move` block from a plain closure:
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
    /// resolution, [`is_invalid_option`](Error::is_invalid_option) if an option makes no sense.
    pub fn run<M>(self, target: impl Target<M>) -> Result<Job, Error> {
        self.register(target.into_body(), false)
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
        self.register(target.into_body(), true)
    }
}

#[cfg(feature = "macros")]
impl JobBuilder {
    pub(crate) fn register_boxed(self, body: Box<dyn Body>, blocking: bool) -> Result<Job, Error> {
        self.register(body, blocking)
    }
}

impl JobBuilder<Several> {
    /// Registers the job, as [`run`](JobBuilder::run) does for one run at a time. The target is `Fn + Sync`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Allow, Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler
    ///     .every(Duration::from_secs(1))
    ///     .on_overlap(Allow(3))
    ///     .run(std::future::pending::<()>)?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(10));
    /// assert_eq!(job.runs(), 3);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for one run at a time.
    pub fn run<M>(self, target: impl SharedTarget<M>) -> Result<Job, Error> {
        self.register_shared(target.into_shared_body(), false)
    }

    /// Registers a job that blocks its thread, as [`run_blocking`](JobBuilder::run_blocking) does for one run at a time.
    ///
    /// # Errors
    ///
    /// As for [`run`](JobBuilder::run).
    pub fn run_blocking<M>(self, target: impl SharedTarget<M> + BlockingTarget<M>) -> Result<Job, Error> {
        self.register_shared(target.into_shared_body(), true)
    }

    pub(crate) fn register_shared(self, body: Box<dyn Body>, blocking: bool) -> Result<Job, Error> {
        self.register(body, blocking)
    }
}
