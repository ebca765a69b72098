//! Wakeups of the loop, which a thread collects and sends together.
//!
//! An executor may keep a task for the thread that woke it (Tokio does). If the next run of a batch blocked that
//! thread, the loop would be stuck behind the run. A worker therefore wakes the loop after the last run of its batch,
//! and then returns to the executor. Until then, no other thread relies on this wakeup: a thread that inserts another
//! job wakes the loop for both jobs. Requests by code of a user wake the loop at once, because that code may wait for
//! their effect. Outside of a batch, all wakeups are sent at once: destructors and hooks that follow may wait for them.

use std::sync::Arc;

use crate::engine::Engine;
use crate::job::cell::JobCell;
use crate::job::config::Host;
use crate::job::rules::Rules;
use crate::unwind::lock;

/// Wakes the loop at once, or collects wakeups for a batch. The drop flushes them.
pub(crate) struct Wakeups<'a> {
    engine: &'a Arc<Engine>,
    /// Whether wakeups are collected.
    is_collecting: bool,
    /// Whether a job was inserted.
    has_inserted: bool,
    /// Whether a permit of a group was released, and a job waits for a permit.
    has_free_permit: bool,
}

impl<'a> Wakeups<'a> {
    /// Wakes the loop at once.
    pub(crate) fn new(engine: &'a Arc<Engine>) -> Wakeups<'a> {
        Wakeups {
            engine,
            is_collecting: false,
            has_inserted: false,
            has_free_permit: false,
        }
    }

    /// Collects the wakeups of a batch until the worker flushes them.
    pub(crate) fn of_batch(engine: &'a Arc<Engine>) -> Wakeups<'a> {
        Wakeups {
            is_collecting: true,
            ..Wakeups::new(engine)
        }
    }

    pub(crate) fn engine(&self) -> &'a Arc<Engine> {
        self.engine
    }

    /// Inserts a job for the first tick from now. The job is idle again, or its scheduled time differs from its entry
    /// in the agenda.
    pub(crate) fn reschedule(&mut self, job: &JobCell) {
        if !self.is_collecting {
            self.engine.reschedule(job);
        } else if self.engine.has_session() {
            self.has_inserted = true;
            let now = self.engine.now();
            lock(&self.engine.core).reschedule_silent(job, now);
        }
    }

    /// Releases the permit of a run, if its job is in a group.
    pub(crate) fn release_permit(&mut self, rules: &Rules) {
        self.has_free_permit |= rules.release_permit();
        if !self.is_collecting {
            self.flush();
        }
    }

    /// Wakes the loop if a collected wakeup requires it. Returns whether the loop was woken.
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
