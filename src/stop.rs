use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::AtomicWaker;

use crate::alarm::Alarm;
use crate::claim::Ticket;
use crate::engine::Engine;
use crate::job::{Job, JobId};
use crate::panics::lock;
use crate::time::{Span, Time};

/// A stop that is about to happen: await it, or [`detach`](Stop::detach) it.
///
/// | | runs in progress |
/// | --- | --- |
/// | `scheduler.stop().await` | cancelled, and waited for |
/// | `scheduler.stop().timeout(t).await` | cancelled, and waited for at most `t` |
/// | `scheduler.stop().grace(g).await` | let end for `g`, then cancelled and waited for |
/// | `scheduler.stop().detach()` | left to end by themselves, not waited for |
///
/// From its first poll on no run begins until the next start. It is then carried out to its end, even if its future is
/// dropped half-way; one that is never polled does nothing. To cancel a run is to drop its future at its next await;
/// synchronous code can't be cancelled.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, testing::VirtualTime};
///
/// let time = VirtualTime::new();
/// let scheduler = Scheduler::new(time.clone());
/// let job = scheduler.every(Duration::from_secs(1)).name("endless").run(std::future::pending::<()>)?;
/// scheduler.start()?;
/// time.run_until_stalled();
/// let stop = scheduler.stop().grace(Duration::from_secs(5)).timeout(Duration::from_secs(1));
/// let report = time.block_on(stop.into_future());
/// assert_eq!(report.cancelled(), [job]);
/// # Ok::<(), atevery::Error>(())
/// ```
#[must_use = "a stop does nothing until it is awaited or detached"]
pub struct Stop {
    engine: Arc<Engine>,
    grace: Duration,
    timeout: Option<Duration>,
}

impl Stop {
    pub(crate) fn new(engine: Arc<Engine>) -> Stop {
        Stop {
            engine,
            grace: Duration::ZERO,
            timeout: None,
        }
    }

    /// Waits at most this long for what was cancelled. Zero cancels and returns at once.
    pub fn timeout(mut self, limit: Duration) -> Stop {
        self.timeout = Some(limit);
        self
    }

    /// First lets runs end by themselves for this long.
    pub fn grace(mut self, period: Duration) -> Stop {
        self.grace = period;
        self
    }

    /// Stops at once, without cancelling what is in progress or waiting for it. A later stop does both.
    pub fn detach(self) {
        self.engine.halt(|_| true);
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("grace", &self.grace)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl IntoFuture for Stop {
    type Output = StopReport;
    type IntoFuture = Stopping;

    fn into_future(self) -> Stopping {
        Stopping {
            process: Some(Process::new(self)),
        }
    }
}

/// The future of a [`Stop`].
#[must_use = "a stop does nothing until it is awaited"]
pub struct Stopping {
    process: Option<Process>,
}

impl Future for Stopping {
    type Output = StopReport;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StopReport> {
        let process = self
            .process
            .as_mut()
            .expect("a stop is not polled after it has returned");
        let report = std::task::ready!(process.poll(cx));
        self.process = None;
        Poll::Ready(report)
    }
}

impl Drop for Stopping {
    /// What was begun is carried out to its end.
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take().filter(Process::has_begun) {
            let engine = Arc::clone(&process.engine);
            let rest = std::future::poll_fn(move |cx| process.poll(cx).map(drop));
            // If this is refused the process is dropped, and so cuts its waiting short.
            let _ = engine.runtime().spawn(Box::pin(rest));
        }
    }
}

impl fmt::Debug for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopping").finish_non_exhaustive()
    }
}

/// A stop, step by step.
struct Process {
    engine: Arc<Engine>,
    grace: Duration,
    timeout: Option<Duration>,
    stage: Stage,
    progress: Arc<Progress>,
    alarm: Alarm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    /// Runs may end by themselves until then.
    Grace(Time),
    /// Runs were cancelled, and are waited for until then.
    Cancelled(Time),
    Done,
}

