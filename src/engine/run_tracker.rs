//! Which stops wait for the end of a run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Waker;

use crate::dispatch::batch::Batch;
use crate::job::cell::JobInstance;
use crate::job::handle::Job;
use crate::job::id::{JobId, RunKey};
use crate::job::state::OfferId;
use crate::sync::{AtomicWaker, Mutex, process_wide};
use crate::unwind::{lock, quietly};

#[derive(Default)]
pub(crate) struct RunTracker(Mutex<Tracked>);

#[derive(Default)]
struct Tracked {
    /// The stops that wait for each run.
    stops: HashMap<RunKey, Vec<Arc<StopProgress>>>,
    /// The stops that wait for last runs, too. These runs have not begun yet.
    draining: Vec<Arc<StopProgress>>,
}

impl Tracked {
    /// Makes a stop wait for a run, if the run is in progress.
    fn watch(&mut self, run: &JobInstance, offer_id: OfferId, progress: &Arc<StopProgress>) {
        if !run.state().watch(offer_id) {
            return;
        }
        let key = (run.job.id, offer_id);
        let stops = self.stops.entry(key).or_default();
        if stops.iter().any(|stop| Arc::ptr_eq(stop, progress)) {
            return;
        }
        stops.push(Arc::clone(progress));
        let job = Job::new(Arc::clone(&run.job));
        lock(&progress.runs).waiting.insert(key, job);
    }
}

impl RunTracker {
    /// Makes a stop wait for each run in progress of these batches.
    pub(crate) fn watch(&self, active: &[Arc<Batch>], progress: &Arc<StopProgress>) {
        let mut tracked = lock(&self.0);
        for batch in active {
            for run in &batch.jobs {
                tracked.watch(run, batch.offer_id, progress);
            }
        }
    }

    /// Makes a stop wait for each run in progress of this job. `batches` are the batches with these runs.
    pub(crate) fn watch_job(&self, job: JobId, batches: &[Arc<Batch>], progress: &Arc<StopProgress>) {
        let mut tracked = lock(&self.0);
        for batch in batches {
            for run in batch.jobs.iter().filter(|run| run.job.id == job) {
                tracked.watch(run, batch.offer_id, progress);
            }
        }
    }

    /// Makes a stop wait for the last runs that begin from here on.
    pub(crate) fn await_last_runs(&self, progress: &Arc<StopProgress>) {
        let mut tracked = lock(&self.0);
        tracked.draining.push(Arc::clone(progress));
        lock(&progress.runs).drains = true;
    }

    /// Takes `await_last_runs` back, because no last run is to come.
    pub(crate) fn await_no_last_run(&self, progress: &Arc<StopProgress>) {
        let mut tracked = lock(&self.0);
        tracked.draining.retain(|other| !Arc::ptr_eq(other, progress));
        lock(&progress.runs).drains = false;
    }

    /// Makes all stops that wait for last runs wait for this last run, which has just begun.
    pub(crate) fn watch_last_run(&self, run: &JobInstance, offer_id: OfferId) {
        let mut tracked = lock(&self.0);
        for progress in tracked.draining.clone() {
            tracked.watch(run, offer_id, &progress);
        }
    }

    /// Tells the stops that wait for last runs that no more are to come.
    pub(crate) fn drain_ended(&self) {
        let draining = lock(&self.0).draining.clone();
        for progress in draining {
            lock(&progress.runs).drains = false;
            progress.wake_if_over();
        }
    }

    /// Tells the stops that wait for last runs that a job has left the drain without a run.
    pub(crate) fn drain_shrank(&self) {
        let draining = lock(&self.0).draining.clone();
        draining.iter().for_each(|progress| progress.wake_if_over());
    }

    /// Tells the stops that wait for this run that it has ended.
    pub(crate) fn ended(&self, run: RunKey, cancelled: bool) {
        let stops = lock(&self.0).stops.remove(&run);
        for progress in stops.into_iter().flatten() {
            progress.ended(run, cancelled);
        }
    }

    /// Forgets a stop that does not wait any more.
    pub(crate) fn forget(&self, progress: &Arc<StopProgress>) {
        let Tracked { stops, draining } = &mut *lock(&self.0);
        draining.retain(|other| !Arc::ptr_eq(other, progress));
        let runs = lock(&progress.runs);
        for run in runs.waiting.keys().chain(runs.set_aside.keys()) {
            if let Some(stops) = stops.get_mut(run) {
                stops.retain(|other| !Arc::ptr_eq(other, progress));
            }
        }
        stops.retain(|_, stops| !stops.is_empty());
    }
}

/// A stop that is waited for inside runs, and these runs.
type StopInRuns = (Arc<StopProgress>, Vec<RunKey>);

