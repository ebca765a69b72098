//! The options of a job that have a default. Plain data, read by the model and by the player.

use std::fmt;
use std::time::Duration;

#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) jitter: Option<Duration>,
    pub(crate) times: Option<u64>,
    /// Nanoseconds from the beginning of the scenario.
    pub(crate) until: Option<i64>,
    pub(crate) fixed_delay: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) replace: bool,
    pub(crate) skip: bool,
    /// How many runs may be in progress at a time, if not one.
    pub(crate) allow: Option<usize>,
    /// The waits before further attempts of a run.
    pub(crate) retry: Option<Vec<Duration>>,
    pub(crate) group: Option<Group>,
}

/// One of two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    One,
    Two,
}

impl Group {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Group::One => "one",
            Group::Two => "two",
        }
    }

    /// How many runs may be in progress at a time.
    pub(crate) fn limit(self) -> usize {
        match self {
            Group::One => 1,
            Group::Two => 2,
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(max) = self.jitter {
            write!(f, ", jitter {max:?}")?;
        }
        if let Some(times) = self.times {
            write!(f, ", {times} times")?;
        }
        if let Some(until) = self.until {
            write!(f, ", until {until} ns")?;
        }
        if self.fixed_delay {
            write!(f, ", fixed delay")?;
        }
        if let Some(limit) = self.timeout {
            write!(f, ", timeout {limit:?}")?;
        }
        if self.replace {
            write!(f, ", replace")?;
        }
        if self.skip {
            write!(f, ", skip")?;
        }
        if let Some(runs) = self.allow {
            write!(f, ", allow {runs}")?;
        }
        if let Some(waits) = &self.retry {
            write!(f, ", retry after {waits:?}")?;
        }
        if let Some(group) = self.group {
            write!(f, ", group {group:?}")?;
        }
        Ok(())
    }
}
