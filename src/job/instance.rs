//! The instances of an `Allow(n)` job. Each instance is a state word and a run number for one more run at a time.

use std::sync::Arc;

use crate::job::state::RunState;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::unwind::lock;

/// The state of a single run at a time, beside the job's own state word.
#[derive(Default)]
pub(crate) struct Instance {
    pub(crate) state: RunState,
    runs: LastRun,
}

/// The number of the last run under a state word, plus 1. Zero means no run.
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

/// The instances of a job, beside its own state word. An instance is made when a run first needs it.
pub(crate) struct Instances {
    /// The maximum number of instances.
    limit: usize,
    list: Mutex<List>,
    /// Whether a run is on offer or about to begin. Such a run has not yet advanced the scheduled time, nor consumed
    /// the trigger.
    on_offer: AtomicBool,
    /// Several runs may begin and end at once. The lock is held while a run is counted, the scheduled time is advanced,
    /// or the statistics are written.
    pub(crate) writing: Mutex<()>,
    /// The last run under the job's own state word.
    pub(crate) own_run: LastRun,
}

#[derive(Default)]
struct List {
    instances: Vec<Arc<Instance>>,
    /// Whether the job was removed.
    is_closed: bool,
}

impl Instances {
    /// For a job with at most `runs` runs at a time.
    pub(crate) fn new(runs: usize) -> Instances {
        Instances {
            limit: runs - 1,
            list: Mutex::default(),
            on_offer: AtomicBool::new(false),
            writing: Mutex::default(),
            own_run: LastRun::default(),
        }
    }

    /// The maximum number of runs at a time.
    pub(crate) fn most_runs(&self) -> usize {
        self.limit + 1
    }

    pub(crate) fn is_one_on_offer(&self) -> bool {
        self.on_offer.load(Ordering::Acquire)
    }

    /// Notes that a run was put on offer (`true`), or that the offered run was counted or withdrawn (`false`).
    pub(crate) fn note_on_offer(&self, on_offer: bool) {
        self.on_offer.store(on_offer, Ordering::Release);
    }

    pub(crate) fn all(&self) -> Vec<Arc<Instance>> {
        lock(&self.list).instances.clone()
    }

    /// Adds an instance, unless the limit is reached or the job was removed. `job` is the job's own state word.
    pub(crate) fn add(&self, job: &RunState) -> Option<Arc<Instance>> {
        let mut list = lock(&self.list);
        if list.is_closed || list.instances.len() >= self.limit {
            return None;
        }
        let instance = Arc::new(Instance::default());
        if job.load().is_paused() {
            // The thread that paused the job has not seen the new instance.
            instance.state.pause();
        }
        list.instances.push(Arc::clone(&instance));
        Some(instance)
    }

    /// Closes the list, because the job was removed: no run begins and no instance is added afterwards.
    pub(crate) fn close(&self) {
        let mut list = lock(&self.list);
        list.is_closed = true;
        for instance in &list.instances {
            instance.state.remove();
        }
    }

    /// Whether the job was removed, and no run begins under any instance any more.
    pub(crate) fn are_closed(&self) -> bool {
        lock(&self.list).is_closed
    }

    /// If each instance is busy, and no further one may be added, the end of each run reports that a run is due.
    /// Returns whether this is so.
    pub(crate) fn note_due(&self) -> bool {
        let list = lock(&self.list);
        list.instances.len() >= self.limit && list.instances.iter().all(|instance| instance.state.note_due())
    }

    /// Number of runs in progress.
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
