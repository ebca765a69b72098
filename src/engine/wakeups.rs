//! What a thread has to tell the loop, until it tells it.
//!
//! An executor may keep a task for the thread that woke it (Tokio does), and the next run of a batch may block that thread: the
//! loop would be stuck behind that run. So a worker tells the loop once nothing of its batch is left to do, and then returns to the
//! executor. Until then no other thread counts on the loop to know: a thread that inserts another job tells the loop of both.
//! What users' code asks for while it runs is told at once, since that code may wait for it. So is all that is not part of a worker's
//! batch: destructors and hooks that follow may wait for it too.

use std::sync::Arc;

use crate::engine::Engine;
use crate::job::cell::JobCell;
use crate::job::config::Host;
use crate::job::rules::Rules;
use crate::unwind::lock;

/// Tells the loop what it has to be told, or collects that. Flushes when it is dropped.
pub(crate) struct Wakeups<'a> {
    engine: &'a Arc<Engine>,
    /// The loop is told later.
    holds_back: bool,
    /// A job was inserted.
    has_inserted: bool,
    /// A permit of a group is free, and a job waits for it.
    has_free_permit: bool,
}

impl<'a> Wakeups<'a> {
    /// Tells the loop at once.
    pub(crate) fn new(engine: &'a Arc<Engine>) -> Wakeups<'a> {
        Wakeups {
            engine,
            holds_back: false,
            has_inserted: false,
            has_free_permit: false,
        }
    }

    /// For the batch of a worker: tells the loop when it is flushed.
    pub(crate) fn of_batch(engine: &'a Arc<Engine>) -> Wakeups<'a> {
        Wakeups {
            holds_back: true,
            ..Wakeups::new(engine)
        }
    }

    pub(crate) fn engine(&self) -> &'a Arc<Engine> {
        self.engine
    }

    /// Inserts a job that is idle again, or whose scheduled time is not what was foreseen, for the first tick from now.
    pub(crate) fn reschedule(&mut self, job: &JobCell) {
        if !self.holds_back {
            self.engine.reschedule(job);
        } else if self.engine.is_running() {
            self.has_inserted = true;
            let now = self.engine.now();
            lock(&self.engine.core).reschedule_silent(job, now);
        }
    }

    /// Returns the permit of a run, if its job is in a group.
    pub(crate) fn release_permit(&mut self, rules: &Rules) {
        self.has_free_permit |= rules.release_permit();
        if !self.holds_back {
            self.flush();
        }
    }

    /// Wakes the loop if it has to be told something. True if it was woken.
    pub(crate) fn flush(&mut self) -> bool {
        let has_inserted = std::mem::take(&mut self.has_inserted);
        let waker = if std::mem::take(&mut self.has_free_permit) {
            lock(&self.engine.core).loop_waker()
        } else if has_inserted {
            lock(&self.engine.core).wake_if_sooner()
        } else {
            None
        };
        waker.inspect(|waker| waker.wake()).is_some()
    }
}

impl Drop for Wakeups<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}
