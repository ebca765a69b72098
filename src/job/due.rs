//! When a job is due, and all changes of its scheduled time. The pure rule is `MissedTicks::next_scheduled` in
//! `time/schedule.rs`. The jobs that are due now are in `dispatch/due.rs`.

use std::time::Duration;

use crate::job::cell::JobCell;
use crate::job::instance::Instances;
use crate::job::rules::Rules;
use crate::sync::atomic::Ordering;
use crate::time::{Span, Time};

impl JobCell {
    pub(crate) fn scheduled(&self) -> Time {
        Time::from_nanos(self.scheduled.load(Ordering::Relaxed))
    }

    pub(crate) fn set_scheduled(&self, scheduled: Time) {
        self.scheduled.store(scheduled.as_nanos(), Ordering::Relaxed);
    }

    /// Lifts the scheduled time to `now` if the job was due before. The time until `now` then does not count as missed.
    pub(crate) fn clamp_to(&self, now: Time) {
        let scheduled = self.scheduled();
        if self.regularly_due(scheduled) < now {
            // If a run begins concurrently, it has already advanced the scheduled time, and the exchange fails.
            let _ = self.scheduled.compare_exchange(
                scheduled.as_nanos(),
                now.as_nanos(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }

    /// Changes the interval. A run that begins concurrently may be advancing the scheduled time. The `CHANGED` flag
    /// therefore makes the holder of the state word apply the interval again at the end of the run.
    pub(crate) fn set_interval(&self, interval: Duration, now: Time) {
        let _alone = self.lock_if_shared();
        self.interval.store(Span::from(interval).as_nanos(), Ordering::Relaxed);
        self.state.change();
        self.adopt_interval(now);
    }

    pub(crate) fn pause(&self) {
        let _alone = self.lock_if_shared();
        self.state.pause();
        for instance in self.instances().into_iter().flat_map(Instances::all) {
            instance.state.pause();
        }
    }

    /// Ends the pause. The paused time does not count as missed.
    pub(crate) fn resume(&self, now: Option<Time>) {
        let _alone = self.lock_if_shared();
        if !self.state.resume() {
            return;
        }
        for instance in self.instances().into_iter().flat_map(Instances::all) {
            instance.state.resume();
        }
        if let Some(now) = now {
            self.clamp_to(now);
        }
    }

    /// Applies a changed interval: the next run is due one interval from now, unless the job is due earlier.
    pub(crate) fn adopt_interval(&self, now: Time) {
        // With `fixed_delay`, the next scheduled time is unknown while a run is in progress. In this case `scheduled`
        // stays `NEVER`.
        let is_known = self.scheduled() != Time::NEVER || !self.rules().is_some_and(|rules| rules.fixed_delay);
        if self.runs() > 0 && is_known {
            let soonest = now.after(self.span());
            self.scheduled.fetch_min(soonest.as_nanos(), Ordering::Relaxed);
        }
    }

    /// When a run is due: immediately if the job was triggered, never while the job is paused.
    pub(crate) fn due(&self) -> Time {
        let snapshot = self.state.load();
        if snapshot.is_triggered() {
            Time::EARLIEST
        } else if snapshot.is_paused() {
            Time::NEVER
        } else {
            let scheduled = self.scheduled();
            match self.rules() {
                // The end of the job has passed. At the next tick the dispatch finds no run left, and removes the job.
                Some(rules) if rules.is_past_end(scheduled) && scheduled != Time::NEVER => Time::EARLIEST,
                _ => self.regularly_due(scheduled),
            }
        }
    }

    /// The scheduled time of the next run: `now` if the job was triggered and a run may still begin.
    pub(crate) fn next_start(&self, now: Time) -> Time {
        let is_too_late = self.rules().is_some_and(|rules| rules.is_past_end(now));
        if self.state.load().is_triggered() && !is_too_late {
            now
        } else {
            self.scheduled()
        }
    }

    /// Whether a run at `now` would be past the job's end, although the scheduled time is not. The overdue run then
    /// replaces a triggered run.
    pub(crate) fn owes_a_run_at_the_end(&self, now: Time) -> bool {
        let rules = self.rules();
        rules.is_some_and(|rules| rules.is_past_end(now) && !rules.is_past_end(self.scheduled()))
    }

    pub(super) fn regularly_due(&self, scheduled: Time) -> Time {
        match self.rules() {
            Some(rules) => rules.with_jitter(scheduled),
            None => scheduled,
        }
    }

    /// If a run is due by `now`: when the run after it is due, if it begins now.
    #[inline]
    pub(crate) fn next_due(&self, now: Time) -> Option<Time> {
        if let Some(rules) = self.rules() {
            return self.next_due_by_rules(rules, now);
        }
        let scheduled = self.scheduled();
        if self.state.load().is_triggered() {
            Some(scheduled)
        } else if scheduled <= now {
            Some(self.policy().next_scheduled(scheduled, self.span(), now))
        } else {
            None
        }
    }

    fn next_due_by_rules(&self, rules: &Rules, now: Time) -> Option<Time> {
        let scheduled = self.scheduled();
        if self.state.load().is_triggered() {
            return Some(rules.with_jitter(scheduled));
        }
        if self.due() > now {
            return None;
        }
        let next = self.next_scheduled(scheduled, now);
        Some(if rules.is_past_end(next) {
            Time::NEVER
        } else {
            rules.with_jitter(next)
        })
    }

    /// The scheduled time after `scheduled`, for a run that begins at `now`.
    pub(super) fn next_scheduled(&self, scheduled: Time, now: Time) -> Time {
        match self.rules() {
            None => self.policy().next_scheduled(scheduled, self.span(), now),
            Some(rules) if rules.fixed_delay => Time::NEVER,
            Some(rules) => {
                // The policy judges lateness from the due time. The jitter is subtracted again, so that scheduled times
                // do not drift by the jitter.
                let due = rules.with_jitter(scheduled);
                let next = self.policy().next_scheduled(due, self.span(), now);
                if next == Time::NEVER {
                    next
                } else {
                    next.before(due.since(scheduled))
                }
            }
        }
    }

    /// Number of intervals dropped when a run due at `due` begins at `started`.
    pub(crate) fn missed(&self, due: Time, started: Time) -> u64 {
        if self.rules().is_some_and(|rules| rules.fixed_delay) {
            return 0;
        }
        self.policy().missed(due, self.span(), started)
    }

    /// With `fixed_delay`, the interval counts from the end of the run. `now` is that end.
    ///
    /// If several runs may be in progress and one is on offer, the scheduled time is that of the offered run. That run
    /// schedules the next run at its own end.
    pub(crate) fn schedule_from_end(&self, now: Time) {
        let _alone = self.lock_if_shared();
        if self.instances().is_some_and(Instances::is_one_on_offer) {
            return;
        }
        self.set_scheduled(now.after(self.span()));
    }
}
