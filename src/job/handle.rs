//! The handle of a registered job.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::job::by_calendar::ByCalendar;
use crate::job::cell::JobCell;
use crate::job::current_run::{self, Caller};
use crate::job::id::JobId;
use crate::job::rules;
use crate::job::run::Run;
use crate::job::state::OfferId;
use crate::time::Calendar;
use crate::unwind::Guarded;

/// A registered job. Cloning is cheap, and dropping a handle changes nothing. A handle does not keep the scheduler
/// alive: without a [`Scheduler`](crate::Scheduler) handle, no job runs.
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

    pub(crate) fn cell_arc(&self) -> &Arc<JobCell> {
        &self.0
    }

    /// Returns the id, which is unique in the process.
    pub fn id(&self) -> JobId {
        self.0.id
    }

    /// Returns the job's name. By default, the name is the type name of the target.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Returns the job's [tags](crate::JobBuilder::tag), each once, in the order in which they were added.
    pub fn tags(&self) -> &[String] {
        &self.0.config.tags
    }

    /// Returns whether the job has this [tag](crate::JobBuilder::tag).
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags().iter().any(|own| own == tag)
    }

    /// Returns the interval, or `None` if the job is by a calendar.
    pub fn interval(&self) -> Option<Duration> {
        self.0.interval()
    }

    /// Returns whether a run is in progress.
    pub fn is_running(&self) -> bool {
        self.0.running() > 0
    }

    /// Returns how many runs have begun.
    pub fn runs(&self) -> u64 {
        self.0.runs()
    }

    /// Removes the job from its scheduler: no further run begins, and a run in progress continues. The captured values
    /// of the target are dropped now, or when the run in progress has ended. At this point
    /// [`Scheduler::jobs`](crate::Scheduler::jobs) no longer lists the job.
    pub fn remove(&self) {
        match self.0.host() {
            Some(host) => host.retire(&self.0),
            None => self.0.remove(),
        }
    }
}

