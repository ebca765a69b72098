//! Further attempts of a run, after an attempt has failed.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::sleep::Sleep;
use crate::engine::Engine;
use crate::exec::call::attempt_enclosed;
use crate::exec::finish::report_retry;
use crate::exec::poller::poll_run;
use crate::job::cell::JobInstance;
use crate::job::listeners::ListenerId;
use crate::job::rules::Backoff;
use crate::job::run::RunInfo;
use crate::job::run_end::RunEnd;
use crate::job::target::{CallResult, ReusableFuture, RunFuture};
use crate::time::Time;
use crate::unwind::{Guarded, catch, quietly};

/// The wait before the next attempt. The wait ends early if the run is told to end.
pub(crate) struct Wait {
    engine: Arc<Engine>,
    job: JobInstance,
    number: u64,
    pub(crate) until: Time,
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

    /// Whether the run was told to end.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.job.is_cancelled(self.number)
    }

    /// Returns `false` if no further attempt follows.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.engine
            .listeners
            .register(self.job.job.id, &mut self.listener, cx.waker());
        if self.is_cut_short() {
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
            self.engine.listeners.deregister(self.job.job.id, listener);
        }
    }
}

/// The wait after an attempt that failed with `end`, and `end` itself. If no further attempt follows, returns the end
/// of the run: `end`, or the panic of the back-off.
pub(crate) fn next_wait(backoff: &mut Backoff, end: RunEnd) -> Result<(Duration, RunEnd), RunEnd> {
    if !end.is_failure() {
        return Err(end);
    }
    match catch(|| backoff.next()) {
        Ok(Some(wait)) => Ok((wait, end)),
        Ok(None) => Err(end),
        Err(payload) => Err(backoff_panicked(end, payload)),
    }
}

/// The end of a run whose back-off panicked with `payload` after an attempt failed with `end`. The error in `end` may
/// panic when it is dropped, and must not be dropped during unwinding.
pub(crate) fn backoff_panicked(end: RunEnd, payload: Box<dyn Any + Send>) -> RunEnd {
    quietly(|| drop(end));
    RunEnd::Panicked(payload)
}

/// The attempts of a run that is not blocking, one after the other.
pub(crate) struct Attempts {
    engine: Arc<Engine>,
    job: JobInstance,
    info: RunInfo,
    /// The back-off may panic when it is dropped, and so may the contents of the stage.
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
    /// Continues after the first attempt.
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

    /// Returns the end of the run, or begins the wait for the next attempt.
    fn end_attempt(&mut self, end: RunEnd, cx: &Context<'_>) -> Poll<RunEnd> {
        let (wait, end) = match next_wait(&mut self.backoff, end) {
            Ok(again) => again,
            Err(end) => return Poll::Ready(end),
        };
        report_retry(&self.engine, &self.job, &self.info, end);
        self.stage = Stage::Waiting(Wait::new(&self.engine, &self.job, self.info.number, wait));
        // Other tasks have a turn between two attempts, even if the wait is zero.
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
                        this.stage = Stage::from(attempt_enclosed(&this.engine, &this.job, &this.info, &mut None));
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
