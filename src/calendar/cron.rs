//! `Cron`: a cron expression in a time zone.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use super::slots;
use super::zone::Zone;
use crate::error::Error;
use crate::text::OneLine;
use crate::time::{Calendar, Expression, Pattern};

/// A cron expression, and the time zone whose clocks it is about. By default this is UTC.
///
/// The page [`calendar`](crate::calendar) describes the expressions, and what happens when clocks are changed.
///
/// Two values are equal if they mean the same: `0 3 * * sun` equals `0 3 * * 7`.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use atevery::{Calendar, Cron};
///
/// let nightly = "30 2 * * mon-fri".parse::<Cron>()?.zone("Europe/Berlin")?;
/// assert_eq!(nightly.to_string(), "30 2 * * mon-fri Europe/Berlin");
///
/// // Friday, 30 January 2026, 02:30 in Berlin is 01:30 UTC. The next slot is on Monday.
/// let friday = UNIX_EPOCH + Duration::from_secs(1_769_736_600);
/// assert_eq!(nightly.next(friday), Some(friday + Duration::from_secs(3 * 86_400)));
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Clone)]
pub struct Cron {
    /// The fields as they were written, with single spaces.
    text: Box<str>,
    expression: Expression,
    zone: Zone,
}

impl Cron {
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
    /// use atevery::Cron;
    ///
    /// let daily: Cron = "@daily".parse()?;
    /// let error = daily.zone("Europe/Berln").unwrap_err();
    /// assert!(error.to_string().contains("did you mean \"Europe/Berlin\"?"));
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn zone(self, name: &str) -> Result<Cron, Error> {
        let zone = Zone::named(name)?;
        Ok(Cron { zone, ..self })
    }

    /// Sets the time zone of the system.
    pub(crate) fn local_zone(self) -> Result<Cron, Error> {
        let zone = Zone::local()?;
        Ok(Cron { zone, ..self })
    }
}

impl Cron {
    /// Two expressions with the same key are the same.
    pub(crate) fn key(&self) -> String {
        format!("cron {} {}", self.text, self.zone.key())
    }
}

impl FromStr for Cron {
    type Err = Error;

    fn from_str(text: &str) -> Result<Cron, Error> {
        match Expression::parse(text) {
            Ok(expression) => Ok(Cron {
                text: text.split_ascii_whitespace().collect::<Vec<_>>().join(" ").into(),
                expression,
                zone: Zone::UTC,
            }),
            Err(error) => {
                let message = error.about_cron(text);
                Err(Error::invalid_schedule(OneLine(message.as_str()).to_string()))
            }
        }
    }
}

impl Calendar for Cron {
    fn next(&self, after: SystemTime) -> Option<SystemTime> {
        slots::next(&self.expression, &self.zone, after)
    }

    fn describe(&self) -> String {
        self.to_string()
    }

    fn is_rhythm(&self) -> bool {
        self.expression.is_rhythm()
    }
}

/// Writes the expression, and the zone if it is not UTC: `30 2 * * * Europe/Berlin`.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match self.zone.shown() {
            Some(zone) => write!(f, " {zone}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({self})")
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Cron) -> bool {
        self.expression == other.expression && self.zone == other.zone
    }
}

impl Eq for Cron {}
