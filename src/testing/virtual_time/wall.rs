//! The wall clock: it goes on with the monotonic clock, until a test moves the wall clock alone.

use std::time::{Duration, Instant, SystemTime};

/// From the Unix epoch to 2000-01-01T00:00:00Z.
pub(super) const NEW_MILLENNIUM: Duration = Duration::from_secs(946_684_800);

/// A line through one point: at the instant `origin`, the wall clock shows `shown`.
pub(super) struct WallClock {
    origin: Instant,
    shown: SystemTime,
}

impl WallClock {
    pub(super) fn new(origin: Instant, shown: SystemTime) -> WallClock {
        WallClock { origin, shown }
    }

    /// The time at `instant`. If the time is out of range, the clock shows the time at its origin.
    pub(super) fn at(&self, instant: Instant) -> SystemTime {
        match instant.checked_duration_since(self.origin) {
            Some(passed) => self.shown.checked_add(passed),
            None => self.shown.checked_sub(self.origin.duration_since(instant)),
        }
        .unwrap_or(self.shown)
    }

    /// Moves the clock. If the time is out of range, the clock stays, and the method returns false.
    pub(super) fn step(&mut self, by: Duration, is_back: bool) -> bool {
        let stepped = if is_back {
            self.shown.checked_sub(by)
        } else {
            self.shown.checked_add(by)
        };
        self.shown = stepped.unwrap_or(self.shown);
        stepped.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::runtime::{Spawner, Timer};
    use crate::testing::VirtualTime;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_wall_clock_goes_with_the_clock_however_it_moves() {
        let start = UNIX_EPOCH + 10 * HOUR;
        let time = VirtualTime::at(start);
        time.advance(HOUR);
        assert_eq!(time.wall(), start + HOUR);
        time.block_on(time.sleep(HOUR));
        assert_eq!(time.wall(), start + 2 * HOUR);
        time.block_for(HOUR);
        assert_eq!(time.wall(), start + 3 * HOUR);
        time.jump(HOUR);
        assert_eq!(time.wall(), start + 4 * HOUR);
        time.step_back(7 * HOUR);
        assert_eq!(time.wall(), start - 3 * HOUR);
    }

    #[test]
    fn a_new_runtime_starts_at_a_fixed_time() {
        let time = VirtualTime::new();
        assert_eq!(time.wall(), UNIX_EPOCH + Duration::from_secs(946_684_800));
    }

    #[test]
    fn a_step_and_a_suspend_move_the_wall_clock_alone_and_last() {
        let time = VirtualTime::at(UNIX_EPOCH);
        let now = time.now();
        time.spawn(time.sleep(HOUR)).unwrap();
        time.step_wall(-7200);
        time.suspend(48 * HOUR);
        time.step_wall(3600);
        time.run_until_stalled();
        assert_eq!((time.now(), time.elapsed(), time.tasks()), (now, Duration::ZERO, 1));
        assert_eq!(time.wall(), UNIX_EPOCH + 47 * HOUR);
        time.advance(HOUR);
        assert_eq!(time.wall(), UNIX_EPOCH + 48 * HOUR);
    }

    #[test]
    fn a_clone_shows_the_same_wall_clock() {
        let time = VirtualTime::at(UNIX_EPOCH);
        let clone = time.clone();
        time.step_wall(1);
        assert_eq!(clone.wall(), UNIX_EPOCH + Duration::from_secs(1));
    }

    #[test]
    fn a_time_out_of_range_panics_and_leaves_the_clock() {
        let time = VirtualTime::new();
        let wall = time.wall();
        assert!(catch_unwind(|| time.step_wall(i64::MAX)).is_err());
        assert!(catch_unwind(|| time.suspend(Duration::MAX)).is_err());
        assert_eq!(time.wall(), wall);
        time.step_wall(1);
        assert_eq!(time.wall(), wall + Duration::from_secs(1));
    }

    #[test]
    fn the_wall_clock_can_be_read_at_the_end_of_the_clock() {
        let time = VirtualTime::at(UNIX_EPOCH + Duration::from_secs(1 << 62));
        time.jump(Duration::from_secs(1 << 62));
        assert_eq!(time.wall(), UNIX_EPOCH + Duration::from_secs(1 << 62));
    }
}
