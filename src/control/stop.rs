//! A stop that has not begun, and the report of a stop. `stopping.rs` has the steps and the wait.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use crate::control::stop_scope::StopScope;
use crate::control::stopping::Stopping;
use crate::engine::Engine;
use crate::engine::run_tracker::StopOutcome;
use crate::job::handle::Job;
use crate::text::OneLine;

/// A stop that has not begun: await the stop, or [`detach`](Stop::detach) it.
/// [`Scheduler::stop`](crate::Scheduler::stop) stops a scheduler, and [`Job::stop`] stops one job.
///
/// | call | runs in progress |
/// | --- | --- |
/// | `scheduler.stop().await` | cancelled, and waited for |
/// | `scheduler.stop().timeout(t).await` | cancelled, and waited for at most `t` |
/// | `scheduler.stop().grace(g).await` | may end by themselves within `g`, then cancelled and waited for |
/// | `scheduler.stop().blocking_wait()` | as with `await`, for code that isn't `async` |
/// | `scheduler.stop().detach()` | may end by themselves, not waited for |
///
/// The stop begins at its first poll. From then on, no run begins until the next start, with one exception: a stop with
/// a [`grace`](Self::grace) first begins the runs that were triggered before. A stop that has begun is completed, even
/// if its future is dropped. A stop that is never polled does nothing. To cancel a run means to drop its future, so the
/// code of the run ends at an await. Synchronous code can't be cancelled.
///
/// Tasks of the executor drop the futures of cancelled runs, never the stop itself. A slow destructor therefore holds
/// up no other job, and the timeout holds. If the executor refuses or loses such a task, the futures are dropped at
/// once where this is noticed, inside [`Spawner::enter`](crate::runtime::Spawner::enter). So a stop returns even if its
/// executor is gone.
///
/// Any number of stops may wait at once, and all of them return. If no run is in progress, a stop returns immediately.
/// A grace or timeout of `Duration::MAX` never ends.
///
/// A stop that is awaited relies on the runtime's timer alone. If nobody drives the runtime, or if all its threads are
/// stuck, its grace and timeout do not end. [`blocking_wait`](Self::blocking_wait) also keeps them by the clock of its
/// own thread.
///
/// A job may stop its own scheduler. If a job awaits the stop, the stop cancels the job at this await. With a timeout
/// of zero, the stop returns first, and the job is cancelled at its next await. If a job blocks its thread until a stop
/// returns, its run can't end before the stop. The code may be synchronous, the body or a destructor of a future, or a
/// [hook](crate::SchedulerBuilder::on_event). The stop does not wait for such a run, and reports the run as still
/// running. If several runs block on stops, none of these stops waits for any of these runs.
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
/// let report = time.block_on(stop);
/// assert_eq!(report.cancelled(), [job]);
/// # Ok::<(), atevery::Error>(())
/// ```
#[must_use = "a stop does nothing until it is awaited, waited for or detached"]
pub struct Stop {
    /// `None` if the scheduler of the job is gone.
    pub(super) engine: Option<Arc<Engine>>,
    pub(super) scope: StopScope,
    pub(super) grace: Duration,
    pub(super) timeout: Option<Duration>,
}

impl Stop {
    pub(crate) fn of_scheduler(engine: Arc<Engine>) -> Stop {
        Stop::new(Some(engine), StopScope::Scheduler)
    }

    /// `engine` is `None` if the scheduler of the job is gone.
    pub(crate) fn of_job(engine: Option<Arc<Engine>>, job: Job) -> Stop {
        Stop::new(engine, StopScope::Job(job))
    }

    fn new(engine: Option<Arc<Engine>>, scope: StopScope) -> Stop {
        Stop {
            engine,
            scope,
            grace: Duration::ZERO,
            timeout: None,
        }
    }

    /// Limits the wait for cancelled runs. With a limit of zero, the stop cancels the runs and returns immediately. The
    /// executor may then drop the futures of runs that the report names as still running.
    ///
    /// Runs that are still in progress after the limit continue. If such a run is blocking work on Tokio, dropping the
    /// runtime still waits for the work. Tokio's `shutdown_background` does not wait.
    pub fn timeout(mut self, limit: Duration) -> Stop {
        self.timeout = Some(limit);
        self
    }

