//! Instants as plain numbers: whole nanoseconds from a scheduler's origin.

use std::time::{Duration, Instant};

/// A point in time, in nanoseconds from the scheduler's origin. The range is 292 years in both directions. A later or
/// incomputable time is [`Time::NEVER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(i64);

/// A length of time in nanoseconds, limited to the range of [`Time`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(i64);

impl Time {
    pub(crate) const NEVER: Time = Time(i64::MAX);
    pub(crate) const ORIGIN: Time = Time(0);
    /// The earliest of all times.
    pub(crate) const EARLIEST: Time = Time(i64::MIN);

    pub(crate) const fn from_nanos(nanos: i64) -> Time {
        Time(nanos)
    }

    pub(crate) const fn as_nanos(self) -> i64 {
        self.0
    }

    /// `NEVER` after the longest span, from any time: that span stands for all that are longer.
    pub(crate) const fn after(self, span: Span) -> Time {
        if span.0 == i64::MAX {
            return Time::NEVER;
        }
        Time(self.0.saturating_add(span.0))
    }

    /// The span from `earlier` to `self`, or zero if `earlier` is later than `self`.
    pub(crate) const fn since(self, earlier: Time) -> Span {
        let nanos = self.0.saturating_sub(earlier.0);
        Span(if nanos < 0 { 0 } else { nanos })
    }
}

impl Span {
    pub(crate) const ZERO: Span = Span(0);

    pub(crate) const fn from_nanos(nanos: i64) -> Span {
        Span(nanos)
    }

    pub(crate) const fn as_nanos(self) -> i64 {
        self.0
    }

    pub(crate) const fn times(self, count: i64) -> Span {
        Span(self.0.saturating_mul(count))
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Span {
        let nanos = i64::try_from(duration.as_secs())
            .ok()
            .and_then(|seconds| seconds.checked_mul(1_000_000_000))
            .and_then(|nanos| nanos.checked_add(i64::from(duration.subsec_nanos())));
        Span(nanos.unwrap_or(i64::MAX))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        match span.0 {
            i64::MAX => Duration::MAX,
            nanos => Duration::from_nanos(nanos.unsigned_abs()),
        }
    }
}

/// The instant at which [`Time`] is zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin(Instant);

impl Origin {
    pub(crate) fn new(instant: Instant) -> Origin {
        Origin(instant)
    }

    pub(crate) fn time_of(self, instant: Instant) -> Time {
        match instant.checked_duration_since(self.0) {
            Some(ahead) => Time(Span::from(ahead).0),
            None => Time(-Span::from(self.0.duration_since(instant)).0),
        }
    }

    /// The instant at `time`. `None` if `time` is beyond the clock's range.
    pub(crate) fn instant_of(self, time: Time) -> Option<Instant> {
        let distance = Duration::from_nanos(time.0.unsigned_abs());
        if time == Time::NEVER {
            None
        } else if time.0 >= 0 {
            self.0.checked_add(distance)
        } else {
            self.0.checked_sub(distance)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_range_is_never() {
        assert_eq!(Time::ORIGIN.after(Duration::MAX.into()), Time::NEVER);
        assert_eq!(Time::from_nanos(i64::MAX - 1).after(Span::from_nanos(2)), Time::NEVER);
        assert_eq!(Origin::new(Instant::now()).instant_of(Time::NEVER), None);
    }

    #[test]
    fn an_instant_before_the_origin_keeps_its_distance() {
        let now = Instant::now();
        let origin = Origin::new(now + Duration::from_secs(5));
        let time = origin.time_of(now);
        assert_eq!(time, Time::from_nanos(-5_000_000_000));
        assert_eq!(origin.instant_of(time), Some(now));
    }

    #[test]
    fn nanoseconds_survive_the_round_trip() {
        let now = Instant::now();
        let later = now + Duration::new(86_400 * 365, 123_456_789);
        let origin = Origin::new(now);
        assert_eq!(origin.instant_of(origin.time_of(later)), Some(later));
    }

    #[test]
    fn a_span_is_never_negative() {
        assert_eq!(Time::from_nanos(3).since(Time::from_nanos(10)), Span::from_nanos(0));
        assert_eq!(
            Time::NEVER.since(Time::from_nanos(i64::MIN)),
            Span::from_nanos(i64::MAX)
        );
    }

    #[test]
    fn a_span_is_a_duration_and_the_longest_is_without_end() {
        assert_eq!(Duration::from(Span::from_nanos(1_500)), Duration::from_nanos(1_500));
        assert_eq!(Duration::from(Span::from(Duration::MAX)), Duration::MAX);
    }
}
