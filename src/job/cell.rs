//! A job as the scheduler stores it: one allocation, including the target.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::job::config::{Host, JobConfig, RunPlace};
use crate::job::event_kind::EventKind;
use crate::job::failures::FailureStats;
use crate::job::id::{JobId, RunKey};
use crate::job::instance::{Instance, Instances, LastRun};
use crate::job::rules::{OverlapState, Rules};
use crate::job::run::{RunContext, RunInfo};
use crate::job::span::RunSpan;
use crate::job::state::{Begin, OfferId, RunState, Snapshot};
use crate::job::stats::{AtomicRunStats, RunStats};
use crate::job::target::{Body, CallResult, FutureBuf};
use crate::sync::MutexGuard;
use crate::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use crate::time::JobIndex;
use crate::time::MissedTicks;
use crate::time::{Grid, NO_SLOT, Span, Time, WallTime};
use crate::unwind::{lock, quietly};

#[repr(C)] // The statistics lie right before the body, see `prefetch.rs`.
pub(crate) struct JobCell<B: ?Sized = dyn Body> {
    pub(crate) id: JobId,
    /// The interval. If the job is by a calendar: the slot of the next run, see `by_calendar.rs`.
    pub(super) interval_or_slot: AtomicI64,
    pub(crate) config: Arc<JobConfig>,
    pub(crate) state: RunState,
    /// Only the holder of the state word writes this field, so loads and stores are enough; see `begin`. If the job
    /// allows several runs at a time, only the holder of `Instances::writing` writes.
    runs: AtomicU64,
    /// Written by the same holder, and by two more writers. `clamp_to` writes while the scheduler is stopped or the job
    /// is paused. `set_interval` writes at any time, and repairs a lost update by `CHANGED`.
    pub(super) scheduled: AtomicI64,
    /// The instant from which the interval to the next run counts. A changed interval counts from here too. `NEVER`
    /// before the first run, unless the first run follows the interval. Written by the holder only. If the job is by a
    /// calendar: the last slot that is done.
    pub(super) counts_from: AtomicI64,
    /// Written by the same holder, like the statistics.
    last_start: AtomicI64,
    /// Written under the engine's lock. `UNREGISTERED` before the job is inserted into the job table and after its
    /// removal.
    index: AtomicU32,
    pub(super) stats: AtomicRunStats,
    pub(super) body: B,
}

impl<B: Body> JobCell<B> {
    /// A job with this interval, or by the calendar of its configuration.
    pub(crate) fn new(interval: Option<Duration>, config: Arc<JobConfig>, body: B) -> Self {
        let interval_or_slot = interval.map_or(NO_SLOT.as_nanos(), |interval| Span::from(interval).as_nanos());
        JobCell {
            id: JobId::next(),
            interval_or_slot: AtomicI64::new(interval_or_slot),
            index: AtomicU32::new(JobCell::UNREGISTERED),
            config,
            state: RunState::default(),
            runs: AtomicU64::new(0),
            scheduled: AtomicI64::new(Time::NEVER.as_nanos()),
            counts_from: AtomicI64::new(Time::NEVER.as_nanos()),
            last_start: AtomicI64::new(Time::NEVER.as_nanos()),
            stats: AtomicRunStats::default(),
            body,
        }
    }
}

impl JobCell {
    pub(crate) const UNREGISTERED: JobIndex = JobIndex::MAX;

    /// The instances beside the job's own state word, if the job allows several runs at a time.
    pub(crate) fn instances(&self) -> Option<&Instances> {
        self.rules().and_then(Rules::instances)
    }

    pub(crate) fn name(&self) -> &str {
        self.body.name()
    }

    pub(crate) fn rules(&self) -> Option<&Rules> {
        self.config.rules.as_ref()
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.config.mode.place == RunPlace::BlockingPool
    }

    /// Whether the runs are ticks, which the holder of the job's `Ticks` does.
    pub(crate) fn has_ticks(&self) -> bool {
        self.config.mode.place == RunPlace::Ticks
    }

    pub(crate) fn ticker(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.body.ticker()
    }

    /// Whether the start instant of a run is needed: the target may ask for the instant, or a policy may count from it.
    pub(crate) fn needs_start(&self) -> bool {
        self.config.mode.needs_start
    }

    pub(super) fn policy(&self) -> MissedTicks {
        self.config.mode.policy
    }

