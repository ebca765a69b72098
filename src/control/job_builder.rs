use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::control::options::{Options, Overlaps};
use crate::control::overlap::{HasOneRun, OneAtATime, Several};
use crate::control::schedule::Schedule;
use crate::control::scheduler::Scheduler;
use crate::dispatch::ticker::Ticker;
use crate::error::Error;
use crate::exec::ticks::Ticks;
use crate::job::cell::JobCell;
use crate::job::config::{RunMode, RunPlace};
use crate::job::handle::Job;
use crate::job::rules::check_interval;
use crate::job::state_target::StateTarget;
use crate::job::target::{BlockingTarget, Body, Named, SharedTarget, Target};
use crate::time::{FirstRun, MissedTicks};

/// A builder for a job. [`Scheduler::every`] returns this type.
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
#[must_use = "a job is registered by `run`, `run_with`, `run_blocking` or `ticks`"]
pub struct JobBuilder<Runs = OneAtATime> {
    scheduler: Scheduler,
    pub(super) schedule: Schedule,
    name: Option<Box<str>>,
    tags: Vec<String>,
    policy: Option<MissedTicks>,
    first: Option<FirstRun>,
    pub(super) options: Options,
    runs: PhantomData<fn() -> Runs>,
}

impl JobBuilder {
    pub(crate) fn new(scheduler: Scheduler, schedule: Schedule) -> JobBuilder {
        JobBuilder {
            scheduler,
            schedule,
            name: None,
            tags: Vec::new(),
            policy: None,
            first: None,
            options: Options::default(),
            runs: PhantomData,
        }
    }
}

/// The job's name and schedule.
impl<Runs> JobBuilder<Runs> {
    /// Sets the job's name in reports. By default, the name is the type name of the target. Names need not be unique.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// Adds a tag, by which a program finds its jobs. A job may have any number of tags, and many jobs the same tag.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler.every(Duration::from_secs(60)).name("sweep").tag("cleanup").tag("tenant-7").run(|| ())?;
    /// scheduler.every(Duration::from_secs(60)).name("report").tag("tenant-8").run(|| ())?;
    ///
    /// scheduler.jobs().iter().filter(|job| job.has_tag("tenant-7")).for_each(|job| job.remove());
    /// let left = scheduler.jobs();
    /// assert_eq!((left.len(), left[0].name(), left[0].tags()), (1, "report", ["tenant-8".to_owned()].as_slice()));
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        let tag = tag.into();
        if !self.tags.contains(&tag) {
            self.tags.push(tag);
        }
        self
    }

    /// Sets the policy for missed runs. By default, the job has the scheduler's policy; a job by a calendar has
    /// [`Skip`](MissedTicks::Skip).
    pub fn missed_ticks(mut self, policy: MissedTicks) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets when the first run is scheduled. By default, the [scheduler](crate::SchedulerBuilder::first_run) decides:
    /// [`FirstRun::Now`], unless it was set otherwise.
    ///
    /// A job by a calendar first runs at its first slot, whatever the scheduler's default. If this option asks for an
    /// earlier run, that run comes besides, and has no [slot](crate::Run::slot).
    pub fn first_run(mut self, first: FirstRun) -> Self {
        self.first = Some(first);
        self
    }

    /// Delays each run by a random part of `max`, so that jobs of many processes don't all run at once. `max` must be
    /// shorter than the interval.
    ///
    /// The schedule does not drift: each run is [due](crate::Run::due) up to `max` after its own
    /// [scheduled](crate::Run::scheduled) instant.
    ///
    /// ```text
    /// s           0         1         2         3         4
    /// scheduled   x         x         x         x         x
    /// run           #          #      #           #        #     jitter: 300 ms
    /// ```
    ///
    /// The random numbers depend on the scheduler's [`seed`](crate::SchedulerBuilder::seed): the same seed gives the
    /// same delays.
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

    /// Runs the job at most `runs` times. After the end of the last run, the job removes itself and emits the event
    /// [`Removed`](crate::EventKind::Removed).
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

    /// Sets the end of the job: no run is scheduled later than `instant`. When no run is left, the job removes itself
    /// and emits the event [`Removed`](crate::EventKind::Removed). If `instant` has already passed at the registration,
    /// the registration returns an error.
    ///
    /// If a run was scheduled before `instant` and is late, it still begins. If the job is
    /// [triggered](crate::Job::trigger) after `instant`, no run begins.
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

    /// Counts the interval from the end of a run (fixed delay), not from the instant at which the run was scheduled
    /// (fixed rate). With a fixed delay, no run is ever missed.
    ///
    /// If a run ends before the tick after its beginning, the interval counts from the tick at which the run began. A
    /// run that takes almost no time therefore has the requested period.
    ///
    /// The timeline shows a job of 100 ms whose runs take 70 ms. The ticks are 50 ms apart.
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

