//! Ticks, schedules, policies: when runs begin.

use std::time::Duration;

use atevery::{FirstRun, MissedTicks, Run, Scheduler};

use crate::support::{Log, SECOND, TICK, World, ms};

#[test]
fn first_run_is_at_the_start_and_then_every_interval() {
    let world = World::new();
    world.noting("a", 200);
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 200, 400, 600, 800, 1_000]);
}

#[test]
fn nothing_runs_before_the_start() {
    let world = World::new();
    let job = world.noting("a", 200);
    world.advance(1_000);
    assert_eq!(job.runs(), 0);
}

#[test]
fn a_run_due_between_ticks_is_served_at_the_next_one() {
    let world = World::new();
    world.noting("a", 120);
    world.start();
    world.advance(600);
    assert_eq!(world.log.take_times(), [0, 150, 250, 400, 500, 600]);
}

#[test]
fn jobs_of_one_tick_begin_in_the_order_of_registration() {
    let world = World::new();
    for (name, interval_ms) in [("a", 150), ("b", 100), ("c", 300), ("d", 50)] {
        world.noting(name, interval_ms);
    }
    world.start();
    assert_eq!(world.log.take_names(), ["a", "b", "c", "d"]);
    world.advance(250);
    world.log.take();
    world.advance(50);
    assert_eq!(world.log.take_names(), ["a", "b", "c", "d"]);
}

#[test]
fn order_does_not_depend_on_due_instants_or_on_kinds_of_jobs() {
    let world = World::new();
    world
        .every(1_000)
        .first_run(FirstRun::After(ms(50)))
        .run(world.log.noting("a"))
        .unwrap();
    world
        .every(1_000)
        .first_run(FirstRun::After(ms(10)))
        .run(world.log.taking("b", |_| 10))
        .unwrap();
    world
        .every(1_000)
        .first_run(FirstRun::After(ms(30)))
        .run(world.log.noting("c"))
        .unwrap();
    world.start();
    world.advance(50);
    assert_eq!(world.log.take_names(), ["a", "b", "c"]);
}

/// Blocking runs go to a pool of their own. They are in order among each other, and so are the other runs.
#[test]
fn blocking_jobs_begin_in_order_after_the_others() {
    let world = World::new();
    world.noting("a", 100);
    world.every(100).run_blocking(world.log.noting("b")).unwrap();
    world.noting("c", 100);
    world.every(100).run_blocking(world.log.noting("d")).unwrap();
    world.start();
    assert_eq!(world.log.take_names(), ["a", "c", "b", "d"]);
}

#[test]
fn a_job_registered_between_ticks_first_runs_at_the_next_one() {
    let world = World::started();
    world.noting("far", 100_000);
    world.advance(275);
    world.log.take();
    world.noting("new", 1_000);
    world.settle();
    assert_eq!(world.log.take(), []);
    world.advance(1_100);
    assert_eq!(world.log.take_times(), [300, 1_300]); // due at 275 and 1275
}

#[test]
fn a_job_registered_while_it_sleeps_for_long_does_not_wait_for_it() {
    let world = World::started();
    world.noting("far", 3_600_000);
    world.advance(10_000);
    world.log.take();
    world.noting("new", 100);
    world.advance(250);
    let times = world.log.take_times();
    assert!(
        [vec![10_000, 10_100, 10_200], vec![10_050, 10_100, 10_200]].contains(&times),
        "{times:?}"
    );
}

#[test]
fn burst_makes_up_missed_runs_one_a_tick() {
    assert_eq!(
        timeline(MissedTicks::Burst),
        [
            (0, 0, 0, 0),
            (250, 100, 1, 0),
            (300, 200, 2, 0),
            (350, 300, 3, 0),
            (400, 400, 4, 0),
            (500, 500, 5, 0)
        ]
    );
}

#[test]
fn skip_drops_missed_runs_and_keeps_the_grid() {
    assert_eq!(
        timeline(MissedTicks::Skip),
        [
            (0, 0, 0, 0),
            (250, 100, 1, 1),
            (300, 300, 2, 0),
            (400, 400, 3, 0),
            (500, 500, 4, 0)
        ]
    );
}

#[test]
fn delay_counts_from_the_begin() {
    assert_eq!(
        timeline(MissedTicks::Delay),
        [(0, 0, 0, 0), (250, 100, 1, 1), (350, 350, 2, 0), (450, 450, 3, 0)]
    );
}

