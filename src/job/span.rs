//! The span of a run, for `tracing`. Without the `tracing` feature, the span is empty and costs nothing.

#[cfg(feature = "tracing")]
pub(crate) use self::on::{RunSpan, of_run};

#[cfg(not(feature = "tracing"))]
pub(crate) use self::off::{RunSpan, of_run};

#[cfg(feature = "tracing")]
mod on {
    use std::time::Duration;

    use tracing::{Level, span};

    use crate::time::Span;
    use crate::unwind::{catch, discard};

    /// The span of a run.
    pub(crate) type RunSpan = tracing::Span;

    /// Makes the span of a run that has begun. The subscriber is user code and may panic.
    pub(crate) fn of_run(job: &str, run: u64, scheduled: Span, lateness: Span) -> RunSpan {
        let span = catch(|| {
            span!(
                target: "atevery",
                parent: None,
                Level::INFO,
                "run",
                job,
                run,
                scheduled = Duration::from(scheduled).as_secs_f64(),
                lateness_ms = Duration::from(lateness).as_secs_f64() * 1e3,
            )
        });
        span.unwrap_or_else(|payload| {
            discard(payload);
            RunSpan::none()
        })
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
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

    pub(crate) fn of_run(_: &str, _: u64, _: Span, _: Span) -> RunSpan {
        RunSpan
    }
}
