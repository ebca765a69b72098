//! The future of a stop: the steps of a stop, and where a stop waits (`Process::poll`).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::clock::sleep::Sleep;
use crate::control::parker::Parker;
use crate::control::stop::{Stop, StopReport};
use crate::control::stop_scope::StopScope;
use crate::dispatch::drain::DrainProgress;
use crate::engine::Engine;
use crate::engine::run_tracker::{StopProgress, wait_inside};
use crate::exec::executor_probe::ExecutorProbe;
use crate::job::current_run::runs_blocked_until_ready;
use crate::job::id::RunKey;
use crate::observe::trace::note_stop;
use crate::time::{Span, Time};
use crate::unwind::quietly;

/// The most time that a stop which blocks its thread gives the executor to begin the drops of cancelled runs. With
/// shorter ticks, the executor has one tick.
const MOST_PATIENCE: Duration = Duration::from_secs(1);

/// The future of a [`Stop`](crate::Stop).
#[must_use = "a stop does nothing until it is awaited"]
pub struct Stopping {
    /// `Some` until the first poll.
    stop: Option<Stop>,
    /// `Some` while the stop waits.
    process: Option<Process>,
    /// Whether the stop blocks its thread.
    blocks_thread: bool,
    has_returned: bool,
}

impl Stopping {
    pub(crate) fn new(stop: Stop) -> Stopping {
        Stopping {
            stop: Some(stop),
            process: None,
            blocks_thread: false,
            has_returned: false,
        }
    }

    /// The steps of this stop. `None` if there is nothing to stop or to wait for.
    fn process(&self, stop: Stop) -> Option<Process> {
        let engine = stop.engine?;
        if stop.scope.removes_idle_job(&engine) {
            return None;
        }
        Some(Process {
            engine,
            scope: stop.scope,
            grace: stop.grace,
            timeout: stop.timeout,
            stage: Stage::New,
            was_running: false,
            drains: false,
            progress: Arc::default(),
            inside: Vec::new(),
            sleep: Sleep::default(),
            own_clock: self.blocks_thread.then(OwnClock::default),
            probe: None,
        })
    }

    /// Blocks the thread. The thread's own clock counts beside the runtime's timer, which nobody may drive.
    pub(crate) fn wait(mut self) -> StopReport {
        let (parker, waker) = Parker::new();
        self.blocks_thread = true;
        loop {
            if let Poll::Ready(report) = Pin::new(&mut self).poll(&mut Context::from_waker(&waker)) {
                return report;
            }
            let own_clock = self.process.as_ref().and_then(|process| process.own_clock.as_ref());
            parker.park(own_clock.and_then(OwnClock::next_look));
        }
    }
}

impl Future for Stopping {
    type Output = StopReport;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StopReport> {
        assert!(!self.has_returned, "a stop is not polled after it has returned");
        if let Some(stop) = self.stop.take() {
            self.process = self.process(stop);
        }
        let report = match &mut self.process {
            Some(process) => ready!(process.poll(cx)),
            None => StopReport::default(),
        };
        self.process = None;
        self.has_returned = true;
        Poll::Ready(report)
    }
}

impl Drop for Stopping {
    /// A stop that has begun is completed, even without its future.
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take().filter(Process::has_begun) {
            process.wait_inside(Vec::new());
            let engine = Arc::clone(&process.engine);
            let rest = std::future::poll_fn(move |cx| process.poll(cx).map(drop));
            // If the spawn is refused, the process is dropped, and its `Drop` ends the stop without further waiting.
            quietly(|| drop(engine.clock.runtime().spawn(Box::pin(rest))));
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
    scope: StopScope,
    grace: Duration,
    timeout: Option<Duration>,
    stage: Stage,
    /// Whether the scheduler was running before this stop.
    was_running: bool,
    /// Whether runs that were triggered before the stop may still begin.
    drains: bool,
    progress: Arc<StopProgress>,
    /// The runs inside which the stop is waited for.
    inside: Vec<RunKey>,
    sleep: Sleep,
    /// If the stop blocks its thread, the clock of this thread.
    own_clock: Option<OwnClock>,
    probe: Option<ExecutorProbe>,
}

/// The clock of the thread that a stop blocks.
#[derive(Default)]
struct OwnClock {
    /// The end of the present stage.
    end_of_stage: Option<Instant>,
    /// How long the executor has time to begin the drops of cancelled runs. Then the thread drops the others itself.
    end_of_patience: Option<Instant>,
}

impl OwnClock {
    fn begin_stage(&mut self, length: Option<Duration>) {
        self.end_of_stage = length.and_then(|length| Instant::now().checked_add(length));
    }

    fn begin_patience(&mut self, length: Duration) {
        self.end_of_patience = Instant::now().checked_add(length);
    }

    fn is_stage_over(&self) -> bool {
        self.end_of_stage.is_some_and(|end| Instant::now() >= end)
    }

    /// Whether the patience has just come to its end.
    fn loses_patience(&mut self) -> bool {
        self.end_of_patience.take_if(|end| Instant::now() >= *end).is_some()
    }

