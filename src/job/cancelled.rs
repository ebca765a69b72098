use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::clock::sleep::Sleep;
use crate::job::cancel_listeners::ListenerId;
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

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(host) = this.run.host() else {
            return Poll::Ready(());
        };
        host.cancel_listeners()
            .register(this.run.job_id(), &mut this.listener, cx.waker());
        if this.run.is_cancelled() {
            return Poll::Ready(());
        }
        match this.run.time_limit() {
            Some(limit) => this.sleep.poll(host.clock(), limit, cx).map(drop),
            None => Poll::Pending,
        }
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let (Some(listener), Some(host)) = (self.listener, self.run.host()) {
            host.cancel_listeners().deregister(self.run.job_id(), listener);
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
