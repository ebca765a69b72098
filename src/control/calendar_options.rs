//! Jobs by a calendar.

use std::time::Duration;

#[cfg(feature = "calendar")]
use crate::calendar::daily::{Daily, IntoTimes};
use crate::control::job_builder::JobBuilder;
use crate::control::schedule::Schedule;
use crate::control::scheduler::Scheduler;
use crate::time::Calendar;

/// Jobs by a calendar.
///
/// Such a job runs at the slots of its calendar, which are wall-clock times, and follows the wall clock if that is set.
/// It first runs at the first slot after its registration, and after a start of the scheduler at the first slot after
/// the start. By default, missed slots are dropped: one late run follows, for the latest of them.
#[cfg_attr(
    feature = "calendar",
    doc = "The page [`calendar`](crate::calendar) has all of it: the dialect, time zones, and what happens when clocks are changed."
)]
impl Scheduler {
    /// Returns a builder for a job that runs at the slots of a calendar.
    ///
    /// A calendar that panics, or that answers with an instant that is not later, ends its job, see
    /// [`InvalidSchedule`](crate::EventKind::InvalidSchedule). When the calendar has no further slot, the job removes
    /// itself.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime, UNIX_EPOCH};
    /// use atevery::{Calendar, Scheduler, testing::VirtualTime};
    ///
    /// /// The launches, in order.
    /// struct Launches(Vec<SystemTime>);
    ///
    /// impl Calendar for Launches {
    ///     fn next(&self, after: SystemTime) -> Option<SystemTime> {
    ///         self.0.iter().copied().find(|launch| *launch > after)
    ///     }
    ///
    ///     fn describe(&self) -> String {
    ///         "launches".to_owned()
    ///     }
    /// }
    ///
    /// let start = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    /// let launches = [30, 70].map(|minutes| start + Duration::from_secs(minutes * 60));
    /// let time = VirtualTime::at(start);
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.on(Launches(launches.to_vec())).run(|| println!("lift-off"))?;
    /// scheduler.start()?;
    /// assert_eq!(job.upcoming(5), launches);
    /// time.advance(Duration::from_secs(2 * 3600));
    /// assert_eq!(job.runs(), 2);
    /// assert!(scheduler.jobs().is_empty());
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The registration, such as [`JobBuilder::run`], returns
    /// [`is_invalid_schedule`](crate::Error::is_invalid_schedule) if the calendar has no slot later than now, panics, or
    /// answers with an instant that is not later.
    pub fn on(&self, calendar: impl Calendar) -> JobBuilder {
        JobBuilder::new(self.clone(), Schedule::of_calendar(calendar))
    }

    /// Returns a builder for a job that runs by a cron expression: five fields, or six with the second before them. By
    /// default they are about UTC, see [`zone`](JobBuilder::zone) and [`local_zone`](JobBuilder::local_zone).
    /// [`calendar`](crate::calendar#the-dialect) describes the dialect.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let new_year = UNIX_EPOCH + Duration::from_secs(1_767_225_600); // 2026, UTC
    /// let time = VirtualTime::at(new_year);
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.cron("30 2 * * *").zone("Europe/Berlin").name("report").run(|| println!("the report"))?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(365 * 86_400));
    /// assert_eq!(job.runs(), 365); // also on the day without a 2:30, and once on the day with two
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The registration, such as [`JobBuilder::run`], returns
    /// [`is_invalid_schedule`](crate::Error::is_invalid_schedule) if the expression or the zone can't be read, or if
    /// the date never comes.
    #[cfg(feature = "calendar")]
    #[cfg_attr(docsrs, doc(cfg(feature = "calendar")))]
    pub fn cron(&self, expression: &str) -> JobBuilder {
        JobBuilder::new(self.clone(), Schedule::cron(expression))
    }

    /// Returns a builder for a job that runs each day at this time, or at these times: `HH:MM` or `HH:MM:SS`. By default
    /// they are about UTC, see [`zone`](JobBuilder::zone) and [`local_zone`](JobBuilder::local_zone).
    /// [`JobBuilder::on`] limits the job to weekdays.
    ///
    /// ```
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler.daily("03:00").run(|| println!("the backup"))?;
    /// scheduler.daily(["09:00", "17:30"]).on("mon-fri").zone("America/New_York").run(|| println!("the bell"))?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The registration, such as [`JobBuilder::run`], returns
    /// [`is_invalid_schedule`](crate::Error::is_invalid_schedule) if a time, the weekdays or the zone can't be read.
    #[cfg(feature = "calendar")]
    #[cfg_attr(docsrs, doc(cfg(feature = "calendar")))]
    pub fn daily(&self, times: impl IntoTimes) -> JobBuilder {
        JobBuilder::new(self.clone(), Schedule::daily(Daily::at(times)))
    }
}

