//! A trigger asks for one run now, beside the regular runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Allow, Event, EventKind, FirstRun, Job, MissedTicks, Overlap, Run, Scheduler};

use crate::ends::offer;
use crate::jitter::{begun, noting_scheduled};
use crate::support::{Count, World, later, ms, put, take, yield_now};

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
    let expected = [(0, 0), (1_000, 1_000), (1_500, 1_500), (2_000, 2_000), (3_000, 3_000)];
    assert_eq!(begun(&world), expected);
}

#[test]
fn between_ticks_it_is_the_next_tick() {
    let world = World::new();
    let job = noting(&world, 100_000);
    world.advance(310);
    job.trigger();
    world.advance(39);
    assert_eq!(begun(&world), [(0, 0)]);
    world.advance(1);
    assert_eq!(begun(&world), [(350, 350)]);
}

#[test]
fn on_a_tick_it_is_this_one_or_the_next() {
    for at in [0, 350] {
        let world = World::new();
        let job = noting(&world, 100_000);
        world.advance(at);
        begun(&world);
        job.trigger();
        world.advance(50);
        let runs = begun(&world);
        assert!(
            [[(at, at)], [(at + 50, at + 50)]].iter().any(|right| runs == right),
            "{runs:?}"
        );
    }
}

#[test]
fn several_triggers_are_one_run() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(310);
    job.trigger();
    job.trigger();
    world.advance(20);
    job.clone().trigger();
    world.advance(600);
    assert_eq!(begun(&world), [(0, 0), (350, 350)]);
    job.trigger();
    world.advance(20);
    assert_eq!(begun(&world), [(950, 950)]);
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
    assert_eq!(runs[..3], [(0, 0), (250, 250), (1_000, 1_000)]);
}

#[test]
fn during_a_run_that_was_triggered_it_is_one_more() {
    let world = World::new();
    let job = taking(&world, 1_000, 120);
    job.trigger(); // at 0, for 150
    world.advance(200);
    job.trigger(); // at 200, for 300
    world.advance(850);
    assert_eq!(begun(&world), [(0, 0), (150, 150), (300, 300), (1_000, 1_000)]);
}

#[test]
fn a_regular_run_that_is_due_during_a_triggered_one_comes_after_it() {
    let world = World::new();
    let job = taking(&world, 1_000, 230);
    world.advance(910);
    job.trigger();
    world.advance(1_100);
    let runs = begun(&world);
    assert_eq!(runs, [(0, 0), (950, 950), (1_200, 1_000), (2_000, 2_000)]);
}

#[test]
fn on_the_tick_of_a_regular_run_both_come() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(970);
    job.trigger();
    world.advance(1_130);
    assert_eq!(begun(&world), [(0, 0), (1_000, 1_000), (1_050, 1_000), (2_000, 2_000)]);
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
            (350, 350),
            (650, 650),
            (950, 950),
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
            vec![(400, 100), (450, 200), (500, 300), (550, 400), (600, 500)],
            0,
        ),
        (Skip, vec![(400, 100), (500, 500), (600, 600)], 3),
        (Delay, vec![(400, 100), (500, 500), (600, 600)], 3),
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
        assert_eq!(runs[..2], [(0, 0), (350, 350)], "{policy:?}");
        assert_eq!(runs[2..], regular, "{policy:?}");
        assert_eq!(job.status().missed(), missed, "{policy:?}");
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
    assert_eq!(begun(&world), [(0, 0), (350, 350)]);
    assert!(job.is_paused());
}

#[test]
fn what_is_paused_while_it_runs_runs_once_more() {
    let world = World::new();
    let job = taking(&world, 100, 70);
    job.pause();
    job.trigger();
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0), (100, 100)]);
}

#[test]
fn a_pause_after_a_trigger_does_not_take_it_back() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(310);
    job.trigger();
    job.pause();
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0), (350, 350)]);
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
    assert_eq!(begun(&world), [(250, 250), (500, 500), (600, 600)]);
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
    assert_eq!(begun(&world), [(10_050, 10_050)]);
}

#[test]
fn from_inside_the_job() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note("a");
        if run.number() == 0 {
            run.job().trigger();
        }
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 50, 1_000, 2_000]);
}