/// A job of 100 ms whose first run takes 230 ms. Returns the start, scheduled instant, number and missed count of each
/// run.
fn timeline(policy: MissedTicks) -> Vec<(u64, u64, u64, u64)> {
    let world = World::new();
    let (time, origin) = (world.time.clone(), atevery::runtime::Timer::now(&world.time));
    let (sender, runs) = std::sync::mpsc::channel();
    let target = move |run: Run| {
        let at_ms = |instant: std::time::Instant| u64::try_from((instant - origin).as_millis()).unwrap();
        let line = (at_ms(run.started()), at_ms(run.scheduled()), run.number(), run.missed());
        sender.send(line).unwrap();
        time.sleep(ms(if run.number() == 0 { 230 } else { 10 }))
    };
    world.every(100).missed_ticks(policy).run(target).unwrap();
    world.start();
    world.advance(520);
    runs.try_iter().collect()
}

#[test]
fn skip_of_a_run_that_begins_at_the_next_scheduled_instant_drops_that_interval() {
    let world = World::new();
    let missed = missed_of(&world, MissedTicks::Skip);
    world.time.jump(ms(300)); // due at 100, wakes at 300
    world.settle();
    world.advance(100);
    assert_eq!(missed.take_names(), ["0", "2", "0"]);
    assert_eq!(world.log.take_times(), [0, 300, 400]);
}

#[test]
fn missed_counts_whole_intervals_only() {
    let world = World::new();
    let missed = missed_of(&world, MissedTicks::Delay);
    world.time.jump(ms(299)); // due at 100: 199 late
    world.settle();
    assert_eq!(missed.take_names(), ["0", "1"]);
}

/// Registers a job of 100 ms, starts, and logs what each run missed.
fn missed_of(world: &World, policy: MissedTicks) -> Log {
    let missed = Log::new(&world.time);
    let (log, runs) = (missed.clone(), world.log.clone());
    let target = move |run: Run| {
        runs.note("run");
        log.note(run.missed().to_string());
    };
    world.every(100).missed_ticks(policy).run(target).unwrap();
    world.start();
    missed
}

#[test]
fn the_builder_sets_the_policy_of_jobs_that_say_nothing() {
    let scheduler = |world: &World| {
        Scheduler::builder(world.time.clone())
            .missed_ticks(MissedTicks::Skip)
            .build()
            .unwrap()
    };
    let world = World::new();
    let scheduler = scheduler(&world);
    let silent = scheduler.every(ms(100)).run(|| ()).unwrap();
    let burst = scheduler
        .every(ms(100))
        .missed_ticks(MissedTicks::Burst)
        .run(|| ())
        .unwrap();
    scheduler.start().unwrap();
    world.settle();
    world.time.jump(ms(1_000));
    world.advance(500);
    assert_eq!((silent.runs(), burst.runs()), (1 + 1 + 5, 1 + 11));
}

#[test]
fn first_run_now_is_the_default() {
    assert_eq!(first_runs(FirstRun::default()), [0, 200, 400]);
    assert_eq!(first_runs(FirstRun::Now), [0, 200, 400]);
}

#[test]
fn first_run_after_an_interval() {
    assert_eq!(first_runs(FirstRun::AfterInterval), [200, 400]);
}

#[test]
fn first_run_after_a_while() {
    assert_eq!(first_runs(FirstRun::After(ms(70))), [100, 300, 500]); // due at 70, 270, 470
    assert_eq!(first_runs(FirstRun::After(Duration::ZERO)), [0, 200, 400]);
}

fn first_runs(first: FirstRun) -> Vec<u64> {
    let world = World::new();
    world.every(200).first_run(first).run(world.log.noting("a")).unwrap();
    world.start();
    world.advance(520);
    world.log.take_times()
}

#[test]
fn first_run_at_an_instant() {
    let world = World::new();
    let at = atevery::runtime::Timer::now(&world.time) + ms(300);
    world
        .every(200)
        .first_run(FirstRun::At(at))
        .run(world.log.noting("a"))
        .unwrap();
    world.start();
    world.advance(600);
    assert_eq!(world.log.take_times(), [300, 500]);
}

