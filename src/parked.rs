//! Runs that wait: each is polled only when its own waker says so, and can be cancelled from any thread.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::cell::JobCell;
use crate::end::End;
use crate::engine::Engine;
use crate::panics::{catch, lock};
use crate::run::Facts;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{AtomicWaker, Mutex};
use crate::target::RunFuture;
use crate::trace::RunSpan;

/// The task in which runs wait: which of them were woken, and how to have it polled.
#[derive(Default)]
pub(crate) struct Home {
    woken: Mutex<Woken>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Woken {
    closed: bool,
    runs: Vec<Arc<Parked>>,
}

impl Home {
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(crate) fn take_woken(&self) -> Vec<Arc<Parked>> {
        std::mem::take(&mut lock(&self.woken).runs)
    }

    /// Nobody lives here any more: late wake-ups go nowhere.
    pub(crate) fn close(&self) {
        let mut woken = lock(&self.woken);
        woken.closed = true;
        let runs = std::mem::take(&mut woken.runs);
        drop(woken);
        drop(runs);
    }

    fn wake(&self, run: &Arc<Parked>) {
        let mut woken = lock(&self.woken);
        if !woken.closed {
            woken.runs.push(Arc::clone(run));
        }
        drop(woken);
        self.waker.wake();
    }
}

/// A run that waits, or a place for one: it lends its waker to a run's first poll, and keeps the run if that waits.
pub(crate) struct Parked {
    home: Arc<Home>,
    /// It is among the woken already.
    queued: AtomicBool,
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
    Ended,
}

/// A run that has begun and goes on as a future.
pub(crate) struct Visit {
    pub(crate) job: Arc<JobCell>,
    facts: Facts,
    future: RunFuture,
}

impl Visit {
    pub(crate) fn new(job: &Arc<JobCell>, facts: Facts, future: RunFuture) -> Visit {
        Visit {
            job: Arc::clone(job),
            facts,
            future,
        }
    }

    fn poll(&mut self, waker: &Waker) -> Poll<End> {
        poll_in_span(&self.facts.span, &mut self.future, waker)
    }

    fn end(self, engine: &Engine, end: End) {
        engine.end(&self.job, &self.facts, self.future, end, true);
    }

    fn cancel(self, engine: &Engine) {
        self.job.claim.cancel_current();
        self.end(engine, End::Cancelled);
    }
}

impl Parked {
    pub(crate) fn vacant(home: &Arc<Home>) -> Arc<Parked> {
        Arc::new(Parked {
            home: Arc::clone(home),
            queued: AtomicBool::new(false),
            stage: Mutex::new(Stage::Vacant),
        })
    }

    /// Keeps a run whose first poll, with this place's waker, left it pending.
    pub(crate) fn keep(self: &Arc<Self>, engine: &Engine, mut visit: Visit) {
        // A run that waits is worth measuring: from here, if it wasn't from its beginning.
        visit.facts.started.get_or_insert_with(|| {
            let started = engine.now();
            visit.job.owner().note_start(started);
            started
        });
        let job = Arc::clone(&visit.job);
        *lock(&self.stage) = Stage::Waiting(visit);
        if let Some(rules) = job.rules() {
            rules.keep_at_hand(self);
        }
    }

    /// Polls a run that was woken. True if it ended, now or by a cancellation that its home has not noticed yet.
    pub(crate) fn poll(self: &Arc<Self>, engine: &Engine) -> bool {
        self.queued.store(false, Ordering::Release);
        let mut stage = lock(&self.stage);
        match std::mem::replace(&mut *stage, Stage::Polled { cancel: false }) {
            Stage::Waiting(visit) => {
                drop(stage);
                self.poll_visit(engine, visit)
            }
            Stage::Cancelled => {
                *stage = Stage::Ended;
                true
            }
            other => {
                *stage = other;
                false
            }
        }
    }

    fn poll_visit(self: &Arc<Self>, engine: &Engine, mut visit: Visit) -> bool {
        let waker = Waker::from(Arc::clone(self));
        match visit.poll(&waker) {
            Poll::Ready(end) => {
                *lock(&self.stage) = Stage::Ended;
                visit.end(engine, end);
                true
            }
            Poll::Pending => self.stay(engine, visit),
        }
    }

    fn stay(&self, engine: &Engine, visit: Visit) -> bool {
        let mut stage = lock(&self.stage);
        if matches!(*stage, Stage::Polled { cancel: true }) {
            *stage = Stage::Ended;
            drop(stage);
            visit.cancel(engine);
            true
        } else {
            *stage = Stage::Waiting(visit);
            false
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
            Stage::Vacant | Stage::Cancelled | Stage::Ended => {}
        }
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.home.wake(self);
        }
    }
}

/// Polls a run's future and catches its panic.
pub(crate) fn poll_run(future: &mut RunFuture, waker: &Waker) -> Poll<End> {
    poll_with(waker, |cx| future.as_mut().poll(cx))
}

pub(crate) fn poll_in_span(span: &RunSpan, future: &mut RunFuture, waker: &Waker) -> Poll<End> {
    poll_with(waker, |cx| span.in_scope(|| future.as_mut().poll(cx)))
}

fn poll_with(waker: &Waker, poll: impl FnOnce(&mut Context<'_>) -> Poll<End>) -> Poll<End> {
    let polled = catch(|| poll(&mut Context::from_waker(waker)));
    polled.unwrap_or_else(|payload| Poll::Ready(End::Panicked(payload)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_woken_once_until_it_is_polled() {
        let home = Arc::default();
        let place = Parked::vacant(&home);
        place.wake_by_ref();
        place.wake_by_ref();
        assert_eq!(home.take_woken().len(), 1);
    }

    #[test]
    fn whoever_is_woken_before_or_after_the_home_is_closed_is_let_go() {
        let home = Arc::default();
        let (early, late) = (Parked::vacant(&home), Parked::vacant(&home));
        early.wake_by_ref();
        home.close();
        late.wake_by_ref();
        assert!(home.take_woken().is_empty());
        // They refer to their home, which would keep them for ever.
        assert_eq!([&early, &late].map(Arc::strong_count), [1, 1]);
    }
}
