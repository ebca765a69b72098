use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use crate::control::stopping::Stopping;
use crate::engine::Engine;
use crate::job::handle::Job;
use crate::text::OneLine;

/// A stop that is about to happen: await it, or [`detach`](Stop::detach) it.
///
/// | | runs in progress |
/// | --- | --- |
/// | `scheduler.stop().await` | cancelled, and waited for |
/// | `scheduler.stop().timeout(t).await` | cancelled, and waited for at most `t` |
/// | `scheduler.stop().grace(g).await` | let end for `g`, then cancelled and waited for |
/// | `scheduler.stop().blocking_wait()` | as with `await`, in code that isn't `async` |
/// | `scheduler.stop().detach()` | left to end by themselves, not waited for |
///
/// From its first poll on no run begins until the next start. It is then carried out to its end, even if its future is
/// dropped half-way; one that is never polled does nothing. To cancel a run is to drop its future at its next await;
/// synchronous code can't be cancelled.
///
/// Any number of stops may wait at once, and all return; without anything to stop they return at once. A stop returns
/// even if its executor is gone: it drops waiting runs itself. A grace or timeout of `Duration::MAX` is one without end.
///
/// A job may stop its own scheduler: one that awaits an unlimited stop is itself cancelled at that await. Where synchronous
/// code of a job, or a [hook](crate::SchedulerBuilder::on_event), waits for a stop, that run can't end before it: the stop
/// does not wait for it, but names it as still running.
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
    ///
    /// What is still running then goes on. If that is blocking work on Tokio, dropping the runtime waits for it all the
    /// same; Tokio's `shutdown_background` does not.
    pub fn timeout(mut self, limit: Duration) -> Stop {
        self.timeout = Some(limit);
        self
    }

    /// First lets runs end by themselves for this long. They are told at its beginning:
    /// [`Run::cancelled`](crate::Run::cancelled).
    pub fn grace(mut self, period: Duration) -> Stop {
        self.grace = period;
        self
    }

    /// Blocks this thread until the stop has returned: for code that isn't `async`. In a task it would hold up the executor;
    /// await the stop there.
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
        Stopping::new(self.engine, self.grace, self.timeout)
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
    let names: Vec<String> = jobs.iter().map(|job| OneLine(job.name()).to_string()).collect();
    format!(" ({})", names.join(", "))
}
