//! The number of runs at once, and which runs these are.

use std::future::pending;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use atevery::{Job, MissedTicks, Run};

use super::{Gauge, allowing, taking};
use crate::support::{World, ms};
use crate::time_limit::at;

#[test]
fn there_are_at_most_so_many_at_once() {
    for runs in [1, 2, 3, 7] {
        let world = World::new();
        let gauge = Gauge::default();
        let (inner, clock) = (gauge.clone(), world.time.clone());
        let target = move || {
            let entered = inner.enter();
            let sleep = clock.sleep(ms(830));
            async move {
                let _entered = entered;
                sleep.await;
            }
        };
        allowing(&world, 100, runs).run(target).unwrap();
        world.start();
        world.advance(20_000);
        assert_eq!(gauge.peak(), runs);
    }
}

#[test]
fn the_timeline_of_the_docs() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 230 } else { 20 });
    allowing(&world, 100, 2).run(target).unwrap();
    world.start();
    world.advance(400);
    assert_eq!(world.log.take_times(), [0, 100, 200, 300, 400]);
}

#[test]
fn one_too_many_waits_and_begins_at_the_first_tick_after_an_end() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number < 2 { 220 } else { 10_000 });
    allowing(&world, 100, 2)
        .missed_ticks(MissedTicks::Skip)
        .run(target)
        .unwrap();
    world.start();
    world.advance(2_000);
    // The runs end at 220 and 320.
    assert_eq!(world.log.take(), at(&[(0, "0"), (100, "1"), (250, "2"), (350, "3")]));
}

#[test]
fn an_end_on_a_tick_holds_up_none_that_has_room() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 200);
    allowing(&world, 100, 4).run(target).unwrap();
    world.start();
    world.advance(600);
    assert_eq!(world.log.take_times(), [0, 100, 200, 300, 400, 500, 600]);
}

#[test]
fn the_end_of_any_run_lets_the_next_begin() {
    for first_to_end in 0..3 {
        let world = World::new();
        let takes = move |number| if number == first_to_end { 420 } else { 100_000 };
        let target = taking(&world.log, &world.time, takes);
        let job = allowing(&world, 100, 3)
            .missed_ticks(MissedTicks::Skip)
            .run(target)
            .unwrap();
        world.start();
        world.advance(5_000);
        assert_eq!(job.runs(), 4);
        let begun = 100 * first_to_end + 450;
        assert_eq!(world.log.take_times(), [0, 100, 200, begun]);
    }
}

#[test]
fn numbers_are_unique_and_rise_and_scheduled_instants_are_all_there() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let origin = atevery::runtime::Timer::now(&world.time);
        let runs: Arc<Mutex<Vec<(u64, Duration, Duration)>>> = Arc::default();
        let (seen, clock) = (Arc::clone(&runs), world.time.clone());
        let target = move |run: Run| {
            let entry = (run.number(), run.scheduled() - origin, run.started() - origin);
            seen.lock().unwrap().push(entry);
            clock.sleep(ms(if run.number() % 3 == 0 { 730 } else { 20 }))
        };
        let job = allowing(&world, 100, 3).missed_ticks(policy).run(target).unwrap();
        world.start();
        for _ in 0..50 {
            world.advance(90);
            world.time.jump(ms(170));
            world.settle();
        }
        let runs = runs.lock().unwrap().clone();
        assert_eq!(job.runs(), runs.len() as u64);
        assert!(runs.len() > 20, "{policy:?}: {}", runs.len());
        for (index, (number, scheduled, started)) in runs.iter().enumerate() {
            assert_eq!(*number, index as u64, "{policy:?}");
            assert!(scheduled <= started, "{policy:?}");
        }
        assert!(runs.windows(2).all(|pair| pair[0].1 < pair[1].1), "{policy:?}");
        if policy == MissedTicks::Burst {
            assert!(runs.iter().all(|(number, scheduled, _)| *scheduled == ms(number * 100)));
        }
        world.time.shut_down();
    }
}

#[test]
fn it_is_running_while_any_run_is() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 120 } else { 300 });
    let job = allowing(&world, 100, 2).times(2).run(target).unwrap();
    world.start();
    world.advance(150);
    assert!(job.is_running());
    world.advance(249);
    assert!(job.is_running());
    world.advance(1);
    assert!(!job.is_running());
}

