#[cfg(feature = "serde")]
mod serialize;
pub(crate) mod table;

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::job::failures::FailureStats;
use crate::job::handle::Job;
use crate::job::id::JobId;
use crate::job::stats::{LATENESS_BOUNDS, RunStats};
use crate::time::{Span, Time};

/// What a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum JobState {
    /// Nothing just now.
    Waiting,
    /// A run is in progress.
    Running,
    /// It is [paused](Job::pause), and no run is in progress.
    Paused,
    /// It is off its scheduler, and no run is in progress.
    Removed,
}

/// What a scheduler is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SchedulerState {
    /// It was started.
    Running,
    /// A stop is waiting for runs to end.
    Stopping,
    /// It does not run.
    Stopped,
}

/// What a job has done so far, and what is next; [`Job::status`] gives it.
///
/// How long runs take and how late they begin is measured at every run, but for one case: where more than 127 jobs are due
/// at one tick, and nothing else asks for the time, the first run of a job is measured and then every 16th. Of a run that
/// has to wait for something it is noted even so since when.
///
/// `Display` writes it as a table of one row, see [`SchedulerStatus`]. With the feature `serde` it can be serialised: lengths
/// of time are in seconds, instants are seconds ago or ahead.
#[derive(Debug, Clone)]
pub struct JobStatus {
    id: JobId,
    name: String,
    state: JobState,
    interval: Option<Duration>,
    runs: u64,
    next_due: Option<Moment>,
    last_start: Option<Moment>,
    stats: RunStats,
    failure_stats: FailureStats,
}

/// An instant, and how far it was when the status was taken.
#[derive(Debug, Clone, Copy)]
struct Moment {
    instant: Instant,
    distance: Duration,
}

/// What all jobs of a scheduler have done so far; [`Scheduler::status`](crate::Scheduler::status) gives it.
///
/// `Display` writes it as a table. Names are written on one line each, whatever is in them.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, testing::VirtualTime};
///
/// let time = VirtualTime::new();
/// let scheduler = Scheduler::new(time.clone());
/// scheduler.every(Duration::from_secs(1)).name("beat").run(|| Err("no pulse"))?;
/// scheduler.every(Duration::from_secs(60)).name("sweep").run(std::future::pending::<()>)?;
/// scheduler.start()?;
/// time.advance(Duration::from_millis(2_500));
/// let table = scheduler.status().to_string();
/// assert_eq!(table.lines().nth(1).unwrap(), "\
/// beat   waiting  1s        3       3         0          0       0  500ms ago   0ns   0ns   0ns  500ms  no pulse");
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SchedulerStatus {
    state: SchedulerState,
    jobs: Vec<JobStatus>,
}

impl Job {
    /// What it has done so far, and what is next.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(1)).name("beat").run(|| Err("no pulse"))?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(2));
    /// let status = job.status();
    /// assert_eq!((status.runs(), status.failures()), (3, 3));
    /// assert_eq!(status.last_error(), Some("no pulse"));
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn status(&self) -> JobStatus {
        JobStatus::of(self)
    }
}

impl JobStatus {
    pub(crate) fn of(job: &Job) -> JobStatus {
        let cell = job.cell();
        let host = cell.host();
        let clock = host.as_ref().map(|host| host.clock());
        JobStatus::at(job, clock.map(|clock| (clock, clock.now())))
    }

    /// The status of a job by this clock, at this instant.
    fn at(job: &Job, here: Option<(&Clock, Time)>) -> JobStatus {
        let cell = job.cell();
        let snapshot = cell.state.load();
        let stats = cell.stats();
        let closed = snapshot.is_removed() || here.is_none();
        let state = match cell.running() {
            1.. => JobState::Running,
            0 if closed => JobState::Removed,
            0 if snapshot.is_paused() => JobState::Paused,
            0 => JobState::Waiting,
        };
        let next = match cell.due() {
            _ if closed => Time::NEVER,
            Time::EARLIEST => here.map_or(Time::NEVER, |(_, now)| now),
            due => due,
        };
        let moment = |time: Time, distance: fn(Time, Time) -> Span| {
            let (clock, now) = here?;
            Some(Moment {
                instant: clock.instant_within_range(time)?,
                distance: distance(time, now).into(),
            })
        };
        JobStatus {
            id: job.id(),
            name: job.name().to_owned(),
            state,
            interval: job.interval(),
            runs: cell.runs(),
            next_due: moment(next, Time::since),
            last_start: moment(cell.last_start(), |start, now| now.since(start)),
            failure_stats: cell.failure_stats(),
            stats,
        }
    }

