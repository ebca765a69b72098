//! A task that is there to tell, by its end, that the executor is gone.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::channel::oneshot;

use crate::engine::Engine;
use crate::panics::catch;

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
    pub(crate) fn start(engine: &Engine) -> Canary {
        let (leash, end) = oneshot::channel::<()>();
        let (singing, song) = oneshot::channel::<()>();
        let task = Box::pin(end.map(move |_| drop(singing)));
        let refused = catch(|| engine.runtime().spawn(task).is_err());
        Canary {
            refused: refused.unwrap_or(true),
            _leash: leash,
            song,
        }
    }

    /// Whether the executor is gone. If not, `cx` is woken when it goes.
    pub(crate) fn is_dead(&mut self, engine: &Engine, cx: &mut Context<'_>) -> bool {
        if self.refused {
            engine.lost_its_loop()
        } else {
            matches!(self.song.poll_unpin(cx), Poll::Ready(_))
        }
    }
}
