//! Destructors of cancelled runs, and where they run.

use std::cell::Cell;
use std::future::pending;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use atevery::runtime::{BoxFuture, SpawnError, Spawner};
use atevery::testing::VirtualTime;
use atevery::{Job, Overlap, Scheduler};
use futures::FutureExt;
use futures::executor::block_on;

use crate::naive::{Clock, Mode, Naive};
use crate::support::{Count, Later, SECOND, TICK, World, in_time, later, ms, names, poll_once, put, take, yield_now};
use crate::threads::{Stuck, Threads, Waiter};

/// Calls a function when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A target whose runs wait for ever. The destructor of each run calls `end`.
fn ending_with(end: impl Fn() + Clone + Send + 'static) -> impl FnMut() -> BoxFuture<'static, ()> + Send + 'static {
    move || {
        let guard = OnDrop(end.clone());
        Box::pin(async move {
            let _guard = guard;
            pending::<()>().await;
        })
    }
}

/// A job whose runs wait for ever. The destructor of each run blocks its thread until the waiter is released.
fn stuck_in_its_destructor(scheduler: &Scheduler, waiter: &Waiter) -> Job {
    let waiter = waiter.clone();
    let target = ending_with(move || waiter.wait());
    scheduler.every(ms(50)).name("slow").run(target).unwrap()
}

/// Moves the clock on until the job runs.
fn advance_until_running(stuck: &Stuck, job: &Job) {
    stuck.world().advance_until(|| job.is_running());
}

