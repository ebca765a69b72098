//! Errors that panic when they are shown or dropped.

use std::error::Error;
use std::fmt;

use atevery::testing::VirtualTime;

use super::{watched, world};
use crate::support::{Count, PanicsWhenDropped, World, ms};

#[derive(Debug)]
struct PanicsWhenShown;

impl fmt::Display for PanicsWhenShown {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("a display panics");
    }
}

impl Error for PanicsWhenShown {}

#[derive(Debug)]
struct Spiteful(#[allow(dead_code, reason = "it is dropped")] PanicsWhenDropped);

impl fmt::Display for Spiteful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spiteful")
    }
}

impl Error for Spiteful {}

#[test]
fn one_that_can_not_be_shown() {
    let (world, seen) = watched();
    let job = world.every(100).name("a").run(|| Err(PanicsWhenShown)).unwrap();
    world.start();
    world.advance(100);
    let shown = seen.take()[1].to_string();
    assert_eq!(
        shown,
        "a: run 0 failed after 0ns: an error that panics when it is shown"
    );
    assert_eq!(job.status().last_error(), Some("an error that panics when it is shown"));
    assert_eq!((job.runs(), job.is_running()), (2, false));
}

#[test]
fn one_that_can_not_be_dropped() {
    let emitted = Count::default();
    let (time, count) = (VirtualTime::new(), emitted.clone());
    let world = world(&time, |builder| builder.on_event(move |_| count.up()));
    let events = [1, 3].map(|capacity| world.scheduler.events_with_capacity(capacity));
    let targets = [0, 1].map(|_| || Err(Spiteful(PanicsWhenDropped)));
    let [plain, blocking] = targets;
    let future = move || async move { plain() };
    let jobs = [
        world.every(100).run(plain).unwrap(),
        world.every(100).run_blocking(blocking).unwrap(),
        world.every(100).retry(|| [ms(10)]).run(plain).unwrap(),
        world.every(100).timeout(ms(20)).run(future).unwrap(),
    ];
    world.start();
    world.advance(480);
    assert!(jobs.iter().all(|job| job.runs() == 5 && !job.is_running()), "{jobs:?}");
    assert_eq!(emitted.get(), 4 * 5 * 2 + 5);
    assert!(world.stop().is_clean());
    // The last errors are in the streams.
    std::mem::forget(events);
}

#[test]
fn one_that_can_not_be_dropped_and_that_only_a_hook_sees() {
    let (time, emitted) = (VirtualTime::new(), Count::default());
    let count = emitted.clone();
    let world = world(&time, |builder| builder.on_event(move |_| count.up()));
    let job = world.every(100).run(|| Err(Spiteful(PanicsWhenDropped))).unwrap();
    world.start();
    world.advance(480);
    assert_eq!((job.runs(), job.is_running(), emitted.get()), (5, false, 10));
    assert!(world.scheduler.is_running());
}

#[test]
fn one_that_can_not_be_dropped_and_that_no_observer_sees() {
    let world = World::new();
    let job = world.every(100).run(|| Err(Spiteful(PanicsWhenDropped))).unwrap();
    world.start();
    world.advance(480);
    assert_eq!((job.runs(), job.is_running(), job.status().failures()), (5, false, 5));
}

/// With two such errors, the second panic would abort the process.
#[test]
fn a_reader_leaves_some_that_can_not_be_dropped() {
    let world = World::new();
    let events = world.scheduler.events();
    world.every(100).run(|| Err(Spiteful(PanicsWhenDropped))).unwrap();
    world.start();
    world.advance(100);
    drop(events);
}
