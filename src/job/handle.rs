use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::job::cell::JobCell;
use crate::job::id::JobId;
use crate::job::rules;

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
        self.0.name()
    }

    /// How often it runs; `None` for a job whose schedule is not an interval. So far every job has an interval.
    pub fn interval(&self) -> Option<Duration> {
        Some(self.0.interval())
    }

    /// Whether a run is in progress.
    pub fn is_running(&self) -> bool {
        self.0.running() > 0
    }

    /// How many runs have begun.
    pub fn runs(&self) -> u64 {
        self.0.runs()
    }

    /// Takes the job off its scheduler: no later run begins, a run in progress goes on. What the target captured is
    /// dropped now, or when the run in progress has ended.
    pub fn remove(&self) {
        match self.0.host() {
            Some(host) => host.retire(&self.0),
            None => self.0.remove(),
        }
    }
}

/// Control, from anywhere: also from within the job itself. All of it holds from the next tick at the latest.
impl Job {
    /// Begins one run now, at the next tick; if one is in progress, right after it, or as its
    /// [`on_overlap`](JobBuilder::on_overlap) says. The schedule stays (under [`fixed_delay`](JobBuilder::fixed_delay) the
    /// interval counts from the end of this run too), and what is triggered twice before it begins runs once. A job that is paused runs once, too; one whose scheduler is stopped runs
    /// at its start.
    ///
    /// ```text
    /// s     0         1         2         3
    /// due   x         x         x         x
    /// run   #         #    #    #         #
    ///                   trigger
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(3600)).run(|| ())?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(60));
    /// job.trigger();
    /// time.advance(Duration::from_millis(50));
    /// assert_eq!(job.runs(), 2);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn trigger(&self) {
        self.0.state.trigger();
        self.relist();
    }

    /// No run begins until [`resume`](Job::resume), unless it is [triggered](Job::trigger). A run in progress goes on.
    ///
    /// ```text
    /// s     0         1         2         3         4
    /// due   x         x         x x         x         x
    /// run   #                     #         #         #
    ///            pause        resume
    /// ```
    pub fn pause(&self) {
        self.0.pause();
        self.relist();
    }

    /// Ends a [pause](Job::pause). Time paused is not missed: a job that has come due runs once, at once, and goes on from
    /// there, as after a stop and a start. Runs that it was behind with before the pause are not made up either.
    pub fn resume(&self) {
        let now = self.0.host().map(|host| host.clock().now());
        self.0.resume(now);
        self.relist();
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.0.state.load().is_paused()
    }

    /// Runs every `interval` from here on. The next run is due when it was, or one new interval from now if that is sooner.
    /// The first run of a job stays where it was.
    ///
    /// ```text
    /// s     0    1    2    3    4    5    6    7    8
    /// due   x         x         x     x  x  x  x  x  x
    /// run   #         #         #     #  #  #  #  #  #
    ///                              set_interval(600 ms) at 4.6 s
    /// ```
    ///
    /// # Errors
    ///
    /// [`is_interval_too_short`](Error::is_interval_too_short) if it is shorter than the scheduler's resolution, or not
    /// longer than the job's jitter ([`is_invalid_option`](Error::is_invalid_option)). Nothing changes then. Once the
    /// scheduler is gone nothing changes either, and that is no error.
    pub fn set_interval(&self, interval: Duration) -> Result<(), Error> {
        let Some(host) = self.0.host() else {
            return Ok(());
        };
        rules::check_interval(interval, host.resolution())?;
        if let Some(jitter) = self.0.rules().and_then(|rules| rules.jitter) {
            rules::check_jitter(jitter.max.into(), interval)?;
        }
        self.0.set_interval(interval, host.clock().now());
        host.relist(&self.0);
        Ok(())
    }

    fn relist(&self) {
        if let Some(host) = self.0.host() {
            host.relist(&self.0);
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("interval", &self.0.interval())
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
