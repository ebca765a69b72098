//! The time limit of a run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::clock::sleep::Sleep;
use crate::engine::Engine;
use crate::job::run_end::RunEnd;
use crate::job::target::{ReusableFuture, RunFuture};
use crate::time::Time;
use crate::unwind::quietly;

/// Drops the run's future when the limit has passed.
pub(crate) struct TimeLimit {
    engine: Arc<Engine>,
    limit: Time,
    sleep: Sleep,
    future: Option<RunFuture>,
}

impl TimeLimit {
    pub(crate) fn new(engine: &Arc<Engine>, limit: Time, future: RunFuture) -> TimeLimit {
        TimeLimit {
            engine: Arc::clone(engine),
            limit,
            sleep: Sleep::default(),
            future: Some(future),
        }
    }
}

impl Future for TimeLimit {
    type Output = RunEnd;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RunEnd> {
        let this = &mut *self;
        let Some(future) = &mut this.future else {
            return Poll::Ready(RunEnd::TimedOut);
        };
        if let Poll::Ready(end) = future.as_mut().poll(cx) {
            return Poll::Ready(end);
        }
        match this.sleep.poll(&this.engine.clock, this.limit, cx) {
            Poll::Ready(Ok(())) => {
                let late = this.future.take();
                quietly(|| drop(late));
                Poll::Ready(RunEnd::TimedOut)
            }
            // If the timer is gone, there is no limit.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl ReusableFuture for TimeLimit {}
