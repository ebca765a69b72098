//! Executors that refuse or lose tasks.

use atevery::runtime::{BoxFuture, SpawnError, Spawner, Timer};
use atevery::{MissedTicks, Run, Scheduler};
use futures::FutureExt;

use crate::naive::{Clock, Mode, Naive, pass};
use crate::support::{Count, SECOND, World, later, ms, put, take};

#[test]
fn a_loop_that_is_refused_is_an_error_and_can_be_started_later() {
    let world = World::new();
    let job = world.noting("a", 100);
    world.time.refuse_spawns(1);
    assert!(world.scheduler.start().unwrap_err().is_spawn());
    assert!(!world.scheduler.is_running());
    world.advance(230);
    assert_eq!(job.runs(), 0);
    world.start();
    world.advance(100);
    assert_eq!(world.log.take_times(), [230, 330]);
}

#[test]
fn a_loop_that_is_lost_can_be_started_again() {
    let world = World::new();
    let job = world.noting("a", 100);
    world.time.drop_spawns(1);
    let _ = world.scheduler.start();
    world.settle();
    assert!(!world.scheduler.is_running());
    world.start();
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_run_that_is_refused_is_tried_again_at_the_next_tick_and_keeps_its_scheduled_instant() {
    refused(|world, count| world.time.refuse_spawns(count));
}

#[test]
fn a_run_that_is_lost_is_tried_again_at_the_next_tick_and_keeps_its_scheduled_instant() {
    refused(|world, count| world.time.drop_spawns(count));
}

fn refused(fault: impl Fn(&World, usize)) {
    for blocking in [false, true] {
        let world = World::new();
        let log = world.log.clone();
        let target = move |run: Run| log.note(format!("{} {:?}", run.number(), run.started() - run.scheduled()));
        let builder = world.every(200);
        let job = if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        world.scheduler.start().unwrap();
        fault(&world, 1_000);
        world.settle();
        assert_eq!((job.runs(), job.is_running()), (0, false));
        world.advance(120);
        assert_eq!((job.runs(), job.is_running()), (0, false));
        fault(&world, 0);
        world.advance(30);
        world.advance(50);
        // The run due at 0 begins at 150. The run due at 200 is on time.
        let expected = [(150, "0 150ms".to_owned()), (200, "1 0ns".to_owned())];
        assert_eq!(world.log.take(), expected, "blocking: {blocking}");
    }
}

#[test]
fn futures_that_are_dropped_inside_spawn() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let jobs = [
        scheduler.every(ms(100)).run(|| ()).unwrap(),
        scheduler.every(ms(100)).run_blocking(|| ()).unwrap(),
    ];
    naive.set(Mode::Drop);
    let _ = scheduler.start();
    assert!(!scheduler.is_running());
    naive.set(Mode::Queue);
    scheduler.start().unwrap();
    naive.set(Mode::Drop);
    pass(&clock, &naive, ms(120), ms(10));
    assert!(jobs.iter().all(|job| job.runs() == 0 && !job.is_running()));
    naive.set(Mode::Queue);
    pass(&clock, &naive, ms(30), ms(10));
    assert!(jobs.iter().all(|job| job.runs() == 1));
}

#[test]
fn refused_runs_are_tried_once_a_tick() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let job = scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    naive.set(Mode::Refuse);
    naive.run();
    let before = naive.spawns();
    pass(&clock, &naive, SECOND, ms(1));
    let tries = naive.spawns() - before;
    assert!((19..=21).contains(&tries), "{tries} tries in 20 ticks");
    naive.set(Mode::Queue);
    pass(&clock, &naive, ms(50), ms(1));
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_refused_run_counts_as_late_under_every_policy() {
    for (policy, missed, next) in [
        (MissedTicks::Burst, 0, 2), // made up at the next tick
        (MissedTicks::Skip, 2, 2),  // due at 300
        (MissedTicks::Delay, 2, 1), // due at 350
    ] {
        let world = World::new();
        let log = world.log.clone();
        let job = world
            .every(100)
            .missed_ticks(policy)
            .run(move |run: Run| log.note(run.missed().to_string()))
            .unwrap();
        world.scheduler.start().unwrap();
        world.time.refuse_spawns(1_000);
        world.advance(240);
        world.time.refuse_spawns(0);
        world.advance(10);
        assert_eq!(world.log.take(), [(250, missed.to_string())], "{policy:?}");
        world.advance(49);
        assert_eq!(job.runs(), 1);
        world.advance(1);
        assert_eq!(job.runs(), next, "{policy:?}");
    }
}

#[test]
fn other_jobs_are_not_touched_by_the_refusal_of_a_blocking_run() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let blocking = scheduler.every(ms(100)).run_blocking(|| ()).unwrap();
    let plain = scheduler.every(ms(100)).run(|| ()).unwrap();
    naive.refuse_blocking(true);
    scheduler.start().unwrap();
    pass(&clock, &naive, ms(310), ms(10));
    assert_eq!((blocking.runs(), plain.runs()), (0, 4));
    assert!(!blocking.is_running());
    naive.refuse_blocking(false);
    pass(&clock, &naive, ms(200), ms(10));
    // The four due runs are made up, one a tick: at 350, 400, 450 and 500.
    assert_eq!(blocking.runs(), 4);
}

#[test]
fn a_job_that_was_removed_while_it_was_refused_is_gone() {
    let world = World::new();
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let job = world
        .every(100)
        .run(move || {
            let _guard = &guard;
        })
        .unwrap();
    world.scheduler.start().unwrap();
    world.time.refuse_spawns(1_000);
    world.advance(120);
    job.remove();
    assert_eq!(dropped.get(), 1);
    world.time.refuse_spawns(0);
    world.advance(1_000);
    assert_eq!(job.runs(), 0);
}

