//! When a job is due, and all changes of its scheduled time. The pure rule is `MissedTicks::next_scheduled` in
//! `time/schedule.rs`. The jobs that are due now are in `dispatch/due.rs`.

use std::time::Duration;

use crate::clock::Clock;
use crate::job::cell::JobCell;
use crate::job::instance::Instances;
use crate::job::rules::Rules;
use crate::job::state::RunState;
use crate::sync::atomic::Ordering;
use crate::time::{Grid, NextSlot, RunStart, Span, Time};

impl JobCell {
    pub(crate) fn scheduled(&self) -> Time {
        Time::from_nanos(self.scheduled.load(Ordering::Relaxed))
    }

    pub(crate) fn set_scheduled(&self, scheduled: Time) {
        self.scheduled.store(scheduled.as_nanos(), Ordering::Relaxed);
    }

    /// Lifts the scheduled time to `now` if the job was due before. The time until `now` then does not count as missed.
    ///
    /// A slot of a calendar stays.
    pub(crate) fn clamp_to(&self, now: Time) {
        if self.has_calendar() && self.next_slot().is_some_and(NextSlot::has_slot) {
            return;
        }
        let scheduled = self.scheduled();
        if self.regularly_due(scheduled) < now {
            // If a run begins concurrently, it has already advanced the scheduled time, and the exchange fails.
            self.exchange_scheduled(scheduled, now);
        }
    }

