//! Polls, finishes and cancels pending runs.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crate::engine::Engine;
use crate::engine::wakeups::Wakeups;
use crate::exec::finish::finish_ready;
use crate::exec::held_thread::note_held_since;
use crate::exec::reaper::{cancel_in_slot, reap, recall_start};
use crate::job::cell::JobInstance;
use crate::job::current_run::enter_poll;
use crate::job::rules::CancelRun;
use crate::job::run::RunInfo;
use crate::job::run_end::RunEnd;
use crate::job::target::{FutureBuf, RunFuture};
use crate::park::poller::{PendingRun, Poller, Ready};
use crate::park::slot::{CancelledRun, RunSlot};
use crate::time::Time;
use crate::unwind::catch;

/// Polls runs for the engine, and sends or collects the wakeups of its loop.
pub(crate) struct RunPoller<'a> {
    pub(crate) wakeups: Wakeups<'a>,
}

impl<'a> RunPoller<'a> {
    /// For a worker, which flushes the wakeups after all its polls.
    pub(crate) fn of_batch(engine: &'a Arc<Engine>) -> RunPoller<'a> {
        RunPoller {
            wakeups: Wakeups::of_batch(engine),
        }
    }
}

impl Poller for RunPoller<'_> {
    fn now(&self) -> Time {
        self.wakeups.engine().now()
    }

    fn poll(&mut self, run: &mut PendingRun, waker: &Waker) -> Poll<Ready> {
        let since = run.info.started.map(|_| self.now());
        let polled = poll_and_clear(&run.run, &run.info, &mut run.future, waker);
        if let Some(since) = since {
            note_held_since(self.wakeups.engine(), &run.run, &run.info, since);
        }
        if polled.is_ready() {
            recall_start(self.wakeups.engine(), run);
        }
        polled
    }

    fn finish(&mut self, run: PendingRun, ready: Ready, now: Time) -> FutureBuf {
        let PendingRun { run, info, future } = run;
        finish_ready(&mut self.wakeups, &run, &info, future, ready, Some(now))
    }

    fn cancel(&mut self, run: CancelledRun) {
        reap(self.wakeups.engine(), run);
    }
}

/// Keeps a pending run in `slot`, after its first poll, which had this slot's waker.
pub(crate) fn keep_pending(engine: &Arc<Engine>, slot: &Arc<RunSlot>, run: PendingRun) {
    match run.info.started {
        // The call and the first poll held the thread together.
        Some(started) => note_held_since(engine, &run.run, &run.info, started),
        // The run is untimed. But if it stays pending for long, `status` shows this start.
        None => run.run.job.note_start(engine.now()),
    }
    let job = run.run.job.rules().is_some().then(|| Arc::clone(&run.run.job));
    slot.keep(run);
    if let Some(rules) = job.as_ref().and_then(|job| job.rules()) {
        rules.keep_replaceable(|| {
            Arc::new(Replaceable {
                engine: Arc::downgrade(engine),
                slot: Arc::clone(slot),
            })
        });
    }
}

/// A run that the next run of its job may replace.
struct Replaceable {
    engine: Weak<Engine>,
    slot: Arc<RunSlot>,
}

impl CancelRun for Replaceable {
    fn cancel(&self) {
        if let Some(engine) = self.engine.upgrade() {
            cancel_in_slot(&engine, &self.slot);
        }
    }
}

/// Polls a future of a run. A panic of the future becomes the end of the run.
pub(crate) fn poll_run(future: &mut RunFuture, waker: &Waker) -> Poll<RunEnd> {
    catch_poll(|| poll(future, waker))
}

/// Polls the future of `run`, and drops the future in place once it is ready.
pub(crate) fn poll_and_clear(run: &JobInstance, info: &RunInfo, future: &mut RunFuture, waker: &Waker) -> Poll<Ready> {
    enter_poll(run.run_key(), waker, || {
        let polled = catch_poll(|| info.span.in_scope(|| poll(future, waker)));
        polled.map(|end| match catch(|| info.span.in_scope(|| future.as_mut().clear())) {
            Ok(is_cleared) => Ready { end, is_cleared },
            Err(payload) => Ready {
                end: end.after_drop(Err(payload)),
                is_cleared: false,
            },
        })
    })
}

fn poll(future: &mut RunFuture, waker: &Waker) -> Poll<RunEnd> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

fn catch_poll(poll: impl FnOnce() -> Poll<RunEnd>) -> Poll<RunEnd> {
    catch(poll).unwrap_or_else(|payload| Poll::Ready(RunEnd::Panicked(payload)))
}
