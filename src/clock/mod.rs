//! The clock of a scheduler: the runtime's clock, read as plain numbers from one origin.

pub(crate) mod sleep;

use std::time::{Instant, SystemTime};

use crate::runtime::Runtime;
use crate::time::{Origin, Span, Time};
use crate::unwind::{catch, discard};

pub(crate) struct Clock {
    runtime: Box<dyn Runtime>,
    origin: Origin,
    /// The length of a tick. A sleep may be late by this span after a timer was early.
    resolution: Span,
}

impl Clock {
    /// A clock whose origin is now.
    pub(crate) fn new(runtime: Box<dyn Runtime>, resolution: Span) -> Clock {
        let origin = Origin::new(runtime.now());
        Clock {
            runtime,
            origin,
            resolution,
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.time_of(self.runtime.now())
    }

    /// The present wall-clock time. `None` if the user's clock panics.
    #[allow(dead_code)] // until calendar jobs are scheduled
    pub(crate) fn wall(&self) -> Option<SystemTime> {
        catch(|| self.runtime.wall()).map_err(discard).ok()
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
            assert_eq!(clock.wall(), wall);
        }
    }
}
