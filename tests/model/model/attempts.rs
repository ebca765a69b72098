//! The attempts of a run: after an attempt that fails, the run waits, and its target is called again.

use std::time::Duration;

use crate::model::{End, InProgress, Model, nanos};
use crate::scenario::{Kind, Outcome};
use crate::trace::What;

impl Model<'_> {
    /// The code of the first attempt, or of a further one, has reached its first await, or its end.
    pub(super) fn attempt(&mut self, index: usize) {
        let run = self.jobs[index].run.as_ref().expect("it has begun");
        let (kind, length) = (self.jobs[index].spec.kind, run.body.length);
        match (kind, length) {
            (Kind::Sync | Kind::Blocking, length) => {
                self.now += nanos(length.unwrap_or_default());
                self.end_attempt(index);
            }
            (Kind::Async, Some(Duration::ZERO)) => self.end_attempt(index),
            (Kind::Async, length) => self.wait(index, length),
        }
    }

    /// An attempt ends by itself. If it has failed and the back-off has a wait left, the run waits for the next
    /// attempt.
    pub(super) fn end_attempt(&mut self, index: usize) {
        let (now, job) = (self.now, &mut self.jobs[index]);
        let run = job.run.as_mut().expect("it has begun");
        let waits = job.spec.options.retry.as_deref().unwrap_or_default();
        let (number, outcome) = (run.number, run.body.outcome);
        let wait = waits.get(run.attempt).filter(|_| outcome != Outcome::Fine);
        let Some(wait) = wait else {
            return self.end(index, End::ByItself);
        };
        (run.waits, run.in_code, run.ends) = (true, false, Some(now + nanos(*wait)));
        // The limit of a run that is not blocking is looked at once more.
        let is_over = job.spec.kind != Kind::Blocking && run.limit.is_some_and(|limit| limit <= now);
        let job = index;
        self.note(What::End { job, number, outcome });
        if is_over {
            self.end(index, End::TimedOut);
        }
    }

    /// The wait is over, and the target is called again.
    pub(super) fn attempt_again(&mut self, index: usize) {
        let job = &mut self.jobs[index];
        let run = job.run.as_mut().expect("it has begun");
        run.attempt += 1;
        (run.waits, run.in_code, run.ends) = (false, true, None);
        run.body = job.spec.body(run.number + run.attempt as u64);
        let (job, number) = (index, run.number);
        self.note(What::Attempt { job, number });
        self.attempt(index);
    }
}

impl InProgress {
    /// Whether the next attempt begins before the run exceeds its time limit, if both have come. The limit of a
    /// blocking run cuts the wait short.
    pub(super) fn attempts_before_limit(&self, kind: Kind) -> bool {
        self.waits && (kind != Kind::Blocking || self.ends <= self.limit || self.limit.is_none())
    }
}
