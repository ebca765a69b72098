use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::job::handle::Job;
use crate::job::watch::JobWatch;

/// The future of [`Job::removed`].
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Removed(JobWatch);

impl Job {
    /// Returns a future that is ready as soon as this job will never run again: it was [removed](Job::remove), it has
    /// come to its end ([`times`](crate::JobBuilder::times), [`until`](crate::JobBuilder::until),
    /// [`Run::last`](crate::Run::last)), or its scheduler is gone. A last run may still be in progress: await
    /// [`idle`](Job::idle) too if that matters.
    ///
    /// The future keeps neither the job nor the scheduler alive.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(1)).times(3).run(|| ())?;
    /// scheduler.start()?;
    /// time.block_on(job.removed());
    /// assert_eq!(job.runs(), 3);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn removed(&self) -> Removed {
        Removed(JobWatch::new(self.cell_arc()))
    }
}

impl Future for Removed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx, |job| job.state.load().is_removed())
    }
}
