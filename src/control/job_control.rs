//! What ends a run of a job, and what ends a job with its run.

use crate::control::job_guard::JobGuard;
use crate::control::scheduler::engine_of;
use crate::control::stop::Stop;
use crate::exec::cancel::cancel_job;
use crate::job::handle::Job;

impl Job {
    /// Cancels the run in progress, if there is one. The job stays, and its next run comes as scheduled.
    ///
    /// [`Run::cancelled`](crate::Run::cancelled) becomes ready in the run, and its future is dropped at its next await,
    /// by a task of the executor. The run counts as [cancelled](crate::EventKind::Cancelled). Synchronous code can't be
    /// cancelled: it may check [`Run::is_cancelled`](crate::Run::is_cancelled). With [`Allow`](crate::Allow), all runs
    /// of the job that are in progress are cancelled. A run that is due and has not begun is not affected.
    ///
    /// ```text
    /// s     0         1         2         3
    /// run   ######    ##########          #########
    ///            cancel       ends
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(60)).run(std::future::pending::<()>)?;
    /// scheduler.start()?;
    /// time.run_until_stalled();
    /// assert!(job.is_running());
    /// job.cancel();
    /// time.block_on(job.idle());
    /// time.advance(Duration::from_secs(60));
    /// assert_eq!(job.runs(), 2);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn cancel(&self) {
        if !self.is_running() {
            return;
        }
        if let Some(engine) = self.cell().host().and_then(engine_of) {
            cancel_job(&engine, self.cell());
        }
    }

    /// Stops this job alone: removes the job, and cancels its run and waits for it, as [`Scheduler::stop`] does for all
    /// jobs. Grace, timeout, detaching and the report are the same. The stop begins at its first poll.
    ///
    /// After the stop, a job of the same name can be added, and no two runs are in progress side by side. If the job
    /// was [triggered](Job::trigger) and its run has not begun, that run never begins, even within a grace.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(60)).name("shard 7").run(std::future::pending::<()>)?;
    /// scheduler.start()?;
    /// time.run_until_stalled();
    /// let report = time.block_on(job.stop().timeout(Duration::from_secs(5)));
    /// assert_eq!(report.cancelled(), [job]);
    /// assert!(scheduler.is_running() && scheduler.jobs().is_empty());
    /// # Ok::<(), atevery::Error>(())
    /// ```
    ///
    /// [`Scheduler::stop`]: crate::Scheduler::stop
    pub fn stop(&self) -> Stop {
        let engine = self.cell().host().and_then(engine_of);
        Stop::of_job(engine, self.clone())
    }

    /// Returns a guard that removes the job and cancels its run when the guard is dropped. Use it for a job that
    /// belongs to a value, such as the cleaner of a connection pool.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{JobGuard, Scheduler, testing::VirtualTime};
    ///
    /// struct Pool {
    ///     cleaner: JobGuard,
    /// }
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// let cleaner = scheduler.every(Duration::from_secs(30)).run(|| println!("clean"))?.remove_on_drop();
    /// let pool = Pool { cleaner };
    /// assert_eq!(pool.cleaner.runs(), 0);
    /// drop(pool);
    /// assert!(scheduler.jobs().is_empty());
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn remove_on_drop(self) -> JobGuard {
        JobGuard::new(self)
    }
}
