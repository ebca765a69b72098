//! What an `Allow(n)` job has for each run that it may have beside its first: a state word and the number of a run.

use std::sync::Arc;

use crate::job::state::RunState;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::unwind::lock;

/// A place for one run at a time, beside the job's own.
#[derive(Default)]
pub(crate) struct Instance {
    pub(crate) state: RunState,
    runs: LastRun,
}

/// One more than the number of the last run that took place somewhere.
#[derive(Default)]
pub(crate) struct LastRun(AtomicU64);

impl LastRun {
    pub(crate) fn note(&self, number: u64) {
        self.0.store(number + 1, Ordering::Relaxed);
    }

    pub(crate) fn is(&self, number: u64) -> bool {
        self.0.load(Ordering::Relaxed) == number + 1
    }
}

impl Instance {
    pub(crate) fn last_run(&self) -> &LastRun {
        &self.runs
    }
}

/// The instances of a job beside its own state word. They are made when they are needed.
pub(crate) struct Instances {
    /// How many there may be.
    limit: usize,
    list: Mutex<List>,
    /// A run is on offer, or about to begin: it hasn't moved the scheduled time yet, nor taken the trigger.
    on_offer: AtomicBool,
    /// Held while a run is counted, the scheduled time moved or something noted in the statistics, since several may begin and end at once.
    pub(crate) writing: Mutex<()>,
    /// The last run under the job's own state word.
    pub(crate) own_run: LastRun,
}

#[derive(Default)]
struct List {
    instances: Vec<Arc<Instance>>,
    /// The job was removed.
    is_closed: bool,
}

impl Instances {
    /// For a job that may have `runs` runs at a time.
    pub(crate) fn new(runs: usize) -> Instances {
        Instances {
            limit: runs - 1,
            list: Mutex::default(),
            on_offer: AtomicBool::new(false),
            writing: Mutex::default(),
            own_run: LastRun::default(),
        }
    }

    pub(crate) fn is_one_on_offer(&self) -> bool {
        self.on_offer.load(Ordering::Acquire)
    }

    /// A run was put on offer, or the one that was is counted or withdrawn.
    pub(crate) fn note_on_offer(&self, on_offer: bool) {
        self.on_offer.store(on_offer, Ordering::Release);
    }

    pub(crate) fn all(&self) -> Vec<Arc<Instance>> {
        lock(&self.list).instances.clone()
    }

    /// One more instance, if there may be one. `job` is the job's own state word.
    pub(crate) fn add(&self, job: &RunState) -> Option<Arc<Instance>> {
        let mut list = lock(&self.list);
        if list.is_closed || list.instances.len() >= self.limit {
            return None;
        }
        let instance = Arc::new(Instance::default());
        if job.load().is_paused() {
            // Whoever paused the job has not seen this one.
            instance.state.pause();
        }
        list.instances.push(Arc::clone(&instance));
        Some(instance)
    }

    /// The job was removed: no run begins, and there are no more instances from here on.
    pub(crate) fn close(&self) {
        let mut list = lock(&self.list);
        list.is_closed = true;
        for instance in &list.instances {
            instance.state.remove();
        }
    }

    /// How many runs are in progress.
    pub(crate) fn running(&self) -> usize {
        let list = lock(&self.list);
        list.instances
            .iter()
            .filter(|instance| instance.state.is_running())
            .count()
    }

    /// Whether no run is on offer or in progress.
    pub(crate) fn are_idle(&self) -> bool {
        let list = lock(&self.list);
        list.instances.iter().all(|instance| !instance.state.load().is_busy())
    }
}
