//! A run, as the target sees it and as the scheduler stores it.

use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::clock::Clock;
use crate::job::attempt::AttemptLimit;
use crate::job::cell::JobInstance;
use crate::job::config::Host;
use crate::job::id::JobId;
use crate::job::span::{self, RunSpan};
use crate::job::state::OfferId;
use crate::time::{NO_SLOT, Span, Time, WallTime};

/// A run of a job, as passed to the job's target.
///
/// A target with a `Run` parameter gets a value for each run:
///
/// ```
/// use std::time::Duration;
/// use atevery::{Run, Scheduler, testing::VirtualTime};
///
/// let scheduler = Scheduler::new(VirtualTime::new());
/// scheduler.every(Duration::from_secs(1)).run(|run: Run| {
///     println!("run {} of {}, {:?} late", run.number(), run.job().name(), run.started() - run.due());
/// })?;
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Clone)]
pub struct Run {
    pub(crate) instance: JobInstance,
    number: u64,
    scheduled: Instant,
    due: Instant,
    started: Instant,
    slot: Option<SystemTime>,
    missed: u64,
    /// When the run exceeds the job's time limit.
    time_limit: Time,
    /// The limit of the present attempt, if attempts are limited.
    attempt: Option<Arc<AttemptLimit>>,
    /// The offer under which the run began.
    pub(super) offer_id: OfferId,
}

impl Run {
    /// Returns the number of this run, counted from 0 over the life of the job.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the instant that the schedule gives for this run, without [jitter](crate::JobBuilder::jitter). For a
    /// [triggered](crate::Job::trigger) run, returns the instant at which the run begins.
    pub fn scheduled(&self) -> Instant {
        self.scheduled
    }

    /// Returns the instant from which this run may begin: [`scheduled`](Run::scheduled), delayed by the
    /// [jitter](crate::JobBuilder::jitter) if the job has a jitter. The run begins at the first tick at or after this
    /// instant.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let jitter = Duration::from_secs(5);
    /// scheduler.every(Duration::from_secs(60)).jitter(jitter).run(move |run: Run| {
    ///     assert!(run.scheduled() <= run.due() && run.due() <= run.scheduled() + jitter);
    ///     assert!(run.due() <= run.started());
    /// })?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(300));
    /// # assert_eq!(scheduler.status().jobs()[0].panics(), 0);
    /// # assert_eq!(scheduler.status().jobs()[0].runs(), 5);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Returns the instant at which this run began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Returns the wall-clock time that the calendar of the job gives for this run. Returns `None` if the job has an
    /// interval, and for a run that the calendar did not ask for: one that was [triggered](crate::Job::trigger), or
    /// that [`first_run`](crate::JobBuilder::first_run), [`next_in`](Run::next_in) or [`next_at`](Run::next_at) asked
    /// for.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// let noon = UNIX_EPOCH + Duration::from_secs(43_200);
    /// let time = VirtualTime::at(noon + Duration::from_secs(1));
    /// let scheduler = Scheduler::new(time.clone());
    /// scheduler.every(Duration::from_secs(600)).aligned().run(move |run: Run| {
    ///     assert_eq!(run.slot(), Some(noon + Duration::from_secs(600) * (1 + run.number() as u32)));
    /// })?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(1200));
    /// # assert_eq!((scheduler.status().jobs()[0].runs(), scheduler.status().jobs()[0].panics()), (2, 0));
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn slot(&self) -> Option<SystemTime> {
        self.slot
    }

