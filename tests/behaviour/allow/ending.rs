//! Stops, removals and the drop of the scheduler, while several runs of a job are in progress.

use std::future::pending;
use std::sync::Arc;

use atevery::testing::VirtualTime;
use atevery::{Allow, Run, Scheduler};

use super::{allowing, taking};
use crate::support::{Count, PanicsWhenDropped, SECOND, World, ms};
use crate::time_limit::{at, witnessed};

#[test]
fn a_stop_cancels_all_runs_and_names_the_job_once() {
    let world = World::new();
    let dropped = Count::default();
    let count = dropped.clone();
    let target = move || {
        let guard = count.on_drop();
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    };
    let job = allowing(&world, 100, 5).run(target).unwrap();
    world.start();
    world.advance(1_000);
    let report = world.stop();
    assert_eq!(report.cancelled(), std::slice::from_ref(&job));
    assert_eq!((dropped.get(), job.is_running()), (5, false));
    assert_eq!(job.status().cancelled(), 5);
}

#[test]
fn a_stop_waits_for_the_last_of_the_runs() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| 300 + 100 * number);
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(220);
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(world.elapsed_ms(), 700);
    assert_eq!(report.finished(), [job]);
    assert!(report.cancelled().is_empty());
}

#[test]
fn a_grace_that_only_some_runs_use() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 1 { 150 } else { 10_000 });
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(220);
    let report = world.wait(world.scheduler.stop().grace(ms(100)));
    assert_eq!(world.elapsed_ms(), 320);
    assert_eq!(
        (report.finished(), report.cancelled()),
        (&[job.clone()][..], &[job][..])
    );
}

#[test]
fn after_a_stop_there_is_room_again() {
    let world = World::new();
    let job = allowing(&world, 100, 3).run(pending::<()>).unwrap();
    for round in 1..=5 {
        world.start();
        world.advance(1_000);
        assert_eq!(job.runs(), 3 * round);
        assert!(world.stop().is_clean());
    }
}

#[test]
fn a_removed_job_begins_no_run_and_its_runs_go_on() {
    let (world, emitted) = witnessed();
    let target = taking(&world.log, &world.time, |_| 530);
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(120);
    job.remove();
    emitted.take();
    world.advance(2_000);
    assert_eq!(job.runs(), 2);
    assert_eq!(emitted.take(), at(&[(530, "a finished"), (630, "a finished")]));
}

#[test]
fn a_removed_job_is_running_while_any_of_its_runs_is() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 130 } else { 1_000 });
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(110);
    job.remove();
    world.advance(100);
    assert!(job.is_running());
    assert_eq!(job.status().state(), atevery::JobState::Running);
}

#[test]
fn a_stop_cancels_the_runs_of_a_removed_job() {
    let world = World::new();
    let job = allowing(&world, 100, 3).run(pending::<()>).unwrap();
    world.start();
    world.advance(500);
    job.remove();
    assert_eq!(world.stop().cancelled(), std::slice::from_ref(&job));
    assert_eq!(job.status().cancelled(), 3);
}

#[test]
fn what_the_target_captured_is_dropped_once_with_the_last_run() {
    let world = World::new();
    let dropped = Count::default();
    let (guard, clock) = (dropped.on_drop(), world.time.clone());
    let target = move |run: Run| {
        let _guard = &guard;
        clock.sleep(ms(if run.number() == 1 { 900 } else { 300 }))
    };
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(250);
    job.remove();
    assert_eq!(dropped.get(), 0);
    world.advance(749);
    assert_eq!(dropped.get(), 0);
    world.advance(1);
    assert_eq!(dropped.get(), 1);
}

#[test]
fn what_the_target_captured_is_dropped_at_once_if_none_runs() {
    let world = World::new();
    let dropped = Count::default();
    let (guard, clock) = (dropped.on_drop(), world.time.clone());
    let target = move || {
        let _guard = &guard;
        clock.sleep(ms(250))
    };
    let job = allowing(&world, 100, 3).times(3).run(target).unwrap();
    world.start();
    world.advance(449);
    assert_eq!((job.runs(), dropped.get()), (3, 0));
    world.advance(1);
    assert!(world.scheduler.jobs().is_empty());
    assert_eq!(dropped.get(), 1);
}

#[test]
fn nothing_is_left_of_a_removed_job_and_its_instances() {
    for in_a_run in [false, true] {
        let world = World::new();
        let dropped = Count::default();
        let (guard, clock) = (dropped.on_drop(), world.time.clone());
        // The job itself keeps this value, not its target.
        let backoff = move || {
            let _guard = &guard;
            [SECOND]
        };
        let builder = allowing(&world, 100, 3).retry(backoff);
        let job = builder.run(move || clock.sleep(ms(250))).unwrap();
        world.start();
        world.advance(if in_a_run { 200 } else { 0 });
        assert_eq!(job.runs(), if in_a_run { 3 } else { 1 });
        job.remove();
        drop(job);
        world.advance(SECOND.as_millis() as u64);
        assert_eq!(dropped.get(), 1, "in a run: {in_a_run}");
    }
}

#[test]
fn what_the_target_captured_is_dropped_once_with_the_scheduler() {
    for started in [false, true] {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let value = Arc::new(());
        let captured = Arc::clone(&value);
        let target = move || {
            let own = Arc::clone(&captured);
            async move {
                let _own = own;
                pending::<()>().await;
            }
        };
        let job = scheduler.every(ms(100)).on_overlap(Allow(3)).run(target).unwrap();
        if started {
            scheduler.start().unwrap();
            time.advance(SECOND);
            assert_eq!(Arc::strong_count(&value), 5);
        }
        drop(scheduler);
        time.run_until_stalled();
        assert_eq!(Arc::strong_count(&value), 1, "started: {started}");
        assert_eq!((time.tasks(), time.timers()), (0, 0));
        drop(job);
    }
}

#[test]
fn a_target_that_panics_when_it_is_dropped() {
    for whole in [false, true] {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let guard = PanicsWhenDropped;
        let target = move || {
            let _guard = &guard;
            pending::<()>()
        };
        let job = scheduler.every(ms(100)).on_overlap(Allow(3)).run(target).unwrap();
        if whole {
            drop(scheduler);
        } else {
            job.remove();
        }
    }
}
