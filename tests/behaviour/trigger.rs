//! A trigger asks for one run at once, beside the regular runs.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Allow, Event, EventKind, FirstRun, Job, MissedTicks, Overlap, Run, Scheduler};

use crate::ends::offer;
use crate::jitter::{begun, noting_scheduled};
use crate::support::{Count, Log, World, later, ms, put, take, yield_now};

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
    assert_eq!(begun(&world), [(0, 0), (300, 300), (1_000, 1_000)]);
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
        // If the regular run is on offer already, the triggered run begins in its place, and it comes a tick later.
        let second = if triggers_first { 1_050 } else { 1_000 };
        assert_eq!(begins, [0, 1_000, second, 2_000], "{triggers_first}");
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
        let (builder, target) = (world.every(10_000), noting_scheduled(&world));
        let job = if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        };
        let job = job.unwrap();
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

#[test]
fn from_another_job_between_ticks() {
    let world = World::new();
    let slot = later::<Job>();
    let (other, clock) = (slot.clone(), world.time.clone());
    let target = move |run: Run| {
        let (other, sleep) = (other.clone(), clock.sleep(ms(130)));
        async move {
            sleep.await;
            if run.number() == 1 {
                take(&other).trigger();
            }
            std::future::pending::<()>().await;
        }
    };
    world.every(100).on_overlap(Allow(10)).run(target).unwrap();
    put(&slot, noting(&world, 10_000));
    world.advance(500);
    assert_eq!(begun(&world), [(0, 0), (230, 230)]);
}

/// A run that goes on may trigger another job more than once between two ticks.
#[test]
fn from_a_long_run_again_and_again() {
    let world = World::new();
    let slot = later::<Job>();
    let (other, clock) = (slot.clone(), world.time.clone());
    let target = move || {
        let (other, clock) = (other.clone(), clock.clone());
        async move {
            for _ in 0..100 {
                other.lock().unwrap().as_ref().unwrap().trigger();
                clock.sleep(ms(20)).await;
            }
        }
    };
    let builder = world.every(10_000).first_run(FirstRun::AfterInterval);
    put(&slot, builder.run(noting_scheduled(&world)).unwrap());
    world.every(10_000).run(target).unwrap();
    world.start();
    world.advance(110);
    assert_eq!(begun(&world), [0, 20, 40, 60, 80, 100].map(|at| (at, at)));
}

#[test]
fn from_the_hook_of_another_job() {
    let time = VirtualTime::new();
    let slot = later::<Job>();
    let other = slot.clone();
    let hook = move |event: &Event| {
        if event.job().name() == "a" && matches!(event.kind(), EventKind::Finished) {
            other.lock().unwrap().as_ref().inspect(|other| other.trigger());
        }
    };
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    let clock = time.clone();
    scheduler
        .every(ms(200))
        .name("a")
        .run(move || clock.sleep(ms(130)))
        .unwrap();
    let (origin, seen) = (scheduler.now(), Arc::new(Mutex::new(Vec::new())));
    let runs = Arc::clone(&seen);
    let target = move |run: Run| {
        runs.lock()
            .unwrap()
            .push((run.started() - origin, run.scheduled() - origin));
    };
    put(&slot, scheduler.every(ms(10_000)).run(target).unwrap());
    scheduler.start().unwrap();
    time.advance(ms(600));
    assert_eq!(*seen.lock().unwrap(), [0, 130, 330, 530].map(|at| (ms(at), ms(at))));
}

/// Each job triggers the next one in its run.
#[test]
fn from_one_job_to_the_next_all_run_at_once() {
    let world = World::new();
    let slots: Vec<_> = (0..20).map(|_| later::<Job>()).collect();
    for number in (0..20).rev() {
        let (log, next) = (world.log.clone(), slots.get(number + 1).cloned());
        let target = move || {
            log.note(number.to_string());
            next.as_ref()
                .inspect(|next| next.lock().unwrap().as_ref().unwrap().trigger());
        };
        let builder = world.every(10_000).first_run(FirstRun::AfterInterval);
        put(&slots[number], builder.run(target).unwrap());
    }
    world.start();
    world.advance(310);
    take(&slots[0]).trigger();
    world.advance(0);
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(world.log.take_names(), names);
}

