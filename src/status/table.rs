//! The status as a table that a person reads.

use std::fmt;
use std::time::Duration;

use super::{JobState, JobStatus, SchedulerState, SchedulerStatus};

const TITLES: [&str; 13] = [
    "job",
    "state",
    "every",
    "runs",
    "failed",
    "panicked",
    "timed out",
    "missed",
    "last run",
    "took",
    "mean",
    "late",
    "next",
];

/// Columns of words, which begin on the left; those of figures end on the right.
const WORDS: [usize; 3] = [0, 1, 2];

const ERROR: &str = "last error";

type Row = [String; TITLES.len()];

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_table(f, std::slice::from_ref(self))
    }
}

impl fmt::Display for SchedulerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_table(f, &self.jobs)?;
        let sum = |count: fn(&JobStatus) -> u64| self.jobs.iter().map(count).fold(0, u64::saturating_add);
        let failed = sum(|job| job.failures() + job.panics() + job.timeouts());
        let running = self.jobs.iter().filter(|job| job.state == JobState::Running).count();
        write!(
            f,
            "{}: {} jobs, {running} of them running; {} runs, {failed} of them failed",
            self.state,
            self.jobs.len(),
            sum(JobStatus::runs),
        )
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, jobs: &[JobStatus]) -> fmt::Result {
    let rows: Vec<Row> = jobs.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([TITLES[column].len()]).max().unwrap_or_default()
    };
    let widths: [usize; TITLES.len()] = std::array::from_fn(width);
    let errors = jobs.iter().map(|job| job.last_error().unwrap_or_default());
    write_row(f, &widths, &TITLES.map(str::to_owned), ERROR)?;
    for (row, error) in rows.iter().zip(errors) {
        write_row(f, &widths, row, &error.escape_debug().to_string())?;
    }
    Ok(())
}

fn write_row(f: &mut fmt::Formatter<'_>, widths: &[usize; TITLES.len()], row: &Row, error: &str) -> fmt::Result {
    let mut line = String::new();
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        if WORDS.contains(&column) {
            line += &format!("{cell:<width$}  ");
        } else {
            line += &format!("{cell:>width$}  ");
        }
    }
    line += error;
    writeln!(f, "{}", line.trim_end())
}

fn row(job: &JobStatus) -> Row {
    [
        job.name.escape_debug().to_string(),
        job.state.to_string(),
        format!("{:?}", job.interval),
        job.runs.to_string(),
        job.failures().to_string(),
        job.panics().to_string(),
        job.timeouts().to_string(),
        job.missed().to_string(),
        job.last_start
            .map_or_else(none, |start| format!("{} ago", short(start.distance))),
        job.last_duration().map_or_else(none, short),
        job.mean_duration().map_or_else(none, short),
        job.last_duration().map_or_else(none, |_| short(job.max_lateness())),
        job.next_deadline.map_or_else(none, |next| short(next.distance)),
    ]
}

fn none() -> String {
    String::from("-")
}

fn short(duration: Duration) -> String {
    format!("{duration:.1?}")
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            JobState::Waiting => "waiting",
            JobState::Running => "running",
            JobState::Paused => "paused",
            JobState::Removed => "removed",
        })
    }
}

impl fmt::Display for SchedulerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SchedulerState::Running => "running",
            SchedulerState::Stopping => "stopping",
            SchedulerState::Stopped => "stopped",
        })
    }
}
