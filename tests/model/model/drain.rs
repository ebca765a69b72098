//! The drain: a stop with a grace period first begins the runs that were triggered before its first poll. These are the
//! last runs of the session.

use crate::model::changes::Trigger;
use crate::model::stops::Waiting;
use crate::model::{Job, Model};

/// Which runs of a job may begin, beside what its schedule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admits {
    All,
    /// The session drains, and the last run of this job has not begun.
    LastRun,
    /// The session drains, and the job has no last run, or its last run has begun.
    Nothing,
}

impl Model<'_> {
    /// Whether the scheduler was started and not stopped since.
    pub(super) fn is_running(&self) -> bool {
        self.session.is_some() && !self.is_draining()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.drains)
    }

    /// A stop with a grace period: from here on, only what was triggered before begins. If the session drains already,
    /// it continues to do so.
    pub(super) fn drain(&mut self) {
        let number = self.stops_so_far + 1;
        let own = self.own_run();
        let Some(session) = &mut self.session else { return };
        let is_draining = std::mem::replace(&mut session.drains, true);
        // A trigger after the end of its job asks for no run. The stop may still wait until this is noticed.
        let returns = own.map_or(self.oracle.returns_at_once(number), |(job, _)| {
            self.oracle.names(number, job)
        });
        for job in &mut self.jobs {
            job.in_line = None;
            if !is_draining {
                let is_triggered = job.is_triggered(self.now) || job.trigger.is_some() && !returns;
                let is_last = is_triggered && !job.removed;
                job.admits = if is_last { Admits::LastRun } else { Admits::Nothing };
            }
            if job.admits == Admits::LastRun && job.trigger != Some(Trigger::AtOnce) {
                // If this is the very instant of a tick, the run may also wait for the next one.
                job.changed = Some(self.now);
            }
        }
        self.end_drain_if_over();
    }

    /// What a job that is registered now may begin.
    pub(super) fn admits_new(&self) -> Admits {
        if self.is_draining() {
            Admits::Nothing
        } else {
            Admits::All
        }
    }

    /// The last run of this job begins, or will never begin. The stops that drain wait for the run if it begins.
    pub(super) fn leave_drain(&mut self, job: usize, begins: bool) {
        if self.jobs[job].admits != Admits::LastRun {
            return;
        }
        self.jobs[job].admits = Admits::Nothing;
        if begins {
            let run = (job, self.jobs[job].runs - 1);
            let draining = self.stops.iter_mut().filter(|stop| stop.drains);
            draining.for_each(|stop| stop.wait_for(run));
        }
        self.end_drain_if_over();
    }

    /// At a tick, jobs leave the drain whose end has passed: their triggers ask for no run.
    pub(super) fn forget_last_runs(&mut self) {
        for index in 0..self.jobs.len() {
            let job = &mut self.jobs[index];
            let is_void = !job.is_full() && !job.is_triggered(self.now);
            if job.admits == Admits::LastRun && is_void && !job.is_over(self.now) {
                job.trigger = None;
                self.leave_drain(index, false);
            }
        }
    }

    fn end_drain_if_over(&mut self) {
        if self.is_draining() && self.jobs.iter().all(|job| job.admits != Admits::LastRun) {
            self.end_session();
        }
    }

    /// Whether this stop waits for last runs. It does not if none of them can begin before the run inside which the
    /// stop was polled first has ended.
    pub(super) fn waits_for_last_runs(&self, stop: &Waiting) -> bool {
        let mut last = self.jobs.iter().filter(|job| job.admits == Admits::LastRun);
        let own = stop
            .own
            .filter(|_| stop.own_ended.is_none())
            .map(|(own, _)| &self.jobs[own]);
        stop.drains && last.any(|job| own.is_none_or(|own| !job.waits_for(own)))
    }
}

impl Job<'_> {
    /// Whether no run of this job can begin before the run of the other job has ended.
    fn waits_for(&self, other: &Job<'_>) -> bool {
        let is_full = |group| self.spec.options.group == Some(group) && group.limit() == 1;
        let is_only_one = self.spec.options.allow.unwrap_or(1) == 1;
        std::ptr::eq(self, other) && is_only_one || other.spec.options.group.is_some_and(is_full)
    }
}
