//! Spans and events for `tracing`. Without the `tracing` feature, all functions here are empty and cost nothing.
//!
//! Each run has a span `run` with the target `atevery` and the level ERROR, so that a filter keeps the span of each
//! event that it keeps. The span has no parent: a run belongs to its job, not to the code that drives the executor. The
//! span is entered for the call of the target, for each poll of the future, and for the drop of the future. The events
//! of the run also lie inside the span. The span has these fields:
//!
//! | field | |
//! | --- | --- |
//! | `job` | the job's name |
//! | `run` | the number of the run |
//! | `slot` | the slot of a run by a calendar, such as `2026-03-29T01:00:00Z` |
//! | `lateness_ms` | the time from the due instant to the start of the run, in milliseconds, rounded to microseconds |
//!
//! Events have the same target. If the subscriber knows the current span, an event inside the span of its run has no
//! fields `job` and `run`: the span has them, and formatters write the fields of both. All other events of a job have
//! the field `job`, and events of a run also have the field `run`:
//!
//! | level | event | further fields |
//! | --- | --- | --- |
//! | ERROR | run failed | `error` |
//! | ERROR | run panicked | `error` |
//! | ERROR | the schedule is invalid, and the job ends | `error` |
//! | WARN | run timed out | |
//! | WARN | run is tried again | `error` |
//! | WARN | intervals were missed | `count` |
//! | WARN | run is late | `by_ms` |
//! | WARN | run held its thread; `run_blocking` is for code that blocks | `held_ms` |
//! | WARN | the executor refused a run | |
//! | WARN | a running scheduler was dropped, and its jobs ended | `jobs`: how many |
//! | INFO | scheduler started | `jobs`: how many |
//! | INFO | scheduler stopped, with the report of the stop | `finished`, `cancelled`, `still_running`: how many jobs |
//! | INFO | scheduler stopped, and its runs were left to end by themselves | |
//! | DEBUG | job removed | |
//! | TRACE | run started, run finished, run cancelled | |
//!
//! Lateness and refusals are repeated only if they have changed, see [`EventKind::Late`](crate::EventKind::Late) and
//! [`EventKind::Refused`](crate::EventKind::Refused). The warning of a held thread is repeated at most once a minute
//! for each job, see [`EventKind::HeldThread`](crate::EventKind::HeldThread).

#[cfg(feature = "tracing")]
pub(crate) use self::on::*;

#[cfg(not(feature = "tracing"))]
pub(crate) use self::off::*;

#[cfg(feature = "tracing")]
mod on {
    use std::fmt::Display;

    use tracing::{Level, enabled};

    use crate::job::event_kind::EventKind;
    use crate::job::span::{RunSpan, is_current, millis};
    use crate::observe::event::Event;
    use crate::text::describe;
    use crate::unwind::quietly;

    const HELD_THREAD: &str = "run held its thread; `run_blocking` is for code that blocks";

    pub(crate) fn is_on() -> bool {
        enabled!(target: "atevery", Level::ERROR)
    }

    /// Reports the event to the subscriber. If the event belongs to a run, `span` is the span of the run. A panic of
    /// the subscriber is discarded.
    pub(crate) fn emit(event: &Event, span: Option<&RunSpan>) {
        quietly(|| write(event, span));
    }

    /// Reports the start of a scheduler.
    pub(crate) fn note_start(jobs: impl FnOnce() -> usize) {
        quietly(|| {
            if enabled!(target: "atevery", Level::INFO) {
                tracing::info!(target: "atevery", jobs = jobs(), "scheduler started");
            }
        });
    }

    /// Reports the stop of a scheduler. The report names `jobs`: those that finished, were cancelled, and are still
    /// running.
    pub(crate) fn note_stop(report: &impl Display, jobs: [usize; 3]) {
        let [finished, cancelled, still_running] = jobs;
        quietly(|| tracing::info!(target: "atevery", finished, cancelled, still_running, "scheduler {report}"));
    }

    /// Reports the stop of a scheduler whose runs are neither cancelled nor waited for.
    pub(crate) fn note_detached_stop() {
        quietly(|| {
            tracing::info!(target: "atevery", "scheduler stopped, and its runs were left to end by themselves");
        });
    }

    /// Warns that a scheduler was dropped while it was running.
    pub(crate) fn warn_of_drop(jobs: usize) {
        quietly(|| tracing::warn!(target: "atevery", jobs, "a running scheduler was dropped, and its jobs ended"));
    }

    fn write(event: &Event, span: Option<&RunSpan>) {
        // The fields of the span are not repeated.
        let (job, run) = match span {
            Some(span) if is_current(span) => (None, None),
            _ => (Some(event.job().name()), event.run()),
        };
        match event.kind() {
            EventKind::Failed(error) => {
                tracing::error!(target: "atevery", job, run, error = describe(&**error), "run failed");
            }
            EventKind::Panicked(message) => {
                tracing::error!(target: "atevery", job, run, error = &**message, "run panicked");
            }
            EventKind::TimedOut => tracing::warn!(target: "atevery", job, run, "run timed out"),
            EventKind::Retried(message) => {
                tracing::warn!(target: "atevery", job, run, error = &**message, "run is tried again");
            }
            EventKind::Refused => tracing::warn!(target: "atevery", job, "the executor refused a run"),
            EventKind::Missed(count) => tracing::warn!(target: "atevery", job, run, count, "intervals were missed"),
            EventKind::Late(by) => {
                tracing::warn!(target: "atevery", job, run, by_ms = millis(*by), "run is late");
            }
            EventKind::HeldThread(held) => {
                let held_ms = millis(*held);
                tracing::warn!(target: "atevery", job, run, held_ms, "{HELD_THREAD}");
            }
            EventKind::InvalidSchedule(message) => {
                tracing::error!(target: "atevery", job, error = &**message, "the schedule is invalid, and the job ends");
            }
            EventKind::Removed => tracing::debug!(target: "atevery", job, "job removed"),
            EventKind::Started | EventKind::Finished | EventKind::Cancelled => {
                tracing::trace!(target: "atevery", job, run, "run {}", event.kind().as_str());
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::fmt::Display;

    use crate::job::span::RunSpan;
    use crate::observe::event::Event;

    pub(crate) fn is_on() -> bool {
        false
    }

    pub(crate) fn emit(_: &Event, _: Option<&RunSpan>) {}

    pub(crate) fn note_start(_: impl FnOnce() -> usize) {}

    pub(crate) fn note_stop(_: &impl Display, _: [usize; 3]) {}

    pub(crate) fn note_detached_stop() {}

    pub(crate) fn warn_of_drop(_: usize) {}
}
