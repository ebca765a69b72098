//! The rules of time for a single job: when a run is due, when the next run is scheduled, and when the job is over.

use std::time::Duration;

use crate::model::changes::Trigger;
use crate::model::drain::Admits;
use crate::model::{InProgress, Job};
use crate::scenario::Policy;
use crate::trace::Nanos;

/// Instants from here on never come. The clock of the scheduler ends there.
pub(super) const NEVER: Nanos = i64::MAX as Nanos;

/// The last grid point that is not later than a beginning.
#[derive(Clone, Copy)]
pub(super) struct TickOf {
    pub(super) time: Nanos,
    pub(super) resolution: Nanos,
}

impl Job<'_> {
    /// When the next run is due.
    pub(super) fn due(&self) -> Nanos {
        self.due_of(self.scheduled)
    }

    /// When a run is due that is scheduled at this instant.
    fn due_of(&self, scheduled: Nanos) -> Nanos {
        let jitter = self.jitter.as_ref().filter(|_| scheduled < NEVER);
        scheduled + jitter.map_or(0, |jitter| jitter.of(scheduled))
    }

    /// The time until now is not missed.
    pub(super) fn lift(&mut self, now: Nanos) {
        if self.due() < now {
            self.scheduled = now;
        }
    }

    /// Whether the longest jitter of the job is not shorter than this interval.
    pub(super) fn has_jitter_of(&self, interval: Duration) -> bool {
        self.spec.options.jitter.is_some_and(|max| max >= interval)
    }

    /// Whether a run may begin now.
    pub(super) fn may_begin(&self, now: Nanos) -> bool {
        !self.is_full() && self.is_due(now)
    }

    /// Whether the run that may begin is a triggered run, which does not wait for the tick.
    pub(super) fn is_due_by_trigger_alone(&self, now: Nanos) -> bool {
        self.trigger == Some(Trigger::AtOnce) && (self.due() > now || self.paused)
    }

    /// Whether a run is due, if none is in progress.
    pub(super) fn is_due(&self, now: Nanos) -> bool {
        let is_up = match self.admits {
            Admits::All => self.is_triggered(now) || (self.due() <= now && !self.paused),
            Admits::LastRun => self.is_triggered(now),
            Admits::Nothing => false,
        };
        is_up && !self.removed && !self.is_over(now)
    }

    /// Whether a run is due, and waits for a run that it may replace.
    pub(super) fn may_replace(&self, now: Nanos) -> bool {
        let is_pending = |run: &InProgress| !run.in_code && !run.cancelled && !self.replaced;
        self.spec.options.replace && self.in_progress.first().is_some_and(is_pending) && self.is_due(now)
    }

    /// Whether a tick finds that no run is left.
    pub(super) fn is_to_be_removed(&self, now: Nanos) -> bool {
        let comes_up = match self.admits {
            Admits::All => self.trigger.is_some() || !self.paused,
            Admits::LastRun => true,
            Admits::Nothing => false,
        };
        !self.removed && self.in_progress.is_empty() && comes_up && self.is_over(now)
    }

    /// Whether no run is left: all have begun, or the next one is scheduled after the end of the job. If none is
    /// scheduled, another interval may schedule one until the end has passed.
    pub(super) fn is_over(&self, now: Nanos) -> bool {
        let is_open = self.is_triggered(now) || self.scheduled >= NEVER;
        let next = if is_open { now } else { self.scheduled };
        self.spec.options.times.is_some_and(|times| self.runs >= times) || self.is_past_end(next)
    }

    /// Whether a trigger asks for a run, and the end of the job has not passed.
    pub(super) fn is_triggered(&self, now: Nanos) -> bool {
        self.trigger.is_some() && !self.is_past_end(now)
    }

    pub(super) fn is_past_end(&self, instant: Nanos) -> bool {
        self.spec
            .options
            .until
            .is_some_and(|until| instant > Nanos::from(until))
    }

    /// The earlier of this instant and the end of the job. Nothing is scheduled past the end, so nothing is missed
    /// there.
    fn by_end(&self, instant: Nanos) -> Nanos {
        let until = self.spec.options.until.map_or(NEVER, Nanos::from);
        instant.min(until)
    }

    /// How many of the instants of the schedule, from the next one on, are due by now.
    fn due_by(&self, now: Nanos) -> Nanos {
        let (scheduled, interval) = (self.scheduled, self.interval);
        let last = whole_intervals(scheduled, interval, self.by_end(now));
        // The jitter is shorter than the interval, so all before the last are due.
        let is_due = self.due_of(scheduled + interval * last) <= now;
        last + Nanos::from(is_due)
    }

    /// Rule 3: a run begins now, and the next one is scheduled. Returns for when this run was scheduled, and how many
    /// intervals were missed. Whether the run is late is judged from the instant at which it was due.
    pub(super) fn advance(&mut self, policy: Policy, now: Nanos, tick: TickOf) -> (Nanos, u64) {
        let (scheduled, due, interval) = (self.scheduled, self.due(), self.interval);
        if self.spec.options.fixed_delay {
            (self.counts_from, self.scheduled) = (Some(tick.time), NEVER);
            return (scheduled, 0);
        }
        let counts_from = match policy {
            Policy::Burst => scheduled,
            Policy::Skip => scheduled + interval * whole_intervals(due, interval, now),
            Policy::Delay if is_late(due, tick) => tick.time,
            Policy::Delay => scheduled,
        };
        self.schedule_from(counts_from);
        let until_end = whole_intervals(scheduled, interval, self.by_end(NEVER));
        let missed = match policy {
            Policy::Burst => 0,
            Policy::Skip => whole_intervals(due, interval, now).min(until_end),
            Policy::Delay => whole_intervals(due, interval, tick.time).min(until_end),
        };
        (scheduled, missed as u64 + std::mem::take(&mut self.skipped))
    }

    /// Rule 4: with `Overlap::Skip`, drops what came due during a run, which ends now.
    pub(super) fn drop_due_during(&mut self, run: &InProgress, now: Nanos) {
        if !self.spec.options.skip || self.paused {
            return;
        }
        let (scheduled, interval) = (self.scheduled, self.interval);
        let count = self.due_by(now) - self.due_by(run.started);
        if count > 0 {
            self.skipped += count as u64;
            self.schedule_from(scheduled + interval * (count - 1));
        }
    }

    /// Rule 9: the fixed delay counts from the tick at which the run began if the run ended before the next one, else
    /// from the end. After a triggered run, it counts from the end. What the run has said itself holds.
    pub(super) fn follow_end(&mut self, run: &InProgress, now: Nanos, resolution: Nanos) {
        if self.spec.options.fixed_delay && !run.has_chosen {
            let ended_in_tick = !run.triggered && now < run.tick + resolution;
            self.schedule_from(if ended_in_tick { run.tick } else { now });
        } else if let Some(counts_from) = self.counts_from.filter(|_| self.has_other_interval && !run.has_chosen) {
            // The change is applied once more, which has an effect only if the clock has stepped back since.
            self.scheduled = self.scheduled.min(now).max(counts_from + self.interval);
        }
        self.has_other_interval = false;
        if self.in_progress.is_empty() && self.is_over(now) {
            self.removed = true;
        }
    }

    fn schedule_from(&mut self, counts_from: Nanos) {
        self.counts_from = Some(counts_from);
        self.scheduled = counts_from + self.interval;
    }
}

/// A run that begins at the first tick from its due instant is not late.
fn is_late(due: Nanos, tick: TickOf) -> bool {
    tick.time >= due + tick.resolution
}

fn whole_intervals(since: Nanos, interval: Nanos, now: Nanos) -> Nanos {
    (now - since).max(0) / interval
}
