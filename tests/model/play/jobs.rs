//! The targets of the jobs.

use atevery::Run;
use futures::future::{BoxFuture, pending};

use crate::play::Player;
use crate::scenario::{Body, Op, Outcome, Spec};
use crate::trace::What;

impl Player {
    pub(super) fn run_sync(&self, job: usize, spec: &Spec, run: &Run) -> Result<(), &'static str> {
        let (running, body) = self.begin_run(job, spec, run);
        self.0.time.block_for(body.length.unwrap_or_default());
        running.end(body.outcome)
    }

    pub(super) fn run_async(&self, job: usize, spec: &Spec, run: &Run) -> BoxFuture<'static, Result<(), &'static str>> {
        let (running, body) = self.begin_run(job, spec, run);
        let sleep = match body.length {
            Some(length) => self.0.time.sleep(length),
            None => Box::pin(pending()),
        };
        Box::pin(async move {
            sleep.await;
            running.end(body.outcome)
        })
    }

    fn begin_run(&self, job: usize, spec: &Spec, run: &Run) -> (Running, Body) {
        let number = run.number();
        let attempt = self.begin_attempt(job, number);
        if attempt == 0 {
            self.note(What::Begin {
                job,
                number,
                scheduled: self.nanos_of(run.scheduled()),
                due: self.nanos_of(run.due()),
                started: self.nanos_of(run.started()),
                missed: run.missed(),
            });
        } else {
            self.note(What::Attempt { job, number });
        }
        match spec.inside_of(number).filter(|_| attempt == 0) {
            Some(Op::NextIn(delay)) => run.next_in(delay),
            Some(op) => self.apply(op),
            None => {}
        }
        let player = self.clone();
        let running = Running {
            player,
            job,
            number,
            ended: false,
        };
        (running, spec.body(number + attempt))
    }
}

/// A run in progress. If it is dropped before its end, it was cancelled.
struct Running {
    player: Player,
    job: usize,
    number: u64,
    ended: bool,
}

impl Running {
    fn end(mut self, outcome: Outcome) -> Result<(), &'static str> {
        self.ended = true;
        let (job, number) = (self.job, self.number);
        self.player.note(What::End { job, number, outcome });
        match outcome {
            Outcome::Fine => Ok(()),
            Outcome::Error => Err("the scenario says so"),
            // Not `panic!`, which would print ten thousand messages.
            Outcome::Panic => std::panic::resume_unwind(Box::new("the scenario says so")),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let (job, number) = (self.job, self.number);
            self.player.note(What::Cancelled { job, number });
        }
    }
}
