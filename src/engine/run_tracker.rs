//! Which stops wait for the end of a run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::job::handle::Job;
use crate::job::id::RunKey;
use crate::sync::{AtomicWaker, Mutex};
use crate::unwind::lock;

/// The stops that wait for each run.
#[derive(Default)]
pub(crate) struct RunTracker(Mutex<HashMap<RunKey, Vec<Arc<StopProgress>>>>);

impl RunTracker {
    /// Makes a stop wait for each run in progress of these batches.
    pub(crate) fn watch(&self, active: &[Arc<Batch>], progress: &Arc<StopProgress>) {
        let mut stops = lock(&self.0);
        for batch in active {
            for run in batch.jobs.iter().filter(|run| run.state().watch(batch.offer_id)) {
                let key = (run.job.id, batch.offer_id);
                stops.entry(key).or_default().push(Arc::clone(progress));
                let job = Job::new(Arc::clone(&run.job));
                lock(&progress.runs).waiting.insert(key, job);
            }
        }
    }

    /// Tells the stops that wait for this run that it has ended.
    pub(crate) fn ended(&self, run: RunKey, cancelled: bool) {
        let stops = lock(&self.0).remove(&run);
        for progress in stops.into_iter().flatten() {
            progress.ended(run, cancelled);
        }
    }

    /// Forgets a stop that does not wait any more.
    pub(crate) fn forget(&self, progress: &Arc<StopProgress>) {
        let mut stops = lock(&self.0);
        for run in lock(&progress.runs).waiting.keys() {
            if let Some(stops) = stops.get_mut(run) {
                stops.retain(|other| !Arc::ptr_eq(other, progress));
            }
        }
        stops.retain(|_, stops| !stops.is_empty());
    }
}

/// The runs that a stop waits for, and the runs that have ended so far.
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
    /// Runs that themselves wait for the stop. The stop cannot wait for these runs.
    set_aside: Vec<Job>,
}

impl StopProgress {
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.runs).waiting.is_empty()
    }

    /// Stops waiting for `run`, and counts its job as still running.
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

    /// The outcome of the runs so far.
    pub(crate) fn take_outcome(&self) -> StopOutcome {
        let runs = std::mem::take(&mut *lock(&self.runs));
        StopOutcome {
            finished: sorted(runs.finished),
            cancelled: sorted(runs.cancelled),
            still_running: sorted(runs.waiting.into_values().chain(runs.set_aside)),
        }
    }
}

/// The jobs by the outcome of their runs. Each list is in the order of registration.
#[derive(Debug)]
pub(crate) struct StopOutcome {
    pub(crate) finished: Vec<Job>,
    pub(crate) cancelled: Vec<Job>,
    pub(crate) still_running: Vec<Job>,
}

/// A job that had several runs at once is listed once.
fn sorted(jobs: impl IntoIterator<Item = Job>) -> Vec<Job> {
    let mut jobs: Vec<Job> = jobs.into_iter().collect();
    jobs.sort_by_key(Job::id);
    jobs.dedup();
    jobs
}