    /// The job's scheduler. `None` if the scheduler is gone.
    pub(crate) fn host(&self) -> Option<Arc<dyn Host>> {
        self.config.host.upgrade()
    }

    pub(crate) fn index(&self) -> JobIndex {
        self.index.load(Ordering::Relaxed)
    }

    pub(crate) fn set_index(&self, index: JobIndex) {
        self.index.store(index, Ordering::Relaxed);
    }

    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// `None` if the job is by a calendar.
    pub(crate) fn interval(&self) -> Option<Duration> {
        (!self.has_calendar()).then(|| self.span().into())
    }

    /// The interval. Call only if the job is not by a calendar.
    pub(super) fn span(&self) -> Span {
        Span::from_nanos(self.interval_or_slot.load(Ordering::Relaxed))
    }

    /// The slot of the next run. Call only if the job is by a calendar.
    pub(super) fn slot(&self) -> WallTime {
        WallTime::from_nanos(self.interval_or_slot.load(Ordering::Relaxed))
    }

    pub(super) fn set_slot(&self, slot: WallTime) {
        self.interval_or_slot.store(slot.as_nanos(), Ordering::Relaxed);
    }

    /// Whether a run is on offer and has not begun.
    pub(crate) fn is_offered(&self) -> bool {
        match self.instances() {
            Some(instances) => instances.is_one_on_offer(),
            None => self.state.load().is_offered(),
        }
    }

    /// Whether a due run waits for the end of the run in progress.
    pub(crate) fn waits_for_end(&self) -> bool {
        let rules = self.rules();
        rules.is_none_or(|rules| matches!(rules.overlap, OverlapState::Wait | OverlapState::Skip(_)))
    }

    /// If the job has as many runs as it may have, the end of one reports that a run is due. Returns whether this is
    /// so.
    pub(crate) fn note_due(&self) -> bool {
        self.state.note_due() && self.instances().is_none_or(Instances::note_due)
    }

    /// Whether no run is on offer or in progress.
    pub(crate) fn is_idle(&self) -> bool {
        !self.state.load().is_busy() && self.instances().is_none_or(Instances::are_idle)
    }

    /// Prevents further runs. The target is dropped now, or when the last run ends.
    pub(crate) fn remove(&self) {
        self.remove_after(|| ());
    }

    /// Prevents further runs, then calls `leave`, and then drops the target, now or when the last run ends. So a target
    /// that looks at the scheduler when it is dropped does not find its own job there.
    pub(crate) fn remove_after<T>(&self, leave: impl FnOnce() -> T) -> T {
        let is_idle = self.state.remove();
        if let Some(instances) = self.instances() {
            instances.close();
        }
        let left = leave();
        if self.instances().is_some() {
            self.clear_if_idle();
        } else if is_idle {
            self.clear();
        }
        left
    }

    /// Called when the job was removed and its run has ended or its offer was withdrawn. Drops the target after the
    /// last run.
    pub(crate) fn clear_removed(&self) {
        if self.instances().is_some() {
            self.clear_if_idle();
        } else {
            self.clear();
        }
    }

    /// Several threads may find the job idle at once. Each of them may clear the target, because a job with several
    /// runs at a time can be cleared concurrently. Until the instances are closed, a run may still begin: the thread
    /// that removes the job closes them, and then looks too.
    fn clear_if_idle(&self) {
        if self.instances().is_none_or(Instances::are_closed) && self.is_idle() {
            self.clear();
        }
    }

    /// The time at which the run exceeds the job's time limit.
    pub(crate) fn time_limit(&self, info: &RunInfo) -> Time {
        let limit = self.rules().and_then(|rules| rules.time_limit);
        match (info.started, limit) {
            (Some(started), Some(limit)) => started.after(limit),
            _ => Time::NEVER,
        }
    }

    /// Whether a run from `started` to `ended` exceeds the job's time limit.
    pub(crate) fn is_too_long(&self, started: Time, ended: Time) -> bool {
        let limit = self.rules().and_then(|rules| rules.time_limit);
        limit.is_some_and(|limit| ended.since(started) > limit)
    }

    /// The maximum number of runs at a time.
    pub(crate) fn most_runs(&self) -> usize {
        self.instances().map_or(1, Instances::most_runs)
    }

    /// The offer ids of the runs in progress.
    pub(crate) fn running_under(&self) -> Vec<OfferId> {
        let own = self.state.load();
        let others = self.instances().map(Instances::all).unwrap_or_default();
        let others = others.into_iter().map(|instance| instance.state.load());
        let running = std::iter::once(own).chain(others).filter(|state| state.is_running());
        running.map(Snapshot::offer_id).collect()
    }