/// Control methods, callable from any thread and from within the job itself. A trigger takes effect at once, every
/// other change at the next tick at the latest.
impl Job {
    /// Triggers one run, which begins at once and does not wait for a tick. If a run is in progress, the triggered run
    /// begins at its end, or [`on_overlap`](crate::JobBuilder::on_overlap) decides.
    ///
    /// [`scheduled`](Run::scheduled) and [`due`](Run::due) are the instant at which the triggered run begins. The
    /// schedule stays the same. With [`fixed_delay`](crate::JobBuilder::fixed_delay), the interval also counts from the
    /// end of the triggered run. Further triggers before the run begins have no effect. A trigger also runs a paused
    /// job, once. If the scheduler is stopped, the run begins at the next start. A stop with a
    /// [`grace`](crate::Stop::grace) first begins the runs that were triggered before. If the executor refuses the run,
    /// the run is tried again at the next tick.
    ///
    /// A job that triggers itself, in its run or in a hook for its run, runs at the next tick, because it would
    /// otherwise run without end. For the same reason, two jobs that trigger each other in their runs run once a tick:
    /// if a triggered run of this job has begun since the last tick, a run that began later triggers it for the next
    /// tick.
    ///
    /// ```text
    /// s     0         1         2         3
    /// due   x         x         x         x
    /// run   #         #    #    #         #
    ///                      trigger
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
    /// time.run_until_stalled(); // time stands still
    /// assert_eq!(job.runs(), 2);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn trigger(&self) {
        let is_at_once = match current_run::caller(self.0.id) {
            // The code of a holder of `Ticks` can't be told from other code, and its job must not run without end
            // either.
            Caller::Outside if self.0.has_ticks() && self.is_running() => self.is_triggered_at_once(OfferId::LAST),
            Caller::Outside => true,
            Caller::Scheduler(run) => self.is_triggered_at_once(run),
            Caller::OwnRun => false,
        };
        if is_at_once {
            self.0.state.trigger();
        } else {
            self.0.state.trigger_at_tick();
        }
        self.reschedule();
    }

    fn is_triggered_at_once(&self, run: OfferId) -> bool {
        self.0.host().is_none_or(|host| host.is_triggered_at_once(&self.0, run))
    }

    /// Pauses the job: no run begins until [`resume`](Job::resume), except a [triggered](Job::trigger) run. A run in
    /// progress continues.
    ///
    /// ```text
    /// s     0         1         2         3         4
    /// due   x         x         x x         x         x
    /// run   #                     #         #         #
    ///            pause        resume
    /// ```
    pub fn pause(&self) {
        self.0.pause();
        self.reschedule();
    }

    /// Ends a [pause](Job::pause). Paused time does not count as missed. If the job became due during the pause, it
    /// runs once at the next tick. Its further runs follow one interval apart from there, as after a stop and a start.
    /// Runs that the job missed before the pause are not made up either.
    ///
    /// A job by a calendar next runs at its first slot after the end of the pause.
    pub fn resume(&self) {
        let host = self.0.host();
        if let Some(host) = host.as_ref().filter(|_| self.is_paused()) {
            self.0.by_calendar(host.clock()).inspect(ByCalendar::skip_passed);
        }
        self.0.resume(host.map(|host| host.clock().now()));
        self.reschedule();
    }

    /// Returns whether the job is paused.
    pub fn is_paused(&self) -> bool {
        self.0.state.load().is_paused()
    }

    /// Sets the interval, as if it had held since the last run was scheduled: the next run is due one new interval
    /// after that instant, or now if that has passed. Runs that were still to be made up under
    /// [`Burst`](crate::MissedTicks::Burst) are dropped. [Triggered](Job::trigger) runs don't count.
    ///
    /// ```text
    /// s     0    1    2    3    4    5    6    7    8
    /// due   x         x         x  x  x  x  x  x  x  x
    /// run   #         #         #  #  #  #  #  #  #  #
    ///                            set_interval(600 ms) at 4.3 s
    /// ```
    ///
    /// Before the first run, [`FirstRun::AfterInterval`](crate::FirstRun::AfterInterval) follows the new interval,
    /// counted from the registration. Other first runs stay. With [`fixed_delay`](crate::JobBuilder::fixed_delay), the
    /// new interval counts from where the old one did, and during a run from its end.
    ///
    /// `Duration::MAX` switches the job off: no run is due until another interval is set.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(60)).run(|| ())?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(20));
    /// job.set_interval(Duration::MAX)?;
    /// time.advance(Duration::from_secs(3600));
    /// assert_eq!(job.runs(), 1);
    /// job.set_interval(Duration::from_secs(30))?; // due now, since 30 s have passed
    /// time.advance(Duration::from_secs(31));
    /// assert_eq!(job.runs(), 3);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`is_interval_too_short`](Error::is_interval_too_short) if `interval` is shorter than the scheduler's
    /// resolution. Returns [`is_invalid_option`](Error::is_invalid_option) if `interval` is not longer than the job's
    /// jitter, or if the job is by a calendar. After an error nothing has changed. If the scheduler is gone, the call
    /// changes nothing and returns `Ok`.
    pub fn set_interval(&self, interval: Duration) -> Result<(), Error> {
        let Some(host) = self.0.host() else {
            return Ok(());
        };
        if self.0.has_calendar() {
            return Err(Error::invalid_option(
                "an interval is not for a job by a calendar: use `set_schedule`, or register a job of `every`",
            ));
        }
        rules::check_interval(interval, host.resolution())?;
        if let Some(jitter) = self.0.rules().and_then(|rules| rules.jitter) {
            rules::check_jitter(jitter.max.into(), interval)?;
        }
        self.0.set_interval(interval, host.clock().now());
        host.reschedule(&self.0);
        Ok(())
    }

    /// Replaces the calendar of a job by a calendar. The next run is at the first slot of the new calendar that is later
    /// than now. A run in progress continues.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atevery::{Calendar, Scheduler, testing::VirtualTime};
    /// # struct Minutes(u64);
    /// # impl Calendar for Minutes {
    /// #     fn next(&self, after: std::time::SystemTime) -> Option<std::time::SystemTime> {
    /// #         let step = self.0 * 60;
    /// #         let seconds = after.duration_since(UNIX_EPOCH).ok()?.as_secs();
    /// #         Some(UNIX_EPOCH + Duration::from_secs((seconds / step + 1) * step))
    /// #     }
    /// #     fn describe(&self) -> String {
    /// #         format!("each {} minutes", self.0)
    /// #     }
    /// # }
    ///
    /// let time = VirtualTime::at(UNIX_EPOCH);
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.on(Minutes(10)).run(|| ())?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(3600));
    /// job.set_schedule(Minutes(30))?;
    /// time.advance(Duration::from_secs(3600));
    /// assert_eq!(job.runs(), 6 + 2);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`is_invalid_option`](Error::is_invalid_option) if the job has an interval, and
    /// [`is_invalid_schedule`](Error::is_invalid_schedule) if the calendar has no slot later than now, panics, or
    /// answers with an instant that is not later. After an error nothing has changed. If the scheduler is gone, the call
    /// changes nothing and returns `Ok`.
    pub fn set_schedule(&self, schedule: impl Calendar) -> Result<(), Error> {
        let schedule: Guarded<Arc<dyn Calendar>> = Guarded::new(Arc::new(schedule));
        let Some(host) = self.0.host() else {
            return Ok(());
        };
        host.follow_wall_clock();
        let by_calendar = self.0.by_calendar(host.clock()).ok_or_else(|| {
            Error::invalid_option(
                "a calendar is not for a job with an interval: use `set_interval`, or register a job by a calendar",
            )
        })?;
        by_calendar.set_calendar(schedule).map_err(Error::invalid_schedule)?;
        host.reschedule(&self.0);
        Ok(())
    }

    fn reschedule(&self) {
        if let Some(host) = self.0.host() {
            host.reschedule(&self.0);
        }
    }
}

impl Run {
    /// Returns the job of this run.
    pub fn job(&self) -> Job {
        Job::new(Arc::clone(&self.instance.job))
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("schedule", &self.0.describe_schedule())
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
