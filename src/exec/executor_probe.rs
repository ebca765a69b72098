//! A task on the executor whose end shows that the executor is gone.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::channel::oneshot;

use crate::runtime::Runtime;
use crate::unwind::{Guarded, catch};

/// A timer may die with its runtime and never fire. A stop that sleeps therefore keeps a probe on the executor. If the
/// executor is shut down, it drops the probe. If the executor refuses the probe, the refusal may be temporary. In this
/// case the executor is gone only if it has also dropped the loop.
pub(crate) struct ExecutorProbe {
    refused: bool,
    /// The task ends when this sender is dropped.
    _guard: oneshot::Sender<()>,
    dropped: oneshot::Receiver<()>,
}

impl ExecutorProbe {
    pub(crate) fn start(runtime: &dyn Runtime) -> ExecutorProbe {
        let (guard, end) = oneshot::channel::<()>();
        let (held, dropped) = oneshot::channel::<()>();
        // Its drop wakes the waker of the stop, which is code of a user and may panic.
        let held = Guarded::new(held);
        let task = Box::pin(end.map(move |_| drop(held)));
        let refused = catch(|| runtime.spawn(task).is_err());
        ExecutorProbe {
            refused: refused.unwrap_or(true),
            _guard: guard,
            dropped,
        }
    }

    /// Whether the executor is gone. If the executor is not gone and holds the probe, `cx` is woken once the probe is
    /// dropped. `has_lost_driver` is whether the executor has dropped the loop.
    pub(crate) fn is_executor_gone(&mut self, has_lost_driver: bool, cx: &mut Context<'_>) -> bool {
        if self.refused {
            has_lost_driver
        } else {
            matches!(self.dropped.poll_unpin(cx), Poll::Ready(_))
        }
    }
}
