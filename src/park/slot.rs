//! Runs that wait: each is polled only when its own waker says so, and can be cancelled from any thread.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use crate::engine::Engine;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::current_run::enter_poll;
use crate::job::run::RunInfo;
use crate::job::run_end::RunEnd;
use crate::job::target::{FutureBuf, RunFuture};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{AtomicWaker, Mutex};
use crate::time::Time;
use crate::unwind::{catch, lock};

/// The task in which runs wait: which of its places were woken, and how to have it polled.
#[derive(Default)]
pub(crate) struct Home {
    woken: Mutex<Vec<usize>>,
    waker: AtomicWaker,
}

impl Home {
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Another task moves in. What was woken before is not its concern, and is forgotten.
    pub(crate) fn move_in(&self, waker: &Waker) {
        // In this order: a place that is woken meanwhile wakes the new task.
        self.register(waker);
        lock(&self.woken).clear();
    }

    /// No task lives here any more.
    pub(crate) fn move_out(&self) {
        drop(self.waker.take());
    }

    /// Exchanges those that were woken for an empty list.
    pub(crate) fn take_woken(&self, empty: &mut Vec<usize>) {
        std::mem::swap(&mut *lock(&self.woken), empty);
    }

    pub(crate) fn wake(&self, place: usize) {
        let mut woken = lock(&self.woken);
        let is_first = woken.is_empty();
        woken.push(place);
        drop(woken);
        if is_first {
            // Else whoever was the first wakes the task, which looks at all.
            self.waker.wake();
        }
    }
}

/// A run that waits, or a place for one: it lends its waker to a run's first poll, and keeps the run if that waits.
pub(crate) struct Parked {
    home: Arc<Home>,
    /// Which of the home's places it is.
    number: usize,
    /// It is among the woken.
    woken: AtomicBool,
    stage: Mutex<Stage>,
}

enum Stage {
    Vacant,
    Waiting(Visit),
    Polled {
        cancel: bool,
    },
    /// Cancelled from outside, which its home has not noticed yet.
    Cancelled,
}

/// What a poll has come to.
pub(crate) enum Polled {
    Waits,
    /// Now, or by a cancellation that its home had not noticed yet.
    Ended(FutureBuf),
}

/// A run that has begun and goes on as a future.
pub(crate) struct Visit {
    pub(crate) job: JobInstance,
    info: RunInfo,
    future: RunFuture,
}

impl Visit {
    pub(crate) fn new(job: &JobInstance, info: RunInfo, future: RunFuture) -> Visit {
        Visit {
            job: job.clone(),
            info,
            future,
        }
    }

    fn poll(&mut self, engine: &Engine, waker: &Waker) -> Poll<RunEnd> {
        let end = ready!(poll_in_span(&self.job, &self.info, &mut self.future, waker));
        self.recall_start(engine);
        Poll::Ready(end)
    }

    /// Somebody may have begun to listen since a run began that isn't measured, and wants to hear how long it took.
    fn recall_start(&mut self, engine: &Engine) {
        if self.info.started.is_none() && engine.observers.is_enabled() {
            self.info.started = Some(self.job.job.last_start());
        }
    }

    fn cancel(mut self, engine: &Engine) {
        self.recall_start(engine);
        self.job.state().cancel_current();
        engine.end(
            &self.job,
            &self.info,
            self.future,
            RunEnd::Cancelled,
            Some(engine.now()),
        );
    }
}

impl Parked {
    pub(crate) fn vacant(home: &Arc<Home>, number: usize) -> Arc<Parked> {
        Arc::new(Parked {
            home: Arc::clone(home),
            number,
            woken: AtomicBool::new(false),
            stage: Mutex::new(Stage::Vacant),
        })
    }

    /// Nobody wakes it who has been here before. For a place that nobody else knows any more.
    pub(crate) fn calm(&self) {
        self.woken.store(false, Ordering::Relaxed);
    }

