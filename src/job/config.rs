//! The configuration of a job, except for its interval. Most jobs have the same configuration and share it, because a
//! scheduler may hold a million jobs.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::job::cell::JobCell;
use crate::job::event_kind::EventKind;
use crate::job::failures::FailureStats;
use crate::job::id::JobId;
use crate::job::listeners::JobListeners;
use crate::job::reported::Reported;
use crate::job::rules::Rules;
use crate::job::state::OfferId;
use crate::time::{MissedTicks, Time};

/// The interface through which a job reaches its scheduler.
pub(crate) trait Host: Send + Sync {
    fn clock(&self) -> &Clock;

    /// The scheduler's type, for folders above this one.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;

    /// If the wall clock was set, schedules the jobs by a calendar anew.
    fn follow_wall_clock(&self);

    /// The tasks that wait for a change of a job.
    fn listeners(&self) -> &JobListeners;

    /// The length of a tick.
    fn resolution(&self) -> Duration;

    /// The last tick at or before now. Now, if the scheduler is stopped.
    fn last_tick(&self) -> Time;

    /// Whether the scheduler is started.
    fn is_running(&self) -> bool;

    /// Reschedules the job after a change of its due time or state.
    fn reschedule(&self, job: &JobCell);

    /// Removes the job from the scheduler, and emits the event.
    fn retire(&self, job: &Arc<JobCell>);

    /// Whether a trigger inside `run` begins `job` at once. Otherwise the job waits for the next tick.
    fn is_triggered_at_once(&self, job: &JobCell, run: OfferId) -> bool;
}

pub(crate) struct JobConfig {
    pub(crate) host: Weak<dyn Host>,
    pub(crate) mode: RunMode,
    pub(crate) rules: Option<Rules>,
    /// The tags of the job. A job with tags does not share its configuration.
    pub(crate) tags: Box<[String]>,
    /// The failures of each job with failures. The lock is held for a single read or change. Therefore a plain `Mutex`,
    /// unknown to the interleaving checkers, is enough.
    failure_stats: Mutex<BTreeMap<JobId, Box<FailureStats>>>,
    /// Whether any job had a failure.
    some_failed: AtomicBool,
    /// The troubles of the jobs that observers know already.
    pub(crate) reported: Reported,
}

impl JobConfig {
    pub(crate) fn new(host: Weak<dyn Host>, mut mode: RunMode, rules: Option<Rules>) -> JobConfig {
        mode.needs_start |= rules.is_some();
        JobConfig {
            host,
            mode,
            rules,
            tags: Box::default(),
            failure_stats: Mutex::default(),
            some_failed: AtomicBool::new(false),
            reported: Reported::default(),
        }
    }

    pub(crate) fn with_tags(mut self, tags: Vec<String>) -> JobConfig {
        self.tags = tags.into();
        self
    }

    pub(crate) fn note_failure(&self, job: JobId, kind: &EventKind) {
        let error = kind.error_text();
        // The code that drops the job sees this store, because the drop happens after every use of the job.
        self.some_failed.store(true, Ordering::Relaxed);
        self.table().entry(job).or_default().note(kind, error);
    }

    /// Notes that a run has held its thread for too long, see [`FailureStats::note_held_thread`].
    pub(crate) fn note_held_thread(&self, job: JobId, is_new: bool, now: Option<Time>) -> bool {
        self.some_failed.store(true, Ordering::Relaxed);
        self.table().entry(job).or_default().note_held_thread(is_new, now)
    }

    /// Number of runs in a row that have failed, up to now.
    pub(crate) fn consecutive_failures(&self, job: JobId) -> u64 {
        self.table().get(&job).map_or(0, |stats| stats.consecutive)
    }

    /// Notes that a run has succeeded after a failed run.
    pub(crate) fn end_failures(&self, job: JobId) {
        if let Some(stats) = self.table().get_mut(&job) {
            stats.consecutive = 0;
        }
    }

    pub(crate) fn failure_stats(&self, job: JobId) -> FailureStats {
        self.table()
            .get(&job)
            .map(|failure_stats| (**failure_stats).clone())
            .unwrap_or_default()
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<JobId, Box<FailureStats>>> {
        self.failure_stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a removed job. A million jobs may go at once, mostly without failures, so the common case takes no lock.
    pub(crate) fn forget(&self, job: JobId) {
        if self.some_failed.load(Ordering::Relaxed) {
            self.table().remove(&job);
        }
        self.reported.forget(job);
        if let Some(slots) = self.rules.as_ref().and_then(|rules| rules.slots.as_ref()) {
            slots.forget(job);
        }
    }
}

/// Where the runs of a job take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RunPlace {
    #[default]
    Executor,
    BlockingPool,
    /// The runs are ticks: whoever holds the job's `Ticks` does them.
    Ticks,
}

/// How a job is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RunMode {
    pub(crate) policy: MissedTicks,
    pub(crate) place: RunPlace,
    /// Whether the start instant of a run is needed: the target may ask for the instant, or a policy may count from it.
    pub(crate) needs_start: bool,
}

