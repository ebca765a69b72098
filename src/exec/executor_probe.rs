//! A task that is there to tell, by its end, that the executor is gone.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::channel::oneshot;

use crate::runtime::Runtime;
use crate::unwind::catch;

/// A timer may die with its runtime and never fire. A stop that has to sleep keeps one of these on the executor: an
/// executor that is shut down drops it. One that refuses it may do so for a while only; whether it is gone, the fate of the
/// loop tells.
pub(crate) struct ExecutorProbe {
    refused: bool,
    /// Lets the task end.
    _guard: oneshot::Sender<()>,
    dropped: oneshot::Receiver<()>,
}

impl ExecutorProbe {
    pub(crate) fn start(runtime: &dyn Runtime) -> ExecutorProbe {
        let (guard, end) = oneshot::channel::<()>();
        let (held, dropped) = oneshot::channel::<()>();
        let task = Box::pin(end.map(move |_| drop(held)));
        let refused = catch(|| runtime.spawn(task).is_err());
        ExecutorProbe {
            refused: refused.unwrap_or(true),
            _guard: guard,
            dropped,
        }
    }

    /// Whether the executor is gone; `has_lost_driver` says whether it has dropped the loop. If it is not gone, `cx` is woken when it goes.
    pub(crate) fn is_executor_gone(&mut self, has_lost_driver: bool, cx: &mut Context<'_>) -> bool {
        if self.refused {
            has_lost_driver
        } else {
            matches!(self.dropped.poll_unpin(cx), Poll::Ready(_))
        }
    }
}
