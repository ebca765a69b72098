//! A trigger asks for one run at once, beside the regular runs.

mod callers;
mod grace;

use std::cell::OnceCell;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Allow, Event, EventKind, FirstRun, Job, MissedTicks, Overlap, Run, Scheduler};

use crate::ends::offer;
use crate::jitter::{begun, noting_scheduled};
use crate::support::{Count, Log, World, later, ms, put, register, take, yield_now};

/// Registers a job that notes its scheduled instants, and starts.
fn noting(world: &World, interval_ms: u64) -> Job {
    let job = world.every(interval_ms).run(noting_scheduled(world)).unwrap();
    world.start();
    job
}

/// Registers a job that notes its scheduled instants and whose runs take `duration_ms`, and starts.
fn taking(world: &World, interval_ms: u64, duration_ms: u64) -> Job {
    let (mut noting, clock) = (noting_scheduled(world), world.time.clone());
    let target = move |run: Run| {
        noting(run);
        clock.sleep(ms(duration_ms))
    };
    let job = world.every(interval_ms).run(target).unwrap();
    world.start();
    job
}

#[test]
fn the_timeline_of_the_docs() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(1_460);
    job.trigger();
    world.advance(1_540);
    let expected = [(0, 0), (1_000, 1_000), (1_460, 1_460), (2_000, 2_000), (3_000, 3_000)];
    assert_eq!(begun(&world), expected);
}

#[test]
fn between_ticks_it_is_at_once() {
    let world = World::new();
    let job = noting(&world, 100_000);
    world.advance(310);
    job.trigger();
    world.advance(0);
    assert_eq!(begun(&world), [(0, 0), (310, 310)]);
    job.trigger();
    world.advance(0);
    assert_eq!(begun(&world), [(310, 310)]);
    world.advance(90);
    assert_eq!(begun(&world), []);
}

#[test]
fn on_a_tick_it_is_at_once_too() {
    for at in [0, 350] {
        let world = World::new();
        let job = noting(&world, 100_000);
        world.advance(at);
        begun(&world);
        job.trigger();
        world.advance(50);
        assert_eq!(begun(&world), [(at, at)]);
    }
}

#[test]
fn several_triggers_are_one_run() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(310);
    job.trigger();
    job.trigger();
    world.time.jump(ms(20)); // the loop has no turn
    job.clone().trigger();
    world.advance(600);
    assert_eq!(begun(&world), [(0, 0), (330, 330)]);
    job.trigger();
    world.advance(20);
    assert_eq!(begun(&world), [(930, 930)]);
}

#[test]
fn runs_are_numbered_in_the_order_in_which_they_begin() {
    let world = World::new();
    let log = world.log.clone();
    let job = world
        .every(1_000)
        .run(move |run: Run| log.note(run.number().to_string()));
    let job = job.unwrap();
    world.start();
    world.advance(500);
    job.trigger();
    world.advance(500);
    assert_eq!(world.log.take_names(), ["0", "1", "2"]);
    assert_eq!(job.runs(), 3);
}

#[test]
fn during_a_run_it_is_right_after_it() {
    let world = World::new();
    let job = taking(&world, 1_000, 230);
    world.advance(100);
    job.trigger();
    world.advance(60);
    job.trigger();
    world.advance(1_900);
    let runs = begun(&world);
    assert_eq!(runs[..3], [(0, 0), (230, 230), (1_000, 1_000)]);
}

#[test]
fn during_a_run_that_was_triggered_it_is_one_more() {
    let world = World::new();
    let job = taking(&world, 1_000, 120);
    job.trigger(); // at 0, for 120
    world.advance(200);
    job.trigger(); // at 200, for 240
    world.advance(850);
    assert_eq!(begun(&world), [(0, 0), (120, 120), (240, 240), (1_000, 1_000)]);
}

#[test]
fn a_regular_run_that_is_due_during_a_triggered_one_comes_after_it() {
    let world = World::new();
    let job = taking(&world, 1_000, 230);
    world.advance(910);
    job.trigger();
    world.advance(1_100);
    let runs = begun(&world);
    assert_eq!(runs, [(0, 0), (910, 910), (1_150, 1_000), (2_000, 2_000)]);
}

