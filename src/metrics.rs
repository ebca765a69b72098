//! Counters and histograms for the `metrics` facade. [`crate::metrics`] in the docs of the crate lists them.

use metrics::{counter, histogram};

use crate::event::{Event, EventKind};

/// Counts what has happened. Every metric has the label `job`, the job's name.
pub(crate) fn count(event: &Event) {
    let job = event.job().name().to_owned();
    match event.kind() {
        EventKind::Started => {
            counter!("atevery_runs_started_total", "job" => job.clone()).increment(1);
            if let Some(deadline) = event.deadline() {
                let lateness = event.instant().saturating_duration_since(deadline);
                histogram!("atevery_run_lateness_seconds", "job" => job).record(lateness);
            }
        }
        EventKind::Retried(_) => counter!("atevery_retries_total", "job" => job).increment(1),
        EventKind::Missed(count) => counter!("atevery_missed_intervals_total", "job" => job).increment(*count),
        EventKind::Refused => counter!("atevery_refused_runs_total", "job" => job).increment(1),
        EventKind::Late(_) | EventKind::Removed => {}
        EventKind::Finished
        | EventKind::Failed(_)
        | EventKind::Panicked(_)
        | EventKind::TimedOut
        | EventKind::Cancelled => {
            let outcome = event.kind().as_str().replace(' ', "_");
            counter!("atevery_runs_ended_total", "job" => job.clone(), "outcome" => outcome).increment(1);
            if let Some(duration) = event.duration() {
                histogram!("atevery_run_duration_seconds", "job" => job).record(duration);
            }
        }
    }
}
