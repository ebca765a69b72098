//! Runs begin and end.

use std::time::Duration;

use crate::model::oracle::Oracle;
use crate::model::{End, InProgress, Job, Model, RunId, nanos};
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
        job.in_progress.push(InProgress {
            number,
            started: now,
            tick: tick.time,
            attempt: 0,
            body,
            ends: None,
            waits: false,
            told: false,
            in_code: true,
            cancelled: false,
            triggered,
            has_chosen: false,
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
        self.attempt((index, number));
    }

    /// The run reaches its first await.
    pub(super) fn wait(&mut self, id: RunId, length: Option<Duration>) {
        let ends = length.map(|length| self.now + nanos(length));
        let run = self.run_mut(id);
        (run.in_code, run.ends) = (false, ends);
        if run.limit.is_some_and(|limit| limit <= self.now) {
            self.end(id, End::TimedOut);
        }
    }

    pub(super) fn end(&mut self, id: RunId, end: End) {
        let (index, number) = id;
        let (now, is_running) = (self.now, self.is_running());
        let job = &mut self.jobs[index];
        let was_full = job.is_full();
        let place = job.in_progress.iter().position(|run| run.number == number);
        let run = job.in_progress.remove(place.expect("it is in progress"));
        if is_running {
            job.drop_due_during(&run, now);
        }
        job.follow_end(&run, now, nanos(self.scenario.resolution));
        if was_full {
            job.freed = Some(now);
        }
        if was_full && run.triggered {
            job.unscheduled = Some(now);
        }
        if was_full && end == End::Cancelled {
            job.cancelled = Some(now);
        }
        if job.removed {
            self.leave_drain(index, false);
        }
        let (job, outcome) = (index, run.body.outcome);
        self.note(match end {
            End::ByItself | End::Again => What::End { job, number, outcome },
            End::TimedOut | End::Cancelled => What::Cancelled { job, number },
        });
        self.stops.iter_mut().for_each(|stop| stop.hear(id, end, now));
    }

    /// Pending runs end in a turn of the executor. A run whose code is being executed ends after its next await.
    /// Synchronous code has no await.
    pub(super) fn cancel_runs(&mut self) {
        let runs = self.jobs.iter_mut().flat_map(|job| &mut job.in_progress);
        runs.for_each(|run| run.cancelled = true);
    }

    /// Ends those of the cancelled and pending runs that the caller names.
    pub(super) fn end_cancelled_runs(&mut self, ends: impl Fn(&Oracle<'_>, usize, u64) -> bool) {
        let numbers = |(index, job): (usize, &Job)| job.numbers().into_iter().map(move |number| (index, number));
        let runs: Vec<RunId> = self.jobs.iter().enumerate().flat_map(numbers).collect();
        for (job, number) in runs {
            let run = self.run((job, number));
            let is_over = run.end(self.jobs[job].spec.kind, self.now, |_| true) == Some(End::Cancelled);
            if is_over && ends(&self.oracle, job, number) {
                self.end((job, number), End::Cancelled);
            }
        }
    }
}
