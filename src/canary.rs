//! A task that is there to tell, by its end, that the executor is gone.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::channel::oneshot;

use crate::engine::Engine;
use crate::panics::quietly;

/// A timer may die with its runtime and never fire. A stop that has to sleep keeps one of these on the executor: an
/// executor that is shut down drops or refuses it.
pub(crate) struct Canary {
    /// Lets the task end.
    _leash: oneshot::Sender<()>,
    song: oneshot::Receiver<()>,
}

impl Canary {
    pub(crate) fn start(engine: &Engine) -> Canary {
        let (leash, end) = oneshot::channel::<()>();
        let (singing, song) = oneshot::channel::<()>();
        let task = end.map(move |_| drop(singing));
        quietly(|| drop(engine.runtime().spawn(Box::pin(task))));
        Canary { _leash: leash, song }
    }

    /// Whether the executor dropped the task, or never took it. If not, the task wakes `cx` when it does.
    pub(crate) fn is_dead(&mut self, cx: &mut Context<'_>) -> bool {
        matches!(self.song.poll_unpin(cx), Poll::Ready(_))
    }
}
