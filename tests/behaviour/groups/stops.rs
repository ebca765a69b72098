//! Stops, restarts and executors that go away, while jobs wait.

use std::future::pending;

use atevery::testing::VirtualTime;
use atevery::{Allow, Job, Run, Scheduler};

use super::{assert_permits, member, members, with_group, with_restart};
use crate::naive::{Clock, Mode, Naive, pass};
use crate::support::{Count, SECOND, ms, names};
use crate::time_limit::at;

#[test]
fn a_stop_while_jobs_wait_begins_none_and_a_restart_all() {
    let world = with_group(1);
    member(&world, "a", 0, 70);
    let waiting = [member(&world, "b", 0, 10), member(&world, "c", 0, 10)];
    world.start();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(names(report.finished()), ["a"]);
    assert_eq!(world.elapsed_ms(), 70);
    world.advance(930);
    assert!(waiting.iter().all(|job| job.runs() == 0 && !job.is_running()));
    world.start();
    world.advance(500);
    assert_eq!(world.log.take(), at(&[(0, "a"), (1_000, "b"), (1_010, "c")]));
}

#[test]
fn after_a_restart_nobody_has_an_earlier_turn_for_having_waited_before() {
    let world = with_group(1);
    member(&world, "a", 100, 10);
    let running = member(&world, "b", 0, 100_000);
    member(&world, "c", 0, 10);
    world.start();
    assert_eq!(names(world.stop().cancelled()), ["b"]);
    running.remove();
    world.advance(1_000);
    world.start();
    world.advance(500);
    assert_eq!(world.log.take(), at(&[(0, "b"), (1_000, "a"), (1_010, "c")]));
}

#[test]
fn a_stop_that_cancels_gives_the_permits_back() {
    let world = with_group(2);
    for name in ["a", "b", "c", "d"] {
        member(&world, name, 0, 100_000);
    }
    world.start();
    assert_eq!(names(world.stop().cancelled()), ["a", "b"]);
    assert_permits(&with_restart(world), 2);
}

#[test]
fn a_detached_stop_leaves_the_permits_taken() {
    let world = with_group(1);
    member(&world, "a", 0, 730);
    member(&world, "b", 0, 10);
    world.start();
    world.scheduler.stop().detach();
    world.start();
    world.advance(700);
    assert_eq!(world.log.take(), at(&[(0, "a")]));
    world.advance(100);
    assert_eq!(world.log.take(), at(&[(730, "b")]));
}

#[test]
fn dropping_the_scheduler_while_jobs_wait_drops_everything() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    scheduler.group("g", 1).unwrap();
    let dropped = Count::default();
    let jobs: Vec<Job> = (0..10)
        .map(|_| {
            let guard = dropped.on_drop();
            let target = move || {
                let _guard = &guard;
                pending::<()>()
            };
            scheduler.every(SECOND).group("g").run(target).unwrap()
        })
        .collect();
    scheduler.start().unwrap();
    time.advance(ms(500));
    drop(scheduler);
    time.run_until_stalled();
    assert_eq!(dropped.get(), 10);
    assert_eq!((time.tasks(), time.timers()), (0, 0));
    assert_eq!(jobs.iter().map(Job::runs).sum::<u64>(), 1);
}

#[test]
fn an_executor_that_drops_its_tasks_gives_the_permits_back() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    scheduler.group("g", 2).unwrap();
    let jobs: Vec<Job> = (0..5)
        .map(|index| {
            let builder = scheduler.every(ms(100)).group("g");
            if index % 2 == 0 {
                builder.run_blocking(|| ())
            } else {
                builder.run(|| ())
            }
            .unwrap()
        })
        .collect();
    scheduler.start().unwrap();
    naive.run();
    for mode in [Mode::Drop, Mode::Refuse] {
        naive.set(mode);
        pass(&clock, &naive, ms(300), ms(10));
        naive.set(Mode::Queue);
        pass(&clock, &naive, ms(500), ms(10));
    }
    assert!(
        jobs.iter().all(|job| job.runs() >= 10),
        "{:?}",
        jobs.iter().map(Job::runs).collect::<Vec<_>>()
    );
}

#[test]
fn a_stop_waits_for_both_of_two_runs_that_were_admitted_at_once() {
    let world = with_group(1);
    member(&world, "a", 0, 100_000);
    let clock = world.time.clone();
    let target = move |run: Run| clock.sleep(ms(if run.number() == 0 { 100 } else { 500 }));
    let builder = members(&world, 10_000, 0).name("b").on_overlap(Allow(2));
    let job = builder.run(target).unwrap();
    world.start();
    world.advance(60);
    job.trigger();
    world.advance(60);
    world.scheduler.group("g", 3).unwrap();
    world.advance(50);
    assert_eq!(job.runs(), 2);
    world.scheduler.jobs()[0].remove();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert!(!job.is_running());
    assert!(report.is_clean());
}