#[test]
fn the_poll_of_a_stop_drops_no_run() {
    let world = World::new();
    let dropped = Count::default();
    let count = dropped.clone();
    world.every(100).name("a").run(ending_with(move || count.up())).unwrap();
    world.start();
    let mut stop = Box::pin(world.scheduler.stop().into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    assert_eq!(dropped.get(), 0);
    world.settle();
    assert_eq!(dropped.get(), 1);
    assert_eq!(
        names(stop.now_or_never().expect("the run is dropped").cancelled()),
        ["a"]
    );
}

#[test]
fn a_stop_keeps_its_timeout_while_a_destructor_is_stuck() {
    for blocks in [false, true] {
        let stuck = Stuck::new();
        let job = stuck_in_its_destructor(&stuck.scheduler, &stuck.waiter());
        stuck.scheduler.start().unwrap();
        advance_until_running(&stuck, &job);
        let stop = stuck.scheduler.stop().timeout(ms(200));
        let report = if blocks {
            stop.blocking_wait()
        } else {
            let mut stop = Box::pin(stop.into_future());
            assert!(poll_once(stop.as_mut()).is_pending());
            stuck.begun();
            stuck.world().advance(200);
            block_on(stop)
        };
        assert_eq!(report.still_running(), [job]);
        stuck.release();
    }
}

#[test]
fn the_drop_of_the_last_handle_waits_for_no_destructor() {
    let mut stuck = Stuck::new();
    let job = stuck_in_its_destructor(&stuck.scheduler, &stuck.waiter());
    stuck.scheduler.start().unwrap();
    advance_until_running(&stuck, &job);
    drop(std::mem::replace(
        &mut stuck.scheduler,
        Scheduler::new(VirtualTime::new()),
    ));
    stuck.begun();
    assert!(job.is_running());
    stuck.release();
    in_time(move || {
        while job.is_running() {
            std::thread::yield_now();
        }
    });
}

#[test]
fn a_stuck_destructor_of_a_replaced_run_holds_up_no_other_job() {
    let stuck = Stuck::new();
    let waiter = stuck.waiter();
    let target = ending_with(move || waiter.wait());
    let builder = stuck.scheduler.every(ms(50)).on_overlap(Overlap::Replace);
    let replaced = builder.run(target).unwrap();
    let other = stuck.scheduler.every(ms(50)).run(|| ()).unwrap();
    stuck.scheduler.start().unwrap();
    stuck.world().advance_until(|| replaced.runs() == 1);
    stuck.world().advance(50);
    stuck.begun();
    let before = other.runs();
    stuck.world().advance_until(|| other.runs() >= before + 10);
    assert_eq!(replaced.runs(), 1, "the new run begins when the old run is gone");
    stuck.release();
    stuck.world().advance_until(|| replaced.runs() >= 3);
    stuck.scheduler.stop().detach();
}

#[test]
fn a_stuck_destructor_holds_up_no_run_of_the_same_batch() {
    let stuck = Stuck::new();
    let (waiter, first) = (stuck.waiter(), Arc::new(Mutex::new(true)));
    // The first run of the batch is polled again, and cancelled then.
    let mut slow = Vec::new();
    let woken = Count::default();
    for _ in 0..200 {
        let (waiter, first, count) = (waiter.clone(), Arc::clone(&first), woken.clone());
        let target = move || {
            let is_slow = std::mem::take(&mut *first.lock().unwrap());
            let guard = is_slow.then(|| {
                OnDrop({
                    let waiter = waiter.clone();
                    move || waiter.wait()
                })
            });
            let count = count.clone();
            async move {
                if guard.is_some() {
                    pending::<()>().await;
                }
                yield_now().await;
                count.up();
            }
        };
        slow.push(
            stuck
                .scheduler
                .every(ms(50))
                .on_overlap(Overlap::Replace)
                .run(target)
                .unwrap(),
        );
    }
    stuck.scheduler.start().unwrap();
    stuck.world().advance_until(|| slow.iter().all(|job| job.runs() >= 1));
    stuck.world().advance(50);
    stuck.begun();
    stuck.world().advance_until(|| woken.get() >= 199 * 3);
    stuck.release();
    stuck.scheduler.stop().detach();
}

#[test]
fn slow_destructors_run_side_by_side() {
    const RUNS: usize = 3;
    in_time(|| {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new((Threads::new(RUNS), time));
        // Each destructor waits for the others.
        let barrier = Arc::new(Barrier::new(RUNS));
        for _ in 0..RUNS {
            let barrier = Arc::clone(&barrier);
            let target = ending_with(move || _ = barrier.wait());
            scheduler.every(ms(50)).run(target).unwrap();
        }
        scheduler.start().unwrap();
        while !scheduler.jobs().iter().all(Job::is_running) {
            std::thread::yield_now();
        }
        assert_eq!(block_on(scheduler.stop().into_future()).cancelled().len(), RUNS);
    });
}

#[test]
fn the_executor_drops_many_runs_in_two_tasks() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock));
    for _ in 0..1_000 {
        scheduler.every(ms(50)).run(pending::<()>).unwrap();
    }
    scheduler.start().unwrap();
    naive.run();
    let before = naive.spawns();
    let mut stop = Box::pin(scheduler.stop().into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    naive.run();
    assert_eq!(stop.now_or_never().expect("all are dropped").cancelled().len(), 1_000);
    assert_eq!(naive.spawns() - before, 2);
}

#[test]
fn a_replaced_run_is_followed_by_the_next_when_its_destructors_have_run() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: atevery::Run| {
        log.note(format!("begins {}", run.number()));
        let (log, clock) = (log.clone(), clock.clone());
        let guard = OnDrop(move || {
            clock.block_for(ms(30));
            log.note("dropped");
        });
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    };
    let builder = world.every(100).on_overlap(Overlap::Replace);
    builder.run(target).unwrap();
    world.start();
    world.advance(200);
    let expected = [(0, "begins 0"), (130, "dropped"), (130, "begins 1")];
    assert_eq!(world.log.take()[..3], crate::time_limit::at(&expected)[..]);
}

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// An executor with a context of its thread.
struct WithContext(Naive);

impl Spawner for WithContext {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.0.spawn(future)
    }

    fn enter(&self, work: &mut dyn FnMut()) {
        IS_INSIDE.set(true);
        work();
        IS_INSIDE.set(false);
    }
}

/// A scheduler with a run that waits, on an executor with a context. The destructor of the run notes whether it was
/// inside the context.
fn waiting_in_context() -> (Naive, Scheduler, Later<bool>) {
    let naive = Naive::new();
    let scheduler = Scheduler::new((Arc::new(WithContext(naive.clone())), Clock::new()));
    let inside = later();
    let noted = inside.clone();
    let target = ending_with(move || put(&noted, IS_INSIDE.get()));
    scheduler.every(ms(50)).run(target).unwrap();
    scheduler.start().unwrap();
    naive.run();
    (naive, scheduler, inside)
}

