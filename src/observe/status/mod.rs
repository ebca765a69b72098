mod columns;
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

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum JobState {
    /// No run is in progress.
    Waiting,
    /// A run is in progress.
    Running,
    /// The job is [paused](Job::pause), and no run is in progress.
    Paused,
    /// The job has left its scheduler, and no run is in progress.
    Removed,
}

/// The state of a scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SchedulerState {
    /// The scheduler is running.
    Running,
    /// A stop is waiting for runs to end.
    Stopping,
    /// The scheduler is stopped, or was never started.
    Stopped,
}

/// The status of a job: figures on its runs so far, and the next run. [`Job::status`] returns this type.
///
/// The duration and lateness of every run are measured, with one exception: more than 127 jobs are due at one tick, and
/// neither the job nor an observer needs the start instant. In this case only a job's first run and every 16th run are
/// measured. If an unmeasured run has to wait, its start is recorded nevertheless.
///
/// `Display` writes a table with one row, see [`SchedulerStatus`]. With the feature `serde`, the status can be
/// serialised. Durations are in seconds, and instants are in seconds ago or ahead.
#[derive(Debug, Clone)]
pub struct JobStatus {
    id: JobId,
    name: String,
    tags: Vec<String>,
    state: JobState,
    interval: Option<Duration>,
    schedule: String,
    runs: u64,
    next_due: Option<Moment>,
    last_start: Option<Moment>,
    stats: RunStats,
    failure_stats: FailureStats,
}

/// An instant, and its distance from the instant of the status.
#[derive(Debug, Clone, Copy)]
struct Moment {
    instant: Instant,
    distance: Duration,
}

/// Where a status is taken: the clock of the scheduler, the instant, and whether the scheduler is running.
#[derive(Clone, Copy)]
struct Here<'a> {
    clock: &'a Clock,
    now: Time,
    is_running: bool,
}

/// The status of a scheduler and of all its jobs. [`Scheduler::status`](crate::Scheduler::status) returns this type.
///
/// `Display` writes a table. Each name stays on a single line, whatever characters it contains.
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
/// beat   waiting  1s           3       3         0          0        0       0     0  500ms ago   0ns   0ns   0ns  500ms  no pulse");
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SchedulerStatus {
    state: SchedulerState,
    jobs: Vec<JobStatus>,
}

