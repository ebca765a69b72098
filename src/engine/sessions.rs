//! Begins and ends sessions and stops.

use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::dispatch::core::{Halted, StartRefused};
use crate::dispatch::drain::DrainProgress;
use crate::dispatch::loop_waker::LoopWaker;
use crate::engine::Engine;
use crate::engine::run_tracker::StopProgress;
use crate::error::Error;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::state::OfferId;
use crate::observe::status::SchedulerState;
use crate::sync::atomic::Ordering;
use crate::unwind::lock;

/// A stop that has begun, and waits.
pub(crate) struct StopBegun {
    /// Whether the scheduler was running before.
    pub(crate) was_running: bool,
    /// Whether runs that were triggered before still begin.
    pub(crate) drains: bool,
    /// The batches that were not over at the beginning.
    pub(crate) in_progress: Vec<Arc<Batch>>,
}

impl Engine {
    /// Begins a session. Returns its number and the waker of its loop. The caller spawns the loop.
    pub(crate) fn begin_session(&self) -> Result<(u64, Arc<LoopWaker>), Error> {
        self.look_at_wall_clock();
        let now = self.now();
        let started = lock(&self.core).start(self.resolution.into(), now);
        let started = started.map_err(|refused| match refused {
            StartRefused::AlreadyStarted => Error::already_started(),
            StartRefused::Stopping => Error::stopping(),
        })?;
        self.skip_passed_slots(started.overdue);
        Ok((started.number, started.waker))
    }

    pub(crate) fn is_running(&self) -> bool {
        lock(&self.core).is_running()
    }

    /// Whether the scheduler runs, or still begins its last runs.
    pub(crate) fn has_session(&self) -> bool {
        lock(&self.core).has_session()
    }

    /// Ends the session. If there is a `number`, ends only the session with this number. No run begins from here on.
    pub(crate) fn halt(self: &Arc<Self>, number: Option<u64>) {
        let halted = lock(&self.core).halt(number);
        halted.into_iter().for_each(|halted| drop(self.follow_halt(halted)));
    }

    /// Called when a job has left the drain without a run. If it was the last job, ends the session.
    pub(crate) fn drain_shrank(self: &Arc<Self>) {
        let halted = lock(&self.core).halt_if_drained();
        halted.into_iter().for_each(|halted| drop(self.follow_halt(halted)));
        self.run_tracker.drain_shrank();
    }

    /// Withdraws the offers of a session that has ended or drains. Returns the batches that were not over.
    ///
    /// Also withdraws if there was no session: a concurrent stop may have ended it but not yet withdrawn its offers.
    fn follow_halt(self: &Arc<Self>, halted: Halted) -> Vec<Arc<Batch>> {
        for batch in &halted.batches {
            self.withdraw_for_stop(batch);
        }
        halted.ready.iter().for_each(|batch| self.finish_batch(batch));
        drop((halted.waiting, halted.slot_sets));
        halted.waker.inspect(|waker| waker.wake());
        if halted.was_draining {
            self.end_ticks();
            self.run_tracker.drain_ended();
        }
        halted.batches
    }

    pub(crate) fn state(&self) -> SchedulerState {
        let core = lock(&self.core);
        match (core.is_running(), core.stops) {
            (true, _) => SchedulerState::Running,
            (false, 1..) => SchedulerState::Stopping,
            (false, 0) => SchedulerState::Stopped,
        }
    }

    /// Begins a stop that waits for its runs. With a grace, runs that were triggered before still begin, and the stop
    /// waits for these last runs too.
    pub(crate) fn begin_stop(self: &Arc<Self>, has_grace: bool, progress: &Arc<StopProgress>) -> StopBegun {
        if has_grace {
            // Before the session drains: a run that begins right afterwards is a last run.
            self.run_tracker.await_last_runs(progress);
        }
        let now = self.now();
        let mut core = lock(&self.core);
        let was_running = core.is_running();
        let halted = core.begin_stop(has_grace, now);
        drop(core);
        let drains = halted.drains;
        if has_grace && !drains {
            self.run_tracker.await_no_last_run(progress);
        }
        let in_progress = self.follow_halt(halted);
        if drains {
            self.end_undrained_ticks();
        } else {
            self.end_ticks();
        }
        StopBegun {
            was_running,
            drains,
            in_progress,
        }
    }

    pub(crate) fn end_stop(self: &Arc<Self>) {
        let halted = lock(&self.core).end_stop();
        halted.into_iter().for_each(|halted| drop(self.follow_halt(halted)));
    }

    /// How far the drain is, for a stop that waits.
    pub(crate) fn drain_progress(&self, progress: &StopProgress) -> DrainProgress {
        let set_aside = progress.jobs_set_aside();
        lock(&self.core).drain_progress(&set_aside)
    }

    /// Notes that the last run of its job has begun, in a drain.
    pub(crate) fn last_run_begun(self: &Arc<Self>, run: &JobInstance, offer_id: OfferId) {
        // A stop looks for jobs in the drain first, and then for its runs. In between, it must not miss this run.
        self.run_tracker.watch_last_run(run, offer_id);
        let halted = lock(&self.core).leave_drain(&run.job);
        halted.into_iter().for_each(|halted| drop(self.follow_halt(halted)));
    }

    /// Called when the executor has dropped the loop of this session before the session's end. If it has never polled
    /// the loop (`has_run` is false), it has refused the loop, and the scheduler has not run.
    pub(crate) fn driver_dropped(self: &Arc<Self>, number: u64, has_run: bool) {
        self.has_lost_driver.store(true, Ordering::Release);
        self.halt(Some(number));
        if has_run {
            self.end_ticks();
        }
    }

    /// Called when the executor polls the loop.
    pub(crate) fn driver_polled(&self) {
        self.has_lost_driver.store(false, Ordering::Release);
    }

    /// Whether the executor has dropped the loop of the last session.
    pub(crate) fn has_lost_driver(&self) -> bool {
        self.has_lost_driver.load(Ordering::Acquire)
    }

    /// The batches that are not over.
    pub(crate) fn active_batches(&self) -> Vec<Arc<Batch>> {
        lock(&self.core).queue.active()
    }

    /// The batches with the runs of this job that are in progress.
    pub(crate) fn batches_of(&self, job: &JobCell) -> Vec<Arc<Batch>> {
        lock(&self.core).queue.batches_of(job)
    }

    pub(crate) fn finish_batch(&self, batch: &Batch) {
        lock(&self.core).queue.finish(batch);
    }

    /// Finishes a batch of one job. The caller has another reference to the job.
    pub(crate) fn finish_batch_of_one(&self, batch: Arc<Batch>) {
        lock(&self.core).queue.finish_alone(batch);
    }
}