#[test]
fn if_the_executor_refuses_the_drop_the_stop_drops_the_run_inside_the_runtimes_context() {
    for mode in [Mode::Refuse, Mode::Drop, Mode::Panic] {
        let (naive, scheduler, inside) = waiting_in_context();
        naive.set(mode);
        let report = scheduler
            .stop()
            .into_future()
            .now_or_never()
            .expect("the run is dropped");
        assert_eq!((report.cancelled().len(), take(&inside)), (1, true), "{mode:?}");
    }
}

#[test]
fn if_the_executor_loses_the_drop_the_run_is_dropped_inside_the_runtimes_context() {
    let (naive, scheduler, inside) = waiting_in_context();
    let mut stop = Box::pin(scheduler.stop().into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    naive.go_away();
    let report = stop.now_or_never().expect("the run is dropped");
    assert_eq!((report.cancelled().len(), take(&inside)), (1, true));
}

#[test]
fn if_nobody_drives_the_executor_a_blocking_stop_drops_the_run_inside_the_runtimes_context() {
    for timeout in [None, Some(Duration::ZERO), Some(ms(1)), Some(SECOND * 20)] {
        in_time(move || {
            let (_naive, scheduler, inside) = waiting_in_context();
            let stop = scheduler.stop();
            let stop = match timeout {
                Some(timeout) => stop.timeout(timeout),
                None => stop,
            };
            let report = stop.blocking_wait();
            assert_eq!((report.cancelled().len(), take(&inside)), (1, true), "{timeout:?}");
        });
    }
}

#[test]
fn a_blocking_stop_gives_the_executor_a_tick_to_begin_the_drops() {
    let naive = Naive::new();
    let builder = Scheduler::builder((naive.clone(), Clock::new())).resolution(SECOND * 3_600);
    let scheduler = builder.build().unwrap();
    let (told, thread) = mpsc::channel();
    let target = ending_with(move || told.send(std::thread::current().id()).unwrap());
    scheduler.every(SECOND * 3_600).run(target).unwrap();
    scheduler.start().unwrap();
    naive.run();
    let stopping = std::thread::spawn(move || scheduler.stop().blocking_wait().cancelled().len());
    let dropped_by = loop {
        naive.run();
        if let Ok(thread) = thread.try_recv() {
            break thread;
        }
        std::thread::yield_now();
    };
    assert_eq!(dropped_by, std::thread::current().id());
    assert_eq!(stopping.join().unwrap(), 1);
}

#[test]
fn a_stop_inside_a_destructor_of_a_cancelled_run_returns() {
    for is_blocking in [false, true] {
        in_time(move || {
            let world = World::new();
            let scheduler = world.scheduler.clone();
            let reports = later();
            let told = reports.clone();
            let target = ending_with(move || {
                let stop = scheduler.stop();
                put(
                    &told,
                    if is_blocking {
                        stop.blocking_wait()
                    } else {
                        block_on(stop.into_future())
                    },
                );
            });
            world.every(100).name("a").run(target).unwrap();
            world.start();
            let report = world.stop();
            assert_eq!(names(report.cancelled()), ["a"]);
            assert_eq!(names(take(&reports).still_running()), ["a"]);
        });
    }
}

#[test]
fn a_panic_of_an_executors_context_keeps_no_run() {
    struct Panics(Naive);
    impl Spawner for Panics {
        fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
            self.0.spawn(future)
        }
        fn enter(&self, _work: &mut dyn FnMut()) {
            panic!("a context panics");
        }
    }
    let naive = Naive::new();
    let scheduler = Scheduler::new((Arc::new(Panics(naive.clone())), Clock::new()));
    let dropped = Count::default();
    let count = dropped.clone();
    scheduler.every(TICK).run(ending_with(move || count.up())).unwrap();
    scheduler.start().unwrap();
    naive.run();
    naive.set(Mode::Refuse);
    assert_eq!(scheduler.stop().blocking_wait().cancelled().len(), 1);
    assert_eq!(dropped.get(), 1);
}
