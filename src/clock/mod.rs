//! The clock of a scheduler: the runtime's clock, read as plain numbers from one origin.

pub(crate) mod sleep;

use std::time::Instant;

use crate::runtime::Runtime;
use crate::time::{Origin, Span, Time};

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
