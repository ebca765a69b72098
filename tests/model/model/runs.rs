//! Runs begin and end.

use std::time::Duration;

use crate::model::oracle::Oracle;
use crate::model::{End, InProgress, Model, nanos};
use crate::trace::What;

impl Model<'_> {
    pub(super) fn begin(&mut self, index: usize) {
        let policy = self.jobs[index].spec.policy.unwrap_or(self.scenario.policy);
        let session = self.session.as_ref().expect("nothing begins without a session");
        let tick = session.tick_of(self.now);
        let (now, job) = (self.now, &mut self.jobs[index]);
        let (spec, number) = (job.spec, job.runs);
        let body = spec.body(number);
        job.runs += 1;
        (job.woke, job.cancelled, job.dispatched) = (None, None, false);
        // If the end of the job has passed, the overdue run replaces the triggered run.
        let triggered = job.is_triggered(now);
        if job.replaced || job.in_line.is_some() {
            job.unscheduled = Some(now);
        }
        (job.trigger, job.replaced, job.in_line) = (None, false, None);
        let due = if triggered { now } else { job.due() };
        let (scheduled, missed) = if triggered {
            (job.triggered, job.unscheduled) = (Some(now), Some(now));
            job.may_line_up_again(now, tick);
            (now, 0)
        } else {
            job.advance(policy, now, tick)
        };
        job.run = Some(InProgress {
            number,
            started: now,
            attempt: 0,
            body,
            ends: None,
            waits: false,
            told: false,
            in_code: true,
            cancelled: false,
            triggered,
            limit: spec.options.timeout.map(|limit| now + nanos(limit)),
        });
        self.leave_drain(index, true);
        self.oracle.begin(self.moment(), index, number);
        self.note(What::Begin {
            job: index,
            number,
            scheduled,
            due,
            started: now,
            missed,
        });
        if let Some(op) = spec.inside_of(number) {
            self.apply(op);
        }
        self.attempt(index);
    }

    /// The run reaches its first await.
    pub(super) fn wait(&mut self, job: usize, length: Option<Duration>) {
        let ends = length.map(|length| self.now + nanos(length));
        let run = self.jobs[job].run.as_mut().expect("it has begun");
        (run.in_code, run.ends) = (false, ends);
        if run.limit.is_some_and(|limit| limit <= self.now) {
            self.end(job, End::TimedOut);
        }
    }

    pub(super) fn end(&mut self, job: usize, end: End) {
        let run = self.jobs[job].run.take().expect("it has begun");
        self.jobs[job].freed = Some(self.now);
        let resolution = nanos(self.scenario.resolution);
        if self.is_running() {
            self.jobs[job].drop_due_during(&run, self.now);
        }
        self.jobs[job].follow_end(&run, self.now, resolution);
        if self.jobs[job].removed {
            self.leave_drain(job, false);
        }
        if run.triggered {
            self.jobs[job].unscheduled = Some(self.now);
        }
        if end == End::Cancelled {
            self.jobs[job].cancelled = Some(self.now);
        }
        let (number, outcome) = (run.number, run.body.outcome);
        self.note(match end {
            End::ByItself | End::Again => What::End { job, number, outcome },
            End::TimedOut | End::Cancelled => What::Cancelled { job, number },
        });
        let now = self.now;
        self.stops.iter_mut().for_each(|stop| stop.hear(job, end, now));
    }

    /// Pending runs end in a turn of the executor. A run whose code is being executed ends after its next await.
    /// Synchronous code has no await.
    pub(super) fn cancel_runs(&mut self) {
        let runs = self.jobs.iter_mut().filter_map(|job| job.run.as_mut());
        runs.for_each(|run| run.cancelled = true);
    }

    /// Ends those of the cancelled and pending runs that the caller names.
    pub(super) fn end_cancelled_runs(&mut self, ends: impl Fn(&Oracle<'_>, usize, u64) -> bool) {
        for job in 0..self.jobs.len() {
            let Some(run) = &self.jobs[job].run else { continue };
            let is_over = run.end(self.jobs[job].spec.kind, self.now, |_| true) == Some(End::Cancelled);
            if is_over && ends(&self.oracle, job, run.number) {
                self.end(job, End::Cancelled);
            }
        }
    }
}
