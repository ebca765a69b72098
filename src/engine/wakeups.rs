//! What the ends of a lane's runs have to tell the loop waits until the lane's batch is over.
//!
//! An executor may keep a task for the thread that woke it (Tokio does), and the next run of the batch may block that thread: the
//! loop would be stuck behind it. So the loop is told once nothing of the batch is left to do, and the lane then returns to the
//! executor. Until then the session doesn't count on the loop to know: whoever lists another job tells it of both. What users' code
//! asks for while it runs is not held back, as it may wait for that.

use std::cell::Cell;
use std::sync::Arc;

use crate::dispatch::session::Bell;
use crate::engine::Engine;
use crate::job::cell::JobCell;
use crate::job::config::Host;
use crate::sync::thread_local;

// There while a lane of this thread is in a batch.
thread_local! {
    static HELD: Cell<Option<Held>> = const { Cell::new(None) };
}

/// What is to be told.
#[derive(Clone, Copy)]
struct Held {
    /// Which engine's lane it is: users' code may run another one's inside of it.
    engine: usize,
    /// A job was listed.
    has_listed: bool,
    /// A group has a free place.
    has_free_place: bool,
}

pub(crate) fn ring(bell: Option<Arc<Bell>>) {
    if let Some(bell) = bell {
        bell.0.wake();
    }
}

impl Engine {
    /// Runs a batch, or what was woken of one, and then tells the loop what was held back. Says as well whether that was anything.
    pub(crate) fn hold_back<T>(&self, batch: impl FnOnce() -> T) -> (T, bool) {
        let held = Held {
            engine: self.identity(),
            has_listed: false,
            has_free_place: false,
        };
        let has_rung = Cell::new(false);
        let over = Over {
            engine: self,
            outer: HELD.with(|place| place.replace(Some(held))),
            has_rung: &has_rung,
        };
        let result = batch();
        drop(over);
        (result, has_rung.get())
    }

    /// Lists a job that is idle again, or whose scheduled time is not what was foreseen, for the first tick from now.
    pub(crate) fn list_again(&self, job: &JobCell) {
        if !self.holds_back(|held| held.has_listed = true) {
            self.relist(job);
        } else if self.is_running() {
            let now = self.now();
            self.list_on_session(job, |session| session.list_quietly(job.index(), job.due(), now));
        }
    }

    /// A group has a free place, and jobs that wait for one.
    pub(crate) fn tell_free_place(&self) {
        if !self.holds_back(|held| held.has_free_place = true) {
            self.ring();
        }
    }

    /// Whether this thread is in a batch of a lane of this engine; then it is noted what is to be told.
    fn holds_back(&self, note: impl FnOnce(&mut Held)) -> bool {
        HELD.with(|place| match place.get() {
            Some(mut held) if held.engine == self.identity() => {
                note(&mut held);
                place.set(Some(held));
                true
            }
            _ => false,
        })
    }

    fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// The end of a batch, even if it panics.
struct Over<'a> {
    engine: &'a Engine,
    outer: Option<Held>,
    has_rung: &'a Cell<bool>,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let Some(held) = HELD.with(|place| place.replace(self.outer)) else {
            return;
        };
        let bell = if held.has_free_place {
            self.engine.bell()
        } else if held.has_listed {
            self.engine.bell_if_sooner()
        } else {
            None
        };
        self.has_rung.set(bell.is_some());
        ring(bell);
    }
}