    /// Lets runs end by themselves for `period`, before the stop cancels them. At the beginning of the grace,
    /// [`Run::cancelled`](crate::Run::cancelled) becomes ready in all runs that are in progress.
    ///
    /// Each job that was [triggered](crate::Job::trigger) before the first poll still begins its triggered run, and the
    /// stop waits for this run too. So a program can flush a buffer at its end: it triggers the job and stops with a
    /// grace. Such a run begins as usual, at the end of the run in progress or when its group has a free permit. It is
    /// not told to end before the grace is over. No other run begins. A later trigger waits for the next start. So does
    /// a trigger whose run could not begin within the grace, or if another stop without a grace comes meanwhile. If the
    /// stop blocks the thread of a run, it does not wait for runs that can't begin before this run ends.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{FirstRun, Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let flush = scheduler.every(Duration::from_secs(60)).first_run(FirstRun::AfterInterval).run(|| ())?;
    /// scheduler.start()?;
    /// time.run_until_stalled();
    /// flush.trigger();
    /// let report = time.block_on(scheduler.stop().grace(Duration::from_secs(5)));
    /// assert_eq!(report.finished(), [flush]);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn grace(mut self, period: Duration) -> Stop {
        self.grace = period;
        self
    }

    /// Blocks the current thread until the stop has returned, for code that isn't `async`. Inside a task, this call
    /// would block the executor: await the stop instead.
    ///
    /// Grace and timeout end by the runtime's clock or by the clock of this thread, whichever comes first. They
    /// therefore hold even if nobody drives the runtime. If the executor does not begin to drop a cancelled run within
    /// a tick, within the timeout and within a second, this thread drops the run. Only then can a slow destructor
    /// outlast the timeout.
    ///
    /// ```
    /// use atevery::{Scheduler, runtime::Standalone};
    ///
    /// let scheduler = Scheduler::new(Standalone::new());
    /// scheduler.start()?;
    /// let report = scheduler.stop().blocking_wait();
    /// assert!(report.is_clean());
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn blocking_wait(self) -> StopReport {
        self.into_future().wait()
    }

    /// Stops immediately. Runs in progress are neither cancelled nor waited for. A later stop does both.
    pub fn detach(self) {
        if let Some(engine) = self.engine {
            self.scope.detach(&engine);
        }
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
        Stopping::new(self)
    }
}

/// The result of a stop: the jobs with a run in progress at the beginning of the stop, and the jobs whose triggered run
/// began within the [grace](Stop::grace). Each list is in the order of registration.
///
/// `Display` writes the names of the jobs:
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
/// let report = time.block_on(scheduler.stop());
/// assert!(report.is_clean());
/// assert_eq!(report.to_string(), "stopped: 0 finished, 1 cancelled (endless), 0 still running");
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopReport {
    pub(crate) finished: Vec<Job>,
    pub(crate) cancelled: Vec<Job>,
    pub(crate) still_running: Vec<Job>,
}

impl StopReport {
    /// Returns the jobs whose run ended by itself during the stop.
    pub fn finished(&self) -> &[Job] {
        &self.finished
    }

    /// Returns the jobs whose run was cancelled and has ended: the run's future was dropped.
    pub fn cancelled(&self) -> &[Job] {
        &self.cancelled
    }

    /// Returns the jobs whose run continues although the stop no longer waits for it: the stragglers.
    pub fn still_running(&self) -> &[Job] {
        &self.still_running
    }

    /// Returns whether no run is still in progress.
    pub fn is_clean(&self) -> bool {
        self.still_running.is_empty()
    }
}

impl From<StopOutcome> for StopReport {
    fn from(outcome: StopOutcome) -> StopReport {
        StopReport {
            finished: outcome.finished,
            cancelled: outcome.cancelled,
            still_running: outcome.still_running,
        }
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
    let names: Vec<String> = jobs.iter().map(|job| OneLine(job.name()).to_string()).collect();
    format!(" ({})", names.join(", "))
}
