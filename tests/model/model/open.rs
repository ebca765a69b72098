//! The cases that the contract leaves open about ticks. Only here, the trace that was seen decides which runs begin.

use crate::model::changes::Trigger;
use crate::model::schedule::NEVER;
use crate::model::ticks::Tick;
use crate::model::{Job, Model};
use crate::trace::Nanos;

impl Model<'_> {
    /// Whether a tick that has come is served. Runs are `due`, and jobs that have no run left are `over`.
    ///
    /// The tick must be served if a job was due when the tick came. These cases are left open:
    /// - A late wake-up to a tick at which no job was due. Jobs that have come due since are served now, or at the next
    ///   tick.
    /// - A tick that the clock passes once more.
    /// - A tick at which the executor has had its turn, if a job was registered or changed at that very instant, even
    ///   if the job was removed since. The same holds if a run ended, of a job that may have several runs at a time.
    pub(super) fn is_served(&self, tick: Tick, due: &[usize], over: &[usize], replacing: &[usize]) -> bool {
        let changed = |job: &usize| {
            let job = &self.jobs[*job];
            job.changed == Some(tick.time) || job.spec.options.allow.is_some() && job.freed == Some(tick.time)
        };
        let changed_at_it = || self.stirred == Some(tick.time) || due.iter().chain(over).chain(replacing).any(changed);
        if !tick.new && !changed_at_it() {
            return false;
        }
        let mut both = due.iter().chain(over).chain(replacing);
        let certain = tick.new && !tick.relived && both.any(|job| self.was_due(*job, tick) && !self.is_tied(*job));
        let is_gone = |job: &usize| !self.oracle.is_listed(*job);
        let replaces = |job: &usize| self.is_replaced_now(*job);
        let is_seen = || due.iter().any(|job| self.begins_next(*job)) || replacing.iter().any(replaces);
        certain || is_seen() || over.iter().any(is_gone)
    }

    /// Whether a job that is due at a tick that is served must begin there.
    ///
    /// These cases are left open, too:
    /// - A job whose run ended or was cancelled, or that was registered, changed or triggered, at the very instant at
    ///   which the tick is served.
    /// - The runs of a tick at which the executor refuses spawns. A spawn may stand for several runs or for none, so a
    ///   refusal may have no effect.
    /// - A job that has come due since the tick, if the loop may have woken for triggered runs alone.
    pub(super) fn must_begin(&self, job: usize, tick: Tick) -> bool {
        let is_of_tick = self.was_due(job, tick) || !self.may_serve_triggers();
        tick.new && !tick.relived && is_of_tick && !self.is_tied(job) && !self.oracle.faults(self.now)
    }

    /// Whether the library may have forgotten, at a tick, that a run has ended at that instant.
    ///
    /// It may if, at that instant, another run was offered late for an earlier tick and the offer was withdrawn. A stop
    /// before a new start withdraws offers, and so does a refused worker. If the end is not forgotten, the job begins
    /// no run.
    pub(super) fn may_forget_ends(&self, tick: Tick) -> bool {
        tick.index == 0 || self.oracle.faults(self.now)
    }

    /// Whether the job was due, and free to run, when the tick came.
    fn was_due(&self, job: usize, tick: Tick) -> bool {
        let job = &self.jobs[job];
        let scheduled = match job.scheduled {
            _ if job.trigger.is_some() => None,
            // It is removed after its end.
            NEVER.. => job.spec.options.until.map(|until| Nanos::from(until) + 1),
            scheduled if job.is_past_end(scheduled) => None,
            _ => Some(job.due()),
        };
        let since = [scheduled, job.changed, job.freed];
        since.iter().flatten().all(|since| *since <= tick.time)
    }

    /// Whether a triggered run begins next, and may begin before this tick, at the same instant. If the run registers or
    /// changes jobs, these jobs may then be due at the tick.
    pub(super) fn may_begin_before(&self, tick: Tick, due: &[usize]) -> bool {
        let acts = |job: &Job| job.spec.inside_of(job.runs).is_some();
        let may_begin_before = |job: &Job| matches!(job.trigger, Some(Trigger::AtOnce | Trigger::Open)) && acts(job);
        let next = due.iter().find(|job| self.begins_next(**job));
        tick.time == self.now && next.is_some_and(|job| may_begin_before(&self.jobs[*job]))
    }

    fn may_serve_triggers(&self) -> bool {
        let is_triggered = |job: &Job| !job.is_full() && (job.replaced || job.trigger.is_some());
        self.stirred == Some(self.now) || self.jobs.iter().any(is_triggered)
    }

    pub(super) fn is_tied(&self, job: usize) -> bool {
        let job = &self.jobs[job];
        [job.woke, job.cancelled, job.changed, job.unscheduled].contains(&Some(self.now))
    }

    /// Whether the trace has this run begin now, before any other run.
    pub(super) fn begins_next(&self, job: usize) -> bool {
        self.oracle.begins_next(self.moment(), job, self.jobs[job].runs)
    }
}
