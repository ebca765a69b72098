//! Changes of a job: pauses, triggers, and other intervals.

use crate::model::ticks::Tick;
use crate::model::{End, Job, Model, nanos};
use crate::scenario::Change;
use crate::trace::{Nanos, What};

/// A trigger whose run has not begun.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The run begins at once, or at the end of the run in progress.
    AtOnce,
    /// The run begins at a tick, because the job has triggered itself.
    AtTick,
    /// The run begins at once or at a tick.
    Open,
}

impl Model<'_> {
    pub(super) fn change(&mut self, index: usize, change: Change) {
        if self.jobs.is_empty() {
            return;
        }
        let index = index % self.jobs.len();
        match change {
            Change::Pause => self.jobs[index].paused = true,
            Change::Resume => self.resume(index),
            Change::Trigger => self.trigger(index),
            Change::Cancel => self.cancel(index),
            Change::SetInterval(interval) if interval < self.scenario.resolution => self.note(What::TooShort),
            Change::SetInterval(interval) if self.jobs[index].has_jitter_of(interval) => self.note(What::InvalidOption),
            Change::SetInterval(interval) => self.set_interval(index, nanos(interval)),
        }
    }

    /// If the executor refuses the task that drops a run, the run is dropped here.
    fn cancel(&mut self, index: usize) {
        let runs = self.jobs[index].in_progress.iter_mut();
        runs.for_each(|run| run.cancelled = true);
        if self.oracle.faults(self.now) {
            let moment = self.moment();
            self.end_cancelled_runs(|oracle, job, run| {
                job == index && oracle.ends(moment, job, run, End::Cancelled) && oracle.cancels_at_once(job, run)
            });
        }
    }

    /// The paused time is not missed.
    fn resume(&mut self, index: usize) {
        let now = self.now;
        let job = &mut self.jobs[index];
        if job.paused {
            job.paused = false;
            job.may_leave_line();
            job.lift(now);
            self.stir(index);
        }
    }

    /// The run whose code is executed says when the next one is scheduled: after the last tick, or after now if the
    /// scheduler does not run. The schedule goes on from there.
    pub(super) fn next_in(&mut self, delay: Nanos) {
        let Some(own) = self.own_run() else { return };
        let tick = self.session.as_ref().map(|session| session.tick_of(self.now).time);
        let scheduled = tick.unwrap_or(self.now) + delay.max(nanos(self.scenario.resolution));
        self.run_mut(own).has_chosen = true;
        self.jobs[own.0].scheduled = scheduled;
        self.stir(own.0);
    }

    /// Notes that the job may have come due now.
    fn stir(&mut self, index: usize) {
        if self.session.is_some() {
            self.jobs[index].changed = Some(self.now);
            self.stirred = Some(self.now);
        }
    }

    /// Rule 10: as if the new interval had held since the last run was scheduled.
    ///
    /// It is left open whether the change reaches a run of this very instant that has not begun.
    fn set_interval(&mut self, index: usize, interval: Nanos) {
        let is_admitted = self.jobs[index].in_line.is_some() && self.has_permit(index);
        let (now, job) = (self.now, &mut self.jobs[index]);
        let may_be_on_offer = job.dispatched || job.replaced || is_admitted;
        job.interval = interval;
        job.may_leave_line();
        job.has_other_interval = !job.in_progress.is_empty() || may_be_on_offer;
        let is_too_late =
            may_be_on_offer && job.trigger.is_none() && self.oracle.is_scheduled(index, job.runs, job.scheduled);
        let depends_on_end = job.spec.options.fixed_delay && !job.in_progress.is_empty();
        if let Some(counts_from) = job.counts_from.filter(|_| !is_too_late && !depends_on_end) {
            job.scheduled = now.max(counts_from + interval);
        }
        self.stir(index);
    }
}

