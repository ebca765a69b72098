//! Registers, removes and reschedules jobs.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::tickers::end_ticks;
use crate::error::Error;
use crate::job::cell::JobCell;
use crate::job::config::{Host, JobConfig, RunMode};
use crate::job::event_kind::EventKind;
use crate::job::handle::Job;
use crate::job::listeners::JobListeners;
use crate::job::rules::Rules;
use crate::job::state::OfferId;
use crate::sync::atomic::Ordering;
use crate::time::{FirstRun, Span, Time, mix};
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

    /// The configuration of a job by this calendar. Jobs that have the same `key`, and no rule but the calendar, share
    /// their configuration.
    pub(crate) fn calendar_config(
        &self,
        key: Option<String>,
        mode: RunMode,
        rules: Rules,
        tags: Vec<String>,
    ) -> Arc<JobConfig> {
        match key.filter(|_| tags.is_empty()) {
            Some(key) => self
                .calendar_configs
                .of(key, JobConfig::new(self.host(), mode, Some(rules))),
            None => self.config(mode, Some(rules), tags),
        }
    }

    /// Registers a job. `first` is `None` if the job itself has none.
    ///
    /// # Errors
    ///
    /// If the job's calendar has no slot.
    pub(crate) fn register(&self, job: &Arc<JobCell>, first: Option<FirstRun>) -> Result<(), Error> {
        let now = self.now();
        match job.by_calendar(&self.clock) {
            None => self.schedule_first(job, first.unwrap_or(self.first), now),
            Some(by_calendar) => {
                let first = first.filter(|first| *first != FirstRun::AfterInterval);
                let first = first.map(|first| first.resolved(|| self.next_seed()));
                let asked_for = first.map(|first| first.scheduled(now, Span::ZERO, self.clock.origin()));
                by_calendar
                    .schedule_first_slot(asked_for)
                    .map_err(Error::invalid_schedule)?;
            }
        }
        let waker = lock(&self.core).register(job, now);
        waker.inspect(|waker| waker.wake());
        if job.has_calendar() {
            self.calendar_job_came();
        }
        Ok(())
    }

    fn schedule_first(&self, job: &JobCell, first: FirstRun, now: Time) {
        let span = job.interval().map_or(Span::ZERO, Into::into);
        let first = first.resolved(|| self.next_seed());
        job.schedule_first(first.scheduled(now, span, self.clock.origin()), first.counts_from(now));
    }

    /// Removes the job from the job table. Returns whether the job was registered.
    fn unregister(&self, job: &JobCell) -> bool {
        let unregistered = lock(&self.core).unregister(job);
        unregistered.waker.inspect(|waker| waker.wake());
        if unregistered.has_left_drain {
            self.this.upgrade().inspect(Engine::drain_shrank);
        }
        if unregistered.job.is_some() && job.has_calendar() {
            self.calendar_job_went();
        }
        unregistered.job.is_some()
    }

    /// Tells why the job's calendar gave no slot, if it was at fault.
    fn tell_fault(&self, job: &Arc<JobCell>) {
        let Some(fault) = job.take_calendar_fault() else { return };
        let kind = EventKind::InvalidSchedule(fault);
        job.note_failure(&kind);
        self.emit(job, OfferId::NONE, None, self.now(), kind);
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

    fn follow_wall_clock(&self) {
        self.look_at_wall_clock();
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
        if was_registered {
            self.tell_fault(job);
        }
        if was_registered && self.observers.is_enabled() {
            self.emit(job, OfferId::NONE, None, self.now(), EventKind::Removed);
        }
        end_ticks(job);
        self.listeners.wake(job.id);
    }
}
