//! Stops, and executors that go away or refuse, during a wait.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use atevery::runtime::{BoxFuture, SpawnError, Spawner, Standalone, Timer};
use atevery::testing::VirtualTime;
use atevery::{Run, Scheduler};
use futures::future::{Either, select};

use super::{KINDS, Kind, failing, register};
use crate::support::{Count, SECOND, World, ms};
use crate::time_limit::{at, witnessed};

#[test]
fn a_stop_cancels_a_wait_at_once() {
    for kind in KINDS {
        for grace in [Duration::ZERO, SECOND, Duration::MAX] {
            let (world, emitted) = witnessed();
            let builder = world.every(10_000).name("a").retry(|| [SECOND * 5]);
            let job = failing(&world, builder, kind, 1);
            world.start();
            world.advance(30);
            let report = world.wait(world.scheduler.stop().grace(grace));
            assert_eq!(world.elapsed_ms(), 30, "{kind:?} {grace:?}");
            assert_eq!(report.cancelled(), [job], "{kind:?} {grace:?}");
            assert!(report.finished().is_empty() && report.is_clean());
            assert_eq!(
                emitted.take_names(),
                ["a started", "a retried", "a cancelled"],
                "{kind:?}"
            );
            world.advance(10_000);
            assert_eq!(world.log.take_times(), [0], "{kind:?} {grace:?}");
            assert_eq!((world.time.tasks(), world.time.timers()), (0, 0), "{kind:?} {grace:?}");
        }
    }
}

#[test]
fn an_attempt_that_fails_in_the_grace_is_the_last() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        log.note("attempt");
        let sleep = clock.sleep(SECOND);
        async move {
            match select(sleep, run.cancelled()).await {
                Either::Left(_) => Ok(()),
                Either::Right(_) => Err("told to end"),
            }
        }
    };
    let job = world.every(10_000).retry(|| [ms(1); 10]).run(target).unwrap();
    world.start();
    world.advance(30);
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(world.elapsed_ms(), 30);
    assert_eq!(report.cancelled(), [job]);
    assert_eq!(world.log.take_times(), [0]);
}

#[test]
fn an_attempt_that_succeeds_in_the_grace_has_finished() {
    let world = World::new();
    let job = world
        .every(10_000)
        .retry(|| [ms(1); 10])
        .run(world.log.taking("attempt", |_| 70))
        .unwrap();
    world.start();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(report.finished(), [job]);
}

#[test]
fn a_detached_stop_leaves_the_attempts_alone() {
    for kind in KINDS {
        let world = World::new();
        let builder = world.every(100).retry(|| [ms(20), ms(60)]);
        failing(&world, builder, kind, 2);
        world.start();
        world.scheduler.stop().detach();
        world.advance(500);
        assert_eq!(world.log.take_times(), [0, 20, 80], "{kind:?}");
    }
}

#[test]
fn after_a_cancelled_wait_the_next_start_begins_anew() {
    for kind in KINDS {
        let world = World::new();
        let builder = world.every(1_000).retry(|| [ms(500)]);
        let job = failing(&world, builder, kind, 1);
        world.start();
        assert_eq!(world.stop().cancelled().len(), 1);
        world.start();
        world.advance(1_100);
        assert_eq!(world.log.take_times(), [0, 1_000], "{kind:?}");
        assert_eq!(job.runs(), 2, "{kind:?}");
    }
}

#[test]
fn an_executor_that_goes_away_cancels_the_wait() {
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").retry(|| [ms(500)]);
        let job = failing(&world, builder, kind, 1);
        world.start();
        world.time.shut_down();
        assert!(!job.is_running(), "{kind:?}");
        assert_eq!(job.status().cancelled(), 1, "{kind:?}");
        assert_eq!(
            emitted.take_names(),
            ["a started", "a retried", "a cancelled"],
            "{kind:?}"
        );
    }
}

#[test]
fn dropping_the_scheduler_cancels_the_wait() {
    for kind in KINDS {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let (attempts, dropped) = (Count::default(), Count::default());
        let (count, guard) = (attempts.clone(), dropped.on_drop());
        let builder = scheduler.every(SECOND).retry(|| std::iter::repeat(ms(10)));
        let job = register(builder, kind, move |_, _| {
            let _guard = &guard;
            count.up();
            Err("no".to_owned())
        });
        scheduler.start().unwrap();
        time.advance(ms(25));
        drop(scheduler);
        time.advance(SECOND);
        assert_eq!((attempts.get(), dropped.get()), (3, 1), "{kind:?}");
        assert!(!job.is_running(), "{kind:?}");
        assert_eq!((time.tasks(), time.timers()), (0, 0), "{kind:?}");
    }
}