/// Triggers.
impl Model<'_> {
    /// Rule 2: a trigger asks for one run; further triggers before it begins change nothing.
    fn trigger(&mut self, index: usize) {
        let own = self.own_run().map(|(job, _)| job);
        let follows = own.is_some() && self.has_begun_since_tick(index);
        let job = &mut self.jobs[index];
        if job.removed || job.trigger.is_some() {
            return;
        }
        job.trigger = Some(match own {
            Some(own) if own == index => Trigger::AtTick,
            // As DESIGN.md says, jobs that trigger each other wait for a tick. Which of two runs was offered first is
            // not seen.
            _ if follows => Trigger::Open,
            _ => Trigger::AtOnce,
        });
        self.stir(index);
    }

    /// Whether a triggered run of the job has begun since the last tick.
    fn has_begun_since_tick(&self, index: usize) -> bool {
        let tick = self.session.as_ref().map(|session| session.tick_of(self.now).time);
        self.jobs[index].triggered.is_some_and(|begun| Some(begun) >= tick)
    }

    /// Begins the triggered runs that the trace has next. The contract leaves the order open in which runs begin at one
    /// instant, but for the runs of a tick.
    pub(super) fn begin_triggered(&mut self) -> bool {
        let next = self.triggered_next();
        next.inspect(|job| self.begin(*job)).is_some()
    }

    /// The same while a tick is served, without the jobs that the caller names. If jobs have blocked the thread and the
    /// next tick has come, the run may belong to that tick.
    pub(super) fn begin_triggered_beside(&mut self, tick: Tick, left_out: impl Fn(usize) -> bool) -> bool {
        let Some(job) = self.triggered_next().filter(|job| !left_out(*job)) else {
            return false;
        };
        let is_next_tick = tick.time + nanos(self.scenario.resolution) <= self.now;
        let begins = !is_next_tick || self.oracle.guess();
        if begins {
            self.begin(job);
        }
        begins
    }

    fn triggered_next(&self) -> Option<usize> {
        (0..self.jobs.len()).find(|job| {
            let trigger = self.jobs[*job].trigger;
            let is_up = self.jobs[*job].replaced || self.jobs[*job].in_line.is_some();
            let may_begin = is_up || matches!(trigger, Some(Trigger::AtOnce | Trigger::Open));
            may_begin && self.may_begin_between_ticks(*job) && self.begins_next(*job)
        })
    }

    /// Begins the first of the triggered runs, once nothing else is left to do at this instant. If the executor refuses
    /// tasks, the run may wait for the next tick. If the clock has stepped back to before the start, it may wait for
    /// the first tick.
    pub(super) fn begin_all_triggered(&mut self) -> bool {
        let Some(session) = &self.session else { return false };
        let may_wait = session.is_ahead(self.now) || self.oracle.faults(self.now);
        if self.forget_triggers() {
            return true;
        }
        let at_once = |job: &usize| {
            let is_up = self.jobs[*job].trigger == Some(Trigger::AtOnce) || self.must_leave_line(*job);
            is_up || self.must_replace(*job)
        };
        let Some(job) = (0..self.jobs.len()).find(|job| at_once(job) && self.may_begin_between_ticks(*job)) else {
            return false;
        };
        if may_wait {
            self.jobs[job].wait_for_tick();
        } else {
            self.begin(job);
        }
        true
    }

    /// Whether the last run of this job was cancelled now for the next run, which begins at once. If the job has been
    /// paused and resumed since, the run may also wait for the next tick.
    fn must_replace(&self, job: usize) -> bool {
        let job = &self.jobs[job];
        job.replaced && job.cancelled == Some(self.now) && job.changed != Some(self.now)
    }

    /// Clears the triggers of jobs whose end has passed. A job that waits for a permit is looked at when it gets one.
    fn forget_triggers(&mut self) -> bool {
        let mut some = false;
        let now = self.now;
        let is_idle = |job: &Job| job.trigger == Some(Trigger::AtOnce) && !job.is_full();
        for index in 0..self.jobs.len() {
            let job = &self.jobs[index];
            if is_idle(job) && job.is_past_end(now) && self.has_permit(index) {
                let job = &mut self.jobs[index];
                job.removed |= job.in_progress.is_empty() && job.is_over(now);
                job.trigger = None;
                self.leave_drain(index, false);
                some = true;
            }
        }
        some
    }

    /// A trigger after the end of a job asks for no run. A run that is overdue then begins at its tick, unless it
    /// replaces another.
    fn may_begin_between_ticks(&self, job: usize) -> bool {
        let has_permit = self.has_permit(job);
        let job = &self.jobs[job];
        let is_up = job.replaced || job.in_line.is_some() || job.is_triggered(self.now);
        self.session.is_some() && has_permit && is_up && job.may_begin(self.now)
    }
}

impl Job<'_> {
    /// The run that should begin at once may also wait for the next tick.
    fn wait_for_tick(&mut self) {
        self.replaced = false;
        self.trigger = self.trigger.map(|_| Trigger::Open);
    }
}
