//! The clock of a scheduler: the runtime's clock, read as plain numbers from one origin.

pub(crate) mod sleep;

use std::time::{Instant, SystemTime};

use crate::runtime::Runtime;
use crate::sync::atomic::{AtomicI64, Ordering};
use crate::time::{ClockChange, Clocks, Origin, Span, Time, WallOrigin, WallTime};
use crate::unwind::{catch, discard};

pub(crate) struct Clock {
    runtime: Box<dyn Runtime>,
    origin: Origin,
    wall_origin: WallOrigin,
    /// How far the wall clock was ahead when its changes were last looked for, see [`Clocks::distance`].
    distance: AtomicI64,
    /// When this was.
    looked: AtomicI64,
    /// The length of a tick. A sleep may be late by this span after a timer was early.
    resolution: Span,
}

/// Somebody looks for changes of the wall clock more often, as long as it matters.
const LONGEST_LOOK: Span = Span::from_nanos(20 * 1_000_000_000);

impl Clock {
    /// A clock whose origin is now.
    pub(crate) fn new(runtime: Box<dyn Runtime>, resolution: Span) -> Clock {
        let origin = Origin::new(runtime.now());
        let wall = catch(|| runtime.wall()).map_err(discard);
        Clock {
            runtime,
            origin,
            wall_origin: WallOrigin::new(wall.unwrap_or(SystemTime::UNIX_EPOCH)),
            distance: AtomicI64::new(0),
            looked: AtomicI64::new(0),
            resolution,
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.time_of(self.runtime.now())
    }

    /// Reads both clocks. If the wall clock panics, or is out of range, it counts as not set since its changes were last
    /// looked for.
    pub(crate) fn read(&self) -> Clocks {
        let now = self.now();
        let wall = catch(|| self.runtime.wall()).map_err(discard);
        let wall = wall.map_or(WallTime::NEVER, |wall| self.wall_origin.time_of(wall));
        if wall == WallTime::NEVER {
            let distance = self.distance.load(Ordering::Relaxed);
            let wall = WallTime::from_nanos(now.as_nanos().saturating_add(distance));
            return Clocks { now, wall };
        }
        Clocks { now, wall }
    }

    /// How the wall clock was set since the last such call, and what it would have shown at that call if it had been
    /// set before. The clock was set at some instant in between.
    pub(crate) fn take_change(&self, clocks: Clocks) -> Option<(ClockChange, WallTime)> {
        let distance = self.distance.load(Ordering::Relaxed);
        let looked = self.looked.swap(clocks.now.as_nanos(), Ordering::Relaxed);
        let change = clocks.change_since(distance, self.resolution)?;
        self.distance.store(clocks.distance(), Ordering::Relaxed);
        let earliest = clocks.wall.before(LONGEST_LOOK);
        let since = clocks.wall_at(Time::from_nanos(looked)).max(earliest);
        Some((change, since.min(clocks.wall)))
    }

    /// The length of a tick.
    pub(crate) fn resolution(&self) -> Span {
        self.resolution
    }

    pub(crate) fn wall_origin(&self) -> WallOrigin {
        self.wall_origin
    }

    pub(crate) fn runtime(&self) -> &dyn Runtime {
        &*self.runtime
    }

    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    pub(crate) fn time_of(&self, instant: Instant) -> Time {
        self.origin.time_of(instant)
    }

    /// The instant at `time`. If `time` is beyond the clock's range, returns the origin. No run begins at such a time.
    pub(crate) fn instant_of(&self, time: Time) -> Instant {
        self.instant_within_range(time)
            .or_else(|| self.instant_within_range(Time::ORIGIN))
            .expect("the origin is within range")
    }

    pub(crate) fn instant_within_range(&self, time: Time) -> Option<Instant> {
        self.origin.instant_of(time)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::runtime::{BoxFuture, SpawnError, Spawner, Timer};

    /// Shows the time, or panics.
    struct Wall(Option<SystemTime>);

    impl Spawner for Wall {
        fn spawn(&self, _: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
            Err(SpawnError::shutdown())
        }
    }

    impl Timer for Wall {
        fn now(&self) -> Instant {
            Instant::now()
        }

        fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }

        fn wall(&self) -> SystemTime {
            self.0.expect("the user's clock is broken")
        }
    }

    #[test]
    fn the_wall_clock_is_the_runtimes_and_its_panic_does_not_escape() {
        let noon = UNIX_EPOCH + Duration::from_secs(43_200);
        for wall in [Some(noon), None] {
            let clock = Clock::new(Box::new(Wall(wall)), Span::ZERO);
            let clocks = clock.read();
            match wall {
                Some(noon) => assert_eq!(clock.wall_origin().system_time(clocks.wall), Some(noon)),
                None => assert_eq!(clocks.distance(), 0),
            }
        }
    }
}
