//! What the threads, the runs and the hook of a round share.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use atevery::runtime::Runtime;
use atevery::{Job, Scheduler, WeakScheduler};

use crate::log::{Log, lock};
use crate::plan::Plan;
use crate::random::Random;
use crate::record::JobNumber;

pub(crate) struct Scene {
    pub(crate) log: Arc<Log>,
    pub(crate) climate: Climate,
    /// One reference of the outer `Arc` belongs to the scene, the others to the scheduler and its tasks.
    pub(crate) runtime: Arc<Arc<dyn Runtime>>,
    scheduler: OnceLock<WeakScheduler>,
    /// The handles that code of the round holds for a moment.
    borrowed: AtomicUsize,
    jobs: Mutex<Jobs>,
    next_job: AtomicUsize,
    next_stop: AtomicU64,
    /// Set when runs, hooks and destructors are to let the scheduler alone.
    is_calm: AtomicBool,
    /// Targets that are not dropped.
    pub(crate) targets: Arc<AtomicUsize>,
    /// A handle that a run is to drop.
    last_handle: Mutex<Option<Scheduler>>,
}

/// How a round differs from others.
#[derive(Debug, Clone)]
pub(crate) struct Climate {
    pub(crate) resolution: Duration,
    /// One in so many actions is a stop.
    pub(crate) stops: u64,
    /// Threads register no more jobs than these.
    pub(crate) most_jobs: usize,
    /// Jobs of a crowd are registered at the beginning.
    pub(crate) crowd: usize,
    /// The longest pause of a thread between two actions.
    pub(crate) pause: Duration,
    pub(crate) is_observed: bool,
}

/// A registered job.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) number: JobNumber,
    pub(crate) job: Job,
    pub(crate) plan: Plan,
}

#[derive(Debug, Default)]
struct Jobs {
    live: Vec<Arc<Entry>>,
    removed: Vec<Arc<Entry>>,
}

impl Scene {
    pub(crate) fn new(log: Arc<Log>, climate: Climate, runtime: Arc<dyn Runtime>) -> Arc<Scene> {
        Arc::new(Scene {
            log,
            climate,
            runtime: Arc::new(runtime),
            scheduler: OnceLock::new(),
            borrowed: AtomicUsize::new(0),
            jobs: Mutex::default(),
            next_job: AtomicUsize::new(0),
            next_stop: AtomicU64::new(0),
            is_calm: AtomicBool::new(false),
            targets: Arc::default(),
            last_handle: Mutex::default(),
        })
    }

    pub(crate) fn attach(&self, scheduler: &Scheduler) {
        let _ = self.scheduler.set(scheduler.downgrade());
    }

    /// A handle for a moment, if the scheduler is not dropped.
    pub(crate) fn scheduler(&self) -> Option<Borrowed<'_>> {
        self.borrowed.fetch_add(1, SeqCst);
        let scheduler = self.scheduler.get().and_then(WeakScheduler::upgrade);
        let borrowed = Borrowed { scene: self, scheduler };
        borrowed.scheduler.is_some().then_some(borrowed)
    }

    /// Whether the drop of the last handle has returned, on whatever thread.
    pub(crate) fn is_dropped(&self) -> bool {
        let is_gone = self.scheduler.get().is_some_and(|weak| weak.upgrade().is_none());
        is_gone && self.borrowed.load(SeqCst) == 0
    }

    /// Leaves the handle to a run.
    pub(crate) fn leave_handle(&self, scheduler: Scheduler) {
        self.borrowed.fetch_add(1, SeqCst);
        *lock(&self.last_handle) = Some(scheduler);
    }

    /// Drops the handle that was left.
    pub(crate) fn drop_handle(&self) {
        let handle = lock(&self.last_handle).take();
        if handle.is_some() {
            drop(handle);
            self.borrowed.fetch_sub(1, SeqCst);
        }
    }

    pub(crate) fn is_handle_left(&self) -> bool {
        lock(&self.last_handle).is_some()
    }

    pub(crate) fn calm(&self) {
        self.is_calm.store(true, SeqCst);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.is_calm.load(SeqCst)
    }

    pub(crate) fn next_job(&self) -> JobNumber {
        self.next_job.fetch_add(1, SeqCst)
    }

    pub(crate) fn next_stop(&self) -> u64 {
        self.next_stop.fetch_add(1, SeqCst)
    }

    pub(crate) fn count_jobs(&self) -> usize {
        self.next_job.load(SeqCst)
    }

    pub(crate) fn count_stops(&self) -> u64 {
        self.next_stop.load(SeqCst)
    }

    pub(crate) fn add(&self, entry: Entry) {
        lock(&self.jobs).live.push(Arc::new(entry));
    }

    /// Some job. Now and then, one that was removed.
    pub(crate) fn some_job(&self, random: &mut Random) -> Option<Arc<Entry>> {
        let jobs = lock(&self.jobs);
        let from = if random.one_in(24) { &jobs.removed } else { &jobs.live };
        let index = random.below(from.len().max(1) as u64) as usize;
        from.get(index).cloned()
    }

    /// The job counts as removed from here on.
    pub(crate) fn set_aside(&self, number: JobNumber) {
        let mut jobs = lock(&self.jobs);
        if let Some(index) = jobs.live.iter().position(|entry| entry.number == number) {
            let entry = jobs.live.swap_remove(index);
            jobs.removed.push(entry);
        }
    }

    pub(crate) fn live_jobs(&self) -> Vec<Arc<Entry>> {
        lock(&self.jobs).live.clone()
    }

    pub(crate) fn all_jobs(&self) -> Vec<Arc<Entry>> {
        let jobs = lock(&self.jobs);
        jobs.live.iter().chain(&jobs.removed).cloned().collect()
    }

    /// The jobs without a run in progress.
    pub(crate) fn idle_jobs(&self) -> BTreeSet<JobNumber> {
        let jobs = self.all_jobs();
        let idle = jobs.iter().filter(|entry| !entry.job.is_running());
        idle.map(|entry| entry.number).collect()
    }
}

/// A handle that is held for a moment.
#[derive(Debug)]
pub(crate) struct Borrowed<'a> {
    scene: &'a Scene,
    scheduler: Option<Scheduler>,
}

impl Deref for Borrowed<'_> {
    type Target = Scheduler;

    fn deref(&self) -> &Scheduler {
        self.scheduler.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Borrowed<'_> {
    /// The handle may be the last one. It counts until its drop has returned.
    fn drop(&mut self) {
        drop(self.scheduler.take());
        self.scene.borrowed.fetch_sub(1, SeqCst);
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene")
            .field("climate", &self.climate)
            .finish_non_exhaustive()
    }
}

/// The number of a job, from its name.
pub(crate) fn number_of(job: &Job) -> JobNumber {
    job.name().parse().expect("jobs are named by their numbers")
}