    /// Number of runs in progress.
    pub(crate) fn running(&self) -> usize {
        self.instances().map_or(0, Instances::running) + usize::from(self.state.is_running())
    }
}

/// Runs.
impl JobCell {
    /// Counts a run and advances the scheduled time. The run was `offered` at a tick of `grid`. Call only as the holder
    /// of the state word, or of an instance.
    pub(crate) fn begin(&self, how: Begin, started: Option<Time>, offered: Time, grid: Grid) -> RunInfo {
        let _alone = self.lock_if_shared();
        let info = self.begin_alone(how, started, offered, grid);
        self.note_no_offer();
        info
    }

    fn begin_alone(&self, how: Begin, started: Option<Time>, offered: Time, grid: Grid) -> RunInfo {
        if let (Begin::Triggered, Some(now)) = (how, started) {
            self.advance_triggered();
            return self.count_run(now, now, started);
        }
        // Without a start instant, the policy does not ask for one.
        let run = self.run_start(self.scheduled_by(offered), started.unwrap_or(Time::ORIGIN));
        let missed = self.advance(run, grid);
        RunInfo {
            missed,
            ..self.count_run(run.scheduled, run.due, started)
        }
    }

    /// Like `begin`, for a job without [`needs_start`](JobCell::needs_start). Such a job is always due again one
    /// interval later.
    pub(crate) fn begin_untimed(&self, offered: Time) -> RunInfo {
        debug_assert!(!self.needs_start());
        let scheduled = self.scheduled_by(offered);
        self.schedule_from(scheduled);
        self.count_run(scheduled, scheduled, None)
    }

    /// Notes that the run on offer was counted or withdrawn, if the job allows several runs at a time.
    pub(crate) fn note_no_offer(&self) {
        if let Some(instances) = self.instances() {
            instances.note_on_offer(false);
        }
    }

    /// If a job allows several runs at a time, several threads may write to the cell at a time.
    pub(super) fn lock_if_shared(&self) -> Option<MutexGuard<'_, ()>> {
        self.instances().map(|instances| lock(&instances.writing))
    }

    pub(super) fn count_run(&self, scheduled: Time, due: Time, started: Option<Time>) -> RunInfo {
        let number = self.runs();
        self.set_runs(number + 1);
        RunInfo {
            number,
            scheduled,
            due,
            started,
            slot: NO_SLOT,
            missed: 0,
            span: RunSpan::none(),
        }
    }

    fn set_runs(&self, runs: u64) {
        self.runs.store(runs, Ordering::Relaxed);
    }

    /// Calls the target. Call only as the holder of the state word.
    pub(crate) fn call(&self, run: &RunContext<'_>, spare: &mut FutureBuf) -> CallResult {
        self.body.call(run, spare)
    }

    /// Drops the target. Call only as the holder of the state word of a removed job.
    pub(crate) fn clear(&self) {
        quietly(|| self.body.clear());
        if let Some(group) = self.rules().and_then(|rules| rules.group.as_ref()) {
            group.leave();
        }
    }

    pub(crate) fn note_start(&self, started: Time) {
        let _alone = self.lock_if_shared();
        self.set_last_start(started);
    }

    /// Notes when a run began and ended.
    pub(crate) fn note_run(&self, info: &RunInfo, started: Time, ended: Time) {
        let _alone = self.lock_if_shared();
        // The clock may have stepped back during the run. The start must not be later than the end.
        self.set_last_start(started.min(ended));
        self.stats.note_run(info.due, started, ended);
    }

    /// Start of the most recent timed run, which may still be in progress. `NEVER` if no run was timed.
    pub(crate) fn last_start(&self) -> Time {
        Time::from_nanos(self.last_start.load(Ordering::Relaxed))
    }

    fn set_last_start(&self, started: Time) {
        self.last_start.store(started.as_nanos(), Ordering::Relaxed);
    }

    pub(crate) fn note_failure(&self, kind: &EventKind) {
        self.config.note_failure(self.id, kind);
        if kind.is_failed_run() {
            self.state.note_failed_run();
        }
    }

    /// Notes that a run has ended without a failure. Call before the job is idle again.
    #[inline]
    pub(crate) fn note_success(&self) {
        if self.state.load().has_failed() {
            self.end_failures();
        }
    }

    #[cold]
    fn end_failures(&self) {
        self.state.forget_failed_run();
        self.config.end_failures(self.id);
    }

    pub(crate) fn stats(&self) -> RunStats {
        self.stats.get()
    }

    pub(crate) fn failure_stats(&self) -> FailureStats {
        self.config.failure_stats(self.id)
    }
}