impl Process {
    fn new(stop: Stop) -> Process {
        let Stop { engine, grace, timeout } = stop;
        Process {
            engine,
            grace,
            timeout,
            stage: Stage::New,
            progress: Arc::default(),
            alarm: Alarm::default(),
        }
    }

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
            // A timer that is gone counts as elapsed: its runtime will not run what is waited for either.
            match self.stage {
                Stage::Grace(until) => {
                    let _ = std::task::ready!(self.alarm.poll(&self.engine, until, cx));
                    self.cancel();
                }
                Stage::Cancelled(until) => {
                    let _ = std::task::ready!(self.alarm.poll(&self.engine, until, cx));
                    return Poll::Ready(self.finish());
                }
                Stage::New | Stage::Done => unreachable!("a stop that waits has begun and is not done"),
            }
        }
    }

    fn begin(&mut self) {
        self.stage = Stage::Grace(self.engine.now().after(self.grace.into()));
        self.engine.begin_stop();
        self.engine.watches.watch(&self.engine, &self.progress);
        if self.grace.is_zero() {
            self.cancel();
        }
    }

    fn cancel(&mut self) {
        let limit = self
            .timeout
            .map_or(Time::NEVER, |timeout| self.engine.now().after(Span::from(timeout)));
        self.stage = Stage::Cancelled(limit);
        self.engine.cancel_runs();
    }

    fn finish(&mut self) -> StopReport {
        self.stage = Stage::Done;
        self.engine.watches.forget(&self.progress);
        self.engine.end_stop();
        self.progress.report()
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

/// Who waits for the end of which run.
#[derive(Default)]
pub(crate) struct Watches(Mutex<HashMap<RunKey, Vec<Arc<Progress>>>>);

/// A run of a job, told from its other runs by the ticket under which it began.
type RunKey = (JobId, Ticket);

impl Watches {
    /// Watches every run in progress.
    fn watch(&self, engine: &Engine, progress: &Arc<Progress>) {
        let mut watches = lock(&self.0);
        for batch in engine.active() {
            for job in batch.jobs.iter().filter(|job| job.claim.watch(batch.ticket)) {
                watches
                    .entry((job.id, batch.ticket))
                    .or_default()
                    .push(Arc::clone(progress));
                lock(&progress.runs)
                    .waiting
                    .insert((job.id, batch.ticket), Job::new(Arc::clone(job)));
            }
        }
    }

    pub(crate) fn ended(&self, run: RunKey, cancelled: bool) {
        let watching = lock(&self.0).remove(&run);
        for progress in watching.into_iter().flatten() {
            progress.ended(run, cancelled);
        }
    }

    fn forget(&self, progress: &Arc<Progress>) {
        let mut watches = lock(&self.0);
        for run in lock(&progress.runs).waiting.keys() {
            if let Some(watching) = watches.get_mut(run) {
                watching.retain(|other| !Arc::ptr_eq(other, progress));
            }
        }
        watches.retain(|_, watching| !watching.is_empty());
    }
}

/// What a stop has seen so far.
#[derive(Default)]
struct Progress {
    runs: Mutex<Runs>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Runs {
    waiting: BTreeMap<RunKey, Job>,
    finished: Vec<Job>,
    cancelled: Vec<Job>,
}

impl Progress {
    fn is_over(&self) -> bool {
        lock(&self.runs).waiting.is_empty()
    }

    fn ended(&self, run: RunKey, cancelled: bool) {
        let mut runs = lock(&self.runs);
        let Some(job) = runs.waiting.remove(&run) else { return };
        if cancelled {
            runs.cancelled.push(job);
        } else {
            runs.finished.push(job);
        }
        let over = runs.waiting.is_empty();
        drop(runs);
        if over {
            self.waker.wake();
        }
    }

    fn report(&self) -> StopReport {
        let mut runs = std::mem::take(&mut *lock(&self.runs));
        runs.finished.sort_by_key(Job::id);
        runs.cancelled.sort_by_key(Job::id);
        StopReport {
            finished: runs.finished,
            cancelled: runs.cancelled,
            still_running: runs.waiting.into_values().collect(),
        }
    }
}

/// What became of the runs that were in progress when a stop began. Each list is in the order of registration.
///
/// `Display` names them:
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, testing::VirtualTime};
///
/// let time = VirtualTime::new();
/// let scheduler = Scheduler::new(time.clone());
/// scheduler.every(Duration::from_secs(1)).name("endless").run(std::future::pending::<()>)?;
/// scheduler.start()?;
/// time.run_until_stalled();
/// let report = time.block_on(scheduler.stop().into_future());
/// assert!(report.is_clean());
/// assert_eq!(report.to_string(), "stopped: 0 finished, 1 cancelled (endless), 0 still running");
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopReport {
    finished: Vec<Job>,
    cancelled: Vec<Job>,
    still_running: Vec<Job>,
}

impl StopReport {
    /// Jobs whose run ended by itself during the stop.
    pub fn finished(&self) -> &[Job] {
        &self.finished
    }

    /// Jobs whose run was cancelled, and is gone: its future has been dropped.
    pub fn cancelled(&self) -> &[Job] {
        &self.cancelled
    }

    /// Jobs whose run goes on although the stop has given up waiting for it: the stragglers.
    pub fn still_running(&self) -> &[Job] {
        &self.still_running
    }

    /// Whether nothing was left behind.
    pub fn is_clean(&self) -> bool {
        self.still_running.is_empty()
    }
}

impl fmt::Display for StopReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("finished", &self.finished),
            ("cancelled", &self.cancelled),
            ("still running", &self.still_running),
        ];
        let lists = lists.map(|(what, jobs)| format!("{} {what}{}", jobs.len(), in_brackets(jobs)));
        write!(f, "stopped: {}", lists.join(", "))
    }
}

fn in_brackets(jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = jobs.iter().map(Job::name).collect();
    format!(" ({})", names.join(", "))
}