impl RunMode {
    const COUNT: usize = 3 * 3 * 2;

    /// If the job has rules, [`JobConfig::new`] sets `needs_start` too.
    pub(crate) fn new(policy: MissedTicks, place: RunPlace, takes_run: bool) -> RunMode {
        RunMode {
            policy,
            place,
            needs_start: takes_run || policy != MissedTicks::Burst,
        }
    }

    fn number(self) -> usize {
        let policy = match self.policy {
            MissedTicks::Burst => 0,
            MissedTicks::Skip => 1,
            MissedTicks::Delay => 2,
        };
        let place = match self.place {
            RunPlace::Executor => 0,
            RunPlace::BlockingPool => 1,
            RunPlace::Ticks => 2,
        };
        (policy * 3 + place) * 2 + usize::from(self.needs_start)
    }
}

/// The configurations of the jobs without rules: jobs of the same mode share a configuration.
#[derive(Default)]
pub(crate) struct CommonConfigs([OnceLock<Arc<JobConfig>>; RunMode::COUNT]);

impl CommonConfigs {
    pub(crate) fn of(&self, mode: RunMode, host: impl FnOnce() -> Weak<dyn Host>) -> Arc<JobConfig> {
        let config = self.0[mode.number()].get_or_init(|| Arc::new(JobConfig::new(host(), mode, None)));
        Arc::clone(config)
    }
}

/// The configurations of jobs by a calendar that have no other option, by what stands for the calendar and the mode.
/// Jobs of the same calendar share a configuration, which is kept as long as there is such a job.
#[derive(Default)]
pub(crate) struct CalendarConfigs(Mutex<BTreeMap<(String, usize), Weak<JobConfig>>>);

impl CalendarConfigs {
    /// The configuration for `key` and the mode of `new`, which becomes it if there is none.
    pub(crate) fn of(&self, key: String, new: JobConfig) -> Arc<JobConfig> {
        let mut configs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (key, new.mode.number());
        if let Some(config) = configs.get(&key).and_then(Weak::upgrade) {
            drop(configs);
            return config;
        }
        let config = Arc::new(new);
        if configs.len().is_power_of_two() {
            configs.retain(|_, config| config.strong_count() > 0);
        }
        configs.insert(key, Arc::downgrade(&config));
        config
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    struct Nobody;

    impl Host for Nobody {
        fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
            unreachable!()
        }

        fn clock(&self) -> &Clock {
            unreachable!()
        }

        fn follow_wall_clock(&self) {}

        fn listeners(&self) -> &JobListeners {
            unreachable!()
        }

        fn resolution(&self) -> Duration {
            unreachable!()
        }

        fn last_tick(&self) -> Time {
            unreachable!()
        }

        fn is_running(&self) -> bool {
            unreachable!()
        }

        fn reschedule(&self, _: &JobCell) {}

        fn is_triggered_at_once(&self, _: &JobCell, _: OfferId) -> bool {
            unreachable!()
        }

        fn retire(&self, _: &Arc<JobCell>) {}
    }

    /// The scheduler of a job without a scheduler.
    pub(crate) fn no_host() -> Weak<dyn Host> {
        Weak::<Nobody>::new()
    }

    #[test]
    fn nothing_is_left_of_the_failures_of_a_job_that_is_gone() {
        let config = JobConfig::new(no_host(), RunMode::default(), None);
        let [gone, other] = [JobId::next(), JobId::next()];
        for job in [gone, other] {
            config.note_failure(job, &EventKind::TimedOut);
        }
        config.forget(gone);
        assert_eq!(
            (
                config.failure_stats(gone).timeouts,
                config.failure_stats(other).timeouts
            ),
            (0, 1)
        );
    }

    #[test]
    fn jobs_that_are_run_in_one_mode_share_their_config_and_no_others() {
        let common = CommonConfigs::default();
        let policies = [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay];
        let modes = policies.into_iter().flat_map(|policy| {
            let places = [RunPlace::Executor, RunPlace::BlockingPool, RunPlace::Ticks];
            let of = move |place| [false, true].map(|takes_run| RunMode::new(policy, place, takes_run));
            places.into_iter().flat_map(of)
        });
        for mode in modes {
            let [once, again] = [(); 2].map(|()| common.of(mode, no_host));
            assert!(Arc::ptr_eq(&once, &again) && once.mode == mode, "{mode:?}");
        }
    }
}