#[test]
fn on_the_tick_of_a_regular_run_both_come() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(970);
    job.trigger();
    world.time.jump(ms(30)); // the loop has its turn on the tick
    world.advance(1_100);
    assert_eq!(begun(&world), [(0, 0), (1_000, 1_000), (1_050, 1_000), (2_000, 2_000)]);
}

#[test]
fn right_before_a_regular_run_both_come() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(970);
    job.trigger();
    world.advance(1_130);
    assert_eq!(begun(&world), [(0, 0), (970, 970), (1_000, 1_000), (2_000, 2_000)]);
}

/// As a regular run does, a triggered one follows a run that ends on a tick. It does not wait for another tick.
#[test]
fn during_a_run_that_ends_on_a_tick_it_is_on_this_tick() {
    let world = World::new();
    let job = taking(&world, 1_000, 100);
    world.advance(60);
    job.trigger();
    world.advance(840);
    assert_eq!(begun(&world), [(0, 0), (100, 100)]);
}

#[test]
fn the_grid_stays_whatever_the_policy() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let target = noting_scheduled(&world);
        let job = world.every(1_000).missed_ticks(policy).run(target).unwrap();
        world.start();
        for _ in 0..3 {
            world.advance(310);
            job.trigger();
        }
        world.advance(1_070);
        let expected = [
            (0, 0),
            (310, 310),
            (620, 620),
            (930, 930),
            (1_000, 1_000),
            (2_000, 2_000),
        ];
        assert_eq!(begun(&world), expected, "{policy:?}");
        assert_eq!(job.status().missed(), 0, "{policy:?}");
    }
}

#[test]
fn a_triggered_run_makes_up_for_none_that_was_missed() {
    use MissedTicks::{Burst, Delay, Skip};
    for (policy, regular, missed) in [
        (
            Burst,
            vec![(350, 100), (400, 200), (450, 300), (500, 400), (550, 500), (600, 600)],
            0,
        ),
        (Skip, vec![(350, 100), (400, 400), (500, 500), (600, 600)], 2),
        (Delay, vec![(350, 100), (450, 450), (550, 550)], 2),
    ] {
        let world = World::new();
        let (mut noting, clock) = (noting_scheduled(&world), world.time.clone());
        let target = move |run: Run| {
            let duration = ms(if run.number() == 0 { 330 } else { 0 });
            noting(run);
            clock.sleep(duration)
        };
        let job = world.every(100).missed_ticks(policy).run(target).unwrap();
        world.start();
        world.advance(120);
        job.trigger();
        world.advance(499);
        let runs = begun(&world);
        assert_eq!(runs[..2], [(0, 0), (330, 330)], "{policy:?}");
        assert_eq!(runs[2..], regular, "{policy:?}");
        assert_eq!(job.status().missed(), missed, "{policy:?}");
    }
}

/// A trigger after the job's end asks for no run. A run that was due before the end still waits for its tick.
#[test]
fn after_the_end_of_a_job_it_brings_no_overdue_run_forward() {
    for overlap in [Overlap::Wait, Overlap::Replace] {
        let world = World::new();
        let end = world.time.now() + Duration::from_nanos(500_000_002);
        let builder = world.scheduler.every(Duration::from_nanos(250_000_001));
        let builder = builder.until(end).on_overlap(overlap);
        let job = builder.run(noting_scheduled(&world)).unwrap();
        world.start();
        world.advance(500);
        world.time.advance(Duration::from_nanos(3));
        job.trigger();
        world.advance(1_000);
        assert_eq!(begun(&world), [(0, 0), (300, 250), (550, 500)]);
        assert!(world.scheduler.jobs().is_empty());
    }
}

#[test]
fn what_is_paused_runs_once_and_stays_paused() {
    let world = World::new();
    let job = noting(&world, 100);
    job.pause();
    world.advance(310);
    job.trigger();
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0), (310, 310)]);
    assert!(job.is_paused());
}

