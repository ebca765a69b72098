//! Probes, which count the runs of a job, and gates, which hold runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Counts runs, by calls from inside the job.
#[derive(Clone, Default)]
pub(super) struct Probe(Arc<Counts>);

#[derive(Default)]
struct Counts {
    inside: AtomicUsize,
    most_at_once: AtomicUsize,
    completed: AtomicUsize,
}

/// One run, from its beginning until the run is dropped.
pub(super) struct Visit(Probe);

impl Probe {
    pub(super) fn enter(&self) -> Visit {
        let inside = self.0.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_at_once.fetch_max(inside, Ordering::SeqCst);
        Visit(self.clone())
    }

    /// How many runs have begun and are not dropped.
    pub(super) fn inside(&self) -> usize {
        self.0.inside.load(Ordering::SeqCst)
    }

    /// The greatest value of `inside` so far.
    pub(super) fn most_at_once(&self) -> usize {
        self.0.most_at_once.load(Ordering::SeqCst)
    }

    /// How many runs reached their last line.
    pub(super) fn completed(&self) -> usize {
        self.0.completed.load(Ordering::SeqCst)
    }
}

impl Visit {
    pub(super) fn complete(self) {
        self.0.0.completed.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Holds runs until the gate is opened or dropped. A check that fails drops its gate, so no run stays stuck.
#[derive(Default)]
pub(super) struct Gate(Entrance);

/// The side of a gate on which runs wait.
#[derive(Clone, Default)]
pub(super) struct Entrance(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(super) fn entrance(&self) -> Entrance {
        self.0.clone()
    }

    pub(super) fn open(&self) {
        let (open, opened) = &*self.0.0;
        *open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        opened.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl Entrance {
    pub(super) fn is_open(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks the thread until the gate is open.
    pub(super) fn block(&self) {
        let (open, opened) = &*self.0;
        let guard = open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            opened
                .wait_while(guard, |open| !*open)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}
