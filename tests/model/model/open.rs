//! What the contract leaves open about ticks. Here, and nowhere else, what was seen decides what begins.

use crate::model::Model;
use crate::model::ticks::Tick;

impl Model<'_> {
    /// Whether anything is served at a tick that has come.
    ///
    /// It must be if anything was due when the tick came. Left open is
    /// - a late wake-up to a tick at which nothing was due: what has come due since is served at once, or at the next tick;
    /// - a tick that the clock comes by once more;
    /// - a tick at which the executor has had its turn, if something was registered at that very instant, be it gone since.
    pub(super) fn is_served(&self, tick: Tick, due: &[usize]) -> bool {
        let registered = |job: &usize| self.jobs[*job].registered == Some(tick.time);
        let registered_at_it = || self.churned == Some(tick.time) || due.iter().any(registered);
        if !tick.new && !registered_at_it() {
            return false;
        }
        let certain =
            tick.new && !tick.relived && due.iter().any(|job| self.was_due(*job, tick) && !self.is_tied(*job));
        certain || due.iter().any(|job| self.begins_next(*job))
    }

    /// Whether a job that is due at a tick that is served must begin there.
    ///
    /// Left open is besides
    /// - what has ended, was cancelled or was registered at the very instant at which the tick is served;
    /// - what begins of a tick if the executor refuses spawns at it. One spawn may stand for several runs or for none, so
    ///   not every refusal is felt.
    pub(super) fn must_begin(&self, job: usize, tick: Tick) -> bool {
        tick.new && !tick.relived && !self.is_tied(job) && !self.oracle.faults(self.now)
    }

    /// Whether it may be forgotten at a tick that a run has ended at that instant.
    ///
    /// It may if since then, and at that instant too, a run was offered, late for an earlier tick, and the offer taken back: by a stop before a new
    /// start, or since the executor refused a lane. Where it isn't forgotten, the job begins no run.
    pub(super) fn may_forget_ends(&self, tick: Tick) -> bool {
        tick.index == 0 || self.oracle.faults(self.now)
    }

    /// Whether it was due, and free to run, when the tick came.
    fn was_due(&self, job: usize, tick: Tick) -> bool {
        let job = &self.jobs[job];
        let since = [Some(job.scheduled), job.registered, job.freed];
        since.iter().flatten().all(|since| *since <= tick.time)
    }

    fn is_tied(&self, job: usize) -> bool {
        let job = &self.jobs[job];
        [job.woke, job.cancelled, job.registered].contains(&Some(self.now))
    }

    /// Whether this run was seen to begin now, and before any other.
    pub(super) fn begins_next(&self, job: usize) -> bool {
        self.oracle.begins_next(self.moment(), job, self.jobs[job].runs)
    }
}
