//! The state that the handles, the loop and the workers of one scheduler share.
//!
//! The main lock is the core's. Smaller locks protect the run tracker, the cancelled runs, the offers to a holder, the
//! failure statistics, the permits of a group, the instances of a job and the slots of jobs by a calendar. The progress
//! of a stop has a lock that is taken within the run tracker's. A thread may take a smaller lock while it holds the
//! core's lock, never the other way round. None of these locks is held while code of a user, of the executor or of a
//! waker runs.

pub(crate) mod cancelled_runs;
pub(crate) mod emit;
pub(crate) mod groups;
pub(crate) mod jobs;
pub(crate) mod run_tracker;
pub(crate) mod sessions;
pub(crate) mod tickers;
pub(crate) mod wakeups;
pub(crate) mod wall_clock;
pub(crate) mod withdraw;

use std::any::Any;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::dispatch::core::Core;
use crate::engine::cancelled_runs::CancelledRuns;
use crate::engine::run_tracker::RunTracker;
use crate::job::config::{CalendarConfigs, CommonConfigs, Host};
use crate::job::listeners::JobListeners;
use crate::job::sampling::Sampling;
use crate::observe::observers::{Hook, Observers};
use crate::runtime::Runtime;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use crate::time::{FirstRun, MissedTicks, Time};

/// The settings of a scheduler's builder.
pub(crate) struct Settings {
    pub(crate) resolution: Duration,
    pub(crate) policy: MissedTicks,
    pub(crate) first: FirstRun,
    pub(crate) seed: u64,
    pub(crate) sampling: Sampling,
    pub(crate) hooks: Vec<Hook>,
}

pub(crate) struct Engine {
    this: Weak<Engine>,
    common_configs: CommonConfigs,
    pub(crate) clock: Clock,
    pub(crate) resolution: Duration,
    pub(crate) policy: MissedTicks,
    pub(crate) first: FirstRun,
    /// The seed from which the seeds of jobs are derived.
    seed: u64,
    /// Number of jobs that were given a seed.
    seeds: AtomicU64,
    pub(crate) sampling: Sampling,
    pub(crate) core: Mutex<Core>,
    pub(crate) run_tracker: RunTracker,
    pub(crate) cancelled_runs: CancelledRuns,
    pub(crate) listeners: JobListeners,
    pub(crate) observers: Observers,
    /// Whether the executor has dropped the loop of the last session.
    has_lost_driver: AtomicBool,
    /// Number of jobs by a calendar.
    calendar_jobs: AtomicUsize,
    /// The configurations of jobs by a calendar that have no other option.
    calendar_configs: CalendarConfigs,
    /// What all handles of the scheduler share. Its drop closes the engine.
    pub(crate) handle: OnceLock<Weak<dyn Any + Send + Sync>>,
}

impl Engine {
    pub(crate) fn new(runtime: Box<dyn Runtime>, settings: Settings) -> Arc<Engine> {
        let clock = Clock::new(runtime, settings.resolution.into());
        Arc::new_cyclic(|engine| Engine {
            this: Weak::clone(engine),
            common_configs: CommonConfigs::default(),
            clock,
            resolution: settings.resolution,
            policy: settings.policy,
            first: settings.first,
            seed: settings.seed,
            seeds: AtomicU64::new(0),
            sampling: settings.sampling,
            core: Mutex::default(),
            run_tracker: RunTracker::default(),
            cancelled_runs: CancelledRuns::default(),
            listeners: JobListeners::default(),
            observers: Observers::new(settings.hooks),
            has_lost_driver: AtomicBool::new(false),
            calendar_jobs: AtomicUsize::new(0),
            calendar_configs: CalendarConfigs::default(),
            handle: OnceLock::new(),
        })
    }

    fn host(&self) -> Weak<dyn Host> {
        // Cloned first as a `Weak<Engine>`: in one expression, the compiler would look for a `Weak<dyn Host>`.
        let this: Weak<Engine> = Weak::clone(&self.this);
        this as Weak<dyn Host>
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }
}
