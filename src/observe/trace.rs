//! Spans and events for `tracing`. Without that feature there is nothing here that costs anything.
//!
//! Each run has a span `run` of the target `atevery`, at the level INFO. It has no parent: a run belongs to its job, not to
//! the code that happens to drive the executor. It is entered for the call of the target, for every poll of its future,
//! for the drop of that future, and for the event that tells of the end. Its fields:
//!
//! | field | |
//! | --- | --- |
//! | `job` | the job's name |
//! | `run` | the number of the run |
//! | `scheduled` | the instant that the schedule gives for it, in seconds from the making of the scheduler |
//! | `lateness_ms` | how long after its due instant it began, in milliseconds |
//!
//! Events of the same target, with the fields `job` and `run`:
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

    /// Tells the subscriber, whose panic harms nothing.
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
