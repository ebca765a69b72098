//! When the first run of a job is scheduled: the default of the scheduler, and a random part of a duration.

use atevery::testing::VirtualTime;
use atevery::{FirstRun, Job, Scheduler};

use crate::support::{Log, World, ms};

/// A world whose scheduler has this default and this seed.
fn world(first: FirstRun, seed: u64) -> World {
    let time = VirtualTime::new();
    let builder = Scheduler::builder(time.clone()).first_run(first).seed(seed);
    World {
        scheduler: builder.build().unwrap(),
        log: Log::new(&time),
        time,
    }
}

/// The first runs of ten jobs of 10 s, in milliseconds.
fn first_runs(first: FirstRun, seed: u64) -> Vec<u128> {
    let world = world(first, seed);
    let start = world.scheduler.now();
    let jobs: Vec<Job> = (0..10).map(|_| world.every(10_000).run(|| ()).unwrap()).collect();
    let due = |job: &Job| (job.status().next_due().unwrap() - start).as_millis();
    jobs.iter().map(due).collect()
}

#[test]
fn the_scheduler_has_a_default_for_its_jobs() {
    for (first, expected) in [
        (FirstRun::Now, [0, 1_000, 2_000].as_slice()),
        (FirstRun::AfterInterval, &[1_000, 2_000]),
        (FirstRun::After(ms(500)), &[500, 1_500]),
    ] {
        let world = world(first, 0);
        world.noting("a", 1_000);
        world.start();
        world.advance(2_000);
        assert_eq!(world.log.take_times(), expected, "{first:?}");
    }
}

#[test]
fn a_job_may_say_otherwise() {
    let world = world(FirstRun::AfterInterval, 0);
    world
        .every(1_000)
        .first_run(FirstRun::Now)
        .run(world.log.noting("a"))
        .unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 1_000]);
}

#[test]
fn an_interval_that_is_set_before_the_first_run_moves_a_default_that_follows_the_interval() {
    let world = world(FirstRun::AfterInterval, 0);
    let job = world.noting("a", 1_000);
    world.start();
    job.set_interval(ms(300)).unwrap();
    world.advance(300);
    assert_eq!(world.log.take_times(), [300]);
}

#[test]
fn random_first_runs_lie_within_the_duration_and_differ() {
    let mut all = Vec::new();
    for seed in 0..50 {
        all.extend(first_runs(FirstRun::Within(ms(4_000)), seed));
    }
    assert!(all.iter().all(|first| *first <= 4_000));
    for quarter in 0..4 {
        let count = all.iter().filter(|first| **first / 1_000 == quarter).count();
        assert!((85..165).contains(&count), "{count} of 500 in quarter {quarter}");
    }
}

#[test]
fn the_same_seed_gives_the_same_first_runs() {
    let within = FirstRun::Within(ms(10_000));
    assert_eq!(first_runs(within, 7), first_runs(within, 7));
    assert_ne!(first_runs(within, 7), first_runs(within, 8));
}

#[test]
fn the_later_runs_follow_one_interval_apart() {
    let world = world(FirstRun::Within(ms(1_000)), 3);
    let start = world.scheduler.now();
    let job = world
        .every(1_000)
        .first_run(FirstRun::Within(ms(1_000)))
        .run(|| ())
        .unwrap();
    let first = job.status().next_due().unwrap();
    world.start();
    world.advance(5_000);
    let status = job.status();
    let (runs, next) = (status.runs(), status.next_due().unwrap());
    assert_eq!(next - first, ms(1_000) * u32::try_from(runs).unwrap());
    assert!(first >= start && (5..=6).contains(&runs));
}

#[test]
fn within_nothing_is_now_and_within_ever_is_no_panic() {
    assert_eq!(first_runs(FirstRun::Within(ms(0)), 1), [0; 10]);
    let world = world(FirstRun::Within(std::time::Duration::MAX), 1);
    let job = world.every(1_000).run(|| ()).unwrap();
    world.start();
    world.advance(5_000);
    assert_eq!(job.runs(), 0);
}
