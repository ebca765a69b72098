//! The span of a run, for `tracing`. Without the `tracing` feature, the span is empty and costs nothing.

#[cfg(feature = "tracing")]
pub(crate) use self::on::{RunSpan, is_current, millis, of_run};

#[cfg(not(feature = "tracing"))]
pub(crate) use self::off::{RunSpan, of_run};

#[cfg(feature = "tracing")]
mod on {
    use std::time::{Duration, SystemTime};

    use tracing::{Level, span};

    use crate::time::{Span, utc};
    use crate::unwind::{catch, discard};

    /// The span of a run.
    pub(crate) type RunSpan = tracing::Span;

    /// Makes the span of a run that has begun. The subscriber is user code and may panic.
    ///
    /// The span has the level of an error, so that it is there for each event that a filter lets pass.
    pub(crate) fn of_run(job: &str, run: u64, lateness: Span, slot: Option<SystemTime>) -> RunSpan {
        let span = catch(|| {
            span!(
                target: "atevery",
                parent: None,
                Level::ERROR,
                "run",
                job,
                run,
                lateness_ms = millis(lateness.into()),
                slot = slot.map(utc),
            )
        });
        span.unwrap_or_else(|payload| {
            discard(payload);
            RunSpan::none()
        })
    }

    /// Whether the subscriber is inside this span. Its events then need not name the job and the run.
    pub(crate) fn is_current(span: &RunSpan) -> bool {
        let current = RunSpan::current();
        current.id().is_some() && current.id() == span.id()
    }

    /// Milliseconds, rounded to microseconds.
    pub(crate) fn millis(duration: Duration) -> f64 {
        let micros = (duration.as_nanos() + 500) / 1_000;
        micros as f64 / 1e3
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::time::SystemTime;

    use crate::time::Span;

    /// The span of a run.
    #[derive(Debug, Clone)]
    pub(crate) struct RunSpan;

    impl RunSpan {
        pub(crate) fn none() -> RunSpan {
            RunSpan
        }

        pub(crate) fn in_scope<T>(&self, call: impl FnOnce() -> T) -> T {
            call()
        }
    }

    pub(crate) fn of_run(_: &str, _: u64, _: Span, _: Option<SystemTime>) -> RunSpan {
        RunSpan
    }
}
