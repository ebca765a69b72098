//! Jobs that come and go beside jobs that stay, and the runs that holders of `Ticks` do.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use atevery::{FirstRun, JobBuilder, JobGuard, Run, Scheduler, Ticks};
use futures::{FutureExt, Stream};

use super::manual::Manual;
use super::{Case, TICK};

const MANY: u64 = 1_000;

/// What comes has its first run at the first tick of many.
const INTERVAL: Duration = TICK.saturating_mul(6);

pub(crate) fn all() -> Vec<Case> {
    vec![
        jobs(),
        jobs_with_an_end(),
        stopped_jobs(),
        holders(),
        held_ticks(1),
        held_ticks(MANY),
    ]
}

fn jobs() -> Case {
    coming("jobs", |scheduler, time| {
        let jobs: Vec<JobGuard> = every(scheduler)
            .map(|job| job.run(|| ()).expect("a job").remove_on_drop())
            .collect();
        time.advance(INTERVAL);
        drop(jobs);
    })
}

fn jobs_with_an_end() -> Case {
    coming("jobs with an end", |scheduler, time| {
        every(scheduler).for_each(|job| drop(job.times(1).run(|| ()).expect("a job")));
        time.advance(INTERVAL);
    })
}

fn stopped_jobs() -> Case {
    coming("stopped jobs", |scheduler, time| {
        let jobs: Vec<_> = every(scheduler).map(|job| job.run(|| ()).expect("a job")).collect();
        time.advance(INTERVAL);
        for job in jobs {
            let report = job.stop().into_future().now_or_never();
            assert!(report.is_some_and(|report| report.is_clean()));
        }
    })
}

fn holders() -> Case {
    coming("ticks", |scheduler, time| {
        let mut ticks: Vec<Ticks> = every(scheduler).map(|job| job.ticks().expect("ticks")).collect();
        assert!(ticks.iter_mut().all(|ticks| poll(ticks).is_pending()));
        time.advance(INTERVAL);
        assert!(ticks.iter_mut().all(|ticks| poll(ticks).is_ready()));
        assert!(ticks.iter_mut().all(|ticks| poll(ticks).is_pending()));
    })
}

/// All of them come, have a run, and go again, beside as many that have no run.
fn coming(name: &str, come_and_go: fn(&Scheduler, &Manual)) -> Case {
    Case::again(format!("{name} that come and go, {MANY}"), MANY, move || {
        let time = Manual::new();
        let scheduler = Scheduler::new(time.clone());
        for _ in 0..MANY {
            scheduler.every(Duration::MAX).run(|| ()).expect("a job");
        }
        scheduler.start().expect("it starts once");
        time.advance(TICK);
        move || come_and_go(&scheduler, &time)
    })
}

fn every(scheduler: &Scheduler) -> impl Iterator<Item = JobBuilder> {
    (0..MANY).map(|_| scheduler.every(INTERVAL).first_run(FirstRun::AfterInterval))
}

/// All holders have a run at each tick, and end it.
fn held_ticks(jobs: u64) -> Case {
    Case::again(format!("ticks of {jobs} holders"), jobs, move || {
        let time = Manual::new();
        let scheduler = Scheduler::new(time.clone());
        scheduler.start().expect("it starts once");
        let ticks = |_| scheduler.every(TICK).ticks().expect("a tick is long enough");
        let mut ticks: Vec<Ticks> = (0..jobs).map(ticks).collect();
        move || {
            time.advance(TICK);
            debug_assert!(scheduler.is_running());
            for ticks in &mut ticks {
                while poll(ticks).is_ready() {}
            }
        }
    })
}

fn poll(ticks: &mut Ticks) -> Poll<Option<Run>> {
    Pin::new(ticks).poll_next(&mut Context::from_waker(Waker::noop()))
}
