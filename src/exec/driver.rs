//! The loop: serves a tick, then sleeps until the next tick at which a job is due.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use crate::clock::sleep::{Sleep, TimerGone};
use crate::dispatch::loop_waker::{LoopWaker, Next};
use crate::engine::Engine;
use crate::error::Error;
use crate::exec::workers::{follow_up, spawn_instead, spawn_workers};
use crate::job::current_run::enter_task;
use crate::observe::trace::note_start;
use crate::unwind::lock;

/// Starts the scheduler.
pub(crate) fn start(engine: &Arc<Engine>) -> Result<(), Error> {
    let (session, waker) = engine.begin_session()?;
    let driver = Driver {
        engine: Arc::downgrade(engine),
        session,
        waker,
        sleep: Sleep::default(),
        has_run: false,
        has_ended: false,
    };
    engine.clock.runtime().spawn(Box::pin(driver)).map_err(|refusal| {
        engine.halt(Some(session));
        Error::spawn(refusal)
    })?;
    note_start(|| engine.jobs().len());
    Ok(())
}

/// The loop of one session. The loop does not keep the engine alive, so it ends once the last handle is dropped.
struct Driver {
    engine: Weak<Engine>,
    session: u64,
    waker: Arc<LoopWaker>,
    sleep: Sleep,
    has_run: bool,
    has_ended: bool,
}

impl Driver {
    fn serve(&mut self, engine: &Arc<Engine>, cx: &mut Context<'_>) -> Poll<()> {
        let next = tick(engine, self.session);
        let time = match engine.in_time_for_wall_clock(next) {
            Next::SleepUntil(time) => time,
            Next::Wait => return Poll::Pending,
            Next::End => {
                self.has_ended = true;
                return Poll::Ready(());
            }
        };
        match ready!(self.sleep.poll(&engine.clock, time, cx)) {
            Ok(()) => yield_now(cx),
            Err(TimerGone) => Poll::Ready(()),
        }
    }
}

/// Serves the tick that is due, if a tick is due and the session has not ended.
fn tick(engine: &Arc<Engine>, session: u64) -> Next {
    engine.driver_polled();
    engine.look_at_wall_clock();
    let now = engine.now();
    let ticked = lock(&engine.core).tick(session, now);
    let Some(ticked) = ticked else {
        return Next::End;
    };
    let spawned = spawn_workers(engine, ticked.workers);
    // There may be many, and workers don't have to wait until they are gone.
    drop(ticked.unused);
    let Some(work) = ticked.follow_up else {
        // If workers were refused, the next tick that is served tries again.
        return ticked.next;
    };
    let next = if spawned.is_ok() {
        ticked.next
    } else {
        let now = engine.now();
        lock(&engine.core).look_again(session, now)
    };
    if !work.is_empty() {
        follow_up(engine, work);
        spawn_instead(engine);
    }
    next
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.has_run = true;
        self.waker.register(cx.waker());
        match self.engine.upgrade() {
            Some(engine) => enter_task(|| self.serve(&engine, cx)),
            None => Poll::Ready(()),
        }
    }
}

/// Lets the other tasks of the executor have a turn.
fn yield_now(cx: &Context<'_>) -> Poll<()> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl Drop for Driver {
    /// If the executor drops the loop, the session ends. The scheduler can then be started again.
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        if let Some(engine) = self.engine.upgrade() {
            engine.driver_dropped(self.session, self.has_run);
        }
    }
}
