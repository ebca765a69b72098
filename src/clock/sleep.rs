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
    /// The next request asks for a deadline that is later by this span.
    extra: Span,
}

/// At most this span may be spent in repeated polls, without sleep.
const SOON: Span = Span::from_nanos(1_000);

/// The first extra. Each further early wake doubles the extra.
const FIRST_EXTRA: Span = Span::from_nanos(1_000_000);

impl Early {
    /// Records that the timer woke early, at `now`. `before` is the previous early wake.
    ///
    /// If the timer wakes early again almost immediately, the same request may fail again and again until `until`. The
    /// next request therefore asks for a later deadline. One early wake may also be a mistake. The extra therefore grows
    /// slowly, and never exceeds the span by which the timer was early. At most, the extra is a tick.
    fn at(until: Time, now: Time, before: Option<Early>, resolution: Span) -> Early {
        let before = before.filter(|before| before.until == until);
        let extra = before.map_or(Span::ZERO, |before| before.next_extra(now));
        let woke = now;
        let extra = extra.min(resolution);
        Early { until, woke, extra }
    }

    /// The extra after one more early wake, at `now`.
    fn next_extra(self, now: Time) -> Span {
        let left = self.until.since(now);
        let is_again = now.since(self.woke).times(2) < left && left > SOON;
        if is_again {
            let early_by = self.until.after(self.extra).since(now);
            self.extra.times(2).max(FIRST_EXTRA).min(early_by)
        } else {
            self.extra
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
                self.early = Some(Early::at(time, now, self.early, clock.resolution));
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
        let later = early.and_then(|early| clock.instant_within_range(time.after(early.extra)));
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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    const TICK: Span = Span::from_nanos(50 * MS);

    fn at(ms: i64) -> Time {
        Time::from_nanos(ms * MS)
    }

    /// The extra of each request, in milliseconds, for a sleep until `until` whose timer wakes at these instants.
    fn extras(until: i64, wakes: &[i64]) -> Vec<i64> {
        let mut early = None;
        let extra = |now: &i64| {
            let next = Early::at(at(until), at(*now), early, TICK);
            early = Some(next);
            next.extra.as_nanos() / MS
        };
        wakes.iter().map(extra).collect()
    }

    #[test]
    fn false_wakes_far_ahead_cost_little() {
        assert_eq!(extras(3_600_000, &[0, 0]), [0, 1]);
        assert_eq!(extras(3_600_000, &[0; 10]), [0, 1, 2, 4, 8, 16, 32, 50, 50, 50]);
    }

    #[test]
    fn a_timer_that_is_always_early_is_asked_for_as_much_more() {
        assert_eq!(
            extras(100, &[63, 63, 64, 65, 67, 71, 79, 95, 95]),
            [0, 1, 2, 4, 8, 16, 32, 32, 37]
        );
    }

    #[test]
    fn early_wakes_that_save_half_of_the_time_cost_nothing() {
        assert_eq!(extras(1_024, &[512, 768, 896, 960, 992, 1_008]), [0; 6]);
    }

    #[test]
    fn a_sleep_until_another_time_begins_anew() {
        let early = Early::at(at(100), at(0), None, TICK);
        let early = Early::at(at(100), at(0), Some(early), TICK);
        assert_eq!(early.extra, FIRST_EXTRA);
        assert_eq!(Early::at(at(200), at(0), Some(early), TICK).extra, Span::ZERO);
    }
}
