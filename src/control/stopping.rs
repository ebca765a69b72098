//! The future of a stop: the steps of a stop, and where a stop waits (`Process::poll`).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use crate::clock::sleep::Sleep;
use crate::control::stop::StopReport;
use crate::engine::Engine;
use crate::engine::run_tracker::StopProgress;
use crate::exec::cancel::{cancel_runs, tell_runs_to_end};
use crate::exec::executor_probe::ExecutorProbe;
use crate::job::current_run;
use crate::sync::thread::{self, Thread};
use crate::time::{Span, Time};

/// The future of a [`Stop`](crate::Stop).
#[must_use = "a stop does nothing until it is awaited"]
pub struct Stopping {
    process: Option<Process>,
}

impl Stopping {
    pub(crate) fn new(engine: Arc<Engine>, grace: Duration, timeout: Option<Duration>) -> Stopping {
        let (progress, sleep, probe) = (Arc::default(), Sleep::default(), None);
        Stopping {
            process: Some(Process {
                engine,
                grace,
                timeout,
                stage: Stage::New,
                progress,
                sleep,
                probe,
            }),
        }
    }

    pub(crate) fn wait(mut self) -> StopReport {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match Pin::new(&mut self).poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(report) => return report,
                Poll::Pending => thread::park(),
            }
        }
    }
}

/// Wakes the thread that waits for a stop.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Future for Stopping {
    type Output = StopReport;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StopReport> {
        let process = self
            .process
            .as_mut()
            .expect("a stop is not polled after it has returned");
        let report = ready!(process.poll(cx));
        self.process = None;
        Poll::Ready(report)
    }
}

impl Drop for Stopping {
    /// A stop that has begun is completed, even without its future.
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take().filter(Process::has_begun) {
            let engine = Arc::clone(&process.engine);
            let rest = std::future::poll_fn(move |cx| process.poll(cx).map(drop));
            // If the spawn is refused, the process is dropped, and its `Drop` ends the stop without further waiting.
            let _ = engine.clock.runtime().spawn(Box::pin(rest));
        }
    }
}

impl fmt::Debug for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopping").finish_non_exhaustive()
    }
}

/// The steps of a stop.
struct Process {
    engine: Arc<Engine>,
    grace: Duration,
    timeout: Option<Duration>,
    stage: Stage,
    progress: Arc<StopProgress>,
    sleep: Sleep,
    probe: Option<ExecutorProbe>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    /// Runs may end by themselves until this time.
    Grace(Time),
    /// Runs were cancelled. The stop waits for them until this time.
    Cancelled(Time),
    Done,
}

impl Process {
    fn has_begun(&self) -> bool {
        self.stage != Stage::New
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<StopReport> {
        if self.stage == Stage::New {
            self.begin();
        }
        self.progress.waker.register(cx.waker());
        loop {
            if self.progress.is_over() {
                return Poll::Ready(self.finish());
            }
            match self.stage {
                Stage::Grace(until) => {
                    ready!(self.sleep_until(until, cx));
                    self.cancel();
                }
                Stage::Cancelled(until) => {
                    ready!(self.sleep_until(until, cx));
                    return Poll::Ready(self.finish());
                }
                Stage::New | Stage::Done => unreachable!("a stop that waits has begun and is not done"),
            }
        }
    }

    /// If the timer is gone, the time counts as reached: the same runtime will not poll the remaining runs either.
    fn sleep_until(&mut self, time: Time, cx: &mut Context<'_>) -> Poll<()> {
        if time == Time::NEVER {
            if let Stage::Cancelled(_) = self.stage {
                // Only synchronous code is left. Its thread ends it, and needs no executor to do so.
                return Poll::Pending;
            }
        } else if self.sleep.poll(&self.engine.clock, time, cx).is_ready() {
            return Poll::Ready(());
        }
        let probe = self
            .probe
            .get_or_insert_with(|| ExecutorProbe::start(self.engine.clock.runtime()));
        if probe.is_executor_gone(self.engine.has_lost_driver(), cx) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn begin(&mut self) {
        self.stage = Stage::Grace(self.engine.now().after(self.grace.into()));
        self.engine.begin_stop();
        self.engine
            .run_tracker
            .watch(&self.engine.active_batches(), &self.progress);
        for run in current_run::runs() {
            self.progress.set_aside(run);
        }
        if self.grace.is_zero() {
            self.cancel();
        } else {
            tell_runs_to_end(&self.engine);
        }
    }

    fn cancel(&mut self) {
        let limit = self
            .timeout
            .map_or(Time::NEVER, |timeout| self.engine.now().after(Span::from(timeout)));
        self.stage = Stage::Cancelled(limit);
        cancel_runs(&self.engine);
    }

    fn finish(&mut self) -> StopReport {
        self.stage = Stage::Done;
        self.engine.run_tracker.forget(&self.progress);
        self.engine.end_stop();
        StopReport::from(self.progress.take_outcome())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        match self.stage {
            Stage::New | Stage::Done => {}
            Stage::Grace(_) => {
                self.cancel();
                self.finish();
            }
            Stage::Cancelled(_) => drop(self.finish()),
        }
    }
}
