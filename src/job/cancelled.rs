use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::clock::sleep::Sleep;
use crate::job::listeners::ListenerId;
use crate::job::run::Run;

/// The future of [`Run::cancelled`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Cancelled {
    run: Run,
    listener: Option<ListenerId>,
    sleep: Sleep,
}

impl Cancelled {
    pub(crate) fn new(run: Run) -> Cancelled {
        Cancelled {
            run,
            listener: None,
            sleep: Sleep::default(),
        }
    }
}

impl Run {
    /// Returns a future that is ready as soon as this run [should end](Run::is_cancelled). Use the future in
    /// asynchronous code that must finish some work first, or in a task spawned by the run:
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    /// use futures::future::{Either, select};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let clock = time.clone();
    /// let job = scheduler.every(Duration::from_secs(60)).name("upload").run(move |run: Run| {
    ///     let clock = clock.clone();
    ///     async move {
    ///         let upload = clock.sleep(Duration::from_secs(30));
    ///         if let Either::Right(_) = select(upload, run.cancelled()).await {
    ///             println!("the rest is left for next time");
    ///         }
    ///     }
    /// })?;
    /// scheduler.start()?;
    /// time.run_until_stalled();
    /// let report = time.block_on(scheduler.stop().grace(Duration::from_secs(5)));
    /// assert_eq!(report.finished(), [job]);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn cancelled(&self) -> Cancelled {
        Cancelled::new(self.clone())
    }
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(host) = this.run.host() else {
            return Poll::Ready(());
        };
        host.listeners()
            .register(this.run.job_id(), &mut this.listener, cx.waker());
        if this.run.is_cancelled() {
            return Poll::Ready(());
        }
        match this.run.time_limit() {
            Some(limit) => {
                let told = this.sleep.poll(host.clock(), limit, cx);
                told.map(|_| this.run.tell_time_is_up())
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let (Some(listener), Some(host)) = (self.listener, self.run.host()) {
            host.listeners().deregister(self.run.job_id(), listener);
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
