//! `Job::cancel`, and `JobGuard`.

use std::sync::mpsc;
use std::time::Duration;

use atevery::runtime::Standalone;
use atevery::{Allow, EventKind, Run};

use crate::support::{Count, SECOND, World, later, ms, put, take, yield_now};

#[test]
fn a_cancelled_run_ends_and_the_job_goes_on() {
    let world = World::new();
    let dropped = Count::default();
    let (count, clock) = (dropped.clone(), world.time.clone());
    let target = move |_: Run| {
        let (counts, sleep) = (count.on_drop(), clock.sleep(SECOND * 10));
        async move {
            sleep.await;
            drop(counts);
        }
    };
    let job = world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(300);
    job.cancel();
    world.settle();
    assert_eq!((dropped.get(), job.is_running()), (1, false));
    world.advance(700);
    assert_eq!((job.runs(), job.is_running()), (2, true));
    assert_eq!(job.status().cancelled(), 1);
}

#[test]
fn without_a_run_in_progress_nothing_is_cancelled() {
    let world = World::new();
    let job = world.noting("job", 1_000);
    job.cancel();
    world.start();
    world.advance(500);
    job.cancel();
    world.advance(500);
    assert_eq!(world.log.take_times(), [0, 1_000]);
    assert_eq!(job.status().cancelled(), 0);
}

#[test]
fn the_run_is_told() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        let log = log.clone();
        async move {
            run.cancelled().await;
            log.note("told");
            std::future::pending::<()>().await;
        }
    };
    let job = world.every(1_000).run(target).unwrap();
    world.start();
    job.cancel();
    world.settle();
    // The future is dropped before it could say so.
    assert!(!job.is_running() && world.log.take().is_empty());

    let kept = later();
    let keep = kept.clone();
    let target = move |run: Run| {
        put(&keep, run.clone());
        async move { std::future::pending::<()>().await }
    };
    let job = world.every(1_000).run(target).unwrap();
    world.advance(50);
    let run: Run = take(&kept);
    assert!(!run.is_cancelled());
    job.cancel();
    assert!(run.is_cancelled());
    world.settle();
}

#[test]
fn a_run_that_cancels_its_own_job_ends_at_its_next_await() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        let log = log.clone();
        async move {
            run.job().cancel();
            log.note("goes on");
            yield_now().await;
            log.note("never");
        }
    };
    let job = world.every(1_000).run(target).unwrap();
    world.start();
    assert_eq!(world.log.take_names(), ["goes on"]);
    assert_eq!((job.is_running(), job.status().cancelled()), (false, 1));
}

#[test]
fn a_run_that_has_begun_to_wait_twice_is_cancelled_too() {
    let world = World::new();
    let clock = world.time.clone();
    let target = move || {
        let clock = clock.clone();
        async move {
            clock.sleep(ms(100)).await;
            clock.sleep(SECOND * 100).await;
        }
    };
    let job = world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(200);
    job.cancel();
    world.settle();
    assert!(!job.is_running());
}

#[test]
fn only_the_runs_of_this_job_are_cancelled() {
    let world = World::new();
    let jobs: Vec<_> = (0..300).map(|_| world.endless("endless")).collect();
    world.start();
    jobs[17].cancel();
    world.settle();
    let running: Vec<bool> = jobs.iter().map(atevery::Job::is_running).collect();
    assert_eq!(running.iter().filter(|running| !**running).count(), 1);
    assert!(!running[17]);
    world.stop();
}

#[test]
fn all_runs_of_a_job_that_allows_several_are_cancelled() {
    let world = World::new();
    let builder = world.every(100).on_overlap(Allow(3));
    let job = builder.run(std::future::pending::<()>).unwrap();
    world.start();
    world.advance(220);
    assert_eq!((job.runs(), job.is_running()), (3, true));
    job.cancel();
    world.settle();
    assert_eq!((job.is_running(), job.status().cancelled()), (false, 3));
}

#[test]
fn a_retry_is_cancelled_between_two_attempts() {
    for blocking in [false, true] {
        let world = World::new();
        let builder = world.every(60_000).retry(|| [SECOND * 30]);
        let fails = || Err::<(), _>("fails");
        let job = if blocking {
            builder.run_blocking(fails)
        } else {
            builder.run(fails)
        };
        let job = job.unwrap();
        world.start();
        world.advance(1_000);
        assert!(job.is_running());
        job.cancel();
        world.settle();
        assert_eq!((job.is_running(), job.status().cancelled()), (false, 1), "{blocking}");
    }
}

#[test]
fn blocking_code_is_told_and_ends_by_itself() {
    let scheduler = atevery::Scheduler::new(Standalone::new());
    let (begun, has_begun) = mpsc::channel();
    let target = move |run: Run| {
        begun.send(()).unwrap();
        while !run.is_cancelled() {
            std::thread::yield_now();
        }
    };
    let job = scheduler.every(Duration::from_secs(60)).run_blocking(target).unwrap();
    scheduler.start().unwrap();
    has_begun.recv().unwrap();
    job.cancel();
    futures::executor::block_on(job.idle());
    assert_eq!((job.runs(), job.status().cancelled()), (1, 0));
}

#[test]
fn the_drop_of_a_guard_removes_the_job_and_cancels_its_run() {
    let world = World::new();
    let guard = world.endless("endless").remove_on_drop();
    let job = guard.clone();
    world.start();
    assert!(guard.is_running());
    drop(guard);
    world.settle();
    assert!(!job.is_running() && world.scheduler.jobs().is_empty());
    assert_eq!(job.status().cancelled(), 1);
}

#[test]
fn a_job_that_is_kept_outlives_its_guard() {
    let world = World::new();
    let job = world.noting("job", 1_000).remove_on_drop().keep();
    world.start();
    world.advance(1_000);
    assert_eq!(job.runs(), 2);
}

#[test]
fn a_cancelled_run_is_told_as_cancelled_once() {
    let world = World::new();
    let (hook_log, time) = (world.log.clone(), world.time.clone());
    let scheduler = atevery::Scheduler::builder(time)
        .on_event(move |event| {
            if let EventKind::Cancelled = event.kind() {
                hook_log.note("cancelled");
            }
        })
        .build()
        .unwrap();
    let job = scheduler.every(SECOND).run(std::future::pending::<()>).unwrap();
    scheduler.start().unwrap();
    world.settle();
    job.cancel();
    job.cancel();
    world.settle();
    assert_eq!(world.log.take_names(), ["cancelled"]);
}