#[test]
fn a_job_that_triggers_itself_in_a_triggered_run_runs_at_the_next_tick() {
    for at in [300, 310] {
        let world = World::new();
        let log = world.log.clone();
        let target = move |run: Run| {
            log.note("a");
            if run.number() > 0 {
                run.job().trigger();
            }
        };
        let job = world.every(10_000).run(target).unwrap();
        world.start();
        world.advance(at);
        job.trigger();
        world.advance(450 - at);
        assert_eq!(world.log.take_times(), [0, at, 350, 400, 450]);
    }
}

/// Two jobs that trigger each other, in their runs or from a hook.
fn pair(scheduler: &Scheduler, log: &Log, in_runs: bool) -> [Job; 2] {
    let slots = [later::<Job>(), later::<Job>()];
    let jobs = [("a", 1), ("b", 0)].map(|(name, other)| {
        let (log, other) = (log.clone(), slots[other].clone());
        let target = move || {
            log.note(name);
            if in_runs {
                other.lock().unwrap().as_ref().unwrap().trigger();
            }
        };
        scheduler.every(ms(10_000)).name(name).run(target).unwrap()
    });
    put(&slots[0], jobs[0].clone());
    put(&slots[1], jobs[1].clone());
    jobs
}

#[test]
fn two_jobs_that_trigger_each_other_run_once_a_tick() {
    let world = World::new();
    let jobs = pair(&world.scheduler, &world.log, true);
    jobs[1].pause();
    let other = world.every(100).run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(0);
    let expected = [(0, "a"), (0, "0"), (0, "b"), (0, "a")];
    assert_eq!(world.log.take(), expected.map(|(at, name)| (at, name.to_owned())));
    world.advance(1_000);
    let times = |wanted: &str, runs: &[(u64, String)]| -> Vec<u64> {
        runs.iter()
            .filter(|(_, name)| name == wanted)
            .map(|(at, _)| *at)
            .collect()
    };
    let (runs, ticks) = (world.log.take(), (1..=20).map(|tick| 50 * tick).collect::<Vec<u64>>());
    assert_eq!((times("a", &runs), times("b", &runs)), (ticks.clone(), ticks));
    assert_eq!(other.runs(), 11);
    world.stop();
    let runs = jobs.each_ref().map(Job::runs);
    world.advance(1_000);
    assert_eq!(jobs.each_ref().map(Job::runs), runs);
}

#[test]
fn two_jobs_that_a_hook_triggers_in_turn_run_once_a_tick() {
    let time = VirtualTime::new();
    let jobs = Arc::new(Mutex::new(Vec::<Job>::new()));
    let both = Arc::clone(&jobs);
    let hook = move |event: &Event| {
        let both = both.lock().unwrap().clone();
        both.iter().filter(|job| *job != event.job()).for_each(Job::trigger);
    };
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    let log = Log::new(&time);
    let pair = pair(&scheduler, &log, false);
    jobs.lock().unwrap().extend(pair.clone());
    let other = scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(1_000));
    assert_eq!(other.runs(), 11);
    let runs = pair.each_ref().map(Job::runs);
    assert!(runs.iter().all(|runs| (20..=45).contains(runs)), "{runs:?}");
    assert!(time.block_on(scheduler.stop()).is_clean());
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

#[test]
fn from_the_destructor_of_a_thread_local() {
    struct Triggers(Job);
    impl Drop for Triggers {
        fn drop(&mut self) {
            self.0.trigger();
        }
    }
    thread_local!(static FIRST: OnceCell<Triggers> = const { OnceCell::new() });
    thread_local!(static LAST: OnceCell<Triggers> = const { OnceCell::new() });
    let world = World::new();
    let jobs = [(); 3].map(|()| world.every(10_000).run(|| ()).unwrap());
    world.start();
    let [first, job, last] = jobs.clone();
    let thread = thread::spawn(move || {
        FIRST.with(|cell| drop(cell.set(Triggers(first))));
        job.trigger();
        LAST.with(|cell| drop(cell.set(Triggers(last))));
    });
    thread.join().unwrap();
    world.advance(0);
    assert_eq!(jobs.map(|job| job.runs()), [2, 2, 2]);
}
