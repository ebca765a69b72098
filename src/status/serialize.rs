//! The status for machines: lengths of time in seconds, instants as seconds ago or ahead.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{JobState, JobStatus};

#[derive(Serialize)]
struct Fields<'a> {
    name: &'a str,
    state: JobState,
    interval_seconds: f64,
    runs: u64,
    failures: u64,
    panics: u64,
    timeouts: u64,
    cancelled: u64,
    retries: u64,
    missed: u64,
    refused: u64,
    last_error: Option<&'a str>,
    last_start_seconds_ago: Option<f64>,
    last_duration_seconds: Option<f64>,
    mean_duration_seconds: Option<f64>,
    next_deadline_in_seconds: Option<f64>,
    max_lateness_seconds: f64,
    lateness: Vec<Bar>,
}

/// A bar of the histogram.
#[derive(Serialize)]
struct Bar {
    below_seconds: Option<f64>,
    runs: u32,
}

impl Serialize for JobStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
        let bars = self.lateness().into_iter().map(|(bound, runs)| Bar {
            below_seconds: seconds(bound),
            runs,
        });
        let fields = Fields {
            name: self.name(),
            state: self.state(),
            interval_seconds: self.interval().as_secs_f64(),
            runs: self.runs(),
            failures: self.failures(),
            panics: self.panics(),
            timeouts: self.timeouts(),
            cancelled: self.cancelled(),
            retries: self.retries(),
            missed: self.missed(),
            refused: self.refused(),
            last_error: self.last_error(),
            last_start_seconds_ago: seconds(self.last_start.map(|start| start.distance)),
            last_duration_seconds: seconds(self.last_duration()),
            mean_duration_seconds: seconds(self.mean_duration()),
            next_deadline_in_seconds: seconds(self.next_deadline.map(|next| next.distance)),
            max_lateness_seconds: self.max_lateness().as_secs_f64(),
            lateness: bars.collect(),
        };
        fields.serialize(serializer)
    }
}
