use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::clock::sleep::Alarm;
use crate::job::cancel_listeners::Ear;
use crate::job::run::Run;

/// The future of [`Run::cancelled`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Cancelled {
    run: Run,
    ear: Option<Ear>,
    alarm: Alarm,
}

impl Cancelled {
    pub(crate) fn new(run: Run) -> Cancelled {
        Cancelled {
            run,
            ear: None,
            alarm: Alarm::default(),
        }
    }
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(host) = this.run.host() else {
            return Poll::Ready(());
        };
        host.waiters().listen(this.run.job_id(), &mut this.ear, cx.waker());
        if this.run.is_cancelled() {
            return Poll::Ready(());
        }
        match this.run.time_limit() {
            Some(limit) => this.alarm.poll(host.clock(), limit, cx).map(drop),
            None => Poll::Pending,
        }
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let (Some(ear), Some(host)) = (self.ear, self.run.host()) {
            host.waiters().leave(self.run.job_id(), ear);
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
