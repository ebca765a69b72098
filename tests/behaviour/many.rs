//! Many jobs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use atevery::runtime::FuturesTimer;
use atevery::{Job, Scheduler};

use crate::naive::{Clock, Mode, Naive};
use crate::support::{Count, World, later, ms, put, take};
use crate::threads::Threads;

const MANY: usize = 100_000;

#[test]
fn each_of_many_runs_once_a_tick_in_order() {
    let world = World::new();
    let order = Order::default();
    for nth in 0..MANY {
        world.every(100).run(order.noting(nth)).unwrap();
    }
    world.start();
    assert!(order.take().into_iter().eq(0..MANY));
    world.advance(50);
    assert_eq!(order.take(), []);
    world.advance(50);
    assert!(order.take().into_iter().eq(0..MANY));
}

#[test]
fn many_asynchronous_jobs_run_begin_in_order_and_end() {
    let world = World::new();
    let order = Order::default();
    let ended = Count::default();
    for nth in 0..MANY / 10 {
        let (mut note, ended, clock) = (order.noting(nth), ended.clone(), world.time.clone());
        let target = move || {
            note();
            let (sleep, ended) = (clock.sleep(ms(30)), ended.clone());
            async move {
                sleep.await;
                ended.up();
            }
        };
        world.every(100).run(target).unwrap();
    }
    world.start();
    assert!(order.take().into_iter().eq(0..MANY / 10));
    world.advance(230);
    assert_eq!(ended.get(), 3 * MANY / 10);
}

#[test]
fn a_stop_cancels_each_of_many() {
    let world = World::new();
    for _ in 0..MANY / 10 {
        world.every(100).run(std::future::pending::<()>).unwrap();
    }
    world.start();
    let report = world.stop();
    assert_eq!(report.cancelled().len(), MANY / 10);
    assert_eq!(report.cancelled(), world.scheduler.jobs());
    world.settle();
    assert_eq!(world.time.tasks(), 0);
}

#[test]
fn a_detach_amid_many_leaves_the_rest_unbegun() {
    let world = World::new();
    let order = Order::default();
    for nth in 0..MANY / 10 {
        let (mut note, scheduler) = (order.noting(nth), world.scheduler.clone());
        let target = move || {
            note();
            if nth == 777 {
                scheduler.stop().detach();
            }
        };
        world.every(100).run(target).unwrap();
    }
    world.start();
    assert!(order.take().into_iter().eq(0..=777));
    world.advance(1_000);
    assert_eq!(order.take(), []);
    world.start();
    // Scheduled instants: the first 778 at 100, lifted to 1000. The others at 0, lifted too.
    assert!(order.take().into_iter().eq(0..=777));
    world.time.shut_down();
}

#[test]
fn jobs_with_intervals_of_all_lengths_keep_their_counts() {
    let world = World::new();
    let jobs: Vec<(u64, Job)> = (0..1_000)
        .map(|nth| 50 + nth * 7)
        .map(|interval_ms| (interval_ms, world.every(interval_ms).run(|| ()).unwrap()))
        .collect();
    world.start();
    world.advance(60_000);
    for (interval_ms, job) in jobs {
        assert_eq!(job.runs(), 1 + 60_000 / interval_ms, "every {interval_ms} ms");
    }
}

#[test]
fn ten_thousand_jobs_at_a_resolution_of_a_millisecond() {
    let world = World::new();
    let scheduler = Scheduler::builder(world.time.clone())
        .resolution(ms(1))
        .build()
        .unwrap();
    let jobs: Vec<Job> = (0..10_000)
        .map(|_| scheduler.every(ms(1)).run(|| ()).unwrap())
        .collect();
    scheduler.start().unwrap();
    world.advance(20);
    assert!(jobs.iter().all(|job| job.runs() == 21));
}

#[test]
fn other_tasks_have_their_turn_between_many_jobs() {
    let world = World::new();
    let runs = Count::default();
    for _ in 0..MANY {
        let runs = runs.clone();
        world.every(100).run(move || runs.up()).unwrap();
    }
    let (counted, turns) = (runs.clone(), Count::default());
    let seen = turns.clone();
    let task = async move {
        while counted.get() < MANY {
            seen.up();
            crate::support::yield_now().await;
        }
    };
    atevery::runtime::Spawner::spawn(&world.time, Box::pin(task)).unwrap();
    world.start();
    assert!(turns.get() > 10, "{} turns", turns.get());
}

