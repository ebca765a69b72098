//! Operations of a user on a scheduler: register, start, remove, stop.

use std::future::pending;

use atevery::{Job, Scheduler};

use super::manual::Manual;
use super::{Case, TICK};

const MANY: [u64; 2] = [1_000, 100_000];

pub(crate) fn all() -> Vec<Case> {
    let kinds: [fn(u64) -> Case; 6] = [register, register_while_running, start, remove, stop_idle, stop_waiting];
    kinds.iter().flat_map(|kind| MANY.map(kind)).collect()
}

fn register(jobs: u64) -> Case {
    Case::once(format!("register {jobs}"), jobs, move || {
        let scheduler = Scheduler::new(Manual::new());
        move || {
            add(&scheduler, jobs);
            scheduler
        }
    })
}

fn register_while_running(jobs: u64) -> Case {
    Case::once(format!("register {jobs} while running"), jobs, move || {
        let scheduler = running(0).1;
        move || {
            add(&scheduler, jobs);
            scheduler
        }
    })
}

fn start(jobs: u64) -> Case {
    Case::once(format!("start with {jobs}"), jobs, move || {
        let scheduler = Scheduler::new(Manual::new());
        add(&scheduler, jobs);
        move || {
            scheduler.start().expect("it starts once");
            scheduler
        }
    })
}

fn remove(jobs: u64) -> Case {
    Case::once(format!("remove {jobs}"), jobs, move || {
        let (time, scheduler) = running(jobs);
        let jobs = scheduler.jobs();
        move || {
            jobs.iter().for_each(Job::remove);
            (time, scheduler, jobs)
        }
    })
}

fn stop_idle(jobs: u64) -> Case {
    Case::once(format!("stop, none of {jobs} running"), jobs, move || {
        let (time, scheduler) = running(jobs);
        move || (scheduler.stop().blocking_wait(), time, scheduler)
    })
}

/// Each run is cancelled.
fn stop_waiting(jobs: u64) -> Case {
    Case::once(format!("stop, {jobs} waiting"), jobs, move || {
        let time = Manual::new();
        let scheduler = Scheduler::new(time.clone());
        for _ in 0..jobs {
            scheduler.every(TICK).run(pending::<()>).expect("a tick is long enough");
        }
        scheduler.start().expect("it starts once");
        time.advance(TICK);
        move || {
            let report = scheduler.stop().blocking_wait();
            assert_eq!(report.cancelled().len() as u64, jobs);
            (report, time, scheduler)
        }
    })
}

/// A scheduler that has served its first tick.
fn running(jobs: u64) -> (Manual, Scheduler) {
    let time = Manual::new();
    let scheduler = Scheduler::new(time.clone());
    add(&scheduler, jobs);
    scheduler.start().expect("it starts once");
    time.advance(TICK);
    (time, scheduler)
}

fn add(scheduler: &Scheduler, jobs: u64) {
    for _ in 0..jobs {
        scheduler.every(TICK).run(|| ()).expect("a tick is long enough");
    }
}
