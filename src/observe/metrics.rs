//! Counters and histograms for the crate `metrics`. They need a recorder, installed by the program, such as the
//! recorder of `metrics-exporter-prometheus`.
//!
//! | metric | kind | unit | labels | |
//! | --- | --- | --- | --- | --- |
//! | `atevery_runs_started_total` | counter | runs | `job` | runs that have begun |
//! | `atevery_runs_ended_total` | counter | runs | `job`, `outcome` | runs that have ended |
//! | `atevery_retries_total` | counter | attempts | `job` | attempts that failed and were followed by another |
//! | `atevery_missed_intervals_total` | counter | intervals | `job` | intervals that were dropped |
//! | `atevery_refused_runs_total` | counter | runs | `job` | runs that the executor would not take |
//! | `atevery_held_thread_runs_total` | counter | runs | `job` | runs that held their thread for more than 10 ms at one go |
//! | `atevery_run_lateness_seconds` | histogram | seconds | `job` | from the due instant of a run to its beginning |
//! | `atevery_run_duration_seconds` | histogram | seconds | `job` | from the beginning of a run to its end |
//!
//! `job` is the job's name: jobs with the same name are counted together. `outcome` is `finished`, `failed`,
//! `panicked`, `timed_out` or `cancelled`. A counter appears when the first event of its kind is counted.
//!
//! At the first run of each job, the recorder gets the descriptions and units. With this feature every run is timed,
//! see [`JobStatus`](crate::JobStatus). Each run costs a few look-ups in the recorder.

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::job::event_kind::EventKind;
use crate::observe::event::Event;

const STARTED: &str = "atevery_runs_started_total";
const ENDED: &str = "atevery_runs_ended_total";
const RETRIES: &str = "atevery_retries_total";
const MISSED: &str = "atevery_missed_intervals_total";
const REFUSED: &str = "atevery_refused_runs_total";
const HELD_THREAD: &str = "atevery_held_thread_runs_total";
const LATENESS: &str = "atevery_run_lateness_seconds";
const DURATION: &str = "atevery_run_duration_seconds";

/// Counts the event.
pub(crate) fn count(event: &Event) {
    let job = event.job().name().to_owned();
    match event.kind() {
        EventKind::Started => {
            if event.run() == Some(0) {
                describe();
            }
            counter!(STARTED, "job" => job.clone()).increment(1);
            if let Some(due) = event.due() {
                let lateness = event.instant().saturating_duration_since(due);
                histogram!(LATENESS, "job" => job).record(lateness);
            }
        }
        EventKind::Finished => count_end(event, job, "finished"),
        EventKind::Failed(_) => count_end(event, job, "failed"),
        EventKind::Panicked(_) => count_end(event, job, "panicked"),
        EventKind::TimedOut => count_end(event, job, "timed_out"),
        EventKind::Cancelled => count_end(event, job, "cancelled"),
        EventKind::Retried(_) => counter!(RETRIES, "job" => job).increment(1),
        EventKind::Missed(count) => counter!(MISSED, "job" => job).increment(*count),
        EventKind::Refused => count_refusal(job),
        // `count_held_thread` counts these runs.
        EventKind::HeldThread(_) => {}
        EventKind::Late(_) | EventKind::InvalidSchedule(_) | EventKind::Removed => {}
    }
}

/// Counts a refused run. Events report only the first.
pub(crate) fn count_refusal(job: String) {
    counter!(REFUSED, "job" => job).increment(1);
}

/// Counts a run that held its thread. Events report such runs at most once a minute.
pub(crate) fn count_held_thread(job: String) {
    counter!(HELD_THREAD, "job" => job).increment(1);
}

fn count_end(event: &Event, job: String, outcome: &'static str) {
    counter!(ENDED, "job" => job.clone(), "outcome" => outcome).increment(1);
    if let Some(duration) = event.duration() {
        histogram!(DURATION, "job" => job).record(duration);
    }
}

/// Called at the first run of each job, not once per process: the program may install the recorder late, without
/// notice.
fn describe() {
    describe_counter!(STARTED, Unit::Count, "Runs that have begun.");
    describe_counter!(ENDED, Unit::Count, "Runs that have ended, by outcome.");
    describe_counter!(
        RETRIES,
        Unit::Count,
        "Attempts that failed and were followed by another in the same run."
    );
    describe_counter!(MISSED, Unit::Count, "Intervals that were dropped.");
    describe_counter!(REFUSED, Unit::Count, "Runs that the executor would not take.");
    describe_counter!(
        HELD_THREAD,
        Unit::Count,
        "Runs that held their thread for more than 10 ms at one go."
    );
    describe_histogram!(
        LATENESS,
        Unit::Seconds,
        "From the due instant of a run to its beginning."
    );
    describe_histogram!(DURATION, Unit::Seconds, "From the beginning of a run to its end.");
}