#[test]
fn what_is_paused_while_it_runs_runs_once_more() {
    let world = World::new();
    let job = taking(&world, 100, 70);
    job.pause();
    job.trigger();
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0), (70, 70)]);
}

#[test]
fn a_pause_after_a_trigger_does_not_take_it_back() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(310);
    job.trigger();
    job.pause();
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0), (310, 310)]);
}

#[test]
fn what_is_stopped_runs_at_the_start() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(100);
    world.stop();
    job.trigger();
    job.trigger();
    world.advance(410);
    assert_eq!(begun(&world), [(0, 0)]);
    world.start(); // at 510
    world.advance(1_000);
    let runs = begun(&world);
    assert_eq!(runs[..1], [(510, 510)]);
    assert_eq!(runs[1].1, 1_000);
}

#[test]
fn before_the_first_start_it_is_at_the_start() {
    let world = World::new();
    let builder = world.every(100).first_run(FirstRun::AfterInterval);
    let job = builder.run(noting_scheduled(&world)).unwrap();
    job.trigger();
    world.start();
    world.advance(200);
    assert_eq!(begun(&world), [(0, 0), (100, 100), (200, 200)]);
}

#[test]
fn before_its_first_run_that_stays_where_it_was() {
    let world = World::new();
    let builder = world.every(100).first_run(FirstRun::After(ms(500)));
    let job = builder.run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(210);
    job.trigger();
    world.advance(390);
    assert_eq!(begun(&world), [(210, 210), (500, 500), (600, 600)]);
}

#[test]
fn what_is_never_due_runs_when_it_is_triggered() {
    let world = World::new();
    let builder = world.scheduler.every(Duration::MAX).first_run(FirstRun::AfterInterval);
    let job = builder.run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(10_010);
    job.trigger();
    world.advance(10_000);
    assert_eq!(begun(&world), [(10_010, 10_010)]);
}

#[test]
fn what_was_removed_does_not_run() {
    let world = World::new();
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let target = move || {
        let _guard = &guard;
    };
    let job = world.every(1_000).run(target).unwrap();
    world.start();
    job.remove();
    job.trigger();
    world.advance(2_000);
    assert_eq!((job.runs(), dropped.get()), (1, 1));
    world.stop();
    world.start();
    world.advance(2_000);
    assert_eq!(job.runs(), 1);
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn what_is_removed_after_a_trigger_does_not_run() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(310);
    job.trigger();
    job.remove();
    world.advance(2_000);
    assert_eq!(job.runs(), 1);
}

#[test]
fn what_was_triggered_and_removed_during_a_run_does_not_run() {
    let world = World::new();
    let job = taking(&world, 1_000, 230);
    job.trigger();
    job.remove();
    world.advance(2_000);
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_job_of_a_scheduler_that_is_gone() {
    let world = World::new();
    let job = noting(&world, 1_000);
    let World { time, .. } = &world;
    let time = time.clone();
    drop(world);
    job.trigger();
    time.advance(ms(2_000));
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_triggered_run_that_is_refused_is_tried_again_at_the_next_tick() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(310);
    world.time.refuse_spawns(1);
    job.trigger();
    world.advance(700);
    assert_eq!(begun(&world), [(0, 0), (350, 350), (1_000, 1_000)]);
    assert_eq!(job.status().refused(), 1);
}

#[test]
fn a_triggered_run_that_is_refused_for_long_is_tried_once_a_tick() {
    for blocking in [false, true] {
        let world = World::new();
        let job = register(world.every(10_000), blocking, noting_scheduled(&world));
        world.start();
        world.advance(310);
        world.time.refuse_spawns(1_000);
        for _ in 0..18 {
            job.trigger();
            world.advance(10);
        }
        world.time.refuse_spawns(0);
        world.advance(200);
        assert_eq!(begun(&world), [(0, 0), (500, 500)], "blocking: {blocking}");
        assert_eq!(job.status().refused(), 4, "blocking: {blocking}"); // at 310, 350, 400 and 450
    }
}

#[test]
fn a_triggered_run_that_a_stop_takes_back_comes_after_the_next_start() {
    let world = World::new();
    let builder = world.every(1_000).first_run(FirstRun::AfterInterval);
    let job = builder.run(noting_scheduled(&world)).unwrap();
    job.trigger();
    world.scheduler.start().unwrap();
    offer(&world);
    world.stop();
    assert_eq!(job.runs(), 0);
    world.advance(500);
    world.start();
    world.advance(500);
    assert_eq!(begun(&world), [(500, 500), (1_000, 1_000)]);
}

#[test]
fn a_triggered_run_that_a_stop_cancels_is_not_begun_again() {
    let world = World::new();
    let job = taking(&world, 100_000, 1_000);
    world.advance(1_010);
    job.trigger();
    world.advance(100);
    assert!(job.is_running());
    world.stop();
    world.start();
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0), (1_010, 1_010)]);
}

