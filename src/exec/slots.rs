//! Begins runs of jobs by a calendar, which is asked for the slot after.

use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::engine::Engine;
use crate::engine::wakeups::Wakeups;
use crate::engine::withdraw::withdraw;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::event_kind::EventKind;
use crate::job::run::RunInfo;
use crate::job::slot_plan::{Plan, PlannedRun};
use crate::job::state::OfferId;
use crate::time::Time;
use crate::unwind::quietly;

/// What is planned for the run that was offered in `batch`. Its job is by a calendar. `None` if no run begins: the offer
/// was withdrawn.
pub(super) fn plan(wakeups: &mut Wakeups<'_>, batch: &Batch, run: &JobInstance) -> Option<Plan> {
    let engine = wakeups.engine();
    let by_calendar = run.job.by_calendar(&engine.clock)?;
    let plan = by_calendar.plan(batch.offered);
    let is_triggered = run.state().load().is_triggered() || run.job.state.load().is_triggered();
    match &plan {
        Plan::Run(_) => return Some(plan),
        _ if is_triggered => return Some(plan),
        Plan::NotDue => {}
        Plan::Dropped(step, missed) => {
            by_calendar.take_dropped(step, *missed);
            tell_missed(engine, &run.job, *missed);
        }
    }
    withdraw(wakeups, batch.offer_id, run);
    None
}

/// Begins the planned run.
pub(super) fn begin_slot(engine: &Engine, run: &JobInstance, planned: &PlannedRun, started: Option<Time>) -> RunInfo {
    if let Some(by_calendar) = run.job.by_calendar(&engine.clock) {
        by_calendar.take_run(planned);
    }
    run.job.begin_slot(planned, started)
}

/// Tells that slots got no run, because they are too late.
fn tell_missed(engine: &Engine, job: &Arc<JobCell>, missed: u64) {
    let kind = EventKind::Missed(missed);
    job.note_failure(&kind);
    quietly(|| engine.emit(job, OfferId::NONE, None, engine.now(), kind));
}
