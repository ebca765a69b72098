//! Jobs that block their thread.

use std::thread;
use std::time::Duration;

use super::Host;
use super::probe::{Gate, Probe};
use super::scene::{Fate, assert_fate, quick_job, runs_on};
use super::waiting::{A_WHILE, INTERVAL, NAP, eventually, finish};
use crate::{FirstRun, Job, Run};

/// Jobs of this interval have one run in a check.
const LONG: Duration = Duration::from_secs(600);

/// A blocking job runs again and again.
pub fn repeats(host: Host) {
    let scheduler = host.scheduler();
    let probe = Probe::default();
    let inside = probe.clone();
    let target = move || {
        let visit = inside.enter();
        thread::sleep(INTERVAL / 4);
        visit.complete();
    };
    scheduler
        .every(INTERVAL)
        .run_blocking(target)
        .expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the job runs five times", || probe.completed() >= 5);
    assert_eq!(probe.most_at_once(), 1);
}

/// More blocking jobs than a small executor has threads run at once, and futures run beside the jobs.
pub fn beside_the_executor(host: Host) {
    if !host.has_blocking_pool() {
        println!("skipped: no blocking pool");
        return;
    }
    let (scheduler, gate, probe) = (host.scheduler(), Gate::default(), Probe::default());
    for _ in 0..8 {
        let (entrance, probe) = (gate.entrance(), probe.clone());
        let target = move || {
            let _visit = probe.enter();
            entrance.block();
        };
        scheduler
            .every(INTERVAL)
            .run_blocking(target)
            .expect("the job is valid");
    }
    let quick = quick_job(&scheduler);
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("all eight block (if the adapter has no blocking pool, say so)", || {
        probe.inside() == 8
    });
    runs_on(&quick);
}

/// If there is another thread, a synchronous run that is stuck delays no other job.
///
/// A second job is due at the same ticks. With a single job, Tokio would not move the woken task to another thread, and
/// would poll its timers only on the thread that is stuck.
pub fn beside_a_stuck_run(host: Host) {
    for place in host.places_to_block() {
        let (scheduler, gate, probe) = (host.scheduler(), Gate::default(), Probe::default());
        let (entrance, inside) = (gate.entrance(), probe.clone());
        let target = move |run: Run| {
            let _visit = inside.enter();
            if run.number() >= 3 {
                entrance.block();
            }
        };
        let stuck = place.run(scheduler.every(INTERVAL).name("stuck"), target);
        quick_job(&scheduler);
        let between = scheduler
            .every(INTERVAL)
            .name("between")
            .first_run(FirstRun::After(INTERVAL / 2));
        let between = between.run(|| {}).expect("the job is valid");
        scheduler.start().expect("the runtime takes the scheduler");
        eventually("a run is stuck", || stuck.runs() == 4 && probe.inside() == 1);
        runs_on(&between);
        runs_on(&quick_job(&scheduler));
        let report = finish("the stop returns at its timeout", scheduler.stop().timeout(A_WHILE));
        assert_fate(&report, &stuck, Fate::StillRunning);
    }
}

/// If up to 64 jobs are due together and a job is stuck, all other jobs run.
pub fn among_few(host: Host) {
    for (due, stuck) in [(2, 0), (2, 1), (10, 4), (64, 0), (64, 31), (64, 63)] {
        stuck_run_holds_up(&host, due, stuck, 0);
    }
}

/// If many jobs are due together and a job is stuck, only the jobs of its batch wait.
pub fn among_many(host: Host) {
    for stuck in [0, 10_000, 19_999] {
        stuck_run_holds_up(&host, 20_000, stuck, 63);
    }
}

/// Of `due` jobs that are due at a single tick, job number `stuck` blocks its thread. At most `others` other jobs wait.
/// A job that comes due later runs.
fn stuck_run_holds_up(host: &Host, due: usize, stuck: usize, others: usize) {
    let Some(place) = host.executor_to_block() else {
        return;
    };
    let (scheduler, gate) = (host.scheduler(), Gate::default());
    let mut jobs: Vec<Job> = Vec::new();
    for nth in 0..due {
        let entrance = (nth == stuck).then(|| gate.entrance());
        let target = move || {
            if let Some(entrance) = &entrance {
                entrance.block();
            }
        };
        jobs.push(place.run(scheduler.every(LONG), target));
    }
    scheduler.start().expect("the runtime takes the scheduler");
    eventually(
        &format!("of {due} jobs only those of one batch wait for number {stuck}"),
        || {
            let begun = jobs.iter().filter(|job| job.runs() > 0).count();
            jobs[stuck].runs() > 0 && begun + others >= due
        },
    );
    runs_on(&quick_job(&scheduler));
}

/// A blocking run sees that it is cancelled. The run ends by itself, so it counts as finished.
pub fn sees_cancellation(host: Host) {
    let Some(place) = host.blocking_job_to_block() else {
        return;
    };
    let (scheduler, probe) = (host.scheduler(), Probe::default());
    let inside = probe.clone();
    let target = move |run: Run| {
        let visit = inside.enter();
        while !run.is_cancelled() {
            thread::sleep(NAP);
        }
        visit.complete();
    };
    let job = place.run(scheduler.every(INTERVAL), target);
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the run begins", || probe.inside() == 1);
    let report = finish("the stop returns", scheduler.stop());
    assert_fate(&report, &job, Fate::Finished);
    assert_eq!((probe.completed(), probe.inside()), (1, 0));
}
