//! The time limits of a run and of an attempt.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::clock::sleep::Sleep;
use crate::engine::Engine;
use crate::job::attempt::AttemptLimit;
use crate::job::run_end::RunEnd;
use crate::job::target::{ReusableFuture, RunFuture};
use crate::time::Time;
use crate::unwind::quietly;

/// Drops the future of a run or an attempt when the limit has passed.
pub(crate) struct TimeLimit {
    engine: Arc<Engine>,
    limit: Time,
    /// `None` if the limit is that of the run.
    attempt: Option<Arc<AttemptLimit>>,
    sleep: Sleep,
    future: Option<RunFuture>,
}

impl TimeLimit {
    pub(crate) fn new(engine: &Arc<Engine>, limit: Time, future: RunFuture) -> TimeLimit {
        TimeLimit {
            engine: Arc::clone(engine),
            limit,
            attempt: None,
            sleep: Sleep::default(),
            future: Some(future),
        }
    }

    pub(crate) fn of_attempt(engine: &Arc<Engine>, attempt: Arc<AttemptLimit>, future: RunFuture) -> TimeLimit {
        let limit = attempt.until;
        TimeLimit {
            attempt: Some(attempt),
            ..TimeLimit::new(engine, limit, future)
        }
    }

    /// The end of a run or an attempt whose time is up.
    fn time_is_up(&self) -> RunEnd {
        match &self.attempt {
            Some(attempt) => attempt.failure(),
            None => RunEnd::TimedOut,
        }
    }
}

impl Future for TimeLimit {
    type Output = RunEnd;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RunEnd> {
        let this = &mut *self;
        let Some(future) = &mut this.future else {
            return Poll::Ready(this.time_is_up());
        };
        if let Poll::Ready(end) = future.as_mut().poll(cx) {
            return Poll::Ready(match &this.attempt {
                Some(attempt) => attempt.judge(end, this.engine.now()),
                None => end,
            });
        }
        match this.sleep.poll(&this.engine.clock, this.limit, cx) {
            Poll::Ready(Ok(())) => {
                let late = this.future.take();
                quietly(|| drop(late));
                Poll::Ready(this.time_is_up())
            }
            // If the timer is gone, there is no limit.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl ReusableFuture for TimeLimit {}
