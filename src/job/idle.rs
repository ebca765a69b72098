use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::job::current_run::{Caller, caller};
use crate::job::handle::Job;
use crate::job::watch::JobWatch;

/// The future of [`Job::idle`].
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Idle(JobWatch);

impl Job {
    /// Returns a future that is ready as soon as no run of this job is in progress. Inside a run of this job, the
    /// future is ready at once, because the run could not end before.
    ///
    /// A run that was [triggered](Job::trigger) and has not begun is not in progress, so `trigger` followed by `idle`
    /// does not wait for it. If a program needs the answer of such a run, the run sends it, for example over a channel.
    ///
    /// The future keeps neither the job nor the scheduler alive, and it is ready if either is gone. A run that ends may
    /// be followed by the next at once: [pause](Job::pause) or [remove](Job::remove) the job first if no run may
    /// follow.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let clock = time.clone();
    /// let job = scheduler.every(Duration::from_secs(60)).run(move || clock.sleep(Duration::from_secs(5)))?;
    /// scheduler.start()?;
    /// time.run_until_stalled();
    /// job.pause();
    /// time.block_on(job.idle());
    /// assert_eq!(time.elapsed(), Duration::from_secs(5));
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn idle(&self) -> Idle {
        Idle(JobWatch::new(self.cell_arc()))
    }
}

impl Future for Idle {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(caller(self.0.id()), Caller::OwnRun) {
            return Poll::Ready(());
        }
        self.0.poll(cx, |job| job.running() == 0)
    }
}