    /// Keeps a run whose first poll, with this place's waker, left it pending.
    pub(crate) fn keep(self: &Arc<Self>, engine: &Engine, visit: Visit) {
        if visit.info.started.is_none() {
            // It isn't measured. But should it wait for long, somebody will ask since when.
            visit.job.job.note_start(engine.now());
        }
        let job = visit.job.job.rules().is_some().then(|| Arc::clone(&visit.job.job));
        *lock(&self.stage) = Stage::Waiting(visit);
        if let Some(rules) = job.as_deref().and_then(JobCell::rules) {
            rules.keep_at_hand(self);
        }
    }

    /// Polls a run that was woken, with this place's waker, among others since `now`.
    pub(crate) fn poll(&self, engine: &Engine, waker: &Waker, now: Time) -> Polled {
        // What was done before it was woken is seen by the poll.
        if !self.woken.swap(false, Ordering::AcqRel) {
            // A late word for one who was here before.
            return Polled::Waits;
        }
        let mut stage = lock(&self.stage);
        match std::mem::replace(&mut *stage, Stage::Polled { cancel: false }) {
            Stage::Waiting(visit) => {
                drop(stage);
                self.poll_visit(engine, visit, waker, now)
            }
            Stage::Cancelled => {
                *stage = Stage::Vacant;
                Polled::Ended(None)
            }
            other => {
                *stage = other;
                Polled::Waits
            }
        }
    }

    fn poll_visit(&self, engine: &Engine, mut visit: Visit, waker: &Waker, now: Time) -> Polled {
        match visit.poll(engine, waker) {
            Poll::Ready(end) => {
                let Visit { job, info, future } = visit;
                let spare = engine.end_here(&job, &info, future, end, Some(now));
                *lock(&self.stage) = Stage::Vacant;
                Polled::Ended(spare)
            }
            Poll::Pending => self.stay(engine, visit),
        }
    }

    fn stay(&self, engine: &Engine, visit: Visit) -> Polled {
        let mut stage = lock(&self.stage);
        if matches!(*stage, Stage::Polled { cancel: true }) {
            *stage = Stage::Vacant;
            drop(stage);
            visit.cancel(engine);
            Polled::Ended(None)
        } else {
            *stage = Stage::Waiting(visit);
            Polled::Waits
        }
    }

    /// Drops the run's future: now if it waits, else when the poll that it is in leaves it pending.
    pub(crate) fn cancel(self: &Arc<Self>, engine: &Engine) {
        let mut stage = lock(&self.stage);
        match &mut *stage {
            Stage::Waiting(_) => {
                // Its home must not take it for ended before it is.
                let dropping = Stage::Polled { cancel: true };
                let Stage::Waiting(visit) = std::mem::replace(&mut *stage, dropping) else {
                    unreachable!()
                };
                drop(stage);
                visit.cancel(engine);
                *lock(&self.stage) = Stage::Cancelled;
                self.wake_by_ref();
            }
            Stage::Polled { cancel } => *cancel = true,
            Stage::Vacant | Stage::Cancelled => {}
        }
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.home.wake(self.number);
        }
    }
}

/// Polls a run's future and catches its panic.
pub(crate) fn poll_run(future: &mut RunFuture, waker: &Waker) -> Poll<RunEnd> {
    poll_with(waker, |cx| future.as_mut().poll(cx))
}

pub(crate) fn poll_in_span(job: &JobInstance, info: &RunInfo, future: &mut RunFuture, waker: &Waker) -> Poll<RunEnd> {
    enter_poll(job.run_key(), || {
        poll_with(waker, |cx| info.span.in_scope(|| future.as_mut().poll(cx)))
    })
}

fn poll_with(waker: &Waker, poll: impl FnOnce(&mut Context<'_>) -> Poll<RunEnd>) -> Poll<RunEnd> {
    let polled = catch(|| poll(&mut Context::from_waker(waker)));
    polled.unwrap_or_else(|payload| Poll::Ready(RunEnd::Panicked(payload)))
}
