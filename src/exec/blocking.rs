//! Blocking runs, on the runtime's blocking pool.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::dispatch::batch::Batch;
use crate::engine::Engine;
use crate::engine::wakeups::Wakeups;
use crate::exec::begin::begin_blocking;
use crate::exec::call::attempt;
use crate::exec::finish::{finish, report_retry};
use crate::exec::retry::{Wait, next_wait};
use crate::job::cell::JobInstance;
use crate::job::current_run::{enter, enter_task};
use crate::job::rules::{Backoff, CancelRun};
use crate::job::run::RunInfo;
use crate::job::run_end::RunEnd;
use crate::sync::Mutex;
use crate::time::Time;
use crate::unwind::{lock, quietly};

/// A batch of one job on the runtime's blocking pool.
pub(crate) struct BlockingRun {
    engine: Arc<Engine>,
    batch: Arc<Batch>,
    stage: Stage,
}

enum Stage {
    Offered,
    /// Between two attempts.
    Begun(RunInfo, Backoff),
    Ended,
}

impl BlockingRun {
    pub(crate) fn new(engine: Arc<Engine>, batch: Arc<Batch>) -> BlockingRun {
        BlockingRun {
            engine,
            batch,
            stage: Stage::Offered,
        }
    }

    /// Hands the run to the pool. If the pool refuses the run, it drops the run. The drop then withdraws the offer, or
    /// cancels the run.
    pub(crate) fn dispatch(self) {
        let engine = Arc::clone(&self.engine);
        quietly(|| drop(engine.clock.runtime().spawn_blocking(Box::new(move || self.run()))));
    }

    fn job(&self) -> &JobInstance {
        &self.batch.jobs[0]
    }

    fn run(self) {
        enter_task(|| self.attempt());
    }

    fn attempt(mut self) {
        let begun = match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Offered => begin_blocking(&self.engine, &self.batch, self.job()),
            Stage::Begun(info, backoff) => {
                let end = attempt(&self.engine, self.job(), &info, &mut None).into_end();
                Some((info, end, Some(backoff)))
            }
            Stage::Ended => None,
        };
        if let Some((info, end, backoff)) = begun {
            self.end_attempt(info, end, backoff);
        }
    }

    /// If the attempt failed and the back-off has a next wait, waits for the next attempt. Otherwise finishes the run.
    fn end_attempt(mut self, info: RunInfo, end: RunEnd, backoff: Option<Backoff>) {
        let key = self.job().run_key();
        let again = match backoff {
            None => Err(end),
            Some(mut backoff) => match enter(key, || next_wait(&mut backoff, end)) {
                Ok((wait, end)) => Ok((wait, backoff, end)),
                Err(end) => {
                    enter(key, || quietly(|| drop(backoff)));
                    Err(end)
                }
            },
        };
        let (wait, backoff, end) = match again {
            Ok(again) => again,
            Err(end) => return finish(&mut Wakeups::new(&self.engine), self.job(), &info, end, None),
        };
        report_retry(&self.engine, self.job(), &info, end);
        let wait = Wait::new(&self.engine, self.job(), info.number, wait);
        let engine = Arc::clone(&self.engine);
        let limit = self.job().job.time_limit(&info);
        self.stage = Stage::Begun(info, backoff);
        let pause = Pause::new(wait, limit, self);
        if pause.wait.is_cut_short() {
            // Whoever waits for the end of the run may block the only thread of the executor, and may have looked for
            // the pause already.
            return;
        }
        quietly(|| drop(engine.clock.runtime().spawn(Box::pin(pause))));
    }

    /// Finishes a run that reaches its time limit between two attempts.
    fn time_out(mut self) {
        if let Stage::Begun(info, backoff) = std::mem::replace(&mut self.stage, Stage::Ended) {
            enter(self.job().run_key(), || quietly(|| drop(backoff)));
            finish(
                &mut Wakeups::new(&self.engine),
                self.job(),
                &info,
                RunEnd::TimedOut,
                None,
            );
        }
    }
}

impl Drop for BlockingRun {
    /// Also called if the pool refused the run, or if the executor refused the wait for the next attempt.
    fn drop(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Offered => self.engine.withdraw_refused(&self.batch),
            Stage::Begun(info, backoff) => {
                enter(self.job().run_key(), || quietly(|| drop(backoff)));
                finish(
                    &mut Wakeups::new(&self.engine),
                    self.job(),
                    &info,
                    RunEnd::Cancelled,
                    None,
                );
            }
            Stage::Ended => {}
        }
        self.engine.finish_batch(&self.batch);
    }
}

/// A blocking run between two attempts. If the executor drops this future, the run is cancelled.
struct Pause {
    wait: Wait,
    /// Whether the run reaches its time limit before the wait is over.
    times_out: bool,
    run: Arc<Paused>,
    batch: Arc<Batch>,
}

/// The blocking run, until it goes on or is cancelled. A stop that has to do without the executor cancels the run
/// through the run's batch.
struct Paused(Mutex<Option<BlockingRun>>);

impl Paused {
    fn take(&self) -> Option<BlockingRun> {
        lock(&self.0).take()
    }
}

impl CancelRun for Paused {
    fn cancel(&self) {
        drop(self.take());
    }
}

impl Pause {
    /// A pause of the length of `wait`, which ends at `limit` at the latest.
    fn new(mut wait: Wait, limit: Time, run: BlockingRun) -> Pause {
        let times_out = limit < wait.until;
        wait.until = wait.until.min(limit);
        let batch = Arc::clone(&run.batch);
        let run = Arc::new(Paused(Mutex::new(Some(run))));
        batch.keep_paused(Arc::clone(&run) as Arc<dyn CancelRun>);
        Pause {
            wait,
            times_out,
            run,
            batch,
        }
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let again = ready!(self.wait.poll(cx));
        drop(self.batch.take_paused());
        enter_task(|| match self.run.take() {
            Some(run) if again && self.times_out => run.time_out(),
            Some(run) if again => run.dispatch(),
            cancelled => drop(cancelled),
        });
        Poll::Ready(())
    }
}

impl Drop for Pause {
    /// Cancels the run, if the executor drops the pause before its end.
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            drop(self.batch.take_paused());
            drop(run);
        }
    }
}