#[test]
fn from_inside_a_job_that_waits() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: Run| {
        log.note("a");
        let sleep = clock.sleep(ms(130));
        async move {
            if run.number() == 0 {
                run.job().trigger();
            }
            yield_now().await;
            sleep.await;
        }
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 150, 1_000, 2_000]);
}

#[test]
fn from_inside_a_blocking_job() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note("a");
        if run.number() == 0 {
            run.job().trigger();
        }
    };
    world.every(1_000).run_blocking(target).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 50, 1_000, 2_000]);
}

#[test]
fn a_job_that_triggers_itself_each_time_runs_once_a_tick() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note("a");
        if run.number() < 10 {
            run.job().trigger();
        }
    };
    world.every(200).run(target).unwrap();
    let other = world.every(200).run(|| ()).unwrap();
    world.start();
    world.advance(400);
    assert_eq!(world.log.take_times(), [0, 50, 100, 150, 200, 250, 300, 350, 400]);
    assert_eq!(other.runs(), 3);
    world.advance(1_000); // two triggered ones, and six regular ones of 200 to 1400
    assert_eq!(world.log.take_times().len(), 2 + 7);
}

#[test]
fn from_another_job() {
    let world = World::new();
    let slot = later::<Job>();
    let other = slot.clone();
    let target = move |run: Run| {
        if run.number() == 3 {
            take(&other).trigger();
        }
    };
    world.every(100).run(target).unwrap();
    put(&slot, noting(&world, 1_000));
    world.advance(1_000);
    let runs = begun(&world);
    let triggered = runs[1];
    assert!([(300, 300), (350, 350)].contains(&triggered), "{runs:?}");
    assert_eq!((runs[0], runs[2], runs.len()), ((0, 0), (1_000, 1_000), 3));
}

#[test]
fn from_a_job_of_the_same_tick() {
    for triggers_first in [false, true] {
        let world = World::new();
        let slot = later::<Job>();
        let other = slot.clone();
        let target = move |run: Run| {
            if run.number() == 1 {
                take(&other).trigger();
            }
        };
        if triggers_first {
            world.every(1_000).run(target).unwrap();
            put(&slot, noting(&world, 1_000));
        } else {
            put(&slot, world.every(1_000).run(noting_scheduled(&world)).unwrap());
            world.every(1_000).run(target).unwrap();
            world.start();
        }
        world.advance(2_000);
        let runs = begun(&world);
        let begins: Vec<u64> = runs.iter().map(|(at, _)| *at).collect();
        assert_eq!(begins, [0, 1_000, 1_050, 2_000], "{triggers_first}");
        assert!(runs.contains(&(2_000, 2_000)), "{runs:?}");
    }
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
fn a_triggered_run_that_is_refused_is_tried_again() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(310);
    world.time.refuse_spawns(1);
    job.trigger();
    world.advance(700);
    assert_eq!(begun(&world), [(0, 0), (400, 400), (1_000, 1_000)]);
    assert_eq!(job.status().refused(), 1);
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
    assert_eq!(begun(&world), [(0, 0), (1_050, 1_050)]);
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
    assert_eq!(begun(&world), [(0, 0), (350, 350), (1_000, 1_000)]);
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
    assert_eq!(world.log.take_times(), [0, 100, 550]);
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
    assert_eq!(world.log.take_times(), [0, 100, 350]);
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
    world.advance(60);
    job.trigger();
    world.advance(140);
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
    assert!((20..=22).contains(&runs), "{runs}"); // one a tick
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
    assert_eq!((runs.len(), runs[0], runs[2]), (3, (0, 0), (1_000, 1_000)), "{runs:?}");
    assert!((350..=400).contains(&runs[1].0), "{runs:?}");
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

#[test]
fn from_a_hook() {
    let time = VirtualTime::new();
    let retries = Count::default();
    let count = retries.clone();
    let hook = move |event: &Event| {
        if matches!(event.kind(), EventKind::Failed(_)) && count.get() < 3 {
            count.up();
            event.job().trigger();
        }
    };
    let builder = Scheduler::builder(time.clone()).on_event(hook);
    let scheduler = builder.build().unwrap();
    let job = scheduler.every(ms(10_000)).run(|| Err("no")).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(9_000));
    assert_eq!(job.runs(), 4);
}