#[test]
fn what_was_triggered_during_a_run_that_a_stop_cancels_comes_after_the_next_start() {
    let world = World::new();
    let job = taking(&world, 100_000, 1_000);
    world.advance(110);
    job.trigger();
    world.stop();
    world.advance(100);
    world.start(); // at 210
    world.advance(2_000);
    assert_eq!(begun(&world), [(0, 0), (210, 210)]);
}

#[test]
fn a_run_on_the_blocking_pool() {
    let world = World::new();
    let target = noting_scheduled(&world);
    let job = world.every(1_000).run_blocking(target).unwrap();
    world.start();
    world.advance(310);
    job.trigger();
    world.advance(690);
    assert_eq!(begun(&world), [(0, 0), (310, 310), (1_000, 1_000)]);
}

#[test]
fn a_job_whose_runs_overlap_runs_once() {
    for duration in [10, 230, 2_000] {
        let world = World::new();
        let (begun, clock) = (Count::default(), world.time.clone());
        let count = begun.clone();
        let target = move || {
            count.up();
            clock.sleep(ms(duration))
        };
        let job = world.every(10_000).on_overlap(Allow(3)).run(target).unwrap();
        world.start();
        world.advance(110);
        job.trigger();
        world.advance(5_000);
        assert_eq!(begun.get(), 2, "{duration}");
        job.trigger();
        job.trigger();
        world.advance(4_000);
        assert_eq!((begun.get(), job.runs()), (3, 3), "{duration}");
    }
}

#[test]
fn a_job_all_of_whose_runs_are_taken_runs_at_the_end_of_one() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: Run| {
        log.note("a");
        clock.sleep(ms(if run.number() < 2 { 530 } else { 10 }))
    };
    let job = world.every(100).on_overlap(Allow(2)).run(target).unwrap();
    world.start();
    world.advance(110);
    job.set_interval(Duration::from_secs(10)).unwrap();
    job.pause();
    job.trigger();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 100, 530]);
}

/// The first run never ends.
#[test]
fn a_paused_job_all_of_whose_runs_are_taken_runs_at_the_end_of_the_first_that_ends() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: Run| {
        log.note("a");
        clock.sleep(if run.number() == 0 { Duration::MAX } else { ms(230) })
    };
    let job = world.every(100).on_overlap(Allow(2)).run(target).unwrap();
    world.start();
    world.advance(110);
    job.pause();
    job.trigger();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 100, 330]);
}

/// Another instance ends between the offer and the beginning of a run.
#[test]
fn no_run_of_a_job_with_a_fixed_delay_begins_before_it_is_scheduled() {
    let world = World::new();
    let (seen, clock) = (Arc::new(Mutex::new(Vec::new())), world.time.clone());
    let runs = Arc::clone(&seen);
    let target = move |run: Run| {
        runs.lock().unwrap().push((run.scheduled(), run.started()));
        clock.sleep(ms(50))
    };
    let builder = world.every(100).on_overlap(Allow(2)).fixed_delay();
    let job = builder.run(target).unwrap();
    world.start();
    world.advance(100);
    job.trigger();
    world.advance(100);
    let seen = seen.lock().unwrap();
    let starts: Vec<u128> = seen
        .iter()
        .map(|(_, started)| (*started - seen[0].1).as_millis())
        .collect();
    assert_eq!(starts, [0, 100, 150]);
    assert!(seen.iter().all(|(scheduled, started)| scheduled <= started));
}

