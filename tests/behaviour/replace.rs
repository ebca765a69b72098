//! Runs that the next run replaces.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use atevery::runtime::Standalone;
use atevery::testing::VirtualTime;
use atevery::{Cancelled, Job, JobBuilder, MissedTicks, Overlap, Run, Scheduler};

use crate::naive::{Clock, Mode, Naive, pass};
use crate::support::{Count, Later, Log, PanicsWhenDropped, SECOND, World, later, ms, names, put, take};
use crate::threads::Stuck;
use crate::time_limit::{NotesDrop, at, witnessed};

fn replacing(world: &World, interval_ms: u64) -> JobBuilder {
    world.every(interval_ms).name("a").on_overlap(Overlap::Replace)
}

/// Notes that a run begins, and that its future is dropped. The future takes `duration_ms`, unless the run is replaced.
fn noting(
    world: &World,
    duration_ms: u64,
) -> impl FnMut(Run) -> futures::future::BoxFuture<'static, ()> + Send + 'static {
    let (log, clock) = (world.log.clone(), world.time.clone());
    move |run: Run| {
        log.note(format!("begins {}", run.number()));
        let guard = NotesDrop(log.clone(), "dropped");
        let sleep = clock.sleep(ms(duration_ms));
        Box::pin(async move {
            let _guard = guard;
            sleep.await;
        })
    }
}

#[test]
fn the_run_in_progress_is_dropped_before_the_new_one_begins_at_the_same_tick() {
    let world = World::new();
    replacing(&world, 100).run(noting(&world, 230)).unwrap();
    world.start();
    world.advance(200);
    let expected = [
        (0, "begins 0"),
        (100, "dropped"),
        (100, "begins 1"),
        (200, "dropped"),
        (200, "begins 2"),
    ];
    assert_eq!(world.log.take(), at(&expected));
}

#[test]
fn a_replaced_run_counts_as_cancelled() {
    let (world, told) = witnessed();
    let job = replacing(&world, 100).run(pending::<()>).unwrap();
    world.start();
    world.advance(100);
    let expected = [(0, "a started"), (100, "a cancelled"), (100, "a started")];
    assert_eq!(told.take(), at(&expected));
    let status = job.status();
    assert_eq!((status.runs(), status.cancelled(), status.failures()), (2, 1, 0));
    assert_eq!(status.last_error(), None);
}

#[test]
fn a_run_that_is_over_in_time_is_not_touched() {
    let (world, told) = witnessed();
    replacing(&world, 100).run(noting(&world, 99)).unwrap();
    world.start();
    world.advance(350);
    assert_eq!(
        world.log.take().iter().map(|(at_ms, _)| *at_ms).collect::<Vec<_>>(),
        [0, 99, 100, 199, 200, 299, 300]
    );
    assert!(told.take().iter().all(|(_, what)| what != "a cancelled"));
}

#[test]
fn a_run_that_ends_as_the_next_is_due_does_not_hold_it_up() {
    let world = World::new();
    replacing(&world, 100).run(world.log.taking("begins", |_| 100)).unwrap();
    world.start();
    world.advance(350);
    assert_eq!(world.log.take_times(), [0, 100, 200, 300]);
}

#[test]
fn the_default_and_wait_replace_nothing() {
    for wait in [false, true] {
        let world = World::new();
        let builder = world.every(100);
        let builder = if wait {
            builder.on_overlap(Overlap::Wait)
        } else {
            builder
        };
        builder.run(world.log.taking("begins", |_| 230)).unwrap();
        world.start();
        world.advance(450);
        assert_eq!(world.log.take_times(), [0, 250]);
    }
}

#[test]
fn the_policy_that_is_said_last_counts() {
    let world = World::new();
    let builder = replacing(&world, 100).on_overlap(atevery::Allow(3));
    let builder = builder.on_overlap(Overlap::Replace).on_overlap(Overlap::Wait);
    builder.run(world.log.taking("begins", |_| 230)).unwrap();
    world.start();
    world.advance(450);
    assert_eq!(world.log.take_times(), [0, 250]);
}

