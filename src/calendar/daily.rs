//! `Daily`: appointments at times of the day, in a time zone.

use std::fmt;
use std::time::SystemTime;

use super::slots;
use super::zone::Zone;
use crate::error::Error;
use crate::text::OneLine;
use crate::time::{Calendar, Times, parse_time, parse_weekdays};

/// Appointments at one or more times of the day, and the time zone whose clocks they are about. By default this is UTC,
/// and every day of the week.
///
/// The page [`calendar`](crate::calendar) describes what happens when clocks are changed.
///
/// Two values are equal if they mean the same, whatever the order of the times.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use atevery::{Calendar, Daily};
///
/// let office = Daily::at(["09:00", "17:30"])?.on("mon-fri")?.zone("America/New_York")?;
/// assert_eq!(office.to_string(), "daily 09:00, 17:30 mon-fri America/New_York");
///
/// // Friday, 30 January 2026, 17:30 in New York is 22:30 UTC. The next slot is on Monday at 09:00.
/// let friday = UNIX_EPOCH + Duration::from_secs(1_769_812_200);
/// assert_eq!(office.next(friday), Some(friday + Duration::from_secs(2 * 86_400 + 15 * 3_600 + 1_800)));
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Daily {
    times: Times,
    zone: Zone,
}

impl Daily {
    /// Makes a schedule of each day at this time, or at these times: `HH:MM` or `HH:MM:SS`, from `00:00` to `23:59:59`.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid_schedule`] if a time can't be read, or if there is none.
    ///
    /// ```
    /// use atevery::Daily;
    ///
    /// let nightly = Daily::at("03:00")?;
    /// let office = Daily::at(["09:00", "17:30"])?;
    /// let configured = Daily::at(vec![String::from("03:00:30")])?;
    /// assert!(Daily::at("3 pm").is_err());
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn at(times: impl IntoTimes) -> Result<Daily, Error> {
        let times: Result<Vec<u32>, Error> = times.into_times().iter().map(|text| read_time(text)).collect();
        match Times::every_day(times?) {
            Some(times) => Ok(Daily { times, zone: Zone::UTC }),
            None => Err(Error::invalid_schedule(
                "a daily schedule needs at least one time of day, such as \"03:00\"",
            )),
        }
    }

    /// Limits the schedule to weekdays: names of three letters, in lists and ranges, such as `mon-fri` or `sat,sun`.
    /// The numbers of cron expressions are allowed too.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid_schedule`] if the weekdays can't be read.
    ///
    /// ```
    /// use atevery::Daily;
    ///
    /// let weekend = Daily::at("10:00")?.on("sat,sun")?;
    /// assert_eq!(weekend, Daily::at("10:00")?.on("6-7")?);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn on(self, weekdays: &str) -> Result<Daily, Error> {
        match parse_weekdays(weekdays) {
            Ok(set) => Ok(Daily {
                times: self.times.on(set),
                ..self
            }),
            Err(error) => Err(invalid(error.about_weekdays(weekdays).as_str())),
        }
    }

    /// Sets the time zone, by its name in the time zone database: `Europe/Berlin`, `America/New_York`, `UTC`. The case
    /// of the name doesn't matter.
    ///
    /// The rules of the zone are looked up for each slot. New time zone data of the system is used without a restart,
    /// at most 5 minutes after it was installed.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid_schedule`] if there is no zone of this name. The message names the zone that may be meant.
    ///
    /// ```
    /// use atevery::Daily;
    ///
    /// let nightly = Daily::at("03:00")?.zone("Asia/Tokyo")?;
    /// assert_eq!(nightly.to_string(), "daily 03:00 Asia/Tokyo");
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn zone(self, name: &str) -> Result<Daily, Error> {
        let zone = Zone::named(name)?;
        Ok(Daily { zone, ..self })
    }

    /// Sets the time zone of the system.
    pub(crate) fn local_zone(self) -> Result<Daily, Error> {
        let zone = Zone::local()?;
        Ok(Daily { zone, ..self })
    }
}

impl Daily {
    /// Two schedules with the same key are the same.
    pub(crate) fn key(&self) -> String {
        format!("daily {} {}", self.times.describe(), self.zone.key())
    }
}

impl Calendar for Daily {
    fn next(&self, after: SystemTime) -> Option<SystemTime> {
        slots::next(&self.times, &self.zone, after)
    }

    fn describe(&self) -> String {
        self.to_string()
    }
}

/// Writes the times, the weekdays if they are not all, and the zone if it is not UTC: `daily 09:00, 17:30 mon-fri
/// Europe/Berlin`.
impl fmt::Display for Daily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "daily {}", self.times.describe())?;
        match self.zone.shown() {
            Some(zone) => write!(f, " {zone}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Daily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Daily({self})")
    }
}

fn read_time(text: &str) -> Result<u32, Error> {
    parse_time(text).map_err(|error| invalid(error.about_time(text).as_str()))
}

fn invalid(message: &str) -> Error {
    Error::invalid_schedule(OneLine(message).to_string())
}

/// The argument of [`Daily::at`]: a time of the day, or several in an array, a slice or a vector.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no time of day",
    label = "neither a text nor a list of texts",
    note = "write `\"03:00\"` or `[\"09:00\", \"17:30\"]`"
)]
pub trait IntoTimes: sealed::Sealed {
    #[doc(hidden)]
    fn into_times(self) -> Vec<String>;
}

/// Implements the trait for types that are a single text.
macro_rules! one_time {
    ($($ty:ty),*) => {
        $(
            impl IntoTimes for $ty {
                fn into_times(self) -> Vec<String> {
                    vec![self.to_string()]
                }
            }

            impl sealed::Sealed for $ty {}
        )*
    };
}

/// Implements the trait for types that are a list of texts.
macro_rules! several_times {
    ($([$($generics:tt)*] $ty:ty),*) => {
        $(
            impl<T: AsRef<str>, $($generics)*> IntoTimes for $ty {
                fn into_times(self) -> Vec<String> {
                    self.iter().map(|text| text.as_ref().to_owned()).collect()
                }
            }

            impl<T: AsRef<str>, $($generics)*> sealed::Sealed for $ty {}
        )*
    };
}

one_time!(&str, String, &String);
several_times!([] &[T], [] Vec<T>, [] &Vec<T>, [const N: usize] [T; N], [const N: usize] &[T; N]);

mod sealed {
    pub trait Sealed {}
}
