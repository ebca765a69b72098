//! Groups: jobs of which only a limited number run at once.

mod limits;
mod permits;
mod stops;
mod turns;
mod waiting;

use std::future::pending;
use std::time::Instant;

use atevery::runtime::Timer;
use atevery::{FirstRun, Job, JobBuilder};

use crate::support::{World, ms};

/// A world with a group "g" of `limit` permits.
fn with_group(limit: usize) -> World {
    let world = World::new();
    world.scheduler.group("g", limit).unwrap();
    world
}

/// A job of the group that is first due after `first_ms`. Each run notes the job's name when it begins.
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

/// Asserts that all permits of the group are free.
fn assert_permits(world: &World, permits: usize) {
    assert!(world.stop().is_clean());
    world.start();
    let jobs: Vec<Job> = (0..=permits)
        .map(|_| world.every(1_000_000).group("g").run(pending::<()>).unwrap())
        .collect();
    world.advance(50);
    let running = jobs.iter().filter(|job| job.is_running()).count();
    assert_eq!(running, permits, "permits");
    assert!(world.stop().is_clean());
    world.time.shut_down();
}

fn at_instant(world: &World, at_ms: u64) -> Instant {
    world.time.now() - world.time.elapsed() + ms(at_ms)
}

/// Removes all jobs of the world.
fn with_restart(world: World) -> World {
    world.scheduler.jobs().iter().for_each(Job::remove);
    world
}