#[test]
fn first_run_at_an_instant_that_has_passed_has_missed_what_came_since() {
    let world = World::started();
    world.advance(1_010);
    let (at, log) = (atevery::runtime::Timer::now(&world.time) - ms(330), world.log.clone());
    let target = move |run: Run| {
        log.note(format!(
            "{} missed, {:?} late",
            run.missed(),
            run.started() - run.scheduled()
        ));
    };
    world
        .every(100)
        .missed_ticks(MissedTicks::Skip)
        .first_run(FirstRun::At(at))
        .run(target)
        .unwrap();
    world.advance(80);
    // The run due at 680 begins at 1050. The next run is due at 1080 and comes at 1100.
    assert_eq!(world.log.take(), [(1_050, "3 missed, 370ms late".to_owned())]);
    world.advance(10);
    assert_eq!(world.log.take(), [(1_100, "0 missed, 20ms late".to_owned())]);
}

#[test]
fn registering_schedules_the_first_run_even_if_the_scheduler_does_not_run() {
    let world = World::new();
    world
        .every(1_000)
        .first_run(FirstRun::AfterInterval)
        .run(world.log.noting("a"))
        .unwrap();
    world.advance(400);
    world.start();
    world.advance(1_650);
    assert_eq!(world.log.take_times(), [1_000, 2_000]);
}

#[test]
fn a_start_lifts_scheduled_instants_that_have_passed() {
    let world = World::new();
    let missed = Log::new(&world.time);
    let (log, runs) = (missed.clone(), world.log.clone());
    let target = move |run: Run| {
        runs.note("run");
        log.note(format!("{} {:?}", run.missed(), run.started() - run.scheduled()));
    };
    world.every(100).missed_ticks(MissedTicks::Skip).run(target).unwrap();
    world.advance(730);
    world.start();
    world.advance(100);
    assert_eq!(world.log.take_times(), [730, 830]);
    assert_eq!(missed.take_names(), ["0 0ns", "0 0ns"]);
}

#[test]
fn time_in_which_it_was_stopped_is_not_missed() {
    let world = World::new();
    world.noting("a", 100);
    world.start();
    world.advance(250);
    world.stop();
    world.advance(5_000);
    world.scheduler.start().unwrap();
    world.advance(200);
    assert_eq!(world.log.take_times(), [0, 100, 200, 5_250, 5_350, 5_450]);
}

#[test]
fn scheduled_instants_ahead_stay_at_a_restart_and_the_grid_begins_anew() {
    let world = World::new();
    world.noting("a", 1_000);
    world.start();
    world.advance(330);
    world.stop();
    world.scheduler.start().unwrap();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 1_030, 2_030]); // due at 1000 and 2000, ticks at 330 + 50 k
}

#[test]
fn a_late_wake_up_serves_at_once_and_the_grid_stays() {
    let world = World::new();
    world.noting("a", 100);
    world.start();
    world.time.jump(ms(320));
    world.settle();
    world.advance(280);
    // Late at 320 (due at 100); 200 and 300 are made up at 350 and 400; then 400 at 450, 500 on time.
    assert_eq!(world.log.take_times(), [0, 320, 350, 400, 450, 500, 600]);
}

#[test]
fn a_late_tick_serves_in_the_order_of_registration_too() {
    let world = World::new();
    for (name, after_ms) in [("a", 160), ("b", 60), ("c", 110)] {
        let first = FirstRun::After(ms(after_ms));
        world.every(1_000).first_run(first).run(world.log.noting(name)).unwrap();
    }
    world.start();
    world.time.jump(ms(170));
    world.settle();
    assert_eq!(world.log.take_names(), ["a", "b", "c"]);
}

#[test]
fn the_grid_never_drifts() {
    let world = World::new();
    world.noting("a", 50);
    world.start();
    for _ in 0..100 {
        world.time.jump(ms(73));
        world.settle();
    }
    world.log.take();
    world.advance(100_000); // to catch up
    world.log.take();
    world.advance(1_000);
    let times = world.log.take_times();
    assert_eq!(times.len(), 20);
    assert!(times.iter().all(|at_ms| at_ms % 50 == 0), "{times:?}");
}

#[test]
fn ticks_in_which_nothing_is_due_are_slept_through() {
    let world = World::new();
    let job = world.noting("a", 3_600_000);
    world.start();
    let polls = world.time.polls();
    world.advance(24 * 3_600_000);
    assert_eq!(job.runs(), 25);
    assert!(world.time.polls() - polls < 24 * 10, "{}", world.time.polls() - polls);
}