    /// When the thread looks again, even if nothing wakes it.
    fn next_look(&self) -> Option<Instant> {
        [self.end_of_stage, self.end_of_patience].into_iter().flatten().min()
    }
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
        let inside = runs_blocked_until_ready(cx.waker());
        if self.stage == Stage::New {
            self.begin(inside);
        } else {
            self.wait_inside(inside);
        }
        self.progress.register(cx.waker());
        loop {
            if self.expects_no_reaper() {
                self.scope.end_here(&self.engine);
            }
            if self.is_over() {
                return Poll::Ready(self.finish());
            }
            match self.stage {
                Stage::Grace(until) => {
                    ready!(self.sleep_until(until, cx));
                    self.cancel();
                }
                Stage::Cancelled(until) => {
                    ready!(self.sleep_until(until, cx));
                    if self.own_clock.is_some() {
                        // The runtime's clock may be ahead of the thread's.
                        self.scope.end_here(&self.engine);
                    }
                    return Poll::Ready(self.finish());
                }
                Stage::New | Stage::Done => unreachable!("a stop that waits has begun and is not done"),
            }
        }
    }

    /// Whether this thread has to drop the cancelled runs that wait. Code inside a run that blocks its thread until the
    /// stop has returned may block the only thread of the executor.
    fn expects_no_reaper(&mut self) -> bool {
        match &mut self.own_clock {
            Some(clock) => clock.loses_patience(),
            None => !self.inside.is_empty(),
        }
    }

    /// Whether no run is left to wait for. Looks at the drain first: a last run is watched when it leaves the drain.
    fn is_over(&mut self) -> bool {
        if self.drains {
            match self.engine.drain_progress(&self.progress) {
                DrainProgress::GoesOn => return false,
                DrainProgress::Blocked => {}
                DrainProgress::Over => self.end_drain(),
            }
        }
        self.progress.is_over()
    }

    /// Ends the drain, and waits for all runs that have begun until now. Another stop may have ended the drain already,
    /// while a last run was beginning.
    fn end_drain(&mut self) {
        self.drains = false;
        self.engine.halt(None);
        self.watch();
        wait_inside(&self.progress, &self.inside);
    }

    fn watch(&self) {
        self.scope.watch(&self.engine, &self.progress);
    }

    /// Notes the runs inside which the stop is waited for.
    fn wait_inside(&mut self, runs: Vec<RunKey>) {
        if runs != self.inside {
            wait_inside(&self.progress, &runs);
            self.inside = runs;
        }
    }

    /// If the timer is gone, the time counts as reached: the same runtime will not poll the remaining runs either.
    fn sleep_until(&mut self, time: Time, cx: &mut Context<'_>) -> Poll<()> {
        if self.own_clock.as_ref().is_some_and(OwnClock::is_stage_over) {
            return Poll::Ready(());
        }
        if time == Time::NEVER {
            if let Stage::Cancelled(_) = self.stage {
                // Synchronous code ends by itself, and needs no executor to do so. If the executor is gone, it has
                // dropped its reapers, and their drop has ended the cancelled runs.
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

    fn begin(&mut self, inside: Vec<RunKey>) {
        self.stage = Stage::Grace(self.engine.now().after(self.grace.into()));
        if let Some(clock) = &mut self.own_clock {
            clock.begin_stage(Some(self.grace));
        }
        let begun = self.scope.begin(&self.engine, !self.grace.is_zero(), &self.progress);
        self.drains = begun.drains;
        self.was_running = begun.was_running;
        self.watch();
        // Before the stop cancels runs: their destructors may wait for other stops.
        self.wait_inside(inside);
        if self.grace.is_zero() {
            drop(begun);
            self.cancel();
        } else {
            self.scope.tell_to_end(&self.engine, &begun);
        }
    }

    fn cancel(&mut self) {
        let limit = self
            .timeout
            .map_or(Time::NEVER, |timeout| self.engine.now().after(Span::from(timeout)));
        self.stage = Stage::Cancelled(limit);
        if let Some(clock) = &mut self.own_clock {
            clock.begin_stage(self.timeout);
            let tick = self.engine.resolution.min(MOST_PATIENCE);
            clock.begin_patience(self.timeout.map_or(tick, |timeout| timeout.min(tick)));
        }
        if self.drains {
            self.end_drain();
        }
        self.scope.cancel(&self.engine);
        if self.timeout.is_none() {
            self.progress.set_aside_ticks();
        }
    }

    fn finish(&mut self) -> StopReport {
        self.stage = Stage::Done;
        self.wait_inside(Vec::new());
        self.engine.run_tracker.forget(&self.progress);
        self.progress.forget_waker();
        self.scope.end(&self.engine);
        let report = StopReport::from(self.progress.take_outcome());
        if self.was_running {
            let lists = [&report.finished, &report.cancelled, &report.still_running];
            note_stop(&report, lists.map(Vec::len));
        }
        report
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