    /// The job's id.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// The job's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is doing.
    pub fn state(&self) -> JobState {
        self.state
    }

    /// How often it runs, see [`Job::interval`].
    pub fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// Runs begun.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Runs that returned an error.
    pub fn failures(&self) -> u64 {
        self.failure_stats.failures
    }

    /// Runs that panicked.
    pub fn panics(&self) -> u64 {
        self.failure_stats.panics
    }

    /// Runs that took longer than the job's [`timeout`](crate::JobBuilder::timeout).
    pub fn timeouts(&self) -> u64 {
        self.failure_stats.timeouts
    }

    /// Runs that were cancelled.
    pub fn cancelled(&self) -> u64 {
        self.failure_stats.cancelled
    }

    /// Attempts that failed and were followed by another, see [`retry`](crate::JobBuilder::retry).
    pub fn retries(&self) -> u64 {
        self.failure_stats.retries
    }

    /// Intervals that were dropped, see [`MissedTicks`](crate::MissedTicks).
    pub fn missed(&self) -> u64 {
        self.failure_stats.missed
    }

    /// Runs that the executor would not take.
    pub fn refused(&self) -> u64 {
        self.failure_stats.refused
    }

    /// What the last failed run, or attempt, returned or panicked with.
    pub fn last_error(&self) -> Option<&str> {
        self.failure_stats.last_error.as_deref()
    }

    /// When the last run began that was measured, or since when one had to wait; it may be still in progress. None once the scheduler is gone, and its clock with it.
    pub fn last_start(&self) -> Option<Instant> {
        self.last_start.map(|moment| moment.instant)
    }

    /// How long the last measured run took that has ended: exact up to a quarter of a second, beyond that cut off after its first
    /// eight digits. Where not every run is measured it may be another one than
    /// [`last_start`](JobStatus::last_start) speaks of.
    pub fn last_duration(&self) -> Option<Duration> {
        self.stats.last_duration()
    }

    /// How long the measured runs took on average; of more than a million, later ones count for more.
    pub fn mean_duration(&self) -> Option<Duration> {
        self.stats.mean_duration()
    }

    /// The instant from which the next run may begin: when it is scheduled, put off by its jitter if it has one. `None` if
    /// no run will come, or if the next one depends on the end of the run in progress.
    pub fn next_due(&self) -> Option<Instant> {
        self.next_due.map(|moment| moment.instant)
    }

    /// The longest time from the instant at which a measured run was due to its beginning. It includes the wait for the
    /// tick.
    pub fn max_lateness(&self) -> Duration {
        self.stats.max_lateness()
    }

    /// How many of the measured runs were how late: less than 10 ms, 100 ms, 1 s, and more.
    ///
    /// Each entry is the bound and the number of runs below it that are not in an entry before; the last has no bound.
    pub fn lateness(&self) -> Vec<(Option<Duration>, u32)> {
        let bounds = LATENESS_BOUNDS.into_iter().map(Some).chain([None]);
        bounds.zip(self.stats.lateness()).collect()
    }
}

impl SchedulerStatus {
    pub(crate) fn of(state: SchedulerState, jobs: &[Job], clock: &Clock) -> SchedulerStatus {
        let now = clock.now();
        SchedulerStatus {
            state,
            jobs: jobs.iter().map(|job| JobStatus::at(job, Some((clock, now)))).collect(),
        }
    }

    /// What it is doing.
    pub fn state(&self) -> SchedulerState {
        self.state
    }

    /// The status of each of its jobs, in the order of registration.
    pub fn jobs(&self) -> &[JobStatus] {
        &self.jobs
    }
}
