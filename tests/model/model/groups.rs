//! Groups: a run needs a permit of its job's group, and waits in line until one is free.
//!
//! The contract leaves the order open in which the jobs of a group get their permits, so the trace decides. No permit
//! is left free while a job waits.

use crate::model::changes::Trigger;
use crate::model::drain::Admits;
use crate::model::schedule::TickOf;
use crate::model::ticks::Tick;
use crate::model::{Job, Model};
use crate::trace::Nanos;

/// A job that waits for a permit. The run begins at once when a permit is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InLine {
    Surely,
    /// What came up at the very instant of the tick, or was changed in line, may have to come up again at a tick.
    Perhaps,
}

impl Model<'_> {
    /// Whether the group of this job has a permit left, or the job is in no group.
    pub(super) fn has_permit(&self, job: usize) -> bool {
        let Some(group) = self.jobs[job].spec.options.group else {
            return true;
        };
        let is_in_group = |job: &&Job| job.spec.options.group == Some(group);
        let taken = self.jobs.iter().filter(is_in_group).map(|job| job.in_progress.len());
        taken.sum::<usize>() < group.limit()
    }

    /// Of the jobs that come up at a tick, those of groups wait in line. Returns the others.
    pub(super) fn without_lines(&mut self, tick: Tick, due: Vec<usize>) -> Vec<usize> {
        let (of_groups, others): (Vec<usize>, Vec<usize>) = due
            .into_iter()
            .partition(|job| self.jobs[*job].spec.options.group.is_some());
        for job in of_groups {
            let must = self.must_begin(job, tick);
            self.jobs[job].enter_line(self.now, must);
        }
        others
    }

    /// If all that is due at a tick has come up at its very instant, or since a late one, the tick may have been
    /// served.
    pub(super) fn may_enter_lines(&mut self, tick: Tick, due: &[usize]) {
        for job in due.iter().filter(|_| tick.new || tick.time == self.now) {
            let job = &mut self.jobs[*job];
            if job.spec.options.group.is_some() && job.in_line.is_none() {
                job.enter_line(self.now, false);
            }
        }
    }

    /// Whether this job must get the next permit of its group, unless another job gets it.
    pub(super) fn must_leave_line(&self, job: usize) -> bool {
        self.jobs[job].in_line == Some(InLine::Surely)
    }

    /// No run begins until the next start. The lines are empty then.
    pub(super) fn end_session(&mut self) {
        self.session = None;
        for job in &mut self.jobs {
            (job.in_line, job.admits) = (None, Admits::All);
        }
    }
}

impl Job<'_> {
    /// The job has come up at a tick. If only its trigger asks for a run, the run begins as soon as a permit is free. But
    /// if the end of the job passes before, no run is asked for, and what has come due since comes up at a tick.
    fn enter_line(&mut self, now: Nanos, surely: bool) {
        if self.due() > now || self.paused {
            let is_sure = surely || self.trigger == Some(Trigger::AtOnce);
            self.trigger = self
                .trigger
                .map(|_| if is_sure { Trigger::AtOnce } else { Trigger::Open });
        } else {
            self.in_line = Some(if surely { InLine::Surely } else { InLine::Perhaps });
        }
    }

    /// The run of the schedule follows a triggered run at the same instant, or at the next tick.
    pub(super) fn may_line_up_again(&mut self, now: Nanos, tick: TickOf) {
        let is_in_group = self.spec.options.group.is_some();
        self.in_line = (is_in_group && tick.time == now).then_some(InLine::Perhaps);
    }

    pub(super) fn may_leave_line(&mut self) {
        self.in_line = self.in_line.map(|_| InLine::Perhaps);
    }
}
