//! Back-offs, errors and futures that panic.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use atevery::Scheduler;
use atevery::testing::VirtualTime;

use super::{KINDS, Kind, failing};
use crate::support::{PanicsWhenDropped, World, ms, names};
use crate::time_limit::{at, witnessed};

#[test]
fn a_back_off_that_panics_ends_the_run() {
    struct Panics;
    impl Iterator for Panics {
        type Item = Duration;
        fn next(&mut self) -> Option<Duration> {
            panic!("a back-off panics");
        }
    }
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let builder = world.every(100).name("a").retry(|| Panics);
        let job = failing(&world, builder, kind, usize::MAX);
        world.start();
        world.advance(199);
        assert_eq!(world.log.take_times(), [0, 100], "{kind:?}");
        let status = job.status();
        assert_eq!(status.failures() + status.panics(), 2, "{kind:?}");
        assert!(!job.is_running(), "{kind:?}");
        assert_eq!(emitted.take().len(), 4, "{kind:?}");
    }
}

#[test]
fn a_back_off_that_panics_while_the_error_panics_when_it_is_dropped() {
    struct Panics;
    impl Iterator for Panics {
        type Item = Duration;
        fn next(&mut self) -> Option<Duration> {
            panic!("a back-off panics");
        }
    }
    for blocking in [false, true] {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").retry(|| Panics);
        let target = || Err::<(), _>(Nasty(PanicsWhenDropped));
        let job = if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        world.start();
        world.advance(1_900);
        assert_eq!((job.runs(), job.is_running()), (2, false), "blocking: {blocking}");
        assert_eq!(emitted.take().len(), 4, "blocking: {blocking}");
    }
}

#[test]
fn a_back_off_and_a_future_that_both_panic_when_they_are_dropped() {
    struct Waits(PanicsWhenDropped);
    impl Future for Waits {
        type Output = Result<(), String>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            let _ = &self.0;
            Poll::Pending
        }
    }
    let (world, emitted) = witnessed();
    let builder = world.every(100).name("a").retry(|| PanicsAtItsEnd(PanicsWhenDropped));
    builder.run(|| Waits(PanicsWhenDropped)).unwrap();
    world.start();
    assert_eq!(names(world.stop().cancelled()), ["a"]);
    assert_eq!(emitted.take_names(), ["a started", "a cancelled"]);
}

#[test]
fn a_back_off_that_can_not_be_made_ends_the_run() {
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let builder = world
            .every(100)
            .name("a")
            .retry(|| -> [Duration; 1] { panic!("no back-off") });
        let job = failing(&world, builder, kind, usize::MAX);
        world.start();
        world.advance(199);
        assert_eq!(job.runs(), 2, "{kind:?}");
        assert_eq!(job.status().panics(), 2, "{kind:?}");
        assert!(!job.is_running(), "{kind:?}");
        assert_eq!(emitted.take().len(), 4, "{kind:?}");
    }
}

#[test]
fn a_future_that_panics_when_it_is_dropped_for_want_of_a_back_off() {
    let world = World::new();
    let target = || {
        let guard = PanicsWhenDropped;
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    };
    let builder = world.every(100).retry(|| -> [Duration; 1] { panic!("no back-off") });
    let job = builder.run(target).unwrap();
    let other = world.noting("other", 100);
    world.start();
    world.advance(199);
    assert_eq!((job.runs(), other.runs()), (2, 2));
}

/// An iterator that panics when it is dropped.
struct PanicsAtItsEnd(PanicsWhenDropped);

impl Iterator for PanicsAtItsEnd {
    type Item = Duration;
    fn next(&mut self) -> Option<Duration> {
        let _ = &self.0;
        None
    }
}

#[test]
fn a_back_off_that_panics_when_it_is_dropped() {
    for kind in [Kind::Sync, Kind::Async] {
        let world = World::new();
        let builder = world.every(100).retry(|| PanicsAtItsEnd(PanicsWhenDropped));
        let job = failing(&world, builder, kind, usize::MAX);
        world.start();
        world.advance(199);
        assert_eq!((job.runs(), job.is_running()), (2, false), "{kind:?}");
    }
}

#[test]
fn a_back_off_of_a_blocking_run_that_panics_when_it_is_dropped() {
    let world = World::new();
    let builder = world.every(100).retry(|| PanicsAtItsEnd(PanicsWhenDropped));
    let job = failing(&world, builder, Kind::Blocking, usize::MAX);
    world.start();
    world.advance(199);
    assert_eq!((job.runs(), job.is_running()), (2, false));
}

#[test]
fn what_makes_the_back_off_may_panic_when_it_is_dropped() {
    for whole in [false, true] {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let guard = PanicsWhenDropped;
        let backoff = move || {
            let _guard = &guard;
            [ms(10)]
        };
        let builder = scheduler.every(ms(100)).times(2).retry(backoff);
        drop(builder.run(|| Err("no")).unwrap());
        let other = scheduler.every(ms(100)).run(|| ()).unwrap();
        scheduler.start().unwrap();
        if whole {
            drop(scheduler);
            continue;
        }
        time.advance(ms(1_000));
        assert_eq!(other.runs(), 11);
        assert_eq!(scheduler.jobs(), [other]);
        time.shut_down();
    }
}

/// An error that panics when it is shown, and when it is dropped.
#[derive(Debug)]
struct Nasty(#[allow(dead_code, reason = "it is dropped")] PanicsWhenDropped);

impl std::fmt::Display for Nasty {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("an error panics");
    }
}

impl std::error::Error for Nasty {}

#[test]
fn an_error_that_panics_when_it_is_shown_or_dropped() {
    for blocking in [false, true] {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").retry(|| [ms(20)]);
        let target = || Err::<(), _>(Nasty(PanicsWhenDropped));
        if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        world.start();
        world.advance(900);
        let expected = [(0, "a started"), (0, "a retried"), (20, "a failed")];
        assert_eq!(emitted.take(), at(&expected), "blocking: {blocking}");
    }
}
