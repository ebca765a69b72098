//! Another attempt after one that failed, within the same run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::clock::sleep::Sleep;
use crate::engine::Engine;
use crate::exec::worker::BlockingRun;
use crate::job::cancel_listeners::ListenerId;
use crate::job::cell::JobInstance;
use crate::job::rules::Backoff;
use crate::job::run::RunInfo;
use crate::job::run_end::RunEnd;
use crate::job::target::{CallResult, ReusableFuture, RunFuture};
use crate::park::slot::poll_run;
use crate::time::Time;
use crate::unwind::{Guarded, catch, quietly};

/// The wait before the next attempt. It ends early if the run is told to end.
pub(crate) struct Wait {
    engine: Arc<Engine>,
    job: JobInstance,
    number: u64,
    until: Time,
    sleep: Sleep,
    listener: Option<ListenerId>,
}

impl Wait {
    pub(crate) fn new(engine: &Arc<Engine>, job: &JobInstance, number: u64, wait: Duration) -> Wait {
        Wait {
            engine: Arc::clone(engine),
            job: job.clone(),
            number,
            until: engine.now().after(wait.into()),
            sleep: Sleep::default(),
            listener: None,
        }
    }

    /// False if there is to be no further attempt.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.engine
            .cancel_listeners
            .register(self.job.job.id, &mut self.listener, cx.waker());
        if self.job.is_cancelled(self.number) {
            return Poll::Ready(false);
        }
        self.sleep
            .poll(&self.engine.clock, self.until, cx)
            .map(|woken| woken.is_ok())
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(listener) = self.listener {
            self.engine.cancel_listeners.deregister(self.job.job.id, listener);
        }
    }
}

/// The attempts of a run that isn't blocking, one after the other.
pub(crate) struct Attempts {
    engine: Arc<Engine>,
    job: JobInstance,
    info: RunInfo,
    /// It may panic when it is dropped, and so may what is in the stage.
    backoff: Guarded<Backoff>,
    stage: Stage,
}

enum Stage {
    Running(RunFuture),
    Ended(RunEnd),
    Waiting(Wait),
    Done,
}

impl Attempts {
    /// Goes on from the first attempt.
    pub(crate) fn after(
        engine: &Arc<Engine>,
        job: &JobInstance,
        info: &RunInfo,
        first: CallResult,
        backoff: Backoff,
    ) -> Attempts {
        Attempts {
            engine: Arc::clone(engine),
            job: job.clone(),
            info: info.clone(),
            backoff: Guarded::new(backoff),
            stage: Stage::from(first),
        }
    }

    /// Ends, or waits for the next attempt.
    fn end_attempt(&mut self, end: RunEnd, cx: &Context<'_>) -> Poll<RunEnd> {
        if !end.is_failure() {
            return Poll::Ready(end);
        }
        // Caught here: the error may panic as well when it is dropped, and must not be while this unwinds.
        let wait = match catch(|| self.backoff.next()) {
            Ok(Some(wait)) => wait,
            Ok(None) => return Poll::Ready(end),
            Err(payload) => {
                quietly(|| drop(end));
                return Poll::Ready(RunEnd::Panicked(payload));
            }
        };
        self.engine.report_retry(&self.job, &self.info, end);
        self.stage = Stage::Waiting(Wait::new(&self.engine, &self.job, self.info.number, wait));
        // Others have their turn between two attempts, even if there is no wait.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl From<CallResult> for Stage {
    fn from(step: CallResult) -> Stage {
        match step {
            CallResult::Done(end) => Stage::Ended(end),
            CallResult::Future(future) => Stage::Running(future),
        }
    }
}

impl Future for Attempts {
    type Output = RunEnd;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RunEnd> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.stage, Stage::Done) {
                Stage::Running(mut future) => match poll_run(&mut future, cx.waker()) {
                    Poll::Ready(end) => {
                        let dropped = catch(|| drop(future));
                        this.stage = Stage::Ended(end.after_drop(dropped));
                    }
                    Poll::Pending => {
                        this.stage = Stage::Running(future);
                        return Poll::Pending;
                    }
                },
                Stage::Ended(end) => {
                    return this.end_attempt(end, cx);
                }
                Stage::Waiting(mut wait) => match wait.poll(cx) {
                    Poll::Ready(true) => {
                        this.stage = Stage::from(this.engine.call(&this.job, &this.info, &mut None));
                    }
                    Poll::Ready(false) => return Poll::Ready(RunEnd::Cancelled),
                    Poll::Pending => {
                        this.stage = Stage::Waiting(wait);
                        return Poll::Pending;
                    }
                },
                Stage::Done => return Poll::Ready(RunEnd::Cancelled),
            }
        }
    }
}

impl ReusableFuture for Attempts {}

/// A blocking run between two attempts. The executor that drops it cancels the run.
pub(crate) struct Pause {
    wait: Wait,
    /// The run's time is up before the wait is over.
    times_out: bool,
    run: Option<BlockingRun>,
}

impl Pause {
    /// Waits, but not beyond `limit`.
    pub(crate) fn new(mut wait: Wait, limit: Time, run: BlockingRun) -> Pause {
        let times_out = limit < wait.until;
        wait.until = wait.until.min(limit);
        Pause {
            wait,
            times_out,
            run: Some(run),
        }
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let again = ready!(self.wait.poll(cx));
        match self.run.take() {
            Some(run) if again && self.times_out => run.time_out(),
            Some(run) if again => run.dispatch(),
            _ => {}
        }
        Poll::Ready(())
    }
}
