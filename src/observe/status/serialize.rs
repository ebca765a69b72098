//! The status for machines: durations in seconds, instants in seconds ago or ahead. Other programs read these names and
//! units:
//!
//! ```
//! use std::time::Duration;
//! use atevery::{Scheduler, testing::VirtualTime};
//! use serde_json::{json, to_value};
//!
//! let time = VirtualTime::new();
//! let scheduler = Scheduler::new(time.clone());
//! let clock = time.clone();
//! let target = move || {
//!     let sleep = clock.sleep(Duration::from_millis(250));
//!     async move {
//!         sleep.await;
//!         Err("no pulse")
//!     }
//! };
//! let beat = scheduler.every(Duration::from_secs(1)).name("beat").tag("pulse").run(target)?;
//! let later = scheduler.every(Duration::from_millis(1_500)).name("later").run(|| ())?;
//! later.pause();
//! assert_eq!(to_value(scheduler.status()).unwrap()["state"], "stopped");
//! scheduler.start()?;
//! time.advance(Duration::from_millis(1_750));
//!
//! let expected = json!({
//!     "state": "running",
//!     "jobs": [
//!         {
//!             "id": to_value(beat.id()).unwrap(),
//!             "name": "beat",
//!             "tags": ["pulse"],
//!             "state": "waiting",
//!             "schedule": "1s",
//!             "interval_seconds": 1.0,
//!             "runs": 2,
//!             "failures": 2,
//!             "panics": 0,
//!             "timeouts": 0,
//!             "consecutive_failures": 2,
//!             "cancelled": 0,
//!             "retries": 0,
//!             "missed": 0,
//!             "refused": 0,
//!             "held_thread": 0,
//!             "last_error": "no pulse",
//!             "last_start_seconds_ago": 0.75,
//!             "last_duration_seconds": 0.25,
//!             "mean_duration_seconds": 0.25,
//!             "next_due_in_seconds": 0.25,
//!             "max_lateness_seconds": 0.0,
//!             "lateness": [
//!                 { "below_seconds": 0.01, "runs": 2 },
//!                 { "below_seconds": 0.1, "runs": 0 },
//!                 { "below_seconds": 1.0, "runs": 0 },
//!                 { "below_seconds": null, "runs": 0 },
//!             ],
//!         },
//!         {
//!             "id": to_value(later.id()).unwrap(),
//!             "name": "later",
//!             "tags": [],
//!             "state": "paused",
//!             "schedule": "1.5s",
//!             "interval_seconds": 1.5,
//!             "runs": 0,
//!             "failures": 0,
//!             "panics": 0,
//!             "timeouts": 0,
//!             "consecutive_failures": 0,
//!             "cancelled": 0,
//!             "retries": 0,
//!             "missed": 0,
//!             "refused": 0,
//!             "held_thread": 0,
//!             "last_error": null,
//!             "last_start_seconds_ago": null,
//!             "last_duration_seconds": null,
//!             "mean_duration_seconds": null,
//!             "next_due_in_seconds": null,
//!             "max_lateness_seconds": 0.0,
//!             "lateness": [
//!                 { "below_seconds": 0.01, "runs": 0 },
//!                 { "below_seconds": 0.1, "runs": 0 },
//!                 { "below_seconds": 1.0, "runs": 0 },
//!                 { "below_seconds": null, "runs": 0 },
//!             ],
//!         },
//!     ],
//! });
//! let status = to_value(scheduler.status()).unwrap();
//! assert!(status["jobs"][0]["id"].is_u64());
//! assert_eq!(status, expected);
//! assert_eq!(status["jobs"][0], to_value(beat.status()).unwrap());
//!
//! time.advance(Duration::from_millis(300));
//! assert_eq!(to_value(beat.status()).unwrap()["state"], "running");
//! beat.remove();
//! time.advance(Duration::from_millis(300));
//! assert_eq!(to_value(beat.status()).unwrap()["state"], "removed");
//! # Ok::<(), atevery::Error>(())
//! ```

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{JobState, JobStatus};
use crate::job::id::JobId;

#[derive(Serialize)]
struct Fields<'a> {
    id: JobId,
    name: &'a str,
    tags: &'a [String],
    state: JobState,
    schedule: &'a str,
    interval_seconds: Option<f64>,
    runs: u64,
    failures: u64,
    panics: u64,
    timeouts: u64,
    consecutive_failures: u64,
    cancelled: u64,
    retries: u64,
    missed: u64,
    refused: u64,
    held_thread: u64,
    last_error: Option<&'a str>,
    last_start_seconds_ago: Option<f64>,
    last_duration_seconds: Option<f64>,
    mean_duration_seconds: Option<f64>,
    next_due_in_seconds: Option<f64>,
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
            id: self.id(),
            name: self.name(),
            tags: self.tags(),
            state: self.state(),
            schedule: self.schedule(),
            interval_seconds: seconds(self.interval()),
            runs: self.runs(),
            failures: self.failures(),
            panics: self.panics(),
            timeouts: self.timeouts(),
            consecutive_failures: self.consecutive_failures(),
            cancelled: self.cancelled(),
            retries: self.retries(),
            missed: self.missed(),
            refused: self.refused(),
            held_thread: self.held_thread(),
            last_error: self.last_error(),
            last_start_seconds_ago: seconds(self.last_start.map(|start| start.distance)),
            last_duration_seconds: seconds(self.last_duration()),
            mean_duration_seconds: seconds(self.mean_duration()),
            next_due_in_seconds: seconds(self.next_due.map(|next| next.distance)),
            max_lateness_seconds: self.max_lateness().as_secs_f64(),
            lateness: bars.collect(),
        };
        fields.serialize(serializer)
    }
}
