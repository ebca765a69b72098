//! The status of a job and of a scheduler.

mod counts;
mod in_a_row;
mod measures;
mod of_a_job;
mod of_a_scheduler;
mod table;

use std::time::Duration;

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Allow, FirstRun, Job, JobState, JobStatus, MissedTicks, Overlap, Run, Scheduler, SchedulerState};

use futures::{FutureExt, StreamExt};

use crate::support::{SECOND, World, blow_up, ms, poll_once};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Durations are kept in single precision.
fn assert_near(found: Duration, expected: Duration) {
    assert!(
        found.abs_diff(expected) <= expected / 1_000_000,
        "{found:?}, not {expected:?}"
    );
}

/// Numbers of runs by lateness: less than 10 ms, 100 ms, 1 s, and more.
fn histogram(status: &JobStatus) -> Vec<u32> {
    status.lateness().into_iter().map(|(_, runs)| runs).collect()
}

/// Number of timed runs.
fn measured(job: &Job) -> u32 {
    histogram(&job.status()).iter().sum()
}
