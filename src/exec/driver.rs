//! The tick loop: serves a tick, sleeps until the next one at which something is due.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use crate::clock::sleep::{Sleep, TimerGone};
use crate::dispatch::session::{Bell, Next};
use crate::engine::Engine;

/// The loop of one session. It does not keep the engine alive: the last handle's end is also the loop's.
pub(crate) struct Driver {
    engine: Weak<Engine>,
    session: u64,
    bell: Arc<Bell>,
    sleep: Sleep,
    ended: bool,
}

impl Driver {
    pub(crate) fn new(engine: Weak<Engine>, session: u64, bell: Arc<Bell>) -> Driver {
        Driver {
            engine,
            session,
            bell,
            sleep: Sleep::default(),
            ended: false,
        }
    }
}

impl Driver {
    fn serve(&mut self, engine: &Arc<Engine>, cx: &mut Context<'_>) -> Poll<()> {
        let time = match engine.tick(self.session) {
            Next::SleepUntil(time) => time,
            Next::Wait => return Poll::Pending,
            Next::End => {
                self.ended = true;
                return Poll::Ready(());
            }
        };
        match ready!(self.sleep.poll(&engine.clock, time, cx)) {
            Ok(()) => again(cx),
            Err(TimerGone) => Poll::Ready(()),
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.bell.0.register(cx.waker());
        match self.engine.upgrade() {
            Some(engine) => self.serve(&engine, cx),
            None => Poll::Ready(()),
        }
    }
}

/// Comes back after the executor's other tasks had a turn.
fn again(cx: &Context<'_>) -> Poll<()> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl Drop for Driver {
    /// An executor that drops the loop ends the session; the scheduler can be started anew.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if let Some(engine) = self.engine.upgrade() {
            engine.lose_loop(self.session);
        }
    }
}