impl<Runs> JobBuilder<Runs> {
    /// Registers a job whose runs the holder of the returned [`Ticks`] does.
    ///
    /// [`retry`](JobBuilder::retry), [`timeout`](JobBuilder::timeout), [`attempt_timeout`](JobBuilder::attempt_timeout)
    /// and [`on_overlap`](JobBuilder::on_overlap) make no sense for such a job. By default, its name is `ticks`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    /// use futures::StreamExt;
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// scheduler.start()?;
    /// let mut ticks = scheduler.every(Duration::from_secs(1)).times(3).ticks()?;
    /// let mut seen = Vec::new(); // borrowed, and not `Send` if it need not be
    /// time.block_on(async {
    ///     while let Some(run) = ticks.next().await {
    ///         seen.push(run.number());
    ///     }
    /// });
    /// assert_eq!(seen, [0, 1, 2]);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`run`](JobBuilder::run), and [`is_invalid_option`](Error::is_invalid_option) if the job
    /// has one of the options above.
    pub fn ticks(self) -> Result<Ticks, Error> {
        self.options.check_ticks()?;
        let engine = Arc::clone(self.scheduler.engine());
        let first = self.first;
        let cell = self.make_cell(RunPlace::Ticks, Ticker::default())?;
        engine.register(&cell, first)?;
        Ok(Ticks::new(&engine, Job::new(cell)))
    }

    /// Registers a job with a state that is kept between its runs. Each run gets `&mut` access to `state`, also across
    /// awaits, and needs no lock: a job has one run at a time. [`StateTarget`] lists the functions that can be such a
    /// job. A method of the state is one of them.
    ///
    /// However a run ends, the state stays as the run left it, and the next run gets it: after a panic, an error, a
    /// [`timeout`](JobBuilder::timeout), a stop, and a run that was [replaced](crate::Overlap::Replace). Each attempt
    /// of a [`retry`](JobBuilder::retry) gets the state as the attempt before left it. Half-done work is therefore the
    /// target's concern. The state is dropped with the target: when the job is removed, or after its last run.
    ///
    /// An `async` closure with captured values can't be such a job. The compiler says that it does not implement `FnMut`
    /// because it captures state from its environment. What it would capture belongs into the state.
    ///
    /// A job with [`Allow`](crate::Allow) can't have such a state, because its runs would share it.
    /// [`run_blocking`](JobBuilder::run_blocking) needs no state: a closure owns it, `move || step(&mut state)`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// struct Verifier {
    ///     pending: Vec<u64>,
    /// }
    ///
    /// impl Verifier {
    ///     async fn sweep(&mut self, run: Run) -> Result<(), std::io::Error> {
    ///         while let Some(id) = self.pending.pop() {
    ///             verify(id).await?;
    ///         }
    ///         self.pending.push(run.number());
    ///         Ok(())
    ///     }
    /// }
    /// # async fn verify(_: u64) -> Result<(), std::io::Error> { Ok(()) }
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let verifier = Verifier { pending: vec![1, 2, 3] };
    /// scheduler.every(Duration::from_secs(1)).run_with(verifier, Verifier::sweep)?;
    /// scheduler.every(Duration::from_secs(1)).run_with(0, |count: &mut u64| *count += 1)?;
    /// scheduler.every(Duration::from_secs(1)).run_with(String::new(), async |log: &mut String, run: Run| {
    ///     log.push_str(run.job().name());
    /// })?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(1));
    /// assert!(scheduler.jobs().iter().all(|job| job.runs() == 2));
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`run`](JobBuilder::run).
    pub fn run_with<S, M>(self, state: S, target: impl StateTarget<S, M>) -> Result<Job, Error>
    where
        Runs: HasOneRun,
    {
        self.register(target.into_body(state), false)
    }

    pub(crate) fn overlapping<Other>(mut self, overlap: Overlaps) -> JobBuilder<Other> {
        self.options.overlap = Some(overlap);
        JobBuilder {
            scheduler: self.scheduler,
            schedule: self.schedule,
            name: self.name,
            tags: self.tags,
            policy: self.policy,
            first: self.first,
            options: self.options,
            runs: PhantomData,
        }
    }

    fn register<B: Body>(self, body: B, blocking: bool) -> Result<Job, Error> {
        let place = if blocking {
            RunPlace::BlockingPool
        } else {
            RunPlace::Executor
        };
        self.register_in(place, body)
    }

    /// Registers a job with this body.
    fn register_in<B: Body>(self, place: RunPlace, body: B) -> Result<Job, Error> {
        let engine = Arc::clone(self.scheduler.engine());
        let first = self.first;
        let cell = self.make_cell(place, body)?;
        engine.register(&cell, first)?;
        Ok(Job::new(cell))
    }

    fn make_cell<B: Body>(self, place: RunPlace, body: B) -> Result<Arc<JobCell>, Error> {
        let engine = self.scheduler.engine();
        let (interval, config) = match self.schedule {
            Schedule::Every(interval) => {
                check_interval(interval, engine.resolution)?;
                let policy = self.policy.unwrap_or(engine.policy);
                let rules = self.options.into_rules(engine, interval)?;
                let mode = RunMode::new(policy, place, body.takes_run());
                (Some(interval), engine.config(mode, rules, self.tags))
            }
            schedule => {
                let calendar = schedule.into_calendar(engine.resolution)?;
                let mode = RunMode::new(self.policy.unwrap_or(MissedTicks::Skip), place, body.takes_run());
                let name = self.name.as_deref().unwrap_or_else(|| body.name());
                (
                    None,
                    self.options
                        .into_calendar_config(engine, calendar, mode, name, self.tags)?,
                )
            }
        };
        Ok(match self.name {
            None => Arc::new(JobCell::new(interval, config, body)),
            Some(name) => Arc::new(JobCell::new(interval, config, Named::new(name, body))),
        })
    }
}

