//! What a stop ends: all jobs of a scheduler, or one job.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::run_tracker::StopProgress;
use crate::engine::sessions::StopBegun;
use crate::exec::cancel::{cancel_job, cancel_runs, tell_job_to_end, tell_runs_to_end};
use crate::exec::reaper::{end_all_here, end_paused_here};
use crate::job::config::Host;
use crate::job::handle::Job;
use crate::observe::trace::note_detached_stop;

#[derive(Clone)]
pub(crate) enum StopScope {
    Scheduler,
    Job(Job),
}

impl StopScope {
    /// If the stop is for a job without a run in progress, removes the job. There is nothing to wait for then.
    pub(super) fn removes_idle_job(&self, engine: &Engine) -> bool {
        let StopScope::Job(job) = self else { return false };
        engine.retire(job.cell_arc());
        !job.is_running()
    }

    /// Ends the session, or removes the job. No run begins from here on, except last runs in a drain.
    pub(super) fn begin(&self, engine: &Arc<Engine>, has_grace: bool, progress: &Arc<StopProgress>) -> StopBegun {
        match self {
            StopScope::Scheduler => engine.begin_stop(has_grace, progress),
            StopScope::Job(job) => {
                engine.retire(job.cell_arc());
                StopBegun {
                    was_running: false,
                    drains: false,
                    in_progress: engine.batches_of(job.cell()),
                }
            }
        }
    }

    /// Makes the stop wait for each run that is in progress.
    pub(super) fn watch(&self, engine: &Engine, progress: &Arc<StopProgress>) {
        match self {
            StopScope::Scheduler => engine.run_tracker.watch(&engine.active_batches(), progress),
            StopScope::Job(job) => {
                let batches = engine.batches_of(job.cell());
                engine.run_tracker.watch_job(job.id(), &batches, progress);
            }
        }
    }

    pub(super) fn tell_to_end(&self, engine: &Engine, begun: &StopBegun) {
        match self {
            StopScope::Scheduler => tell_runs_to_end(engine, &begun.in_progress),
            StopScope::Job(job) => tell_job_to_end(engine, job.cell(), &begun.in_progress),
        }
    }

    pub(super) fn cancel(&self, engine: &Arc<Engine>) {
        match self {
            StopScope::Scheduler => cancel_runs(engine),
            StopScope::Job(job) => cancel_job(engine, job.cell()),
        }
    }

    /// Ends the cancelled runs on this thread. The executor has not ended them.
    pub(super) fn end_here(&self, engine: &Arc<Engine>) {
        end_all_here(engine);
        if let StopScope::Job(job) = self {
            end_paused_here(engine, &engine.batches_of(job.cell()));
        }
    }

    /// Neither cancels nor waits.
    pub(super) fn detach(&self, engine: &Arc<Engine>) {
        match self {
            StopScope::Scheduler => {
                let was_running = engine.is_running();
                engine.halt(None);
                engine.end_ticks();
                if was_running {
                    note_detached_stop();
                }
            }
            StopScope::Job(job) => job.remove(),
        }
    }

    /// Called when the stop is over.
    pub(super) fn end(&self, engine: &Arc<Engine>) {
        match self {
            StopScope::Scheduler => engine.end_stop(),
            StopScope::Job(_) => {}
        }
    }
}
