//! The attempts of a run: after an attempt that fails, the run waits, and its target is called again.

use std::time::Duration;

use crate::model::{End, InProgress, Model, RunId, nanos};
use crate::scenario::{Kind, Outcome};
use crate::trace::What;

impl Model<'_> {
    /// The code of the first attempt, or of a further one, has reached its first await, or its end.
    pub(super) fn attempt(&mut self, run: RunId) {
        let (kind, length) = (self.jobs[run.0].spec.kind, self.run(run).body.length);
        match (kind, length) {
            (Kind::Sync | Kind::Blocking, length) => {
                self.now += nanos(length.unwrap_or_default());
                self.end_attempt(run);
            }
            (Kind::Async, Some(Duration::ZERO)) => self.end_attempt(run),
            (Kind::Async, length) => self.wait(run, length),
        }
    }

    /// An attempt ends by itself. If it has failed and the back-off has a wait left, the run waits for the next
    /// attempt.
    pub(super) fn end_attempt(&mut self, id: RunId) {
        let (now, (job, number)) = (self.now, id);
        let spec = self.jobs[job].spec;
        let run = self.run_mut(id);
        let waits = spec.options.retry.as_deref().unwrap_or_default();
        let outcome = run.body.outcome;
        let wait = waits.get(run.attempt).filter(|_| outcome != Outcome::Fine);
        let Some(wait) = wait else {
            return self.end(id, End::ByItself);
        };
        (run.waits, run.in_code, run.ends) = (true, false, Some(now + nanos(*wait)));
        // The limit of a run that is not blocking is looked at once more.
        let is_over = spec.kind != Kind::Blocking && run.limit.is_some_and(|limit| limit <= now);
        self.note(What::End { job, number, outcome });
        if is_over {
            self.end(id, End::TimedOut);
        }
    }

    /// The wait is over, and the target is called again.
    pub(super) fn attempt_again(&mut self, id: RunId) {
        let (job, number) = id;
        let spec = self.jobs[job].spec;
        let run = self.run_mut(id);
        run.attempt += 1;
        (run.waits, run.in_code, run.ends) = (false, true, None);
        run.body = spec.body(number + run.attempt as u64);
        self.note(What::Attempt { job, number });
        self.attempt(id);
    }
}

impl InProgress {
    /// Whether the next attempt begins before the run exceeds its time limit, if both have come. The limit of a
    /// blocking run cuts the wait short.
    pub(super) fn attempts_before_limit(&self, kind: Kind) -> bool {
        self.waits && (kind != Kind::Blocking || self.ends <= self.limit || self.limit.is_none())
    }
}