/// The schedule of a job by a calendar.
impl<Runs> JobBuilder<Runs> {
    /// Aligns the interval to the wall clock: the job runs at the multiples of the interval since 1 January 1970, UTC.
    /// A job of ten minutes runs at :00, :10, :20 and so on, whenever it was registered.
    ///
    /// Only for jobs of [`every`](Scheduler::every).
    ///
    /// ```text
    /// minutes   7   10        20        30        40
    /// run       #   .    #    .    #    .    #    .       every 10 minutes, registered at :07
    /// run       .   #         #         #         #       aligned
    /// ```
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let minutes = |minutes: u64| UNIX_EPOCH + Duration::from_secs(minutes * 60);
    /// let scheduler = Scheduler::new(VirtualTime::at(minutes(7)));
    /// let job = scheduler.every(Duration::from_secs(600)).aligned().run(|| ())?;
    /// assert_eq!(job.upcoming(2), [minutes(10), minutes(20)]);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn aligned(mut self) -> Self {
        self.schedule = self.schedule.aligned();
        self
    }

    /// Sets the time zone, by its name in the time zone database: `Europe/Berlin`, `America/New_York`, `UTC`. New time
    /// zone data of the system is used without a restart, at most 5 minutes after it was installed.
    ///
    /// Only for jobs of [`cron`](Scheduler::cron) and [`daily`](Scheduler::daily).
    #[cfg(feature = "calendar")]
    #[cfg_attr(docsrs, doc(cfg(feature = "calendar")))]
    pub fn zone(mut self, name: &str) -> Self {
        self.schedule = self.schedule.zone(name);
        self
    }

    /// Sets the time zone of the system: that of the variable `TZ`, or what the system is set to. If there is none, the
    /// registration returns an error.
    ///
    /// Only for jobs of [`cron`](Scheduler::cron) and [`daily`](Scheduler::daily).
    #[cfg(feature = "calendar")]
    #[cfg_attr(docsrs, doc(cfg(feature = "calendar")))]
    pub fn local_zone(mut self) -> Self {
        self.schedule = self.schedule.local_zone();
        self
    }

    /// Limits the job to weekdays: names of three letters, in lists and ranges, such as `mon-fri` or `sat,sun`.
    ///
    /// Only for jobs of [`daily`](Scheduler::daily).
    #[cfg(feature = "calendar")]
    #[cfg_attr(docsrs, doc(cfg(feature = "calendar")))]
    pub fn on(mut self, weekdays: &str) -> Self {
        self.schedule = self.schedule.on(weekdays);
        self
    }

    /// Drops runs that would begin later than `limit` after they are due, because the program was busy or the machine
    /// was suspended. A limit below a tick counts as a tick, since a run begins up to a tick after it is due. The event [`Missed`](crate::EventKind::Missed) tells how many slots got no run.
    ///
    /// Only for jobs by a calendar.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// const HOUR: Duration = Duration::from_secs(3600);
    /// let time = VirtualTime::at(UNIX_EPOCH);
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(24 * HOUR).aligned().late_at_most(HOUR).run(|| ())?;
    /// scheduler.start()?;
    /// time.advance(HOUR);
    /// time.suspend(26 * HOUR); // wakes 3 hours after the slot
    /// time.advance(HOUR);
    /// assert_eq!((job.runs(), job.status().missed()), (0, 1));
    /// time.advance(24 * HOUR);
    /// assert_eq!(job.runs(), 1);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn late_at_most(mut self, limit: Duration) -> Self {
        self.options.late_at_most = Some(limit);
        self
    }
}
