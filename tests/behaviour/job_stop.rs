//! `Job::stop`: a job is stopped alone.

use std::sync::mpsc;
use std::time::Duration;

use atevery::runtime::Standalone;
use atevery::{Allow, Job, Run, Scheduler, StopReport};
use futures::executor::block_on;

use crate::support::{Count, SECOND, World, drive, in_time, later, ms, names, put, take};

fn lists(report: &StopReport) -> [Vec<&str>; 3] {
    [report.finished(), report.cancelled(), report.still_running()].map(names)
}

#[test]
fn a_stop_of_a_job_removes_it_and_cancels_its_run() {
    let world = World::new();
    let (job, other) = (world.endless("job"), world.endless("other"));
    world.start();
    let report = world.wait(job.stop());
    assert_eq!(lists(&report), [vec![], vec!["job"], vec![]]);
    assert_eq!(world.scheduler.jobs(), std::slice::from_ref(&other));
    assert!(other.is_running() && world.scheduler.is_running());
    world.advance(5_000);
    assert_eq!(job.runs(), 1);
}

#[test]
fn an_idle_job_is_removed_and_nobody_is_reported() {
    let world = World::new();
    let job = world.noting("job", 1_000);
    world.start();
    let report = world.wait(job.stop());
    assert_eq!(lists(&report), [vec![], vec![], Vec::<&str>::new()]);
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn within_the_grace_a_run_may_end_by_itself() {
    for (grace, expected) in [(ms(500), 0), (ms(200), 1)] {
        let world = World::new();
        let job = world.taking("job", 1_000, 300);
        world.start();
        let report = world.wait(job.stop().grace(grace));
        assert_eq!(lists(&report)[expected], ["job"]);
        assert_eq!(world.elapsed_ms(), if expected == 0 { 300 } else { 200 });
    }
}

#[test]
fn the_run_is_told_at_the_beginning_of_the_grace() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        let log = log.clone();
        async move {
            run.cancelled().await;
            log.note("told");
        }
    };
    let job = world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(100);
    let report = world.wait(job.stop().grace(SECOND));
    assert_eq!(lists(&report)[0].len(), 1);
    assert_eq!(world.log.take_times(), [100]);
}

#[test]
fn a_detached_stop_leaves_the_run() {
    let world = World::new();
    let job = world.taking("job", 1_000, 300);
    world.start();
    job.stop().detach();
    assert!(world.scheduler.jobs().is_empty() && job.is_running());
    world.advance(5_000);
    assert_eq!((job.runs(), job.is_running()), (1, false));
}

#[test]
fn a_stop_that_is_not_polled_does_nothing_and_one_that_was_is_carried_out() {
    let world = World::new();
    let job = world.endless("job");
    world.start();
    drop(job.stop());
    assert_eq!(world.scheduler.jobs(), std::slice::from_ref(&job));
    let mut stop = Box::pin(job.stop().grace(ms(500)).into_future_boxed());
    assert!(crate::support::poll_once(stop.as_mut()).is_pending());
    drop(stop);
    world.advance(400);
    assert!(job.is_running() && world.scheduler.jobs().is_empty());
    world.advance(200);
    assert!(!job.is_running());
}

trait Boxed {
    fn into_future_boxed(self) -> futures::future::BoxFuture<'static, StopReport>;
}

impl Boxed for atevery::Stop {
    fn into_future_boxed(self) -> futures::future::BoxFuture<'static, StopReport> {
        Box::pin(async move { self.await })
    }
}

#[test]
fn a_run_that_cannot_be_cancelled_is_named_after_the_timeout() {
    in_time(|| {
        let scheduler = Scheduler::new(Standalone::new());
        let (begun, has_begun) = mpsc::channel();
        let (end, may_end) = mpsc::channel::<()>();
        let target = move || {
            begun.send(()).unwrap();
            let _ = may_end.recv();
        };
        let job = scheduler.every(SECOND * 60).name("job").run_blocking(target).unwrap();
        scheduler.start().unwrap();
        has_begun.recv().unwrap();
        let report = job.stop().timeout(Duration::from_millis(20)).blocking_wait();
        assert_eq!(lists(&report), [vec![], vec![], vec!["job"]]);
        drop(end);
        block_on(job.idle());
    });
}