#[test]
fn an_endless_wait_is_ended_by_a_stop() {
    for kind in KINDS {
        let world = World::new();
        let builder = world.every(100).retry(|| [Duration::MAX]);
        let job = failing(&world, builder, kind, usize::MAX);
        world.start();
        world.advance(86_400_000);
        assert!(job.is_running(), "{kind:?}");
        assert_eq!(world.stop().cancelled(), [job], "{kind:?}");
    }
}

#[test]
fn a_wait_that_the_executor_refuses_cancels_a_blocking_run() {
    for lost in [false, true] {
        let (world, emitted) = witnessed();
        let clock = world.time.clone();
        let builder = world.every(100).name("a").retry(|| [ms(20)]);
        let job = register(builder, Kind::Blocking, move |attempt, _| {
            if attempt > 0 {
                return Ok(());
            }
            if lost {
                clock.drop_spawns(1);
            } else {
                clock.refuse_spawns(1);
            }
            Err("no".to_owned())
        });
        world.start();
        assert!(!job.is_running());
        world.advance(100);
        let expected = [
            (0, "a started"),
            (0, "a retried"),
            (0, "a cancelled"),
            (100, "a started"),
            (100, "a finished"),
        ];
        assert_eq!(emitted.take(), at(&expected), "lost: {lost}");
    }
}

#[test]
fn an_attempt_that_the_executor_refuses_cancels_a_blocking_run() {
    let (world, emitted) = witnessed();
    let builder = world.every(100).name("a").retry(|| [ms(20)]);
    let job = failing(&world, builder, Kind::Blocking, 1);
    world.start();
    world.time.refuse_spawns(1);
    world.advance(99);
    assert!(!job.is_running());
    assert_eq!(emitted.take_names(), ["a started", "a retried", "a cancelled"]);
    world.advance(1);
    assert_eq!(world.log.take_times(), [0, 100]);
}

/// A runtime whose blocking pool is the thread of the test.
#[derive(Clone)]
struct PoolByHand {
    time: VirtualTime,
    work: Arc<Mutex<Vec<Work>>>,
}

type Work = Box<dyn FnOnce() + Send>;

impl Spawner for PoolByHand {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.time.spawn(future)
    }

    fn spawn_blocking(&self, work: Work) -> Result<(), SpawnError> {
        self.work.lock().unwrap().push(work);
        Ok(())
    }
}

impl Timer for PoolByHand {
    fn now(&self) -> Instant {
        self.time.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.time.sleep_until(deadline)
    }
}

/// A stop that waits for the run may block the only thread of the executor.
#[test]
fn a_blocking_run_that_is_cancelled_during_an_attempt_ends_without_the_executor() {
    let time = VirtualTime::new();
    let work = Arc::default();
    let runtime = PoolByHand { time, work };
    let scheduler = Scheduler::new(runtime.clone());
    let builder = scheduler.every(SECOND).retry(|| [ms(20); 5]);
    let target = |run: Run| {
        run.job().cancel();
        Err("no")
    };
    let job = builder.run_blocking(target).unwrap();
    scheduler.start().unwrap();
    runtime.time.run_until_stalled();
    let attempt = runtime.work.lock().unwrap().pop().unwrap();
    attempt();
    assert!(!job.is_running());
    runtime.time.advance(ms(500));
    assert!(runtime.work.lock().unwrap().is_empty());
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_stop_ends_many_waits_together() {
    let world = World::new();
    for index in 0..300 {
        let builder = world.every(10_000).retry(|| [SECOND]);
        register(builder, KINDS[index % 3], |_, _| Err("no".to_owned()));
    }
    world.start();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!((report.cancelled().len(), world.elapsed_ms()), (300, 0));
}

#[test]
fn on_threads_a_stop_ends_the_wait_of_each_kind() {
    for kind in KINDS {
        let scheduler = Scheduler::new(Standalone::new());
        let (sender, attempts) = mpsc::channel();
        let builder = scheduler.every(SECOND * 60).retry(|| [ms(5), SECOND * 600]);
        let job = register(builder, kind, move |_, _| {
            sender.send(()).unwrap();
            Err("no".to_owned())
        });
        scheduler.start().unwrap();
        for _ in 0..2 {
            attempts.recv_timeout(SECOND * 20).expect("an attempt is made");
        }
        let report = scheduler.stop().grace(SECOND * 60).timeout(SECOND * 20).blocking_wait();
        assert_eq!(report.cancelled(), [job], "{kind:?}");
    }
}
