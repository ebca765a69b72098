//! Jobs of which only so many run at once.

mod limits;
mod places;
mod stops;
mod turns;
mod waiting;

use std::future::pending;
use std::time::Instant;

use atevery::runtime::Timer;
use atevery::{FirstRun, Job, JobBuilder};

use crate::support::{World, ms};

/// A world with a group "g" of so many places.
fn with_group(limit: usize) -> World {
    let world = World::new();
    world.scheduler.group("g", limit).unwrap();
    world
}

/// A job of the group that is due for the first time after `first_ms`, and notes its name when it begins.
fn member(world: &World, name: &'static str, first_ms: u64, takes_ms: u64) -> Job {
    members(world, 10_000, first_ms)
        .name(name)
        .run(world.log.taking(name, move |_| takes_ms))
        .unwrap()
}

fn members(world: &World, interval_ms: u64, first_ms: u64) -> JobBuilder {
    let first = FirstRun::After(ms(first_ms));
    world.every(interval_ms).first_run(first).group("g")
}

/// All places of the group are free.
fn assert_places(world: &World, places: usize) {
    assert!(world.stop().is_clean());
    world.start();
    let jobs: Vec<Job> = (0..=places)
        .map(|_| world.every(1_000_000).group("g").run(pending::<()>).unwrap())
        .collect();
    world.advance(50);
    let running = jobs.iter().filter(|job| job.is_running()).count();
    assert_eq!(running, places, "places");
    assert!(world.stop().is_clean());
    world.time.shut_down();
}

fn at_instant(world: &World, at_ms: u64) -> Instant {
    world.time.now() - world.time.elapsed() + ms(at_ms)
}

/// The jobs that were there are gone.
fn with_restart(world: World) -> World {
    world.scheduler.jobs().iter().for_each(Job::remove);
    world
}
