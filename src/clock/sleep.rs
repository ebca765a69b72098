//! Sleeping on a runtime's timer, with a check against the clock: the timer may wake too early or panic.

use std::task::{Context, Poll};
use std::time::Instant;

use futures::future::BoxFuture;

use crate::clock::Clock;
use crate::time::{Span, Time};
use crate::unwind::{catch, discard, quietly};

/// The runtime's timer panicked, because its runtime is gone.
#[derive(Debug)]
pub(crate) struct TimerGone;

#[derive(Default)]
pub(crate) struct Sleep {
    sleep: Option<(Time, BoxFuture<'static, ()>)>,
    early: Option<Early>,
}

/// The timer woke too early.
#[derive(Clone, Copy)]
struct Early {
    until: Time,
    woke: Time,
    /// The timer seems to be early by this span each time.
    by: Span,
}

/// At most this span may be spent in repeated polls, without sleep.
const SOON: Span = Span::from_nanos(1_000);

impl Early {
    /// Records that the timer woke early, at `now`. `before` is the previous early wake. If the timer wakes early again
    /// almost immediately, it is probably always early by the same span. The same request would then fail again and
    /// again until `until`. The next request therefore asks for a later deadline, by the remaining span.
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
    /// Ready when the clock has reached `time`. If the timer wakes too early, the future wakes its own task and asks
    /// the timer again at the next poll.
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

    /// The deadline requested from the timer. `None` if it is beyond the clock's range.
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
