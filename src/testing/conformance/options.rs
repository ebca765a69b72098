//! Options of a job that depend on the runtime's timer, its blocking pool or its threads.

use std::future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::Host;
use super::probe::Probe;
use super::scene::{Fate, assert_fate, runs_on};
use super::waiting::{INTERVAL, NAP, eventually, finish};
use crate::{Allow, JobBuilder, Overlap, Run};

/// Much shorter than the patience of a check, and much longer than a nap.
const MOMENT: Duration = Duration::from_millis(30);

/// A run that waits for too long is dropped, and the next run begins.
pub fn time_limit(host: Host) {
    let (scheduler, probe) = (host.scheduler(), Probe::default());
    let inside = probe.clone();
    let target = move || {
        let visit = inside.enter();
        async move {
            future::pending::<()>().await;
            visit.complete();
        }
    };
    let job = scheduler.every(INTERVAL).timeout(MOMENT).run(target);
    let job = job.expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    runs_on(&job);
    assert!(job.status().timeouts() >= 2);
    assert_eq!((probe.completed(), probe.most_at_once()), (0, 1));
}

/// Blocking code learns that its time is up.
pub fn time_limit_of_blocking_code(host: Host) {
    let Some(place) = host.blocking_job_to_block() else {
        return;
    };
    let scheduler = host.scheduler();
    let target = |run: Run| {
        while !run.is_cancelled() {
            thread::sleep(NAP);
        }
    };
    let job = place.run(scheduler.every(INTERVAL).timeout(MOMENT), target);
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("a run is timed out", || job.status().timeouts() > 0);
}

/// An attempt that waits for too long is dropped, and the run is tried again with the state that the attempt left.
pub fn attempt_limit(host: Host) {
    let scheduler = host.scheduler();
    let builder = scheduler.every(Duration::from_secs(3600)).attempt_timeout(MOMENT);
    let step = async |attempts: &mut u64| {
        *attempts += 1;
        if *attempts < 3 {
            future::pending::<()>().await;
        }
    };
    let job = builder.retry(|| [NAP; 5]).run_with(0, step).expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the third attempt is over", || {
        job.status().retries() == 2 && !job.is_running()
    });
    let status = job.status();
    assert_eq!((status.runs(), status.failures(), status.timeouts()), (1, 0, 0));
}

/// A state goes from run to run, whatever thread they are on, and survives runs that are replaced.
pub fn state(host: Host) {
    let scheduler = host.scheduler();
    let step = async |runs: &mut u64, run: Run| {
        let before = *runs;
        *runs += 1;
        if run.number() % 2 == 1 {
            future::pending::<()>().await;
        }
        if before == run.number() {
            Ok(())
        } else {
            Err("the state is another")
        }
    };
    let builder = scheduler.every(INTERVAL).on_overlap(Overlap::Replace);
    let job = builder.run_with(0, step).expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    runs_on(&job);
    let status = job.status();
    assert!(status.cancelled() > 0);
    assert_eq!((status.failures(), status.panics()), (0, 0));
}

/// A run that fails is tried again, within the same run.
pub fn retry(host: Host) {
    retries(&host, |job, fails| job.run(fails).expect("the job is valid"));
}

/// A blocking run that fails is tried again, within the same run.
pub fn retry_of_blocking_code(host: Host) {
    retries(&host, |job, fails| job.run_blocking(fails).expect("the job is valid"));
}

fn retries(host: &Host, register: impl FnOnce(JobBuilder, Box<dyn FnMut() -> io::Result<()> + Send>) -> crate::Job) {
    let (scheduler, attempts) = (host.scheduler(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&attempts);
    let fails_twice = move || match count.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => Err(io::Error::other("not yet")),
        _ => Ok(()),
    };
    let builder = scheduler.every(Duration::from_secs(3600)).retry(|| [NAP; 5]);
    let job = register(builder, Box::new(fails_twice));
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the third attempt is over", || {
        attempts.load(Ordering::SeqCst) == 3 && !job.is_running()
    });
    let status = job.status();
    assert_eq!((status.runs(), status.failures(), status.retries()), (1, 0, 2));
}

/// With `Overlap::Replace`, a run that waits is dropped when the next run is due.
pub fn replaced(host: Host) {
    let (scheduler, probe) = (host.scheduler(), Probe::default());
    let inside = probe.clone();
    let target = move || {
        let visit = inside.enter();
        async move {
            future::pending::<()>().await;
            visit.complete();
        }
    };
    let job = scheduler.every(INTERVAL).on_overlap(Overlap::Replace).run(target);
    let job = job.expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    runs_on(&job);
    assert_eq!((probe.completed(), probe.most_at_once()), (0, 1));
    assert_fate(&finish("the stop returns", scheduler.stop()), &job, Fate::Cancelled);
}

/// With `Allow(n)`, `n` runs are in progress at once, and never more.
pub fn several_at_once(host: Host) {
    let (scheduler, probe) = (host.scheduler(), Probe::default());
    let inside = probe.clone();
    let target = move || {
        let visit = inside.enter();
        async move {
            future::pending::<()>().await;
            visit.complete();
        }
    };
    let job = scheduler.every(INTERVAL).on_overlap(Allow(3)).run(target);
    let job = job.expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("three runs wait", || probe.inside() == 3);
    thread::sleep(INTERVAL * 3);
    assert_eq!(probe.most_at_once(), 3);
    assert_fate(&finish("the stop returns", scheduler.stop()), &job, Fate::Cancelled);
    assert_eq!(probe.inside(), 0);
}

/// Jobs of a group with a limit of one run one after the other.
pub fn group_of_one(host: Host) {
    let (scheduler, probe) = (host.scheduler(), Probe::default());
    scheduler.group("one", 1).expect("the limit is valid");
    let jobs: Vec<_> = (0..3)
        .map(|_| {
            let (inside, runtime) = (probe.clone(), host.runtime());
            let target = move || {
                let (visit, runtime) = (inside.enter(), Arc::clone(&runtime));
                async move {
                    runtime.sleep_until(runtime.now() + NAP).await;
                    visit.complete();
                }
            };
            scheduler
                .every(INTERVAL)
                .group("one")
                .run(target)
                .expect("the job is valid")
        })
        .collect();
    scheduler.start().expect("the runtime takes the scheduler");
    for job in &jobs {
        runs_on(job);
    }
    assert_eq!(probe.most_at_once(), 1);
}

/// `Run::cancelled` is ready at the beginning of the grace period, and the run ends by itself.
pub fn told_to_end(host: Host) {
    let (scheduler, probe) = (host.scheduler(), Probe::default());
    let inside = probe.clone();
    let target = move |run: Run| {
        let visit = inside.enter();
        async move {
            run.cancelled().await;
            visit.complete();
        }
    };
    let job = scheduler.every(INTERVAL).run(target).expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the run begins", || probe.inside() == 1);
    let stop = scheduler.stop().grace(Duration::from_secs(3600));
    assert_fate(&finish("the stop returns in its grace", stop), &job, Fate::Finished);
    assert_eq!(probe.completed(), 1);
}

/// A paused job runs only when triggered, and runs again after `resume`.
pub fn control(host: Host) {
    let scheduler = host.scheduler();
    let job = scheduler.every(INTERVAL).run(|| {}).expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    runs_on(&job);
    job.pause();
    let before = job.runs();
    thread::sleep(INTERVAL * 3);
    assert_eq!(job.runs(), before);
    job.trigger();
    eventually("the triggered run begins", || job.runs() == before + 1);
    job.resume();
    runs_on(&job);
}