#[test]
fn synchronous_code_is_told_to_end_and_the_new_run_begins_after_it() {
    // There is one thread, so the loop serves its next tick only after the run.
    for blocking in [false, true] {
        let world = World::new();
        let (clock, log) = (world.time.clone(), world.log.clone());
        let target = move |run: Run| {
            log.note(run.number().to_string());
            if run.number() == 0 {
                clock.block_for(ms(120));
            }
        };
        let builder = replacing(&world, 100);
        if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        world.start();
        world.advance(100);
        let log = world.log.take();
        assert_eq!(log.len(), 3, "{log:?}");
        assert!(log[1].0 == 120 || log[1].0 == 150, "{log:?}");
    }
}

#[test]
fn on_threads_synchronous_code_is_told_to_end_by_the_next_run() {
    for blocking in [false, true] {
        let stuck = Stuck::new();
        let target = |run: Run| {
            let began = Instant::now();
            while !run.is_cancelled() && began.elapsed() < SECOND * 20 {
                std::thread::yield_now();
            }
        };
        let builder = stuck.scheduler.every(ms(50)).on_overlap(Overlap::Replace);
        let job = if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        stuck.scheduler.start().unwrap();
        stuck.world().advance_until(|| job.runs() >= 4);
        assert!(stuck.scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
        // No run was dropped before its end.
        assert_eq!(job.status().cancelled(), 0);
    }
}

#[test]
fn on_threads_blocking_code_that_waits_for_its_cancellation_is_woken() {
    let stuck = Stuck::new();
    let target = |run: Run| futures::executor::block_on(run.cancelled());
    let builder = stuck.scheduler.every(ms(50)).on_overlap(Overlap::Replace);
    let job = builder.run_blocking(target).unwrap();
    stuck.scheduler.start().unwrap();
    stuck.world().advance_until(|| job.runs() >= 4);
    assert!(stuck.scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

/// A waker that blocks the thread that wakes it, until the job is idle.
struct Holds(Later<Job>);

impl Wake for Holds {
    fn wake(self: Arc<Self>) {
        let job = self.0.lock().unwrap().clone();
        let began = Instant::now();
        while job.as_ref().is_some_and(Job::is_running) && began.elapsed() < SECOND * 5 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_blocking_run_that_ends_just_as_it_is_told_to_is_followed_by_the_next() {
    let (stuck, slot) = (Stuck::new(), later::<Job>());
    let waker = Waker::from(Arc::new(Holds(slot.clone())));
    let kept: Mutex<Vec<Cancelled>> = Mutex::default();
    let target = move |run: Run| {
        if run.number() > 0 {
            return;
        }
        let mut cancelled = run.cancelled();
        let _ = Pin::new(&mut cancelled).poll(&mut Context::from_waker(&waker));
        kept.lock().unwrap().push(cancelled);
        let began = Instant::now();
        while !run.is_cancelled() && began.elapsed() < SECOND * 20 {
            std::thread::yield_now();
        }
    };
    let builder = stuck.scheduler.every(ms(50)).on_overlap(Overlap::Replace);
    let job = builder.run_blocking(target).unwrap();
    put(&slot, job.clone());
    stuck.scheduler.start().unwrap();
    stuck.world().advance_until(|| job.runs() >= 3);
}

#[test]
fn a_run_that_is_being_polled_is_dropped_at_its_next_await() {
    let stuck = Stuck::new();
    let (waiter, runs, dropped) = (stuck.waiter(), later(), Count::default());
    let (slot, count) = (runs.clone(), dropped.clone());
    let target = move |run: Run| {
        let (waiter, guard) = (waiter.clone(), count.on_drop());
        put(&slot, run);
        async move {
            let _guard = guard;
            // The second poll takes long.
            crate::support::yield_now().await;
            waiter.wait();
            pending::<()>().await;
        }
    };
    let builder = stuck.scheduler.every(ms(50)).on_overlap(Overlap::Replace);
    let job = builder.run(target).unwrap();
    stuck.start();
    let first: Run = take(&runs);
    stuck.world().advance_until(|| first.is_cancelled());
    assert_eq!((dropped.get(), job.runs()), (0, 1));
    stuck.release();
    // The replacement needs no further tick.
    let began = Instant::now();
    while dropped.get() == 0 && began.elapsed() < SECOND * 20 {
        std::thread::yield_now();
    }
    assert_eq!(dropped.get(), 1);
    stuck.world().advance_until(|| job.runs() >= 3);
    assert!(dropped.get() >= 2);
    assert!(stuck.scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

#[test]
fn a_run_in_its_first_poll_is_dropped_at_its_first_await() {
    let stuck = Stuck::new();
    let (waiter, runs) = (stuck.waiter(), later());
    let slot = runs.clone();
    let target = move |run: Run| {
        let waiter = waiter.clone();
        put(&slot, run);
        async move {
            waiter.wait();
            pending::<()>().await;
        }
    };
    let builder = stuck.scheduler.every(ms(50)).on_overlap(Overlap::Replace);
    let job = builder.run(target).unwrap();
    stuck.start();
    let first: Run = take(&runs);
    stuck.world().advance_until(|| first.is_cancelled());
    stuck.release();
    stuck.world().advance_until(|| job.runs() >= 3);
}

#[test]
fn a_cooperative_run_is_dropped_all_the_same() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        let (log, guard) = (log.clone(), NotesDrop(log.clone(), "dropped"));
        async move {
            let _guard = guard;
            run.cancelled().await;
            log.note("not reached");
        }
    };
    replacing(&world, 100).run(target).unwrap();
    world.start();
    world.advance(200);
    assert_eq!(world.log.take(), at(&[(100, "dropped"), (200, "dropped")]));
}

#[test]
fn a_future_that_panics_when_it_is_replaced() {
    let world = World::new();
    let target = || {
        let guard = PanicsWhenDropped;
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    };
    let job = replacing(&world, 100).run(target).unwrap();
    let other = world.noting("other", 100);
    world.start();
    world.advance(450);
    assert_eq!((job.runs(), other.runs()), (5, 5));
    world.time.shut_down();
}

#[test]
fn a_run_with_a_limit_is_ended_by_whichever_comes_first() {
    for (limit, expected) in [
        (70, [(0, "a started"), (70, "a timed out"), (100, "a started")]),
        (130, [(0, "a started"), (100, "a cancelled"), (100, "a started")]),
    ] {
        let (world, told) = witnessed();
        replacing(&world, 100).timeout(ms(limit)).run(pending::<()>).unwrap();
        world.start();
        world.advance(100);
        assert_eq!(told.take(), at(&expected), "{limit} ms");
        // The timers of the loop and of the second run.
        assert_eq!(world.time.timers(), 2, "{limit} ms");
    }
}

#[test]
fn a_wait_for_another_attempt_is_replaced() {
    for blocking in [false, true] {
        let (world, told) = witnessed();
        let builder = replacing(&world, 100).retry(|| [SECOND]);
        let fails = || Err("no");
        if blocking {
            builder.run_blocking(fails)
        } else {
            builder.run(fails)
        }
        .unwrap();
        world.start();
        world.advance(160);
        let told = told.take();
        assert_eq!(told[..2], at(&[(0, "a started"), (0, "a retried")]), "{told:?}");
        assert_eq!(told[2], (100, "a cancelled".to_owned()), "{told:?}");
        assert_eq!(told[3].1, "a started");
        // A run that can be cancelled at once is replaced at once. A task of its own may need another tick.
        assert!(told[3].0 == 100 || (blocking && told[3].0 == 150), "{told:?}");
    }
}

#[test]
fn a_replaced_run_gives_its_permit_to_the_next() {
    let world = World::new();
    world.scheduler.group("two", 2).unwrap();
    replacing(&world, 100).group("two").run(noting(&world, 10_000)).unwrap();
    world.start();
    world.advance(500);
    let begins: Vec<u64> = world
        .log
        .take()
        .into_iter()
        .filter(|(_, what)| what != "dropped")
        .map(|(at_ms, _)| at_ms)
        .collect();
    assert_eq!(begins, [0, 100, 200, 300, 400, 500]);
    // One permit is free all the time.
    let other = world.every(1_000).group("two").run(pending::<()>).unwrap();
    world.advance(50);
    assert!(other.is_running());
}

#[test]
fn a_run_is_replaced_even_if_it_has_the_last_permit_of_its_group() {
    let world = World::new();
    let job = replacing(&world, 100).group(("one", 1)).run(pending::<()>).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(job.runs(), 11);
}

/// When a run began, and when it was scheduled, in milliseconds from the world's beginning.
fn begins(policy: MissedTicks, register: impl Fn(JobBuilder, Log, Instant) -> Job) -> Vec<String> {
    let world = World::new();
    let origin = atevery::runtime::Timer::now(&world.time);
    let job = register(world.every(100).missed_ticks(policy), world.log.clone(), origin);
    world.start();
    world.time.jump(ms(270));
    world.settle();
    world.advance(30);
    world.advance(400);
    assert!(job.runs() > 3);
    world.time.shut_down();
    world
        .log
        .take()
        .into_iter()
        .map(|(at_ms, what)| format!("{at_ms}: {what}"))
        .collect()
}

#[test]
fn scheduled_instants_are_those_of_a_job_whose_runs_take_no_time() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let note = |log: &Log, origin: Instant, run: &Run| {
            log.note(format!("{:?} {}", run.scheduled() - origin, run.missed()));
        };
        let quick = begins(policy, |builder, log, origin| {
            builder.run(move |run: Run| note(&log, origin, &run)).unwrap()
        });
        let replaced = begins(policy, |builder, log, origin| {
            let target = move |run: Run| {
                note(&log, origin, &run);
                pending::<()>()
            };
            builder.on_overlap(Overlap::Replace).run(target).unwrap()
        });
        assert_eq!(replaced, quick, "{policy:?}");
    }
}

#[test]
fn a_triggered_run_replaces_the_one_in_progress() {
    let world = World::new();
    let job = replacing(&world, 10_000).run(noting(&world, 60_000)).unwrap();
    world.start();
    world.advance(120);
    job.trigger();
    world.advance(100);
    let expected = [(0, "begins 0"), (120, "dropped"), (120, "begins 1")];
    assert_eq!(world.log.take(), at(&expected));
    world.advance(9_780);
    assert_eq!(world.log.take(), at(&[(10_000, "dropped"), (10_000, "begins 2")]));
}

#[test]
fn a_paused_or_removed_job_replaces_nothing() {
    for remove in [false, true] {
        let world = World::new();
        let job = replacing(&world, 100).run(noting(&world, 230)).unwrap();
        world.start();
        if remove {
            job.remove();
        } else {
            job.pause();
        }
        world.advance(1_000);
        assert_eq!(world.log.take(), at(&[(0, "begins 0"), (230, "dropped")]));
    }
}

#[test]
fn a_stop_cancels_the_run_that_replaced_another() {
    let world = World::new();
    let job = replacing(&world, 100).run(noting(&world, 10_000)).unwrap();
    world.start();
    world.advance(100);
    world.log.take();
    let report = world.wait(world.scheduler.stop().grace(ms(10)));
    assert_eq!(report.cancelled(), [job]);
    assert_eq!(world.log.take(), at(&[(110, "dropped")]));
}

#[test]
fn the_last_of_so_many_runs_is_not_replaced() {
    let (world, told) = witnessed();
    replacing(&world, 100).times(2).run(noting(&world, 230)).unwrap();
    world.start();
    world.advance(1_000);
    assert!(world.scheduler.jobs().is_empty());
    let expected = [
        (0, "a started"),
        (100, "a cancelled"),
        (100, "a started"),
        (330, "a finished"),
        (330, "a removed"),
    ];
    assert_eq!(told.take(), at(&expected));
}

#[test]
fn a_run_that_is_refused_after_the_old_one_was_dropped_comes_at_the_next_tick() {
    let world = World::new();
    let job = replacing(&world, 100).run(noting(&world, 10_000)).unwrap();
    world.start();
    // The tasks that would drop the old run and begin the new run.
    world.time.refuse_spawns(2);
    world.advance(150);
    let expected = [(0, "begins 0"), (100, "dropped"), (150, "begins 1")];
    assert_eq!(world.log.take(), at(&expected));
    assert_eq!(job.status().refused(), 1);
}

#[test]
fn nothing_is_left_behind_in_ten_thousand_ticks() {
    let world = World::new();
    let dropped = Count::default();
    for _ in 0..3 {
        let count = dropped.clone();
        let target = move || {
            let guard = count.on_drop();
            async move {
                let _guard = guard;
                pending::<()>().await;
            }
        };
        replacing(&world, 50).timeout(SECOND).run(target).unwrap();
    }
    world.start();
    world.advance(50 * 1_000);
    let before = (world.time.tasks(), world.time.timers());
    world.advance(50 * 9_000);
    assert_eq!((world.time.tasks(), world.time.timers()), before);
    assert_eq!(before, (4, 4));
    assert_eq!(dropped.get(), 3 * 10_000);
    assert_eq!(world.stop().cancelled().len(), 3);
    world.settle();
    assert_eq!((world.time.tasks(), world.time.timers()), (0, 0));
}

#[test]
fn each_of_many_jobs_replaces_its_own_run() {
    let world = World::new();
    let jobs: Vec<Job> = (0..300)
        .map(|index| {
            let interval = if index % 2 == 0 { 100 } else { 150 };
            replacing(&world, interval).run(pending::<()>).unwrap()
        })
        .collect();
    let other = world.endless("other");
    world.start();
    world.advance(3_000);
    for (index, job) in jobs.iter().enumerate() {
        assert_eq!(job.runs(), if index % 2 == 0 { 31 } else { 21 });
        assert_eq!(job.status().cancelled(), job.runs() - 1);
    }
    assert_eq!((other.runs(), other.is_running()), (1, true));
}

#[test]
fn what_was_captured_is_dropped_once_after_the_job_is_removed() {
    let world = World::new();
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let target = move || {
        let _guard = &guard;
        pending::<()>()
    };
    let job = replacing(&world, 100).run(target).unwrap();
    world.start();
    world.advance(500);
    job.remove();
    assert_eq!(dropped.get(), 0);
    assert!(world.stop().is_clean());
    assert_eq!(dropped.get(), 1);
}

#[test]
fn a_scheduler_that_is_dropped_leaves_nothing_of_it() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let builder = scheduler.every(ms(100)).on_overlap(Overlap::Replace);
    let job = builder.timeout(SECOND).run(pending::<()>).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(250));
    assert_eq!((time.tasks(), time.timers()), (2, 2));
    drop(scheduler);
    time.run_until_stalled();
    assert_eq!((time.tasks(), time.timers()), (0, 0));
    assert!(!job.is_running());
}

#[test]
fn on_an_executor_that_polls_inside_spawn() {
    let (naive, clock) = (Naive::new(), Clock::new());
    naive.set(Mode::Inline);
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let builder = scheduler.every(ms(100)).on_overlap(Overlap::Replace);
    let job = builder.run(pending::<()>).unwrap();
    scheduler.start().unwrap();
    pass(&clock, &naive, SECOND, ms(10));
    assert_eq!(job.runs(), 11);
    assert_eq!(job.status().cancelled(), 10);
}

#[test]
fn the_destructor_of_a_replaced_run_may_use_the_scheduler() {
    struct Meddles(Later<Job>, Count);
    impl Drop for Meddles {
        fn drop(&mut self) {
            let job = self.0.lock().unwrap().clone();
            let job: Job = job.expect("it was put there");
            job.trigger();
            let _ = (job.status(), job.runs());
            self.1.up();
        }
    }
    let world = World::new();
    let (slot, dropped) = (later(), Count::default());
    let (own, count) = (slot.clone(), dropped.clone());
    let target = move || {
        let guard = Meddles(own.clone(), count.clone());
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    };
    let job = replacing(&world, 1_000).times(5).run(target).unwrap();
    put(&slot, job.clone());
    world.start();
    world.advance(3_000);
    assert!(dropped.get() >= 3, "{}", dropped.get());
    job.remove();
    world.time.shut_down();
}

#[test]
fn on_threads_there_is_never_more_than_one_run() {
    let scheduler = Scheduler::builder(Standalone::new()).resolution(ms(1)).build().unwrap();
    let (busy, overlaps) = (Arc::new(AtomicBool::new(false)), Count::default());
    struct Leaves(Arc<AtomicBool>);
    impl Drop for Leaves {
        fn drop(&mut self) {
            self.0.store(false, Ordering::SeqCst);
        }
    }
    let (flag, count) = (Arc::clone(&busy), overlaps.clone());
    let target = move || {
        if flag.swap(true, Ordering::SeqCst) {
            count.up();
        }
        let guard = Leaves(Arc::clone(&flag));
        async move {
            let _guard = guard;
            for _ in 0..u64::MAX {
                crate::support::yield_now().await;
            }
        }
    };
    let builder = scheduler.every(ms(1)).on_overlap(Overlap::Replace);
    let job = builder.run(target).unwrap();
    scheduler.start().unwrap();
    let began = Instant::now();
    while job.runs() < 5 && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(ms(1));
    }
    let report = scheduler.stop().timeout(SECOND * 20).blocking_wait();
    assert_eq!(names(report.still_running()), Vec::<&str>::new());
    assert!(job.runs() >= 5, "{}", job.runs());
    assert_eq!(overlaps.get(), 0);
}
