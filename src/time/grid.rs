//! The ticks of a scheduler: `start`, `start + resolution`, `start + 2 * resolution`, ...

use super::instant::{Span, Time};

/// The number of a tick, counted from the start.
pub(crate) type Tick = u64;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    start: Time,
    resolution: Span,
}

impl Grid {
    pub(crate) const fn new(start: Time, resolution: Span) -> Grid {
        Grid { start, resolution }
    }

    /// The time of `tick`.
    pub(crate) fn time_of(self, tick: Tick) -> Time {
        match i64::try_from(tick) {
            Ok(tick) => self.start.after(self.resolution.times(tick)),
            Err(_) => Time::NEVER,
        }
    }

    /// The first tick at or after `time`.
    pub(crate) fn tick_from(self, time: Time) -> Tick {
        self.nanos_to(time).div_ceil(self.resolution.as_nanos().unsigned_abs())
    }

    /// The last tick at or before `time`. `None` if `time` is before the start.
    pub(crate) fn tick_until(self, time: Time) -> Option<Tick> {
        (time >= self.start).then(|| self.nanos_to(time) / self.resolution.as_nanos().unsigned_abs())
    }

    /// The time of the last tick at or before `time`. The start if `time` is before the start.
    pub(crate) fn last_tick(self, time: Time) -> Time {
        self.time_of(self.tick_until(time).unwrap_or(0))
    }

    /// Whether `tick`, which is the time of a tick, comes after the first tick from `due`.
    pub(crate) fn is_late(self, due: Time, tick: Time) -> bool {
        tick >= due.after(self.resolution)
    }

    fn nanos_to(self, time: Time) -> u64 {
        if time <= self.start {
            0
        } else {
            time.as_nanos().abs_diff(self.start.as_nanos())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_around_a_time() {
        let grid = Grid::new(Time::from_nanos(1_000), Span::from_nanos(50));
        // time => first tick from it, last tick until it
        let table = [
            (i64::MIN, 0, None),
            (999, 0, None),
            (1_000, 0, Some(0)),
            (1_001, 1, Some(0)),
            (1_049, 1, Some(0)),
            (1_050, 1, Some(1)),
            (1_051, 2, Some(1)),
        ];
        for (time, from, until) in table {
            let time = Time::from_nanos(time);
            assert_eq!((grid.tick_from(time), grid.tick_until(time)), (from, until), "{time:?}");
        }
    }

    #[test]
    fn the_first_tick_from_an_instant_is_not_late() {
        let grid = Grid::new(Time::from_nanos(1_000), Span::from_nanos(50));
        // due, now => last tick, whether it is late
        let table = [
            (1_000, 1_000, 1_000, false),
            (1_000, 1_049, 1_000, false),
            (1_000, 1_050, 1_050, true),
            (1_001, 1_050, 1_050, false),
            (1_001, 1_099, 1_050, false),
            (1_001, 1_100, 1_100, true),
            (1_049, 1_099, 1_050, false),
            (1_010, 1_020, 1_000, false),
            (1_010, 900, 1_000, false),
        ];
        for (due, now, tick, is_late) in table {
            let last = grid.last_tick(Time::from_nanos(now));
            assert_eq!(
                (last.as_nanos(), grid.is_late(Time::from_nanos(due), last)),
                (tick, is_late),
                "due at {due}, begun at {now}"
            );
        }
    }

    #[test]
    fn a_tick_past_the_range_is_never() {
        let grid = Grid::new(Time::ORIGIN, Span::from_nanos(50));
        assert_eq!(grid.time_of(3), Time::from_nanos(150));
        assert_eq!(grid.time_of(i64::MAX as u64), Time::NEVER);
        assert_eq!(grid.time_of(u64::MAX), Time::NEVER);
    }
}
