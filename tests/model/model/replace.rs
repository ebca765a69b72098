//! `Overlap::Replace`: a run that is due cancels the run in progress, and begins when that is gone.

use crate::model::changes::Trigger;
use crate::model::ticks::Tick;
use crate::model::{End, Job, Model};
use crate::scenario::MANY;

impl Model<'_> {
    /// At a tick, these jobs are due, and have a run that may be replaced.
    pub(super) fn replace(&mut self, tick: Tick, jobs: Vec<usize>) {
        let is_open = self.may_run_before_replacement();
        for job in jobs {
            let is_replaced = if is_open {
                self.is_replaced_now(job)
            } else {
                // If the trace decides, a stop at the same instant may have cancelled the run instead.
                self.must_begin(job, tick) || (self.is_replaced_now(job) && self.oracle.guess())
            };
            if is_replaced {
                self.cancel_replaced(job);
            }
        }
    }

    /// Whether a run that stops the scheduler or changes a job may begin before all jobs of its tick are looked at:
    /// jobs of a crowd are looked at in batches. Then the trace decides which runs are replaced at the tick.
    fn may_run_before_replacement(&self) -> bool {
        let acts = |job: &Job| !job.is_full() && job.spec.inside_of(job.runs).is_some();
        self.jobs.len() >= MANY && self.jobs.iter().any(acts)
    }

    /// Cancels the runs that triggered runs replace. This does not wait for a tick. If the executor refuses tasks, or
    /// if the trigger may wait for the tick, the trace decides.
    pub(super) fn replace_for_triggers(&mut self) -> bool {
        let is_ahead = self.session.as_ref().is_some_and(|session| session.is_ahead(self.now));
        let may_wait = is_ahead || self.oracle.faults(self.now);
        let must = |trigger: Option<Trigger>| trigger == Some(Trigger::AtOnce) && !may_wait;
        let replaces = |job: &usize| {
            let trigger = self.jobs[*job].trigger.filter(|trigger| *trigger != Trigger::AtTick);
            let is_triggered = trigger.is_some() && self.jobs[*job].is_triggered(self.now);
            is_triggered && self.jobs[*job].may_replace(self.now) && (must(trigger) || self.is_replaced_now(*job))
        };
        let job = (0..self.jobs.len()).find(|job| self.session.is_some() && replaces(job));
        job.inspect(|job| self.cancel_replaced(*job)).is_some()
    }

    /// Whether the trace has the run of this job cancelled now.
    pub(super) fn is_replaced_now(&self, job: usize) -> bool {
        let run = self.jobs[job].in_progress.first();
        run.is_some_and(|run| self.oracle.ends_at(self.moment(), job, run.number, End::Cancelled))
    }

    /// A run whose sleep is over may still end by itself. It then makes no further attempt.
    fn cancel_replaced(&mut self, index: usize) {
        let moment = self.moment();
        let job = &mut self.jobs[index];
        let run = job.in_progress.first_mut().expect("it is replaced");
        let is_over = run.ends.is_some_and(|ends| ends <= self.now);
        let ends_by_itself = is_over && self.oracle.ends_at(moment, index, run.number, End::ByItself);
        (run.cancelled, run.told) = (!ends_by_itself, true);
        job.replaced = true;
    }
}
