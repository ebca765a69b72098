//! Who waits for the end of which run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::control::stop::StopReport;
use crate::engine::Engine;
use crate::job::handle::Job;
use crate::job::id::RunKey;
use crate::sync::{AtomicWaker, Mutex};
use crate::unwind::lock;

/// The stops that wait for each run.
#[derive(Default)]
pub(crate) struct RunTracker(Mutex<HashMap<RunKey, Vec<Arc<StopProgress>>>>);

impl RunTracker {
    /// Watches every run in progress.
    pub(crate) fn watch(&self, engine: &Engine, progress: &Arc<StopProgress>) {
        let active = engine.active();
        let mut run_tracker = lock(&self.0);
        for batch in active {
            for job in batch.jobs.iter().filter(|job| job.state().watch(batch.offer_id)) {
                run_tracker
                    .entry((job.job.id, batch.offer_id))
                    .or_default()
                    .push(Arc::clone(progress));
                lock(&progress.runs)
                    .waiting
                    .insert((job.job.id, batch.offer_id), Job::new(Arc::clone(&job.job)));
            }
        }
    }

    pub(crate) fn ended(&self, run: RunKey, cancelled: bool) {
        let watching = lock(&self.0).remove(&run);
        for progress in watching.into_iter().flatten() {
            progress.ended(run, cancelled);
        }
    }

    pub(crate) fn forget(&self, progress: &Arc<StopProgress>) {
        let mut run_tracker = lock(&self.0);
        for run in lock(&progress.runs).waiting.keys() {
            if let Some(watching) = run_tracker.get_mut(run) {
                watching.retain(|other| !Arc::ptr_eq(other, progress));
            }
        }
        run_tracker.retain(|_, watching| !watching.is_empty());
    }
}

/// What a stop has seen so far.
#[derive(Default)]
pub(crate) struct StopProgress {
    runs: Mutex<Runs>,
    pub(crate) waker: AtomicWaker,
}

#[derive(Default)]
struct Runs {
    waiting: BTreeMap<RunKey, Job>,
    finished: Vec<Job>,
    cancelled: Vec<Job>,
    /// The runs inside of which the stop is waited for, so that it can't wait for them.
    set_aside: Vec<Job>,
}

impl StopProgress {
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.runs).waiting.is_empty()
    }

    /// Does not wait for `run`, but names it.
    pub(crate) fn set_aside(&self, run: RunKey) {
        let mut runs = lock(&self.runs);
        let job = runs.waiting.remove(&run);
        runs.set_aside.extend(job);
    }

    fn ended(&self, run: RunKey, cancelled: bool) {
        let mut runs = lock(&self.runs);
        let Some(job) = runs.waiting.remove(&run) else { return };
        if cancelled {
            runs.cancelled.push(job);
        } else {
            runs.finished.push(job);
        }
        let over = runs.waiting.is_empty();
        drop(runs);
        if over {
            self.waker.wake();
        }
    }

    pub(crate) fn report(&self) -> StopReport {
        let mut runs = std::mem::take(&mut *lock(&self.runs));
        runs.finished.sort_by_key(Job::id);
        runs.cancelled.sort_by_key(Job::id);
        let mut still_running: Vec<Job> = runs.waiting.into_values().chain(runs.set_aside).collect();
        still_running.sort_by_key(Job::id);
        // A job may have had several runs at once.
        runs.finished.dedup();
        runs.cancelled.dedup();
        still_running.dedup();
        StopReport {
            finished: runs.finished,
            cancelled: runs.cancelled,
            still_running,
        }
    }
}