/// A job, and the state word that a run is under.
#[derive(Clone)]
pub(crate) struct JobInstance {
    pub(crate) job: Arc<JobCell>,
    /// `None` for the job's own state word.
    instance: Option<Arc<Instance>>,
}

impl JobInstance {
    pub(crate) fn own(job: &Arc<JobCell>) -> JobInstance {
        JobInstance {
            job: Arc::clone(job),
            instance: None,
        }
    }

    pub(crate) fn of(job: &Arc<JobCell>, instance: Arc<Instance>) -> JobInstance {
        JobInstance {
            job: Arc::clone(job),
            instance: Some(instance),
        }
    }

    pub(crate) fn state(&self) -> &RunState {
        match &self.instance {
            None => &self.job.state,
            Some(instance) => &instance.state,
        }
    }

    /// The key of the run on offer or in progress.
    pub(crate) fn run_key(&self) -> RunKey {
        (self.job.id, self.state().load().offer_id())
    }

    /// Whether the run in progress was told that it has reached its time limit.
    pub(crate) fn is_told_time_is_up(&self) -> bool {
        self.state().load().is_told_time_is_up()
    }

    /// Takes the trigger from the job's own state word, if the run is offered to an instance. The job keeps the
    /// trigger, not the instance.
    pub(crate) fn take_jobs_trigger(&self) -> bool {
        self.instance.is_some() && self.job.state.take_trigger()
    }

    /// Clears the instance's trigger after its offer was withdrawn.
    pub(crate) fn forget_trigger(&self) {
        if let Some(instance) = &self.instance {
            instance.state.take_trigger();
        }
    }

    /// Notes that the run with this number is under this state word.
    pub(crate) fn note_run(&self, number: u64) {
        if let Some(last_run) = self.last_run() {
            last_run.note(number);
        }
    }

    /// Whether the run with this number should end. A run should end if it was cancelled, or if it is over.
    pub(crate) fn is_cancelled(&self, number: u64) -> bool {
        let snapshot = self.state().load();
        let is_last = match self.last_run() {
            Some(last_run) => last_run.is(number),
            None => self.job.runs() == number + 1,
        };
        snapshot.is_cancelled() || !snapshot.is_running() || !is_last
    }

    /// `None` if the job has one run at a time: then the job's own counter gives the last run.
    fn last_run(&self) -> Option<&LastRun> {
        match &self.instance {
            Some(instance) => Some(instance.last_run()),
            None => self.job.instances().map(|instances| &instances.own_run),
        }
    }
}

impl<B: ?Sized> Drop for JobCell<B> {
    fn drop(&mut self) {
        self.config.forget(self.id);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::job::config::RunMode;
    use crate::job::config::tests::no_host;
    use crate::job::target::Target;

    /// A job outside any job table.
    pub(crate) fn job() -> Arc<JobCell> {
        job_under(None)
    }

    /// A job outside any job table, with these rules.
    pub(crate) fn job_under(rules: Option<Rules>) -> Arc<JobCell> {
        let config = JobConfig::new(no_host(), RunMode::default(), rules);
        Arc::new(JobCell::new(
            Some(Duration::from_secs(1)),
            Arc::new(config),
            (|| ()).into_body(),
        ))
    }

    #[test]
    fn a_run_in_which_the_clock_stepped_back_has_begun_when_it_ended() {
        let job = job();
        let info = job.begin_untimed(Time::ORIGIN);
        let [early, late] = [5, 6].map(Time::from_nanos);
        assert_eq!(job.last_start(), Time::NEVER);
        job.note_start(late);
        assert_eq!(job.last_start(), late);
        job.note_run(&info, late, early);
        assert_eq!(job.last_start(), early);
        job.note_run(&info, early, late);
        assert_eq!(job.last_start(), early);
    }

    /// A scheduler may hold a million jobs: each additional byte costs a megabyte. If a change is worth its bytes,
    /// adapt this figure.
    #[test]
    #[cfg(all(target_pointer_width = "64", target_os = "linux"))]
    fn a_job_takes_96_bytes_and_its_target() {
        assert_eq!(size_of::<JobCell<()>>(), 96);
    }
}
