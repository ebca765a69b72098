//! Time zones by name.
//!
//! A zone's rules are looked up for each slot, so that new time zone data is used without a restart. The lookup costs
//! about 0.2 µs: `TimeZone::get` takes a read lock of jiff's database, compares the name with the names of zones in use
//! (binary search), and compares the monotonic clock with the time at which the zone expires. That is 5 minutes after
//! the zone was read. The first lookup after that asks the file for its time of modification, and reads the file only
//! if it is another one. New data is therefore in use at most 5 minutes after it was installed. The zone of the system
//! is kept for 5 minutes in the same way.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::zone_names;
use crate::error::Error;
use crate::time::{Period, ZoneRules};

/// A time zone. Two zones are equal if they have the same name.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    /// The rules that were found when the zone was made. They hold if the zone can't be found later, for example while
    /// its file is being replaced.
    found: TimeZone,
    /// Whether this is the zone of the system, whatever the system says it is.
    is_local: bool,
}

impl Zone {
    pub(crate) const UTC: Zone = Zone {
        found: TimeZone::UTC,
        is_local: false,
    };

    /// The zone of a name such as `Europe/Berlin`, in upper or lower case.
    pub(crate) fn named(name: &str) -> Result<Zone, Error> {
        match TimeZone::get(name) {
            Ok(found) if is_known(&found) => Ok(Zone { found, is_local: false }),
            _ => Err(Error::invalid_schedule(zone_names::unknown(name))),
        }
    }

    /// The zone of the system: the variable `TZ`, or what the system is set to.
    pub(crate) fn local() -> Result<Zone, Error> {
        match TimeZone::try_system() {
            Ok(found) if is_known(&found) => Ok(Zone { found, is_local: true }),
            Ok(_) => Err(no_system_zone("its zone is \"unknown\"")),
            Err(error) => Err(no_system_zone(&error.to_string())),
        }
    }

    /// The name that a status shows. `None` for UTC.
    pub(crate) fn shown(&self) -> Option<String> {
        if *self == Zone::UTC {
            return None;
        }
        let name = self.rules().iana_name().map(str::to_owned);
        Some(name.unwrap_or_else(|| "local time".to_owned()))
    }

    /// Two zones with the same key are the same.
    pub(crate) fn key(&self) -> &str {
        if self.is_local {
            return "local";
        }
        self.found.iana_name().unwrap_or_default()
    }

    /// The rules as they are now.
    pub(crate) fn rules(&self) -> TimeZone {
        let now = if self.is_local {
            TimeZone::try_system().ok()
        } else {
            self.found.iana_name().and_then(|name| TimeZone::get(name).ok())
        };
        now.filter(is_known).unwrap_or_else(|| self.found.clone())
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.is_local == other.is_local && (self.is_local || self.found.iana_name() == other.found.iana_name())
    }
}

impl Eq for Zone {}

impl ZoneRules for TimeZone {
    fn period(&self, at: i64) -> Period {
        let at = timestamp(at);
        let next = timestamp(at.as_second().saturating_add(1));
        let begin = self.preceding(next).next();
        let end = self.following(at).next();
        Period {
            start: begin.as_ref().map_or(i64::MIN, |change| change.timestamp().as_second()),
            end: end.map_or(i64::MAX, |change| change.timestamp().as_second()),
            offset: begin
                .map_or_else(|| self.to_offset(at), |change| change.offset())
                .seconds()
                .into(),
        }
    }
}

/// An instant outside of jiff's range, which is about the years -9999 to 9999, becomes the end of the range.
fn timestamp(second: i64) -> Timestamp {
    let range = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    Timestamp::from_second(second.clamp(*range.start(), *range.end())).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// jiff's `Etc/Unknown`, and the zone `Factory` of a system that was never set up, behave like UTC. Nobody means them.
fn is_known(zone: &TimeZone) -> bool {
    !zone.is_unknown() && zone.iana_name() != Some("Factory")
}

fn no_system_zone(reason: &str) -> Error {
    Error::invalid_schedule(format!(
        "the time zone of the system can't be found ({reason}); set the variable TZ, or name a zone such as \
         \"Europe/Berlin\""
    ))
}

#[cfg(all(test, unix))]
mod tests;