#[test]
fn a_job_may_stop_itself() {
    let world = World::new();
    let reports = later();
    let put_report = reports.clone();
    let target = move |run: Run| {
        put(&put_report, run.job().stop().blocking_wait());
    };
    let job = world.every(1_000).name("job").run(target).unwrap();
    world.start();
    let report: StopReport = take(&reports);
    assert_eq!(lists(&report), [vec![], vec![], vec!["job"]]);
    world.advance(5_000);
    assert_eq!(job.runs(), 1);

    let log = world.log.clone();
    let target = move |run: Run| {
        let log = log.clone();
        async move {
            drop(run.job().stop().await);
            log.note("the run was not cancelled at this await");
        }
    };
    let job = world.every(1_000).run(target).unwrap();
    world.advance(100);
    assert!(world.log.take().is_empty());
    assert_eq!((job.is_running(), job.status().cancelled()), (false, 1));
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn all_runs_of_a_job_that_allows_several_are_stopped() {
    let world = World::new();
    let builder = world.every(100).name("job").on_overlap(Allow(3));
    let job = builder.run(std::future::pending::<()>).unwrap();
    world.start();
    world.advance(220);
    let report = world.wait(job.stop());
    assert_eq!(lists(&report), [vec![], vec!["job"], vec![]]);
    assert!(!job.is_running());
}

#[test]
fn a_stop_of_the_scheduler_and_one_of_the_job_meet() {
    let world = World::new();
    let job = world.endless("job");
    world.start();
    let (of_job, of_scheduler) = (job.stop().grace(ms(300)), world.scheduler.stop());
    let both = futures::future::join(of_job.into_future_boxed(), of_scheduler.into_future_boxed());
    let (one, two) = world.time.block_on(both);
    assert_eq!(lists(&one)[1], ["job"]);
    assert_eq!(lists(&two)[1], ["job"]);
}

#[test]
fn the_scheduler_can_be_started_while_a_stop_of_a_job_waits() {
    let world = World::new();
    let job = world.taking("job", 1_000, 300);
    world.start();
    let mut stop = Box::pin(job.stop().grace(SECOND).into_future_boxed());
    assert!(crate::support::poll_once(stop.as_mut()).is_pending());
    world.scheduler.stop().detach();
    world.scheduler.start().unwrap();
    let report = drive(stop, || world.advance(10));
    assert_eq!(lists(&report)[0], ["job"]);
}

#[test]
fn a_job_of_the_same_name_follows_without_two_runs_side_by_side() {
    let world = World::new();
    let (begun, dropped) = (Count::default(), Count::default());
    let shard = |world: &World| -> Job {
        let (clock, begun, dropped) = (world.time.clone(), begun.clone(), dropped.clone());
        let target = move || {
            assert_eq!(begun.get(), dropped.get(), "no other run is in progress");
            begun.up();
            let (sleep, counts) = (clock.sleep(SECOND * 10), dropped.on_drop());
            async move {
                sleep.await;
                drop(counts);
            }
        };
        world.every(1_000).name("shard").run(target).unwrap()
    };
    let mut job = shard(&world);
    world.start();
    for _ in 0..5 {
        world.advance(1_500);
        world.time.block_on(job.stop());
        assert_eq!(job.status().panics(), 0);
        job = shard(&world);
    }
    assert_eq!(begun.get(), 5);
}

#[test]
fn a_job_whose_scheduler_is_gone_is_stopped_at_once() {
    let world = World::new();
    let job = world.noting("job", 1_000);
    let time = world.time.clone();
    drop(world);
    let report = time.block_on(job.stop());
    assert!(report.is_clean() && report.finished().is_empty());
    assert!(job.stop().blocking_wait().is_clean());
}

#[test]
fn a_run_knows_its_scheduler_as_long_as_there_is_one() {
    let world = World::new();
    let kept = later();
    let keep = kept.clone();
    let target = move |run: Run| {
        let scheduler = run.scheduler().unwrap();
        scheduler.every(SECOND).name("added").run(|| ()).unwrap();
        put(&keep, run);
    };
    world.every(60_000).name("adds").run(target).unwrap();
    world.start();
    assert_eq!(names(&world.scheduler.jobs()), ["adds", "added"]);
    let run: Run = take(&kept);
    let time = world.time.clone();
    drop(world);
    assert!(run.scheduler().is_none());
    drop(time);
}