    /// Returns how many intervals were dropped before this run. Under [`Skip`](crate::MissedTicks::Skip), these are the
    /// whole intervals between [`due`](Run::due) and [`started`](Run::started). Under
    /// [`Delay`](crate::MissedTicks::Delay), they count up to the tick at which the run began. Under
    /// [`Burst`](crate::MissedTicks::Burst), no interval is dropped for being late. Under
    /// [`Overlap::Skip`](crate::Overlap::Skip), the intervals that came due during the run before are dropped too, and
    /// counted here. With a [`fixed_delay`](crate::JobBuilder::fixed_delay), the number is always 0. For a job by a
    /// calendar, these are the slots that got no run, up to 10,000.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Returns whether this run should end. A run should end if the scheduler has cancelled it, if it has exceeded the
    /// job's [`timeout`](crate::JobBuilder::timeout), or if it is already over. An attempt should also end if it has
    /// exceeded the [`attempt_timeout`](crate::JobBuilder::attempt_timeout).
    ///
    /// As soon as a stop begins, unless the stop is [detached](crate::Stop::detach), this method returns true for all
    /// runs in progress. They can use the stop's [grace](crate::Stop::grace) to finish. An asynchronous run need not
    /// check: when the grace is over, the stop drops its future. Blocking code must check from time to time:
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler.every(Duration::from_secs(60)).run_blocking(|run: Run| {
    ///     for _file in 0..10_000 {
    ///         if run.is_cancelled() {
    ///             return;
    ///         }
    ///     }
    /// })?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.instance.is_cancelled(self.number) || self.is_timed_out()
    }

    fn is_timed_out(&self) -> bool {
        let Some(limit) = self.time_limit() else {
            return false;
        };
        let is_timed_out = self.host().is_none_or(|host| host.clock().now() >= limit);
        if is_timed_out {
            self.tell_time_is_up();
        }
        is_timed_out
    }

    /// Notes that the run is told of its next time limit. The run, or its attempt, then counts as too long, even if it
    /// obeys at once.
    pub(crate) fn tell_time_is_up(&self) {
        match &self.attempt {
            Some(attempt) if attempt.until < self.time_limit => attempt.tell_time_is_up(),
            _ => self.instance.state().tell_time_is_up(self.offer_id),
        }
    }

    /// The limit that comes next: that of the run, or that of the attempt.
    pub(crate) fn time_limit(&self) -> Option<Time> {
        let attempt = self.attempt.as_ref().map_or(Time::NEVER, |attempt| attempt.until);
        let limit = self.time_limit.min(attempt);
        (limit != Time::NEVER).then_some(limit)
    }

    pub(crate) fn job_id(&self) -> JobId {
        self.instance.job.id
    }

    pub(crate) fn host(&self) -> Option<Arc<dyn Host>> {
        self.instance.job.host()
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("job", &self.instance.job.name())
            .field("number", &self.number)
            .field("scheduled", &self.scheduled)
            .field("due", &self.due)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

/// The data of a run that has begun.
#[derive(Debug, Clone)]
pub(crate) struct RunInfo {
    pub(crate) number: u64,
    pub(crate) scheduled: Time,
    /// The scheduled time, delayed by the run's jitter.
    pub(crate) due: Time,
    /// When the run began, if the clock was read.
    pub(crate) started: Option<Time>,
    /// [`NO_SLOT`] if the run has none.
    pub(crate) slot: WallTime,
    /// Number of intervals dropped before the run.
    pub(crate) missed: u64,
    pub(crate) span: RunSpan,
}

impl RunInfo {
    /// The schedule may have moved since the run was offered: by a start, by the end of a pause, by a new interval. A
    /// trigger may also begin the last run before `until`, ahead of its jitter. In each case the run counts as due when
    /// it begins.
    pub(crate) fn clamp_to_start(&mut self, started: Time) {
        self.scheduled = self.scheduled.min(started);
        self.due = self.due.min(started);
    }

    /// The slot as wall-clock time.
    pub(crate) fn slot(&self, clock: &Clock) -> Option<SystemTime> {
        let slot = Some(self.slot).filter(|slot| *slot != NO_SLOT)?;
        clock.wall_origin().system_time(slot)
    }

    /// Gives the run its own span.
    pub(crate) fn enter_span(&mut self, job: &str, lateness: Span, clock: &Clock) {
        self.span = span::of_run(job, self.number, lateness, self.slot(clock));
    }
}

/// The data for a [`Run`], before a `Run` is made. Only some targets take a `Run`.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub struct RunContext<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) run: &'a JobInstance,
    pub(crate) info: &'a RunInfo,
    /// The limit of the attempt, if attempts are limited.
    pub(crate) attempt: Option<&'a Arc<AttemptLimit>>,
}

impl RunContext<'_> {
    pub(crate) fn to_run(&self) -> Run {
        let RunInfo {
            number, scheduled, due, ..
        } = *self.info;
        let started = self.info.started.unwrap_or(due);
        Run {
            instance: self.run.clone(),
            number,
            scheduled: self.clock.instant_of(scheduled),
            due: self.clock.instant_of(due),
            started: self.clock.instant_of(started),
            slot: self.info.slot(self.clock),
            missed: self.info.missed,
            time_limit: self.run.job.time_limit(self.info),
            attempt: self.attempt.cloned(),
            offer_id: self.run.state().load().offer_id(),
        }
    }
}
