//! A task that is there to tell, by its end, that the executor is gone.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::channel::oneshot;

use crate::runtime::Runtime;
use crate::unwind::catch;

/// A timer may die with its runtime and never fire. A stop that has to sleep keeps one of these on the executor: an
/// executor that is shut down drops it. One that refuses it may do so for a while only; whether it is gone, the fate of the
/// loop tells.
pub(crate) struct Canary {
    refused: bool,
    /// Lets the task end.
    _leash: oneshot::Sender<()>,
    song: oneshot::Receiver<()>,
}

impl Canary {
    pub(crate) fn start(runtime: &dyn Runtime) -> Canary {
        let (leash, end) = oneshot::channel::<()>();
        let (singing, song) = oneshot::channel::<()>();
        let task = Box::pin(end.map(move |_| drop(singing)));
        let refused = catch(|| runtime.spawn(task).is_err());
        Canary {
            refused: refused.unwrap_or(true),
            _leash: leash,
            song,
        }
    }

    /// Whether the executor is gone; `has_lost_loop` says whether it has dropped the loop. If it is not gone, `cx` is woken when it goes.
    pub(crate) fn is_dead(&mut self, has_lost_loop: bool, cx: &mut Context<'_>) -> bool {
        if self.refused {
            has_lost_loop
        } else {
            matches!(self.song.poll_unpin(cx), Poll::Ready(_))
        }
    }
}
