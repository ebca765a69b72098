//! Runs that the executor refuses, or that wait in a busy pool.

use std::sync::{Arc, Mutex};

use atevery::runtime::{BoxFuture, SpawnError, Spawner};
use atevery::testing::VirtualTime;
use atevery::{Allow, MissedTicks, Run, Scheduler};
use futures::FutureExt;

use super::{allowing, taking};
use crate::support::{World, ms};
use crate::time_limit::at;

#[test]
fn a_triggered_run_that_was_refused_runs_once() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 230 } else { 10_000 });
    let job = allowing(&world, 1_000, 4).run(target).unwrap();
    world.start();
    world.advance(120);
    job.trigger();
    world.time.refuse_spawns(1_000);
    world.advance(120);
    world.time.refuse_spawns(0);
    world.advance(2_000);
    assert_eq!(
        world.log.take(),
        at(&[(0, "0"), (250, "1"), (1_000, "2"), (2_000, "3")])
    );
}

#[test]
fn runs_that_are_refused_are_tried_again() {
    for blocking in [false, true] {
        let world = World::new();
        let (clock, log) = (world.time.clone(), world.log.clone());
        let builder = allowing(&world, 100, 3);
        let job = if blocking {
            builder.run_blocking(move || log.note("begins"))
        } else {
            builder.run(move || {
                log.note("begins");
                clock.sleep(ms(1_000))
            })
        }
        .unwrap();
        world.scheduler.start().unwrap();
        world.time.refuse_spawns(1_000);
        world.advance(240);
        assert_eq!((job.runs(), job.is_running()), (0, false));
        world.time.refuse_spawns(0);
        world.advance(110);
        assert_eq!(world.log.take_times(), [250, 300, 350], "blocking: {blocking}");
        assert!(world.stop().is_clean());
    }
}

/// Virtual time with a blocking pool that is busy until the test releases it.
#[derive(Clone)]
struct BusyPool(VirtualTime, Arc<Mutex<Vec<Work>>>);

type Work = Box<dyn FnOnce() + Send>;

impl BusyPool {
    fn catch_up(&self) {
        let waiting = std::mem::take(&mut *self.1.lock().unwrap());
        for work in waiting {
            work();
        }
    }
}

impl Spawner for BusyPool {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.0.spawn(future)
    }

    fn spawn_blocking(&self, work: Work) -> Result<(), SpawnError> {
        self.1.lock().unwrap().push(work);
        Ok(())
    }
}

#[test]
fn a_pool_that_is_busy_for_a_while_begins_no_run_before_it_is_scheduled() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let time = VirtualTime::new();
        let pool = BusyPool(time.clone(), Arc::default());
        let scheduler = Scheduler::new((pool.clone(), time.clone()));
        let runs: Arc<Mutex<Vec<Run>>> = Arc::default();
        let seen = Arc::clone(&runs);
        let builder = scheduler.every(ms(200)).on_overlap(Allow(10)).missed_ticks(policy);
        builder
            .run_blocking(move |run: Run| seen.lock().unwrap().push(run))
            .unwrap();
        scheduler.start().unwrap();
        for busy in [400, 730, 50, 1_000] {
            time.advance(ms(busy));
            pool.catch_up();
        }
        for _ in 0..100 {
            time.advance(ms(50));
            pool.catch_up();
        }
        let runs = runs.lock().unwrap();
        assert!(runs.iter().all(|run| run.scheduled() <= run.started()), "{policy:?}");
        assert!(runs.is_sorted_by_key(|run| run.number()), "{policy:?}");
        assert!(runs.is_sorted_by_key(|run| run.scheduled()), "{policy:?}");
        if policy == MissedTicks::Burst {
            // All runs are made up: those of 0, 200, ... 7,000 and the runs since.
            assert!(runs.len() >= 36, "{}", runs.len());
        }
        time.shut_down();
    }
}

/// The job's own run ends while another run waits for the pool and has not advanced the schedule yet.
#[test]
fn no_second_run_is_offered_for_one_scheduled_instant_or_one_trigger() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        for is_triggered in [false, true] {
            let time = VirtualTime::new();
            let pool = BusyPool(time.clone(), Arc::default());
            let scheduler = Scheduler::new((pool.clone(), time.clone()));
            let runs: Arc<Mutex<Vec<Run>>> = Arc::default();
            let (seen, clock) = (Arc::clone(&runs), time.clone());
            let builder = scheduler.every(ms(200)).on_overlap(Allow(2)).missed_ticks(policy);
            let job = builder
                .run_blocking(move |run: Run| {
                    if run.number() == 0 {
                        clock.advance(ms(220));
                    }
                    seen.lock().unwrap().push(run);
                })
                .unwrap();
            scheduler.start().unwrap();
            time.run_until_stalled();
            pool.catch_up();
            if is_triggered {
                job.trigger();
            }
            for _ in 0..20 {
                time.advance(ms(50));
                pool.catch_up();
            }
            let runs = runs.lock().unwrap();
            assert!(runs.iter().all(|run| run.scheduled() <= run.started()), "{policy:?}");
            // The runs of 0, 200, ... 1,200, or each run 250 ms after the run before. And the triggered run.
            let regular = if policy == MissedTicks::Delay { 5 } else { 7 };
            assert_eq!(runs.len(), regular + usize::from(is_triggered), "{policy:?}");
            time.shut_down();
        }
    }
}

#[test]
fn runs_that_wait_in_a_busy_pool_are_withdrawn_by_a_stop() {
    let time = VirtualTime::new();
    let pool = BusyPool(time.clone(), Arc::default());
    let scheduler = Scheduler::new((pool.clone(), time.clone()));
    let builder = scheduler.every(ms(100)).on_overlap(Allow(3));
    let job = builder.run_blocking(|| ()).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(500));
    let report = scheduler.stop().into_future().now_or_never().expect("nothing runs");
    assert!(report.is_clean() && report.cancelled().is_empty());
    for work in std::mem::take(&mut *pool.1.lock().unwrap()) {
        work();
    }
    assert_eq!((job.runs(), job.is_running()), (0, false));
    time.shut_down();
}