impl<Runs> fmt::Debug for JobBuilder<Runs> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobBuilder")
            .field("schedule", &format_args!("{}", self.schedule))
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl JobBuilder {
    /// Registers the job. [`Target`] lists the functions that can be a job.
    ///
    /// A synchronous function runs on a thread of the executor, like an asynchronous function between two awaits. It
    /// should return within microseconds. Use [`run_blocking`](JobBuilder::run_blocking) for slower functions.
    ///
    /// A run that holds its thread for more than 10 ms at one go is reported by the event
    /// [`HeldThread`](crate::EventKind::HeldThread) and counted by [`held_thread`](crate::JobStatus::held_thread), if
    /// the run is [measured](crate::JobStatus). If a job has held its thread for more than 2 ms, the scheduler expects
    /// the same of its next runs, until 16 measured runs in a row were shorter. When such a job is due alone, the
    /// scheduler first lets the executor wake another thread for other tasks and timers.
    ///
    /// A run that returns an error or panics ends like any other run. [`Job::status`] counts the error and shows it.
    /// [Hooks](crate::SchedulerBuilder::on_event) and [event streams](crate::Scheduler::events) report the error. If
    /// the destructor of a finished future panics, the panic counts as a panic of the run. A panic in the destructor of
    /// a cancelled future, of the target, or of a panic's payload is caught and discarded.
    ///
    /// If a future wakes itself endlessly, other tasks still get their turn, and a stop can cancel the run. Even if
    /// many jobs are due at once, other tasks of the executor get their turn in between.
    ///
    /// An `async` closure with captured values can't be a job. The compiler says that it does not implement `FnMut`
    /// because it captures state from its environment. In this case, return an `async move` block from a plain closure,
    /// or hand the values to [`run_with`](JobBuilder::run_with):
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
    /// Returns [`is_interval_too_short`](Error::is_interval_too_short) if the interval is shorter than the scheduler's
    /// resolution. Returns [`is_invalid_option`](Error::is_invalid_option) if an option has an invalid value.
    pub fn run<M>(self, target: impl Target<M>) -> Result<Job, Error> {
        self.register(target.into_body(), false)
    }

    /// Registers a job that blocks its thread. The job runs on the runtime's blocking pool, and holds no thread of the
    /// executor. Use this method for all code that takes longer than about a millisecond between two awaits.
    ///
    /// Blocking code can't be cancelled from outside. The function should check
    /// [`Run::is_cancelled`](crate::Run::is_cancelled) from time to time.
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
    /// Registers a job with several runs at a time. Like [`run`](JobBuilder::run), but the target must be `Fn + Sync`.
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
    /// As for a job with one run at a time.
    pub fn run<M>(self, target: impl SharedTarget<M>) -> Result<Job, Error> {
        self.register_shared(target.into_shared_body(), false)
    }

    /// Registers a blocking job with several runs at a time. Like [`run_blocking`](JobBuilder::run_blocking), but the
    /// target must be `Fn + Sync`.
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