#[test]
fn the_other_jobs_of_the_tick_are_not_disturbed() {
    let world = World::new();
    let job = world.every(100).run(|| ()).unwrap();
    let others: Vec<Job> = (0..20).map(|_| world.every(100).run(|| ()).unwrap()).collect();
    world.start();
    for _ in 0..100 {
        world.advance(10);
        job.trigger();
    }
    world.advance(50);
    assert!(others.iter().all(|other| other.runs() == 11));
    let runs = job.runs();
    assert_eq!(runs, 100 + 11); // those that were triggered, and the regular ones
}

#[test]
fn a_run_in_progress_may_be_replaced() {
    let world = World::new();
    let mut noting = noting_scheduled(&world);
    let target = move |run: Run| {
        noting(run);
        std::future::pending::<()>()
    };
    let builder = world.every(1_000).on_overlap(Overlap::Replace);
    let job = builder.run(target).unwrap();
    world.start();
    world.advance(310);
    job.trigger();
    world.advance(700);
    let runs = begun(&world);
    assert_eq!(runs, [(0, 0), (310, 310), (1_000, 1_000)]);
    assert_eq!(job.status().cancelled(), 2);
}

#[test]
fn a_job_that_waits_for_its_group_waits_on() {
    let world = World::new();
    world.scheduler.group("one", 1).unwrap();
    let first = world.log.taking("first", |_| 330);
    world.every(10_000).group("one").run(first).unwrap();
    let second = world.every(10_000).group("one").run(world.log.noting("second"));
    let second = second.unwrap();
    world.start();
    for _ in 0..3 {
        world.advance(100);
        second.trigger();
    }
    world.advance(9_000);
    let runs = world.log.take();
    assert_eq!(runs.len(), 3, "{runs:?}"); // the regular one, and one that was triggered
    assert!(runs[1].0 >= 330, "{runs:?}");
    world.advance(1_500);
    assert_eq!(world.log.take_names(), ["first", "second"]);
}

/// A loop that a trigger has woken between ticks makes no other job early or late.
#[test]
fn the_other_jobs_keep_their_instants() {
    let times = |triggers: bool| {
        let mut world = World::new();
        world.scheduler = Scheduler::builder(world.time.clone()).seed(1).build().unwrap();
        let job = world.every(100_000).run(|| ()).unwrap();
        let log = &world.log;
        world.every(70).jitter(ms(30)).run(log.noting("jitter")).unwrap();
        world.every(90).run(log.taking("takes", |_| 40)).unwrap();
        world.every(100).fixed_delay().run(log.taking("delay", |_| 15)).unwrap();
        world.every(60).run_blocking(log.noting("blocking")).unwrap();
        world.start();
        for _ in 0..300 {
            world.advance(7);
            if triggers {
                job.trigger();
            }
        }
        world.advance(1);
        assert_eq!(job.runs() > 300, triggers);
        world.log.take()
    };
    assert_eq!(times(true), times(false));
}

/// While nobody serves them, the jobs are numbered anew.
#[test]
fn what_was_triggered_before_other_jobs_were_removed() {
    let world = World::new();
    let jobs: Vec<Job> = (0..400).map(|_| world.every(10_000).run(|| ()).unwrap()).collect();
    world.start();
    world.advance(310);
    jobs.iter().step_by(4).for_each(Job::trigger);
    for (number, job) in jobs.iter().enumerate() {
        if number % 4 == 1 || number % 4 == 2 || number % 8 == 0 {
            job.remove();
        }
    }
    world.advance(0);
    for (number, job) in jobs.iter().enumerate() {
        let expected = if number % 8 == 4 { 2 } else { 1 };
        assert_eq!(job.runs(), expected, "{number}");
    }
}