#[test]
fn runs_that_take_no_time_share_a_turn_and_those_that_do_have_one_for_each_batch() {
    // 160 batches of 64. A turn of a worker is 8 batches, unless they take too long.
    for (run_takes, turns) in [(Duration::ZERO, 20..40), (Duration::from_micros(1), 160..180)] {
        let world = World::new();
        for _ in 0..64 * 160 {
            let clock = world.time.clone();
            world.every(100).run(move || clock.block_for(run_takes)).unwrap();
        }
        world.start();
        assert!(
            turns.contains(&world.time.polls()),
            "{run_takes:?}: {}",
            world.time.polls()
        );
    }
}

#[test]
fn however_many_jobs_block_their_threads_there_is_a_worker_for_the_next() {
    const DEEP: usize = 10;
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock));
    let (running, deepest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..500 {
        let (naive, running, deepest) = (naive.clone(), running.clone(), deepest.clone());
        let target = move || {
            let deep = running.fetch_add(1, Ordering::Relaxed) + 1;
            deepest.fetch_max(deep, Ordering::Relaxed);
            if deep < DEEP {
                naive.run(); // As another thread would, while this one is blocked.
            }
            running.fetch_sub(1, Ordering::Relaxed);
        };
        scheduler.every(ms(100)).run(target).unwrap();
    }
    scheduler.start().unwrap();
    naive.run();
    assert_eq!(deepest.load(Ordering::Relaxed), DEEP);
}

#[test]
fn a_worker_without_a_helper_continues_alone() {
    const JOBS: usize = 512;
    const BATCH: usize = 8;
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock));
    let (runs, others) = (Count::default(), later());
    for nth in 0..JOBS {
        let (naive, runs, others) = (naive.clone(), runs.clone(), others.clone());
        let target = move || {
            if nth == 0 {
                naive.set(Mode::Refuse);
                naive.run(); // As another thread would, while this one is blocked.
                put(&others, runs.get());
            }
            runs.up();
        };
        scheduler.every(ms(100)).run(target).unwrap();
    }
    scheduler.start().unwrap();
    naive.run();
    assert_eq!((take(&others), runs.get()), (JOBS - BATCH, JOBS));
}

#[test]
fn nothing_is_left_when_many_are_done() {
    let world = World::new();
    for _ in 0..MANY / 100 {
        world.taking("slow", 100, 30);
    }
    world.start();
    world.advance(10_050);
    assert_eq!((world.time.tasks(), world.time.timers()), (1, 1)); // the loop and its sleep
}

/// No worker comes back that could wake the loop for the jobs inserted since.
#[test]
fn ticks_go_on_while_all_workers_are_stuck_in_the_last_batches() {
    const JOBS: usize = 192; // batches of 3
    let threads = Threads::new(16);
    let scheduler = Scheduler::new((threads.clone(), FuturesTimer));
    let (sender, runs) = mpsc::channel();
    let gate = Arc::new(Mutex::new(()));
    let shut = gate.lock().unwrap();
    for nth in 0..JOBS {
        let (sender, gate) = (sender.clone(), Arc::clone(&gate));
        let is_stuck = nth % 3 == 2 && nth >= JOBS - 24;
        let target = move || {
            if is_stuck {
                drop(gate.lock());
            } else if nth == 0 {
                let _ = sender.send(());
            }
        };
        scheduler.every(ms(100)).run(target).unwrap();
    }
    scheduler.start().unwrap();
    for run in 0..4 {
        let came = runs.recv_timeout(Duration::from_secs(20));
        assert!(came.is_ok(), "run {run} doesn't come");
    }
    drop(shut);
    threads.stop(&scheduler);
}

/// The order in which jobs ran.
#[derive(Clone, Default)]
struct Order(std::sync::Arc<std::sync::Mutex<Vec<usize>>>);

impl Order {
    fn noting(&self, nth: usize) -> impl FnMut() + Send + 'static {
        let order = self.clone();
        move || order.0.lock().unwrap().push(nth)
    }

    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[test]
fn many_jobs_on_a_spawner_that_polls_inside_spawn() {
    let (naive, clock) = (crate::naive::Naive::new(), crate::naive::Clock::new());
    naive.set(crate::naive::Mode::Inline);
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let order = Order::default();
    for nth in 0..MANY / 10 {
        let mut note = order.noting(nth);
        let target = move || {
            note();
            std::future::pending::<()>()
        };
        scheduler.every(ms(100)).run(target).unwrap();
    }
    scheduler.start().unwrap();
    naive.run();
    assert!(order.take().into_iter().eq(0..MANY / 10));
    let stop = scheduler.stop().into_future();
    assert_eq!(futures::executor::block_on(stop).cancelled().len(), MANY / 10);
}
