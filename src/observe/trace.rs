//! Spans and events for `tracing`. Without the `tracing` feature, all functions here are empty and cost nothing.
//!
//! Each run has a span `run` with the target `atevery` and the level INFO. The span has no parent: a run belongs to its
//! job, not to the code that drives the executor. The span is entered for the call of the target, for each poll of the
//! future, and for the drop of the future. The event for the end of the run also lies inside the span. The span has
//! these fields:
//!
//! | field | |
//! | --- | --- |
//! | `job` | the job's name |
//! | `run` | the number of the run |
//! | `scheduled` | the instant that the schedule gives for the run, in seconds from the creation of the scheduler |
//! | `lateness_ms` | the time from the due instant to the start of the run, in milliseconds |
//!
//! Events have the same target and the fields `job` and `run`:
//!
//! | level | event | further fields |
//! | --- | --- | --- |
//! | ERROR | run failed | `error` |
//! | ERROR | run panicked | `error` |
//! | WARN | run timed out | |
//! | WARN | run is tried again | `error` |
//! | WARN | intervals were missed | `count` |
//! | WARN | run is late | `by_ms` |
//! | WARN | the executor refused a run | |
//! | DEBUG | job removed | |
//! | TRACE | run started, run finished, run cancelled | |

#[cfg(feature = "tracing")]
pub(crate) use self::on::*;

#[cfg(not(feature = "tracing"))]
pub(crate) use self::off::*;

#[cfg(feature = "tracing")]
mod on {
    use tracing::{Level, enabled};

    use crate::job::event_kind::EventKind;
    use crate::observe::event::Event;
    use crate::text::describe;
    use crate::unwind::quietly;

    pub(crate) fn is_on() -> bool {
        enabled!(target: "atevery", Level::ERROR)
    }

    /// Reports the event to the subscriber. A panic of the subscriber is discarded.
    pub(crate) fn emit(event: &Event) {
        quietly(|| write(event));
    }

    fn write(event: &Event) {
        let (job, run) = (event.job().name(), event.run());
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
                tracing::warn!(target: "atevery", job, run, by_ms = by.as_secs_f64() * 1e3, "run is late");
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
    use crate::observe::event::Event;

    pub(crate) fn is_on() -> bool {
        false
    }

    pub(crate) fn emit(_: &Event) {}
}
