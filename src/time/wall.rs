//! Wall-clock time as plain numbers, and its relation to the monotonic clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::instant::{Span, Time};

/// A wall-clock time, in nanoseconds from the wall-clock time at which the scheduler was made. The range is 292 years
/// in both directions. A later time is [`WallTime::NEVER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WallTime(i64);

/// The wall-clock time at which [`WallTime`] is zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallOrigin(SystemTime);

/// The two clocks, read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clocks {
    pub(crate) now: Time,
    pub(crate) wall: WallTime,
}

/// How the wall clock was set, compared with the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockChange {
    /// Forward, or the machine was suspended.
    Forward,
    /// Back by less than 3 hours.
    Back,
    /// Back by 3 hours or more: the clock was wrong before.
    Correction,
}

const CORRECTION: Span = Span::from_nanos(3 * 3_600 * 1_000_000_000);

impl WallTime {
    pub(crate) const NEVER: WallTime = WallTime(i64::MAX);

    pub(crate) const fn from_nanos(nanos: i64) -> WallTime {
        WallTime(nanos)
    }

    pub(crate) const fn as_nanos(self) -> i64 {
        self.0
    }

    pub(crate) const fn before(self, span: Span) -> WallTime {
        WallTime(self.0.saturating_sub(span.as_nanos()))
    }
}

impl WallOrigin {
    pub(crate) fn new(wall: SystemTime) -> WallOrigin {
        WallOrigin(wall)
    }

    pub(crate) fn time_of(self, wall: SystemTime) -> WallTime {
        match wall.duration_since(self.0) {
            Ok(ahead) => WallTime(Span::from(ahead).as_nanos()),
            Err(error) => WallTime(-Span::from(error.duration()).as_nanos()),
        }
    }

    /// The system time at `wall`. `None` if it is beyond the system's range.
    pub(crate) fn system_time(self, wall: WallTime) -> Option<SystemTime> {
        let distance = Duration::from_nanos(wall.0.unsigned_abs());
        if wall == WallTime::NEVER {
            None
        } else if wall.0 >= 0 {
            self.0.checked_add(distance)
        } else {
            self.0.checked_sub(distance)
        }
    }

    /// A number that stands for `wall`, whatever the origin.
    pub(crate) fn absolute(self, wall: WallTime) -> i64 {
        let origin = match self.0.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos() as i64,
            Err(error) => (error.duration().as_nanos() as i64).wrapping_neg(),
        };
        origin.wrapping_add(wall.0)
    }
}

impl Clocks {
    /// When the wall clock will show `wall`, if nobody sets it.
    pub(crate) fn time_of(self, wall: WallTime) -> Time {
        if wall == WallTime::NEVER {
            return Time::NEVER;
        }
        clamped(
            i128::from(self.now.as_nanos()) + i128::from(wall.0) - i128::from(self.wall.0),
            Time::from_nanos,
        )
    }

    /// What the wall clock shows at `time`, if nobody sets it.
    pub(crate) fn wall_at(self, time: Time) -> WallTime {
        if time == Time::NEVER {
            return WallTime::NEVER;
        }
        clamped(
            i128::from(self.wall.0) + i128::from(time.as_nanos()) - i128::from(self.now.as_nanos()),
            WallTime,
        )
    }

    /// How far the wall clock is ahead of the monotonic clock, in nanoseconds. The distance of two clocks that nobody
    /// sets stays the same.
    pub(crate) fn distance(self) -> i64 {
        clamped(i128::from(self.wall.0) - i128::from(self.now.as_nanos()), |nanos| nanos)
    }

    /// How the wall clock was set since the clocks had this `distance`. `None` if it has moved by a tick at most.
    pub(crate) fn change_since(self, distance: i64, tick: Span) -> Option<ClockChange> {
        let moved = i128::from(self.distance()) - i128::from(distance);
        let tick = i128::from(tick.as_nanos());
        if moved > tick {
            Some(ClockChange::Forward)
        } else if moved >= -tick {
            None
        } else if moved > -i128::from(CORRECTION.as_nanos()) {
            Some(ClockChange::Back)
        } else {
            Some(ClockChange::Correction)
        }
    }
}

/// A number of nanoseconds, limited to the range. What is later than the range becomes its end, which is never.
fn clamped<T>(nanos: i128, time: impl Fn(i64) -> T) -> T {
    time(nanos.clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn clocks(now: i64, wall: i64) -> Clocks {
        Clocks {
            now: Time::from_nanos(now),
            wall: WallTime(wall),
        }
    }

    #[test]
    fn a_wall_clock_time_has_its_instant_and_back() {
        let clocks = clocks(5, 100);
        for (wall, time) in [(100, 5), (90, -5), (200, 105), (-100, -195)] {
            assert_eq!(clocks.time_of(WallTime(wall)), Time::from_nanos(time));
            assert_eq!(clocks.wall_at(Time::from_nanos(time)), WallTime(wall));
        }
        assert_eq!(clocks.time_of(WallTime::NEVER), Time::NEVER);
        assert_eq!(clocks.wall_at(Time::NEVER), WallTime::NEVER);
        assert_eq!(clocks.wall_at(Time::from_nanos(i64::MAX - 1)), WallTime::NEVER);
    }

    #[test]
    fn a_change_is_more_than_a_tick_and_a_correction_is_three_hours_back() {
        use ClockChange::{Back, Correction, Forward};
        const HOUR: i64 = 3_600 * SECOND;
        let tick = Span::from_nanos(50);
        for (moved, change) in [
            (0, None),
            (50, None),
            (51, Some(Forward)),
            (-50, None),
            (-51, Some(Back)),
            (1 - 3 * HOUR, Some(Back)),
            (-3 * HOUR, Some(Correction)),
            (i64::MIN / 2, Some(Correction)),
        ] {
            let before = clocks(7, 1_000).distance();
            assert_eq!(clocks(107, 1_100 + moved).change_since(before, tick), change, "{moved}");
        }
    }

    #[test]
    fn system_time_survives_the_round_trip() {
        let origin = WallOrigin::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        for seconds in [0, 1, 1_700_000_000, 1_800_000_000] {
            let wall = UNIX_EPOCH + Duration::new(seconds, 5);
            assert_eq!(origin.system_time(origin.time_of(wall)), Some(wall));
            assert_eq!(origin.absolute(origin.time_of(wall)), seconds as i64 * SECOND + 5);
        }
        assert_eq!(
            origin.time_of(UNIX_EPOCH + Duration::from_secs(1 << 40)),
            WallTime::NEVER
        );
        assert_eq!(origin.system_time(WallTime::NEVER), None);
    }
}
