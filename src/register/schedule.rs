//! The schedule of a registered function, as the attributes write it.

use std::time::Duration;

use crate::control::job_builder::JobBuilder;
use crate::control::scheduler::Scheduler;
use crate::time::{is_endless, short};

/// A schedule that is checked at compile time, except for the name of its time zone.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    times: Times,
    zone: Zone,
    weekdays: Option<&'static str>,
    is_aligned: bool,
}

#[derive(Debug, Clone, Copy)]
enum Times {
    Every(Duration),
    #[cfg(feature = "calendar")]
    Cron(&'static str),
    #[cfg(feature = "calendar")]
    Daily(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy)]
enum Zone {
    Utc,
    Local,
    Named(&'static str),
}

impl Schedule {
    const fn new(times: Times) -> Schedule {
        Schedule {
            times,
            zone: Zone::Utc,
            weekdays: None,
            is_aligned: false,
        }
    }

    /// `#[every("2s")]`.
    pub const fn every(interval: Duration) -> Schedule {
        Schedule::new(Times::Every(interval))
    }

    /// `#[cron("0 3 * * *")]`.
    #[cfg(feature = "calendar")]
    pub const fn cron(expression: &'static str) -> Schedule {
        Schedule::new(Times::Cron(expression))
    }

    /// `#[daily("03:00")]`.
    #[cfg(feature = "calendar")]
    pub const fn daily(times: &'static [&'static str]) -> Schedule {
        Schedule::new(Times::Daily(times))
    }

    /// The option `zone`.
    pub const fn zone(mut self, name: &'static str) -> Schedule {
        self.zone = Zone::Named(name);
        self
    }

    /// The option `local_zone`.
    pub const fn local_zone(mut self) -> Schedule {
        self.zone = Zone::Local;
        self
    }

    /// The option `on`.
    pub const fn on(mut self, weekdays: &'static str) -> Schedule {
        self.weekdays = Some(weekdays);
        self
    }

    /// The option `aligned`.
    pub const fn aligned(mut self) -> Schedule {
        self.is_aligned = true;
        self
    }

    /// `None` if the schedule is by a calendar.
    pub(super) fn interval(&self) -> Option<Duration> {
        match self.times {
            Times::Every(interval) if !self.is_aligned => Some(interval),
            _ => None,
        }
    }

    /// A builder with this schedule.
    pub(super) fn builder(&self, scheduler: &Scheduler) -> JobBuilder {
        match self.times {
            Times::Every(interval) if self.is_aligned => scheduler.every(interval).aligned(),
            Times::Every(interval) => scheduler.every(interval),
            #[cfg(feature = "calendar")]
            Times::Cron(expression) => self.in_zone(scheduler.cron(expression)),
            #[cfg(feature = "calendar")]
            Times::Daily(times) => {
                let job = self.in_zone(scheduler.daily(times));
                match self.weekdays {
                    Some(weekdays) => job.on(weekdays),
                    None => job,
                }
            }
        }
    }

    #[cfg(feature = "calendar")]
    fn in_zone(&self, job: JobBuilder) -> JobBuilder {
        match self.zone {
            Zone::Utc => job,
            Zone::Local => job.local_zone(),
            Zone::Named(name) => job.zone(name),
        }
    }

    pub(super) fn describe(&self) -> String {
        let mut words = match self.times {
            Times::Every(interval) if is_endless(interval) => String::from("once"),
            Times::Every(interval) => format!("every {}", short(interval)),
            #[cfg(feature = "calendar")]
            Times::Cron(expression) => format!("cron {expression}"),
            #[cfg(feature = "calendar")]
            Times::Daily(times) => format!("daily {}", times.join(", ")),
        };
        let aligned = self.is_aligned.then_some("aligned");
        let zone = match self.zone {
            Zone::Utc => None,
            Zone::Local => Some("local time"),
            Zone::Named(name) => Some(name),
        };
        for word in [aligned, self.weekdays, zone].into_iter().flatten() {
            words = words + " " + word;
        }
        words
    }
}