#[test]
fn a_stop_while_runs_are_refused_is_clean() {
    let world = World::new();
    world.noting("a", 100);
    world.every(100).run_blocking(|| ()).unwrap();
    world.scheduler.start().unwrap();
    world.time.refuse_spawns(1_000);
    world.advance(120);
    let report = world.scheduler.stop().into_future().now_or_never().unwrap();
    assert!(report.is_clean() && report.finished().is_empty() && report.cancelled().is_empty());
    world.time.refuse_spawns(0);
    world.start();
    assert_eq!(world.log.take_times(), [120]);
}

#[test]
fn a_stop_that_is_dropped_half_way_ends_even_if_nothing_can_be_spawned() {
    let world = World::new();
    let job = world.endless("endless");
    world.start();
    let mut stop = Box::pin(world.scheduler.stop().grace(SECOND).into_future());
    assert!(crate::support::poll_once(stop.as_mut()).is_pending());
    world.time.refuse_spawns(1_000);
    drop(stop);
    world.advance(1_000);
    assert!(!job.is_running());
    world.time.refuse_spawns(0);
    world.scheduler.start().unwrap();
}

#[test]
fn some_of_many_refused_runs_are_neither_lost_nor_doubled() {
    let world = World::new();
    let jobs: Vec<_> = (0..100).map(|_| world.every(100).run(async || ()).unwrap()).collect();
    world.scheduler.start().unwrap();
    for count in [3, 17, 50, 99] {
        world.time.refuse_spawns(count);
        world.advance(130);
    }
    world.time.refuse_spawns(0);
    world.advance(480); // at 1000
    assert!(
        jobs.iter().all(|job| job.runs() == 11),
        "{:?}",
        jobs.iter().map(atevery::Job::runs).collect::<Vec<_>>()
    );
}

#[test]
fn a_spawner_that_panics_loses_no_run() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let jobs = [0, 1, 2].map(|_| scheduler.every(ms(100)).run(|| ()).unwrap());
    scheduler.start().unwrap();
    naive.set(Mode::Panic);
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| naive.run()));
    naive.set(Mode::Queue);
    if !scheduler.is_running() {
        scheduler.start().unwrap();
    }
    pass(&clock, &naive, ms(50), ms(10));
    assert!(jobs.iter().all(|job| job.runs() == 1));
}

#[test]
fn a_grace_is_kept_while_spawns_are_refused() {
    let world = World::new();
    let job = world.taking("quick", 1_000, 70);
    world.start();
    world.time.refuse_spawns(1_000);
    let report = world.wait(world.scheduler.stop().grace(ms(100)));
    assert_eq!(report.finished(), [job]);
    assert_eq!(world.elapsed_ms(), 70);
}

/// A runtime that refuses the spawns with the numbers in `refused`.
struct Picky {
    naive: Naive,
    refused: std::ops::Range<usize>,
}

impl Spawner for Picky {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        if self.refused.contains(&self.naive.spawns()) {
            self.naive.set(Mode::Refuse);
        }
        let outcome = self.naive.spawn(future);
        self.naive.set(Mode::Queue);
        outcome
    }
}

/// The loop intended to sleep for a day, because there was a worker for each batch.
#[test]
fn a_job_whose_worker_was_refused_comes_at_the_next_tick_although_the_other_worker_is_stuck() {
    let (naive, clock) = (Naive::new(), Clock::new());
    // The spawns are the loop, a worker, and twice the other worker: at the tick, and when the first worker wants a
    // helper.
    let picky = Picky {
        naive: naive.clone(),
        refused: 2..4,
    };
    let scheduler = Scheduler::new((picky, clock.clone()));
    let (runs, meanwhile) = (Count::default(), later());
    for _ in 0..2 {
        let (naive, clock, runs, meanwhile) = (naive.clone(), clock.clone(), runs.clone(), meanwhile.clone());
        let target = move || {
            runs.up();
            if runs.get() == 1 {
                pass(&clock, &naive, ms(50), ms(50)); // As another thread would, while this one is blocked.
                put(&meanwhile, runs.get());
            }
        };
        scheduler.every(SECOND * 86_400).run(target).unwrap();
    }
    scheduler.start().unwrap();
    naive.run();
    assert_eq!(take(&meanwhile), 2);
}

/// A job without a run left is removed while the batch of refused workers is offered. This removal must not count
/// workers that are never spawned.
#[test]
fn jobs_run_again_after_refusals_at_which_a_job_was_removed() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let over = scheduler.every(ms(100)).until(clock.now() + ms(10)).run(|| ()).unwrap();
    let many: Vec<_> = (0..200)
        .map(|_| scheduler.every(3_600 * SECOND).run(|| ()).unwrap())
        .collect();
    let job = scheduler.every(ms(100)).run(|| ()).unwrap();
    clock.set(clock.now() + ms(50));
    scheduler.start().unwrap();
    naive.set(Mode::Refuse);
    pass(&clock, &naive, ms(20), ms(10));
    assert!(!scheduler.jobs().contains(&over));
    naive.set(Mode::Queue);
    pass(&clock, &naive, ms(200), ms(10));
    assert!(many.iter().all(|job| job.runs() == 1));
    let before = job.runs();
    pass(&clock, &naive, SECOND, ms(10));
    assert_eq!(job.runs() - before, 10);
}