#[test]
fn a_scheduler_without_jobs_sleeps() {
    let world = World::started();
    world.settle();
    let polls = world.time.polls();
    world.advance(24 * 3_600_000);
    assert!(world.time.polls() - polls <= 1);
}

#[test]
fn an_interval_below_the_resolution_is_refused_and_registers_nothing() {
    let world = World::new();
    for interval in [Duration::ZERO, Duration::from_nanos(1), TICK - Duration::from_nanos(1)] {
        let error = world.scheduler.every(interval).run(|| ()).unwrap_err();
        assert!(error.is_interval_too_short(), "{interval:?}");
        assert!(error.to_string().contains(&format!("{interval:?}")), "{error}");
        assert!(error.to_string().contains("50ms"), "{error}");
        assert!(world.scheduler.every(interval).run_blocking(|| ()).is_err());
    }
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn the_resolution_itself_is_an_interval() {
    let world = World::new();
    world.noting("a", 50);
    world.start();
    world.advance(150);
    assert_eq!(world.log.take_times(), [0, 50, 100, 150]);
}

#[test]
fn a_resolution_below_a_millisecond_is_refused() {
    for tick in [Duration::ZERO, Duration::from_nanos(999_999)] {
        let world = World::new();
        let error = Scheduler::builder(world.time.clone())
            .resolution(tick)
            .build()
            .unwrap_err();
        assert!(error.is_invalid_resolution(), "{tick:?}");
        assert!(!error.is_interval_too_short());
    }
}

#[test]
fn a_resolution_of_one_millisecond_works() {
    let world = World::new();
    let scheduler = Scheduler::builder(world.time.clone())
        .resolution(ms(1))
        .build()
        .unwrap();
    scheduler.every(ms(7)).run(world.log.noting("a")).unwrap();
    scheduler.start().unwrap();
    world.advance(21);
    assert_eq!(world.log.take_times(), [0, 7, 14, 21]);
    assert!(scheduler.every(Duration::from_micros(999)).run(|| ()).is_err());
}

#[test]
fn time_is_kept_in_whole_nanoseconds() {
    let world = World::new();
    let interval = Duration::from_nanos(50_000_001);
    let job = world.scheduler.every(interval).run(world.log.noting("a")).unwrap();
    world.start();
    world.advance(1_000);
    // Due at k * (50 ms + k ns): each of them a nanosecond more after its tick.
    assert_eq!(world.log.take_times().last(), Some(&1_000));
    assert_eq!(job.runs(), 20); // at 0, 100, 150, ...
    assert_eq!(job.interval(), Some(interval));
}

#[test]
fn no_drift_over_a_million_intervals() {
    let world = World::new();
    let job = world.noting("a", 50);
    world.start();
    world.time.advance(ms(50) * 100_000);
    assert_eq!(job.runs(), 100_001);
    assert_eq!(world.log.take_times().last(), Some(&5_000_000));
}

#[test]
fn an_endless_interval_runs_once() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let job = world
            .scheduler
            .every(Duration::MAX)
            .missed_ticks(policy)
            .run(|| ())
            .unwrap();
        world.start();
        world.time.advance(SECOND * 86_400 * 365);
        assert_eq!(job.runs(), 1, "{policy:?}");
        assert_eq!(job.interval(), Some(Duration::MAX));
        assert!(world.stop().is_clean());
        world.start();
        assert_eq!(job.runs(), 1, "{policy:?}");
    }
}

#[test]
fn an_endless_delay_is_never() {
    let world = World::new();
    let after = world
        .every(100)
        .first_run(FirstRun::After(Duration::MAX))
        .run(|| ())
        .unwrap();
    let interval = world
        .scheduler
        .every(Duration::MAX)
        .first_run(FirstRun::AfterInterval)
        .run(|| ())
        .unwrap();
    world.start();
    world.time.advance(SECOND * 86_400 * 365);
    assert_eq!((after.runs(), interval.runs()), (0, 0));
}

#[test]
fn an_endless_resolution_has_one_tick() {
    let world = World::new();
    let scheduler = Scheduler::builder(world.time.clone())
        .resolution(Duration::MAX)
        .build()
        .unwrap();
    let job = scheduler.every(Duration::MAX).run(|| ()).unwrap();
    scheduler.start().unwrap();
    world.time.advance(SECOND * 86_400);
    assert_eq!(job.runs(), 1);
}
