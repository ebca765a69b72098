//! Ticks at which many jobs are due, and ticks at which no job is due.

use std::time::Duration;

use atevery::{FirstRun, Scheduler};

use super::manual::Manual;
use super::{Case, TICK, mixed_interval};

const SECOND: Duration = Duration::from_secs(1);

/// An interval that does not end during the measurement.
const SELDOM: Duration = Duration::from_secs(3_600 * 24 * 365 * 10);

pub(crate) fn all() -> Vec<Case> {
    let same = [1, 64, 1_000, 10_000, 100_000].map(same);
    let mixed = [1_000, 10_000, 100_000].map(mixed);
    let nothing = [1_000, 1_000_000].map(nothing_due);
    same.into_iter().chain(mixed).chain(nothing).collect()
}

/// All jobs are due at each tick.
fn same(jobs: u64) -> Case {
    Case::again(format!("tick, {jobs} due"), jobs, move || {
        let loaded = Loaded::new(jobs, FirstRun::Now, |_| TICK);
        move || loaded.tick()
    })
}

/// A second of jobs with intervals from a tick to a minute. Items are runs.
fn mixed(jobs: u64) -> Case {
    let runs: f64 = (0..jobs).map(|job| SECOND.div_duration_f64(mixed_interval(job))).sum();
    Case::again(
        format!("a second of {jobs} with mixed intervals"),
        runs as u64,
        move || {
            let loaded = Loaded::new(jobs, FirstRun::Now, mixed_interval);
            move || (0..SECOND.div_duration_f64(TICK) as u32).for_each(|_| loaded.tick())
        },
    )
}

/// The loop is woken, and looks for due jobs.
fn nothing_due(jobs: u64) -> Case {
    Case::again(format!("tick, none due of {jobs}"), 1, move || {
        let loaded = Loaded::new(jobs, FirstRun::AfterInterval, |_| SELDOM);
        move || loaded.tick()
    })
}

struct Loaded {
    time: Manual,
    scheduler: Scheduler,
}

impl Loaded {
    fn new(jobs: u64, first: FirstRun, interval: impl Fn(u64) -> Duration) -> Loaded {
        let time = Manual::new();
        let scheduler = Scheduler::new(time.clone());
        for job in 0..jobs {
            let builder = scheduler.every(interval(job)).first_run(first);
            builder.run(|| ()).expect("a tick is long enough");
        }
        scheduler.start().expect("it starts once");
        time.advance(Duration::ZERO);
        Loaded { time, scheduler }
    }

    fn tick(&self) {
        self.time.advance(TICK);
        // Without its last handle, the scheduler has no runs. A closure that calls this must hold both values.
        debug_assert!(self.scheduler.is_running());
    }
}