    /// Changes the interval. A run that is on offer or begins concurrently may be advancing the scheduled time. The
    /// `CHANGED` flag therefore makes the holder of each busy state word apply the interval again.
    pub(crate) fn set_interval(&self, interval: Duration, now: Time) {
        let _alone = self.lock_if_shared();
        self.interval_or_slot
            .store(Span::from(interval).as_nanos(), Ordering::Relaxed);
        // A run on offer applies the interval itself when it begins or is withdrawn, unless it came on offer after the
        // flag was set. The flag of another run of the job does not count.
        let is_told_on_offer = |state: &RunState| state.change() && state.load().is_offered();
        let mut is_left_to_run = is_told_on_offer(&self.state);
        for instance in self.instances().into_iter().flat_map(Instances::all) {
            is_left_to_run |= is_told_on_offer(&instance.state);
        }
        // The holder of a `Ticks` may be long in coming, and looks whether the run is still due.
        if !is_left_to_run || self.has_ticks() {
            self.adopt_interval(now);
        }
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

    /// Applies a changed interval, as if the interval had held since the last run was scheduled. If the new scheduled
    /// time has passed, the job is due now.
    pub(crate) fn adopt_interval(&self, now: Time) {
        self.adopt(|_, next| next.max(now));
    }

    /// Applies an interval that was changed during a run, at the end of the run. The beginning of the run may have
    /// overwritten the new scheduled time. A time that has passed stays: the job is due in any case.
    pub(crate) fn adopt_interval_at_end(&self, now: Time) {
        self.adopt(|scheduled, next| next.max(scheduled.min(now)));
    }

    /// Sets the scheduled time to `choose` of the scheduled time and the time that the interval gives. The first run
    /// stays, unless it follows the interval.
    fn adopt(&self, choose: impl Fn(Time, Time) -> Time) {
        let scheduled = self.scheduled();
        let counts_from = Time::from_nanos(self.counts_from.load(Ordering::Relaxed));
        if counts_from == Time::NEVER || self.depends_on_end() {
            return;
        }
        // If a run begins concurrently, the exchange fails, and the end of the run applies the interval.
        self.exchange_scheduled(scheduled, choose(scheduled, counts_from.after(self.span())));
    }

    /// Replaces the scheduled time, unless it is no longer `scheduled`. A calendar did not ask for the run at `next`.
    pub(super) fn exchange_scheduled(&self, scheduled: Time, next: Time) -> bool {
        if let Some(old) = self.next_slot() {
            return old.scheduled == scheduled && self.replace_next_slot(old, NextSlot::without_slot(next));
        }
        let (old, new) = (scheduled.as_nanos(), next.as_nanos());
        let exchanged = self
            .scheduled
            .compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
        exchanged.is_ok()
    }

    /// Whether the next run is scheduled at the end of the run in progress.
    fn depends_on_end(&self) -> bool {
        self.rules().is_some_and(|rules| rules.fixed_delay) && self.running() > 0
    }

    /// When the job comes up: immediately if it was triggered, never while it is paused. A job that is never scheduled
    /// comes up at its removal.
    pub(crate) fn due(&self) -> Time {
        let snapshot = self.state.load();
        if snapshot.is_triggered() {
            Time::EARLIEST
        } else if snapshot.is_paused() {
            Time::NEVER
        } else {
            let scheduled = self.scheduled();
            match self.rules() {
                None => scheduled,
                // The end of the job has passed. At the next tick the dispatch finds no run left, and removes the job.
                Some(_) if self.is_past_last_slot() => Time::EARLIEST,
                Some(rules) if scheduled == Time::NEVER => rules.removal(),
                Some(rules) if rules.is_past_end(scheduled) => Time::EARLIEST,
                _ => self.regularly_due(scheduled),
            }
        }
    }

    /// Whether the next run does not wait for a tick: it was triggered, or its job's run in progress was cancelled for
    /// it.
    pub(crate) fn runs_before_tick(&self) -> bool {
        self.state.load().is_triggered_at_once() || self.rules().is_some_and(Rules::is_replacement_due)
    }

    /// When the next run is due, as far as this is known at `now`. `NEVER` if no run will come, or if the next run
    /// depends on the end of the run in progress.
    pub(crate) fn foretold(&self, clock: &Clock, now: Time, is_scheduler_running: bool) -> Time {
        let by_calendar = self.by_calendar(clock);
        let moved = match &by_calendar {
            Some(by_calendar) => by_calendar.foretold(is_scheduler_running),
            None => self.dropped_so_far(now).map(NextSlot::without_slot),
        };
        let is_over = self.rules().is_some_and(|rules| {
            // A start lifts the scheduled time to the start instant.
            let is_too_late_to_start = !is_scheduler_running && rules.is_past_end(now);
            let next = moved.map_or_else(|| self.next_start(now), |next| next.scheduled);
            is_too_late_to_start || rules.are_over(self.runs(), next) || self.is_past_last_slot()
        });
        let is_never_due = self.scheduled() == Time::NEVER && !self.state.load().is_triggered();
        match self.due() {
            _ if is_over || is_never_due || self.is_in_last_run() => Time::NEVER,
            Time::NEVER => Time::NEVER,
            due => match moved {
                Some(next) => by_calendar.map_or_else(|| self.regularly_due(next.scheduled), |job| job.due(next)),
                None if due == Time::EARLIEST => now,
                None => due,
            },
        }
    }

    /// If the end of the run in progress will drop runs that are due by `now`: the scheduled time of the run after
    /// them.
    pub(super) fn dropped_so_far(&self, now: Time) -> Option<Time> {
        if !self.is_skipping() || self.state.load().is_triggered() {
            return None;
        }
        let count = self.due_during(self.last_start(), now);
        (count > 0).then(|| self.scheduled().after(self.span().times(count)))
    }

    /// Whether a run is in progress, at whose end the runs that have come due are dropped.
    pub(super) fn is_skipping(&self) -> bool {
        self.rules().is_some_and(Rules::skips) && self.running() > 0
    }

    /// The scheduled time of the next run. `now` if the end of the job has not passed, and the job was triggered or is
    /// never scheduled: another interval may schedule a run.
    pub(crate) fn next_start(&self, now: Time) -> Time {
        let scheduled = self.scheduled();
        let is_too_late = self.rules().is_some_and(|rules| rules.is_past_end(now));
        let is_open = scheduled == Time::NEVER || self.state.load().is_triggered();
        if is_open && !is_too_late { now } else { scheduled }
    }

    /// Whether a run at `now` would be past the job's end, although the scheduled time is not. The overdue run then
    /// replaces a triggered run.
    pub(crate) fn owes_a_run_at_the_end(&self, now: Time) -> bool {
        let rules = self.rules();
        rules.is_some_and(|rules| rules.is_past_end(now) && !rules.is_past_end(self.scheduled()))
    }

    pub(super) fn regularly_due(&self, scheduled: Time) -> Time {
        match self.rules() {
            Some(rules) if rules.jitter.is_none() => scheduled,
            Some(rules) => self
                .due_by_slot(scheduled)
                .unwrap_or_else(|| rules.with_jitter(scheduled)),
            None => scheduled,
        }
    }

    /// If a run is due by `now`: when the run after it is due, if it begins now.
    #[inline]
    pub(crate) fn next_due(&self, now: Time, grid: &Grid) -> Option<Time> {
        if let Some(rules) = self.rules() {
            return self.next_due_by_rules(rules, now, grid);
        }
        let scheduled = self.scheduled();
        if self.state.load().is_triggered() {
            Some(scheduled)
        } else if scheduled <= now {
            let run = RunStart {
                scheduled,
                due: scheduled,
                now,
            };
            let span = self.span();
            Some(self.policy().counts_from(run, span, *grid).after(span))
        } else {
            None
        }
    }

    fn next_due_by_rules(&self, rules: &Rules, now: Time, grid: &Grid) -> Option<Time> {
        let scheduled = self.scheduled();
        if self.state.load().is_triggered() {
            return Some(self.regularly_due(scheduled));
        }
        if self.due() > now {
            return None;
        }
        if rules.fixed_delay || rules.slots.is_some() {
            // The end of the run, or its beginning, schedules the next run.
            return Some(Time::NEVER);
        }
        let (run, span) = (self.run_start(scheduled, now), self.span());
        let next = self.policy().counts_from(run, span, *grid).after(span);
        Some(if next == Time::NEVER {
            rules.removal()
        } else if rules.is_past_end(next) {
            Time::NEVER
        } else {
            rules.with_jitter(next)
        })
    }

    /// The scheduled time of a run that begins and was offered at `offered`. It had passed by then. But another
    /// interval may have come between, for which no run would be due yet, or ever.
    pub(super) fn scheduled_by(&self, offered: Time) -> Time {
        self.scheduled().min(offered)
    }

    /// The run that the schedule gives, if the run begins at `now`.
    pub(super) fn run_start(&self, scheduled: Time, now: Time) -> RunStart {
        RunStart {
            scheduled,
            due: self.regularly_due(scheduled),
            now,
        }
    }

    /// Schedules the run after `run`, which begins. Returns the number of dropped intervals.
    pub(super) fn advance(&self, run: RunStart, grid: Grid) -> u64 {
        let skipped = self.rules().map_or(0, Rules::take_skipped);
        if self.rules().is_some_and(|rules| rules.fixed_delay) {
            self.wait_for_end(grid.last_tick(run.now));
            return 0;
        }
        let span = self.span();
        self.schedule_from(self.policy().counts_from(run, span, grid));
        let end = self.rules().map_or(Time::NEVER, |rules| rules.until);
        let missed = self.policy().missed(run, span, grid, end);
        missed.saturating_add(skipped)
    }

    /// Under `Overlap::Skip`, drops the runs that came due during a run. The run began at `started` and ends at
    /// `ended`.
    pub(crate) fn drop_due_during(&self, clock: &Clock, started: Time, ended: Time) {
        if let (Some(rules), Some(by_calendar)) = (self.rules(), self.by_calendar(clock)) {
            return rules.note_skipped(by_calendar.drop_due());
        }
        let count = self.due_during(started, ended);
        if let (Some(rules), 1..) = (self.rules(), count) {
            self.schedule_from(self.scheduled().after(self.span().times(count - 1)));
            rules.note_skipped(count.unsigned_abs());
        }
    }

    /// Number of scheduled runs that are due later than `started`, and not later than `now`.
    fn due_during(&self, started: Time, now: Time) -> i64 {
        self.due_by(now).saturating_sub(self.due_by(started)).max(0)
    }

    /// Number of scheduled runs that are due by `now`. None is scheduled past the end of the job.
    fn due_by(&self, now: Time) -> i64 {
        let (scheduled, span) = (self.scheduled(), self.span());
        let until = self.rules().map_or(now, |rules| rules.until.min(now));
        if scheduled > until {
            return 0;
        }
        // A jitter is shorter than the interval.
        let whole = until.since(scheduled).as_nanos() / span.as_nanos();
        let last = scheduled.after(span.times(whole));
        whole + i64::from(self.regularly_due(last) <= now)
    }

    /// With `fixed_delay`, a triggered run also moves the schedule: the interval counts from its end.
    pub(super) fn advance_triggered(&self) {
        if self.rules().is_some_and(|rules| rules.fixed_delay) {
            self.counts_from.store(Time::NEVER.as_nanos(), Ordering::Relaxed);
        }
    }

    /// With `fixed_delay`, the next scheduled time is unknown during a run. `tick` is the tick at which the run begins.
    fn wait_for_end(&self, tick: Time) {
        self.counts_from.store(tick.as_nanos(), Ordering::Relaxed);
        self.set_scheduled(Time::NEVER);
    }

    /// With `fixed_delay`, the interval counts from the end of the run. If the run has ended before the tick after its
    /// beginning, the interval counts from the tick at which the run began. `now` is the end.
    ///
    /// If several runs may be in progress and one is on offer, the scheduled time is that of the offered run. That run
    /// schedules the next run at its own end.
    pub(crate) fn schedule_from_end(&self, now: Time, resolution: Span) {
        let _alone = self.lock_if_shared();
        if self.instances().is_some_and(Instances::is_one_on_offer) {
            return;
        }
        let tick = Time::from_nanos(self.counts_from.load(Ordering::Relaxed));
        // If several runs may be in progress, the end of another one may have scheduled the next run already.
        let depends_on_end = self.scheduled() == Time::NEVER;
        let ended_in_tick = tick != Time::NEVER && depends_on_end && now < tick.after(resolution);
        self.schedule_from(if ended_in_tick { tick } else { now });
    }

    /// Schedules the next run one interval after `counts_from`.
    pub(super) fn schedule_from(&self, counts_from: Time) {
        self.counts_from.store(counts_from.as_nanos(), Ordering::Relaxed);
        self.set_scheduled(counts_from.after(self.span()));
    }

    /// Schedules the first run. If the first run follows the interval, the interval counts from `counts_from`.
    pub(crate) fn schedule_first(&self, scheduled: Time, counts_from: Option<Time>) {
        let counts_from = counts_from.unwrap_or(Time::NEVER);
        self.counts_from.store(counts_from.as_nanos(), Ordering::Relaxed);
        self.set_scheduled(scheduled);
    }
}
