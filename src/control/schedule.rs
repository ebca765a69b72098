//! The schedule of a job builder: an interval, or a calendar.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "calendar")]
use crate::calendar::cron::Cron;
#[cfg(feature = "calendar")]
use crate::calendar::daily::Daily;
use crate::error::Error;
use crate::job::rules::check_interval;
use crate::time::{Aligned, Calendar, short};
use crate::unwind::Guarded;

/// A schedule, as far as it was built. What is wrong is reported when the job is registered.
pub(crate) enum Schedule {
    Every(Duration),
    Aligned(Duration),
    Calendar(Guarded<Arc<dyn Calendar>>),
    #[cfg(feature = "calendar")]
    Cron(Box<Cron>),
    #[cfg(feature = "calendar")]
    Daily(Box<Daily>),
    Invalid(Error),
}

/// A calendar that is complete.
pub(crate) struct Complete {
    pub(crate) calendar: Guarded<Arc<dyn Calendar>>,
    /// Calendars with the same key are the same. `None` if nothing is known of the calendar.
    pub(crate) key: Option<String>,
}

impl Schedule {
    /// The schedule of a calendar. `Cron` and `Daily` are recognised, so that jobs share them.
    pub(crate) fn of_calendar<C: Calendar>(calendar: C) -> Schedule {
        #[cfg(feature = "calendar")]
        {
            let any: &dyn std::any::Any = &calendar;
            if let Some(cron) = any.downcast_ref::<Cron>() {
                return Schedule::Cron(Box::new(cron.clone()));
            }
            if let Some(daily) = any.downcast_ref::<Daily>() {
                return Schedule::Daily(Box::new(daily.clone()));
            }
        }
        Schedule::Calendar(Guarded::new(Arc::new(calendar)))
    }

    #[cfg(feature = "calendar")]
    pub(crate) fn cron(expression: &str) -> Schedule {
        Schedule::of_cron(expression.parse())
    }

    #[cfg(feature = "calendar")]
    fn of_cron(cron: Result<Cron, Error>) -> Schedule {
        cron.map_or_else(Schedule::Invalid, |cron| Schedule::Cron(Box::new(cron)))
    }

    #[cfg(feature = "calendar")]
    pub(crate) fn daily(daily: Result<Daily, Error>) -> Schedule {
        daily.map_or_else(Schedule::Invalid, |daily| Schedule::Daily(Box::new(daily)))
    }

    pub(crate) fn aligned(self) -> Schedule {
        match self {
            Schedule::Every(interval) | Schedule::Aligned(interval) => Schedule::Aligned(interval),
            invalid @ Schedule::Invalid(_) => invalid,
            other => other.misused(
                "aligned",
                "a job of `every`: a calendar follows the wall clock in any case",
            ),
        }
    }

    #[cfg(feature = "calendar")]
    pub(crate) fn zone(self, name: &str) -> Schedule {
        self.in_zone("zone", |cron| cron.zone(name), |daily| daily.zone(name))
    }

    #[cfg(feature = "calendar")]
    pub(crate) fn local_zone(self) -> Schedule {
        self.in_zone("local_zone", Cron::local_zone, Daily::local_zone)
    }

    #[cfg(feature = "calendar")]
    fn in_zone(
        self,
        option: &str,
        cron_in: impl FnOnce(Cron) -> Result<Cron, Error>,
        daily_in: impl FnOnce(Daily) -> Result<Daily, Error>,
    ) -> Schedule {
        match self {
            Schedule::Cron(cron) => Schedule::of_cron(cron_in(*cron)),
            Schedule::Daily(daily) => Schedule::daily(daily_in(*daily)),
            invalid @ Schedule::Invalid(_) => invalid,
            other => other.misused(option, "a job of `cron` or `daily`"),
        }
    }

    #[cfg(feature = "calendar")]
    pub(crate) fn on(self, weekdays: &str) -> Schedule {
        match self {
            Schedule::Daily(daily) => Schedule::daily(daily.on(weekdays)),
            invalid @ Schedule::Invalid(_) => invalid,
            other => other.misused("on", "a job of `daily`: a cron expression has a field for the weekday"),
        }
    }

    fn misused(self, option: &str, wants: &str) -> Schedule {
        let message = format!("`{option}` is for {wants}. This job is {self}: leave `{option}` out");
        Schedule::Invalid(Error::invalid_option(message))
    }

    /// Checks the schedule, and returns its calendar. An interval is aligned.
    pub(crate) fn into_calendar(self, resolution: Duration) -> Result<Complete, Error> {
        let key = self.key();
        let calendar: Arc<dyn Calendar> = match self {
            Schedule::Every(interval) | Schedule::Aligned(interval) => {
                check_interval(interval, resolution)?;
                Arc::new(Aligned::new(interval, format!("{} aligned", short(interval))))
            }
            Schedule::Calendar(calendar) => return Ok(Complete { calendar, key }),
            #[cfg(feature = "calendar")]
            Schedule::Cron(cron) => Arc::new(*cron),
            #[cfg(feature = "calendar")]
            Schedule::Daily(daily) => Arc::new(*daily),
            Schedule::Invalid(error) => return Err(error),
        };
        let calendar = Guarded::new(calendar);
        Ok(Complete { calendar, key })
    }

    fn key(&self) -> Option<String> {
        match self {
            Schedule::Aligned(interval) => Some(format!("aligned {interval:?}")),
            #[cfg(feature = "calendar")]
            Schedule::Cron(cron) => Some(cron.key()),
            #[cfg(feature = "calendar")]
            Schedule::Daily(daily) => Some(daily.key()),
            Schedule::Every(_) | Schedule::Calendar(_) | Schedule::Invalid(_) => None,
        }
    }
}

/// For messages and `Debug`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Every(interval) => write!(f, "every {interval:?}"),
            Schedule::Aligned(interval) => write!(f, "every {interval:?}, aligned"),
            Schedule::Calendar(_) => f.write_str("on a calendar"),
            #[cfg(feature = "calendar")]
            Schedule::Cron(cron) => write!(f, "cron {cron}"),
            #[cfg(feature = "calendar")]
            Schedule::Daily(daily) => write!(f, "{daily}"),
            Schedule::Invalid(error) => write!(f, "{error}"),
        }
    }
}