impl Job {
    /// Returns the job's figures so far, and when the next run is due.
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
        if let Some(host) = &host {
            host.follow_wall_clock();
        }
        let here = host.as_ref().map(|host| Here {
            clock: host.clock(),
            now: host.clock().now(),
            is_running: host.is_running(),
        });
        JobStatus::at(job, here)
    }

    fn at(job: &Job, here: Option<Here<'_>>) -> JobStatus {
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
        let next = match here {
            Some(here) if !closed => cell.foretold(here.clock, here.now, here.is_running),
            _ => Time::NEVER,
        };
        let moment = |time: Time, distance: fn(Time, Time) -> Span| {
            let Here { clock, now, .. } = here?;
            Some(Moment {
                instant: clock.instant_within_range(time)?,
                distance: distance(time, now).into(),
            })
        };
        JobStatus {
            id: job.id(),
            name: job.name().to_owned(),
            tags: job.tags().to_vec(),
            state,
            interval: job.interval(),
            schedule: cell.describe_schedule(),
            runs: cell.runs(),
            next_due: moment(next, Time::since),
            last_start: moment(cell.last_start(), |start, now| now.since(start)),
            failure_stats: cell.failure_stats(),
            stats,
        }
    }

    /// Returns the job's id.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Returns the job's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the job's tags, see [`Job::tags`].
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Returns the job's state.
    pub fn state(&self) -> JobState {
        self.state
    }

    /// Returns the job's interval, see [`Job::interval`].
    pub fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// Returns the job's schedule in a few words: `2s` for an interval, or what the
    /// [calendar](crate::Calendar::describe) says, such as `30 2 * * * Europe/Berlin`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// let job = scheduler.every(Duration::from_secs(90)).run(|| ())?;
    /// assert_eq!(job.status().schedule(), "1m 30s");
    /// let job = scheduler.every(Duration::from_secs(600)).aligned().run(|| ())?;
    /// assert_eq!(job.status().schedule(), "10m aligned");
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn schedule(&self) -> &str {
        &self.schedule
    }

    /// Returns the number of runs that have begun.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Returns how many of the last runs have failed in a row: they returned an error, panicked or timed out. A run
    /// that ends without an error sets the number to 0. A cancelled run doesn't change it. A failed attempt that is
    /// [retried](crate::JobBuilder::retry) is no failed run.
    pub fn consecutive_failures(&self) -> u64 {
        self.failure_stats.consecutive
    }

    /// Returns the number of runs that returned an error.
    pub fn failures(&self) -> u64 {
        self.failure_stats.failures
    }

    /// Returns the number of runs that panicked.
    pub fn panics(&self) -> u64 {
        self.failure_stats.panics
    }

    /// Returns the number of runs that took longer than the job's [`timeout`](crate::JobBuilder::timeout).
    pub fn timeouts(&self) -> u64 {
        self.failure_stats.timeouts
    }

    /// Returns the number of cancelled runs.
    pub fn cancelled(&self) -> u64 {
        self.failure_stats.cancelled
    }

    /// Returns the number of failed attempts that were followed by another, see [`retry`](crate::JobBuilder::retry).
    pub fn retries(&self) -> u64 {
        self.failure_stats.retries
    }

    /// Returns the number of dropped intervals, see [`MissedTicks`](crate::MissedTicks) and
    /// [`Overlap::Skip`](crate::Overlap::Skip). They are counted when the next run begins.
    pub fn missed(&self) -> u64 {
        self.failure_stats.missed
    }

    /// Returns the number of runs that the executor refused.
    pub fn refused(&self) -> u64 {
        self.failure_stats.refused
    }

    /// Returns the number of measured runs that held their thread for more than 10 ms at one go, see
    /// [`EventKind::HeldThread`](crate::EventKind::HeldThread). Always 0 for a job that is registered with
    /// [`run_blocking`](crate::JobBuilder::run_blocking).
    pub fn held_thread(&self) -> u64 {
        self.failure_stats.held_thread
    }

    /// Returns the error or panic message of the most recent failed run or attempt.
    pub fn last_error(&self) -> Option<&str> {
        self.failure_stats.last_error.as_deref()
    }

    /// Returns the start of the most recent measured run, or of an unmeasured run that had to wait. The run may still
    /// be in progress. Returns `None` if the scheduler, and with it the clock, is gone.
    pub fn last_start(&self) -> Option<Instant> {
        self.last_start.map(|moment| moment.instant)
    }

    /// Returns the duration of the last measured run that has ended. The duration is exact up to a quarter of a second.
    /// Longer durations are truncated after eight digits. If not every run is measured,
    /// [`last_start`](JobStatus::last_start) may belong to a different run.
    pub fn last_duration(&self) -> Option<Duration> {
        self.stats.last_duration()
    }

    /// Returns the mean duration of the measured runs. After about a million runs, newer runs count for more than older
    /// runs.
    pub fn mean_duration(&self) -> Option<Duration> {
        self.stats.mean_duration()
    }

    /// Returns the instant from which the next run may begin: its scheduled instant, delayed by the jitter if the job
    /// has a jitter. Returns `None` if no further run will begin: after the last of
    /// [`times`](crate::JobBuilder::times), past [`until`](crate::JobBuilder::until), while the job is paused, and
    /// after its removal. Returns `None` also if the next run depends on the end of the run in progress.
    pub fn next_due(&self) -> Option<Instant> {
        self.next_due.map(|moment| moment.instant)
    }

    /// Returns the longest lateness of a measured run, from the due instant to the start. The lateness includes the
    /// wait for the tick.
    pub fn max_lateness(&self) -> Duration {
        self.stats.max_lateness()
    }

    /// Returns a histogram of the lateness of the measured runs: less than 10 ms, 100 ms, 1 s, and more.
    ///
    /// Each entry holds an upper bound and the number of runs below the bound but not in an earlier entry. The last
    /// entry has no bound.
    pub fn lateness(&self) -> Vec<(Option<Duration>, u32)> {
        let bounds = LATENESS_BOUNDS.into_iter().map(Some).chain([None]);
        bounds.zip(self.stats.lateness()).collect()
    }
}

impl SchedulerStatus {
    pub(crate) fn of(state: SchedulerState, jobs: &[Job], clock: &Clock) -> SchedulerStatus {
        let here = Here {
            clock,
            now: clock.now(),
            is_running: state == SchedulerState::Running,
        };
        SchedulerStatus {
            state,
            jobs: jobs.iter().map(|job| JobStatus::at(job, Some(here))).collect(),
        }
    }

    /// Returns the scheduler's state.
    pub fn state(&self) -> SchedulerState {
        self.state
    }

    /// Returns the status of each job, in the order of registration.
    pub fn jobs(&self) -> &[JobStatus] {
        &self.jobs
    }
}
