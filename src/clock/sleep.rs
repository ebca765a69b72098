//! Sleeping on a runtime's timer, without trusting it too far.

use std::task::{Context, Poll};
use std::time::Instant;

use futures::future::BoxFuture;

use crate::clock::Clock;
use crate::time::{Span, Time};
use crate::unwind::{catch, discard, quietly};

/// The runtime's timer panicked: its runtime is gone.
#[derive(Debug)]
pub(crate) struct TimerGone;

#[derive(Default)]
pub(crate) struct Sleep {
    sleep: Option<(Time, BoxFuture<'static, ()>)>,
    early: Option<Early>,
}

/// The timer has woken too early.
#[derive(Clone, Copy)]
struct Early {
    until: Time,
    woke: Time,
    /// By how much it seems to do so always.
    by: Span,
}

/// What is less than this far ahead may be waited for without sleep.
const SOON: Span = Span::from_nanos(1_000);

impl Early {
    /// By how much more the timer is to be asked for, if it woke at `now` and at `before`. When it wakes again at once, as one does that
    /// is always early by the same, asking it for the same again would go on and on until the time has come.
    fn at(until: Time, now: Time, before: Option<Early>) -> Early {
        let left = until.since(now);
        let again = before.is_some_and(|before| before.until == until && now.since(before.woke).times(8) < left);
        Early {
            until,
            woke: now,
            by: if again && left > SOON { left } else { Span::ZERO },
        }
    }
}

impl Sleep {
    /// Ready once the clock has reached `time`. A timer that wakes too early is asked again, at the task's next turn.
    pub(crate) fn poll(&mut self, clock: &Clock, time: Time, cx: &mut Context<'_>) -> Poll<Result<(), TimerGone>> {
        if clock.now() >= time {
            self.disarm();
            return Poll::Ready(Ok(()));
        }
        if self.sleep.as_ref().is_none_or(|(armed, _)| *armed != time) {
            self.disarm();
            let Some(deadline) = self.deadline(clock, time) else {
                return Poll::Pending;
            };
            match catch(|| clock.runtime().sleep_until(deadline)) {
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
                self.disarm();
                let now = clock.now();
                if now >= time {
                    return Poll::Ready(Ok(()));
                }
                self.early = Some(Early::at(time, now, self.early));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Err(payload) => {
                self.disarm();
                gone(payload)
            }
        }
    }

    /// What the timer is asked for; none if that lies beyond the clock's range.
    fn deadline(&self, clock: &Clock, time: Time) -> Option<Instant> {
        let early = self.early.filter(|early| early.until == time);
        let later = early.and_then(|early| clock.instant_within_range(time.after(early.by)));
        later.or_else(|| clock.instant_within_range(time))
    }

    fn disarm(&mut self) {
        if let Some((_, sleep)) = self.sleep.take() {
            quietly(|| drop(sleep));
        }
    }
}

fn gone(payload: Box<dyn std::any::Any + Send>) -> Poll<Result<(), TimerGone>> {
    discard(payload);
    Poll::Ready(Err(TimerGone))
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}