process_wide! {
    // The stops that are waited for inside runs. Stops of several schedulers may wait for each other, too.
    static IN_RUNS: Vec<StopInRuns> = const { Vec::new() };
}

/// Notes that `progress` is waited for inside `runs`, or no longer inside a run. These runs can't end before the stop
/// returns. The stop therefore does not wait for them, and neither does any other stop that is waited for inside a run:
/// such stops would wait for each other. A stop that is not waited for inside a run still waits for all runs.
///
/// Call only after [`RunTracker::watch`]. Of two stops, the later call then sees the runs of both.
pub(crate) fn wait_inside(progress: &Arc<StopProgress>, runs: &[RunKey]) {
    let others = IN_RUNS.with_borrow_mut(|stops| {
        stops.retain(|(other, _)| !Arc::ptr_eq(other, progress));
        if runs.is_empty() {
            return Vec::new();
        }
        let others = stops.clone();
        stops.push((Arc::clone(progress), runs.to_vec()));
        others
    });
    progress.set_aside(runs);
    for (other, other_runs) in others {
        progress.set_aside(&other_runs);
        other.set_aside(runs);
    }
}

/// The runs that a stop waits for, and the runs that have ended so far.
#[derive(Default)]
pub(crate) struct StopProgress {
    runs: Mutex<Runs>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Runs {
    waiting: BTreeMap<RunKey, Job>,
    finished: Vec<Job>,
    cancelled: Vec<Job>,
    /// Runs that themselves wait for a stop. The stop cannot wait for these runs.
    set_aside: BTreeMap<RunKey, Job>,
    /// Whether the stop waits for last runs.
    drains: bool,
}

impl Runs {
    /// Whether the stop is woken. While last runs are to come, the stop is not woken at the end of each of them: an
    /// executor may keep the stop for the thread of this run, and the next run may block this thread. If runs are set
    /// aside, the last runs may be waiting for them, so the stop looks.
    fn wakes(&self) -> bool {
        self.waiting.is_empty() && (!self.drains || !self.set_aside.is_empty())
    }
}

impl StopProgress {
    /// From here on, `waker` is woken when the wait is over.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Forgets the waker, which is code of a user and may panic.
    pub(crate) fn forget_waker(&self) {
        quietly(|| drop(self.waker.take()));
    }

    /// Whether the stop has no run to wait for.
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.runs).waiting.is_empty()
    }

    /// The jobs of the runs that the stop cannot wait for, one for each run.
    pub(crate) fn jobs_set_aside(&self) -> Vec<Job> {
        lock(&self.runs).set_aside.values().cloned().collect()
    }

    /// Stops waiting for `aside`. The jobs of these runs count as still running, until the runs have ended.
    fn set_aside(&self, aside: &[RunKey]) {
        let mut runs = lock(&self.runs);
        let before = runs.waiting.len();
        for run in aside {
            if let Some(job) = runs.waiting.remove(run) {
                runs.set_aside.insert(*run, job);
            }
        }
        let wakes = before > 0 && runs.wakes();
        drop(runs);
        if wakes {
            self.wake();
        }
    }

    /// Sets the runs aside that the holders of `Ticks` do: nothing can cancel them.
    pub(crate) fn set_aside_ticks(&self) {
        let runs = lock(&self.runs);
        let ticks = runs.waiting.iter().filter(|(_, job)| job.cell().has_ticks());
        let ticks: Vec<RunKey> = ticks.map(|(run, _)| *run).collect();
        drop(runs);
        if !ticks.is_empty() {
            self.set_aside(&ticks);
        }
    }

    fn wake_if_over(&self) {
        let wakes = lock(&self.runs).wakes();
        if wakes {
            self.wake();
        }
    }

    fn ended(&self, run: RunKey, cancelled: bool) {
        let mut runs = lock(&self.runs);
        let waited = runs.waiting.remove(&run);
        let was_waiting = waited.is_some();
        let Some(job) = waited.or_else(|| runs.set_aside.remove(&run)) else {
            return;
        };
        if cancelled {
            runs.cancelled.push(job);
        } else {
            runs.finished.push(job);
        }
        let wakes = was_waiting && runs.wakes();
        drop(runs);
        if wakes {
            self.wake();
        }
    }

    /// A panic of the waker would reach the task of the run that has ended.
    fn wake(&self) {
        quietly(|| self.waker.wake());
    }

    /// The outcome of the runs so far.
    pub(crate) fn take_outcome(&self) -> StopOutcome {
        let runs = std::mem::take(&mut *lock(&self.runs));
        StopOutcome {
            finished: sorted(runs.finished),
            cancelled: sorted(runs.cancelled),
            still_running: sorted(runs.waiting.into_values().chain(runs.set_aside.into_values())),
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