#[test]
fn each_run_knows_whether_it_is_over() {
    let world = World::new();
    let (sender, runs) = mpsc::channel();
    let sender = Mutex::new(sender);
    let clock = world.time.clone();
    let target = move |run: Run| {
        let takes = if run.number() == 1 { 50 } else { 10_000 };
        sender.lock().unwrap().send(run).unwrap();
        clock.sleep(ms(takes))
    };
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(340);
    let runs: Vec<Run> = runs.try_iter().collect();
    let over: Vec<bool> = runs.iter().map(Run::is_cancelled).collect();
    assert_eq!(over, [false, true, false, false]);
    assert!(runs.iter().all(|run| run.job() == job && run.job().name() == "a"));
    assert!(world.stop().is_clean());
    assert!(runs.iter().all(Run::is_cancelled));
}

#[test]
fn one_at_a_time_is_as_wait() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let wait = World::new();
        let target = taking(&wait.log, &wait.time, |number| 33 + 70 * (number % 5));
        wait.every(100).missed_ticks(policy).run(target).unwrap();
        wait.start();
        wait.advance(10_000);

        let one = World::new();
        let target = taking(&one.log, &one.time, |number| 33 + 70 * (number % 5));
        allowing(&one, 100, 1).missed_ticks(policy).run(target).unwrap();
        one.start();
        one.advance(10_000);

        let (wait, one) = (wait.log.take(), one.log.take());
        assert!(wait.len() > 30);
        assert_eq!(wait, one, "{policy:?}");
    }
}

#[test]
fn none_at_a_time_is_refused() {
    let world = World::new();
    let error = allowing(&world, 100, 0).run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    assert!(error.to_string().contains("Allow(0)"), "{error}");
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn any_number_at_a_time_costs_what_runs() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 1_000_000);
    let job = allowing(&world, 50, usize::MAX).run(target).unwrap();
    world.start();
    world.advance(5_000);
    assert_eq!(job.runs(), 101);
    assert_eq!(world.stop().cancelled(), [job]);
}

#[test]
fn an_interval_from_the_end_leaves_no_room_for_a_second_run() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 120);
    allowing(&world, 100, 3).fixed_delay().run(target).unwrap();
    world.start();
    world.advance(550);
    assert_eq!(world.log.take_times(), [0, 250, 500]);
}

#[test]
fn all_shapes_of_target_can_run_several_times_at_once() {
    let world = World::new();
    let jobs: Vec<Job> = vec![
        allowing(&world, 100, 2).run(|| ()).unwrap(),
        allowing(&world, 100, 2).run(|_: Run| Ok::<(), String>(())).unwrap(),
        allowing(&world, 100, 2).run(async || ()).unwrap(),
        allowing(&world, 100, 2).run(async |_: Run| Err::<(), _>("no")).unwrap(),
        allowing(&world, 100, 2).run_blocking(|| ()).unwrap(),
        allowing(&world, 100, 2).run_blocking(|_: Run| ()).unwrap(),
    ];
    world.start();
    world.advance(500);
    assert!(jobs.iter().all(|job| job.runs() == 6));
}

#[test]
fn nothing_is_left_behind_in_ten_thousand_ticks() {
    let world = World::new();
    let clock = world.time.clone();
    let target = move |run: Run| clock.sleep(ms(10 + 60 * (run.number() % 4)));
    let job = allowing(&world, 50, 6).run(target).unwrap();
    world.start();
    world.advance(50 * 10_000);
    assert!(job.runs() >= 9_900, "{}", job.runs());
    assert!(world.time.tasks() <= 7, "{}", world.time.tasks());
    assert!(world.stop().is_clean());
    world.settle();
    assert_eq!((world.time.tasks(), world.time.timers()), (0, 0));
}

#[test]
fn many_jobs_have_instances_of_their_own() {
    let world = World::new();
    let jobs: Vec<Job> = (0..300)
        .map(|_| allowing(&world, 100, 3).run(pending::<()>).unwrap())
        .collect();
    world.start();
    world.advance(1_000);
    assert!(jobs.iter().all(|job| job.runs() == 3));
    assert_eq!(world.stop().cancelled(), jobs);
}
