//! The status as a table for people.

use std::fmt;
use std::time::Duration;

use crate::text::OneLine;
use crate::time::short;

use super::columns::columns;
use super::{JobState, JobStatus, SchedulerState, SchedulerStatus};

const TITLES: [&str; 15] = [
    "job",
    "state",
    "schedule",
    "runs",
    "failed",
    "panicked",
    "timed out",
    "retries",
    "missed",
    "held",
    "last run",
    "took",
    "mean",
    "late",
    "next",
];

/// The columns of words, aligned left. The columns of figures are aligned right.
const WORDS: [usize; 3] = [0, 1, 2];

const ERROR: &str = "last error";

type Row = [String; TITLES.len()];

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&lines(std::slice::from_ref(self)).join("\n"))
    }
}

impl fmt::Display for SchedulerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in lines(&self.jobs) {
            writeln!(f, "{line}")?;
        }
        let sum = |count: fn(&JobStatus) -> u64| self.jobs.iter().map(count).fold(0, u64::saturating_add);
        let failed = sum(|job| job.failures() + job.panics() + job.timeouts());
        let running = self.jobs.iter().filter(|job| job.state == JobState::Running).count();
        let (jobs, runs) = (self.jobs.len() as u64, sum(JobStatus::runs));
        write!(
            f,
            "{}: {jobs} {}, {running} of them running; {runs} {}, {failed} of them failed",
            self.state,
            plural(jobs, "job"),
            plural(runs, "run"),
        )
    }
}

fn plural(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{noun}{ending}")
}

/// The lines of the table. The first line holds the titles.
fn lines(jobs: &[JobStatus]) -> Vec<String> {
    let rows: Vec<Row> = jobs.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| columns(&row[column]));
        cells.chain([TITLES[column].len()]).max().unwrap_or_default()
    };
    let widths: [usize; TITLES.len()] = std::array::from_fn(width);
    let titles = line(&widths, &TITLES.map(str::to_owned), ERROR);
    let errors = jobs.iter().map(|job| job.last_error().unwrap_or_default());
    let rows = rows.iter().zip(errors).map(|(row, error)| line(&widths, row, error));
    [titles].into_iter().chain(rows).collect()
}

fn line(widths: &[usize; TITLES.len()], row: &Row, error: &str) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width - columns(cell));
        if WORDS.contains(&column) {
            line += &format!("{cell}{padding}  ");
        } else {
            line += &format!("{padding}{cell}  ");
        }
    }
    line += &OneLine(error).to_string();
    line.truncate(line.trim_end().len());
    line
}

fn row(job: &JobStatus) -> Row {
    [
        OneLine(&job.name).to_string(),
        job.state.to_string(),
        OneLine(&job.schedule).to_string(),
        job.runs.to_string(),
        job.failures().to_string(),
        job.panics().to_string(),
        job.timeouts().to_string(),
        job.retries().to_string(),
        job.missed().to_string(),
        job.held_thread().to_string(),
        job.last_start
            .map_or_else(none, |start| format!("{} ago", short(start.distance))),
        job.last_duration().map_or_else(none, short),
        job.mean_duration().map_or_else(none, short),
        job.last_duration().map_or_else(none, |_| short(job.max_lateness())),
        job.next_due.map_or_else(none, |next| ahead(next.distance)),
    ]
}

fn none() -> String {
    String::from("-")
}

/// Formats the distance of an instant ahead.
fn ahead(distance: Duration) -> String {
    if distance.is_zero() {
        String::from("now")
    } else {
        short(distance)
    }
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
