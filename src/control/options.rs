//! The options collected by a job builder, checked at registration.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::control::schedule::Complete;
use crate::engine::Engine;
use crate::error::Error;
use crate::job::config::{JobConfig, RunMode};
use crate::job::group_name::GroupName;
use crate::job::instance::Instances;
use crate::job::rules::{Backoffs, OverlapState, Replacement, Rules, Skipped, Times, check_jitter};
use crate::job::slots::Slots;
use crate::time::{Jitter, Time, seed_of_text};
use crate::unwind::Guarded;

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) jitter: Option<Duration>,
    pub(crate) times: Option<u64>,
    pub(crate) until: Option<Instant>,
    pub(crate) fixed_delay: bool,
    pub(crate) late_at_most: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) backoffs: Option<Backoffs>,
    pub(crate) group: Option<GroupName>,
    /// `None` if the job names no policy.
    pub(crate) overlap: Option<Overlaps>,
}

/// How runs of the job may overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Overlaps {
    #[default]
    Wait,
    Skip,
    Replace,
    /// At most this number of runs at a time.
    Allow(usize),
}

impl Options {
    /// The rules of a job with this interval. `None` if all options are at their defaults.
    pub(crate) fn into_rules(self, engine: &Engine, interval: Duration) -> Result<Option<Rules>, Error> {
        if let Some(max) = self.jitter {
            check_jitter(max, interval)?;
        }
        if self.late_at_most.is_some() {
            return Err(Error::invalid_option(
                "`late_at_most` is for a job by a calendar: leave it out, or align the interval by `aligned`",
            ));
        }
        self.check()?;
        if self.are_default() {
            return Ok(None);
        }
        self.into_rules_with(engine, None, || engine.next_seed()).map(Some)
    }

    /// The configuration of a job by a calendar. The jitter depends on the job's `name`.
    pub(crate) fn into_calendar_config(
        self,
        engine: &Engine,
        complete: Complete,
        mode: RunMode,
        name: &str,
        tags: Vec<String>,
    ) -> Result<Arc<JobConfig>, Error> {
        self.check()?;
        if self.fixed_delay {
            return Err(Error::invalid_option(
                "`fixed_delay` is for an interval, not for a job by a calendar: leave it out, or use `every`",
            ));
        }
        let key = complete.key.filter(|_| self.are_default());
        let late_at_most = self.late_at_most.map(Into::into);
        let slots = Slots::new(complete.calendar, late_at_most, engine.clock.wall_origin());
        let rules = self.into_rules_with(engine, Some(slots), || seed_of_text(name))?;
        Ok(engine.calendar_config(key, mode, rules, tags))
    }

    fn into_rules_with(
        self,
        engine: &Engine,
        slots: Option<Slots>,
        jitter_seed: impl FnOnce() -> u64,
    ) -> Result<Rules, Error> {
        if let Some(until) = self.until {
            check_until(until, engine.clock.runtime().now())?;
        }
        let overlap = match self.overlap.unwrap_or_default() {
            Overlaps::Wait => OverlapState::Wait,
            Overlaps::Skip => OverlapState::Skip(Skipped::default()),
            Overlaps::Replace => OverlapState::Replace(Replacement::default()),
            Overlaps::Allow(runs) => OverlapState::Allow(Instances::new(runs)),
        };
        let group = self.group.map(|name| engine.group(name)).transpose()?;
        Ok(Rules {
            slots,
            jitter: self.jitter.map(|max| Jitter {
                max: max.into(),
                seed: jitter_seed(),
            }),
            times: self.times.map(Times::new),
            until: self.until.map_or(Time::NEVER, |instant| engine.clock.time_of(instant)),
            fixed_delay: self.fixed_delay,
            time_limit: self.timeout.map(Into::into),
            attempt_limit: self.attempt_timeout.map(Into::into),
            backoffs: self.backoffs.map(Guarded::new),
            group,
            overlap,
        })
    }

    /// Whether all options are at their defaults.
    fn are_default(&self) -> bool {
        let Options {
            jitter: None,
            times: None,
            until: None,
            fixed_delay: false,
            late_at_most: None,
            timeout: None,
            attempt_timeout: None,
            backoffs: None,
            group: None,
            overlap: None | Some(Overlaps::Wait),
        } = self
        else {
            return false;
        };
        true
    }

    /// Checks the options of a job whose runs its holder does.
    pub(super) fn check_ticks(&self) -> Result<(), Error> {
        let options = [
            ("retry", self.backoffs.is_some()),
            ("timeout", self.timeout.is_some()),
            ("attempt_timeout", self.attempt_timeout.is_some()),
            ("on_overlap", self.overlap.is_some()),
        ];
        match options.into_iter().find(|(_, is_set)| *is_set) {
            None => Ok(()),
            Some((option, _)) => Err(Error::invalid_option(format!(
                "`{option}` is for runs that the scheduler does, not for `ticks`, whose holder does them: leave it out, or \
                 use `run`"
            ))),
        }
    }

    fn check(&self) -> Result<(), Error> {
        if self.times == Some(0) {
            return Err(Error::invalid_option(
                "a job that runs 0 times would never run: let `times` be at least 1",
            ));
        }
        if self.timeout == Some(Duration::ZERO) {
            return Err(Error::invalid_option(
                "with a timeout of 0ns no run could end in time: take a longer `timeout`, or none",
            ));
        }
        if self.attempt_timeout == Some(Duration::ZERO) {
            return Err(Error::invalid_option(
                "with an attempt timeout of 0ns no attempt could end in time: take a longer `attempt_timeout`, or none",
            ));
        }
        if self.overlap == Some(Overlaps::Allow(0)) {
            return Err(Error::invalid_option(
                "`Allow(0)` allows no run: let it be at least 1, or pause the job",
            ));
        }
        Ok(())
    }
}

/// Checks that the job has not come to its end already.
fn check_until(until: Instant, now: Instant) -> Result<(), Error> {
    match now.checked_duration_since(until) {
        None | Some(Duration::ZERO) => Ok(()),
        Some(ago) => Err(Error::invalid_option(format!(
            "the instant of `until` passed {ago:?} ago, so the job would never run: take a later instant, or leave \
             `until` out"
        ))),
    }
}
