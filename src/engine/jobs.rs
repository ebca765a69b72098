//! Registers, removes and reschedules jobs.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::tickers::end_ticks;
use crate::job::cell::JobCell;
use crate::job::config::{Host, JobConfig, RunMode};
use crate::job::event_kind::EventKind;
use crate::job::handle::Job;
use crate::job::listeners::JobListeners;
use crate::job::rules::Rules;
use crate::job::state::OfferId;
use crate::sync::atomic::Ordering;
use crate::time::{FirstRun, Time, mix};
use crate::unwind::lock;

impl Engine {
    /// The configuration of a job with this run mode, these rules and these tags. Jobs without rules and tags share
    /// their configuration.
    pub(crate) fn config(&self, mode: RunMode, rules: Option<Rules>, tags: Vec<String>) -> Arc<JobConfig> {
        if rules.is_none() && tags.is_empty() {
            self.common_configs.of(mode, || self.host())
        } else {
            Arc::new(JobConfig::new(self.host(), mode, rules).with_tags(tags))
        }
    }

    pub(crate) fn register(&self, job: &Arc<JobCell>, first: FirstRun) {
        let now = self.now();
        let span = job.interval().into();
        let first = first.resolved(|| self.next_seed());
        job.schedule_first(first.scheduled(now, span, self.clock.origin()), first.counts_from(now));
        let waker = lock(&self.core).register(job, now);
        waker.inspect(|waker| waker.wake());
    }

    /// Removes the job from the job table. Returns whether the job was registered.
    fn unregister(&self, job: &JobCell) -> bool {
        let unregistered = lock(&self.core).unregister(job);
        unregistered.waker.inspect(|waker| waker.wake());
        if unregistered.has_left_drain {
            self.this.upgrade().inspect(Engine::drain_shrank);
        }
        unregistered.job.is_some()
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        let core = lock(&self.core);
        core.jobs.iter().map(|job| Job::new(Arc::clone(job))).collect()
    }

    /// A seed for one job. If the scheduler's seed is the same in each process, so is this seed.
    pub(crate) fn next_seed(&self) -> u64 {
        let number = self.seeds.fetch_add(1, Ordering::Relaxed) + 1;
        mix(self.seed ^ number)
    }
}

impl Host for Engine {
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn listeners(&self) -> &JobListeners {
        &self.listeners
    }

    fn resolution(&self) -> Duration {
        self.resolution
    }

    fn last_tick(&self) -> Time {
        let now = self.now();
        lock(&self.core).last_tick(now)
    }

    fn is_running(&self) -> bool {
        Engine::is_running(self)
    }

    fn reschedule(&self, job: &JobCell) {
        if !self.has_session() {
            // The next start inserts all jobs.
            return;
        }
        let now = self.now();
        let waker = lock(&self.core).reschedule(job, now);
        waker.inspect(|waker| waker.wake());
    }

    fn is_triggered_at_once(&self, job: &JobCell, run: OfferId) -> bool {
        let now = self.now();
        lock(&self.core).is_triggered_at_once(job, run, now)
    }

    fn retire(&self, job: &Arc<JobCell>) {
        let was_registered = job.remove_after(|| self.unregister(job));
        if was_registered && self.observers.is_enabled() {
            self.emit(job, OfferId::NONE, None, self.now(), EventKind::Removed);
        }
        end_ticks(job);
        self.listeners.wake(job.id);
    }
}
