//! Sleeping on a runtime's timer, without trusting it too far.

use std::task::{Context, Poll};

use futures::future::BoxFuture;

use crate::engine::Engine;
use crate::panics::{catch, discard, quietly};
use crate::time::Time;

/// The runtime's timer panicked: its runtime is gone.
#[derive(Debug)]
pub(crate) struct TimerGone;

#[derive(Default)]
pub(crate) struct Alarm {
    sleep: Option<(Time, BoxFuture<'static, ()>)>,
}

impl Alarm {
    /// Ready once the clock has reached `time`. A timer that wakes too early is asked again, at the task's next turn.
    pub(crate) fn poll(&mut self, engine: &Engine, time: Time, cx: &mut Context<'_>) -> Poll<Result<(), TimerGone>> {
        if engine.now() >= time {
            self.silence();
            return Poll::Ready(Ok(()));
        }
        let Some(deadline) = engine.instant_within_range(time) else {
            return Poll::Pending;
        };
        if self.sleep.as_ref().is_none_or(|(armed, _)| *armed != time) {
            self.silence();
            match catch(|| engine.runtime().sleep_until(deadline)) {
                Ok(sleep) => self.sleep = Some((time, sleep)),
                Err(payload) => return gone(payload),
            }
        }
        let Some((_, sleep)) = &mut self.sleep else {
            return Poll::Pending;
        };
        match catch(|| sleep.as_mut().poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => {
                self.silence();
                if engine.now() >= time {
                    return Poll::Ready(Ok(()));
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Err(payload) => {
                self.silence();
                gone(payload)
            }
        }
    }

    fn silence(&mut self) {
        if let Some((_, sleep)) = self.sleep.take() {
            quietly(|| drop(sleep));
        }
    }
}

fn gone(payload: Box<dyn std::any::Any + Send>) -> Poll<Result<(), TimerGone>> {
    discard(payload);
    Poll::Ready(Err(TimerGone))
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.silence();
    }
}
