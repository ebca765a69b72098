//! Waits for a change of a job.

use std::fmt;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use crate::job::cell::JobCell;
use crate::job::config::Host;
use crate::job::id::JobId;
use crate::job::listeners::ListenerId;
use crate::unwind::quietly;

/// A task that waits for a change of a job. It keeps neither the job nor the scheduler alive.
pub(crate) struct JobWatch {
    job: Weak<JobCell>,
    id: JobId,
    host: Weak<dyn Host>,
    listener: Option<ListenerId>,
}

impl JobWatch {
    pub(crate) fn new(job: &Arc<JobCell>) -> JobWatch {
        JobWatch {
            job: Arc::downgrade(job),
            id: job.id,
            host: Weak::clone(&job.config.host),
            listener: None,
        }
    }

    /// Waits until the job meets `condition`, or is gone, or its scheduler is gone.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, condition: impl FnOnce(&JobCell) -> bool) -> Poll<()> {
        let Some(host) = self.host.upgrade() else {
            return Poll::Ready(());
        };
        host.listeners().register(self.id, &mut self.listener, cx.waker());
        let Some(job) = self.job.upgrade() else {
            return Poll::Ready(());
        };
        let is_over = condition(&job);
        // Everybody else may have dropped the job meanwhile, and its target is code of a user.
        quietly(|| drop(job));
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(crate) fn id(&self) -> JobId {
        self.id
    }
}

impl Drop for JobWatch {
    fn drop(&mut self) {
        if let (Some(listener), Some(host)) = (self.listener, self.host.upgrade()) {
            host.listeners().deregister(self.id, listener);
        }
    }
}

impl fmt::Debug for JobWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobWatch")
            .field("job", &self.id)
            .finish_non_exhaustive()
    }
}
