//! Begins runs.

use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::batch::Batch;
use crate::engine::Engine;
use crate::engine::wakeups::Wakeups;
use crate::engine::withdraw::withdraw;
use crate::exec::call::{attempt, call, call_by_rules};
use crate::exec::finish::{finish, release};
use crate::exec::retry::backoff_panicked;
use crate::exec::slots::{begin_slot, plan};
use crate::job::cell::{JobCell, JobInstance};
use crate::job::current_run::enter;
use crate::job::event_kind::EventKind;
use crate::job::rules::Backoff;
use crate::job::run::RunInfo;
use crate::job::run_end::RunEnd;
use crate::job::slot_plan::Plan;
use crate::job::state::{Begin, OfferId};
use crate::job::target::{CallResult, FutureBuf, RunFuture};
use crate::time::Time;
use crate::unwind::{catch, lock, quietly};

/// Begins the run that was offered in `batch`, if the offer still holds. If the run continues as a future, returns the
/// run. The future may use the memory of `buf`.
pub(crate) fn begin_run(
    wakeups: &mut Wakeups<'_>,
    batch: &Batch,
    run: &JobInstance,
    buf: &mut FutureBuf,
) -> Option<(RunInfo, RunFuture)> {
    if run.job.has_calendar() {
        return begin_planned(wakeups, batch, run, buf);
    }
    let Some(how) = run.state().begin(batch.offer_id) else {
        withdraw(wakeups, batch.offer_id, run);
        return None;
    };
    if how == Begin::Due && !is_timed(wakeups.engine(), batch, &run.job) {
        return run_untimed(wakeups, batch, run, buf);
    }
    let info = begin(wakeups, batch, run, how, None, None);
    run_timed(wakeups, run, info, buf)
}

/// Like `begin_run`, for a job by a calendar.
#[inline(never)]
fn begin_planned(
    wakeups: &mut Wakeups<'_>,
    batch: &Batch,
    run: &JobInstance,
    buf: &mut FutureBuf,
) -> Option<(RunInfo, RunFuture)> {
    let plan = plan(wakeups, batch, run)?;
    let Some(how) = run.state().begin(batch.offer_id) else {
        withdraw(wakeups, batch.offer_id, run);
        return None;
    };
    let info = begin(wakeups, batch, run, how, Some(&plan), None);
    run_timed(wakeups, run, info, buf)
}

fn run_timed(
    wakeups: &mut Wakeups<'_>,
    run: &JobInstance,
    info: RunInfo,
    buf: &mut FutureBuf,
) -> Option<(RunInfo, RunFuture)> {
    let result = match run.job.rules() {
        None => call(wakeups.engine(), run, &info, buf),
        Some(rules) => call_by_rules(wakeups.engine(), run, &info, rules, buf),
    };
    match result {
        CallResult::Future(future) => Some((info, future)),
        CallResult::Done(end) => {
            finish(wakeups, run, &info, end, None);
            None
        }
    }
}

/// Whether the clock is read when a due run begins.
fn is_timed(engine: &Engine, batch: &Batch, job: &JobCell) -> bool {
    engine.observers.is_enabled() || engine.sampling.is_timed(job, batch.jobs.len())
}

/// The path of most runs: the job has no rules, there is no observer, and no code needs the start instant.
fn run_untimed(
    wakeups: &mut Wakeups<'_>,
    batch: &Batch,
    run: &JobInstance,
    buf: &mut FutureBuf,
) -> Option<(RunInfo, RunFuture)> {
    let info = run.job.begin_untimed(batch.offered);
    cancel_if_batch_is_cancelled(batch, run);
    let end = match call(wakeups.engine(), run, &info, buf) {
        CallResult::Future(future) => return Some((info, future)),
        CallResult::Done(end) => end,
    };
    if matches!(end, RunEnd::Finished) {
        // Nothing to drop. The compiler does not see that.
        std::mem::forget(end);
        run.job.note_success();
        release(wakeups, run, false, None);
    } else {
        finish(wakeups, run, &info, end, None);
    }
    None
}

/// Begins a blocking run, if its offer still holds, and makes the first attempt.
pub(crate) fn begin_blocking(
    engine: &Arc<Engine>,
    batch: &Batch,
    run: &JobInstance,
) -> Option<(RunInfo, RunEnd, Option<Backoff>)> {
    let mut wakeups = Wakeups::new(engine);
    let plan = if run.job.has_calendar() {
        Some(plan(&mut wakeups, batch, run)?)
    } else {
        None
    };
    let Some(how) = run.state().begin(batch.offer_id) else {
        withdraw(&mut wakeups, batch.offer_id, run);
        return None;
    };
    let info = begin(&mut wakeups, batch, run, how, plan.as_ref(), None);
    let end = attempt(engine, run, &info, &mut None).into_end();
    let backoffs = run.job.rules().and_then(|rules| rules.backoffs.as_ref());
    let backoffs = backoffs.filter(|_| end.is_failure());
    match backoffs.map(|backoffs| enter(run.run_key(), || catch(&**backoffs))) {
        Some(Ok(backoff)) => Some((info, end, Some(backoff))),
        Some(Err(payload)) => Some((info, backoff_panicked(end, payload), None)),
        None => Some((info, end, None)),
    }
}

/// Begins the run of a batch that the holder of a `Ticks` does, if its offer still holds.
pub(crate) fn begin_tick(engine: &Arc<Engine>, batch: &Batch) -> Option<RunInfo> {
    let mut wakeups = Wakeups::new(engine);
    let run = &batch.jobs[0];
    let plan = if run.job.has_calendar() {
        Some(plan(&mut wakeups, batch, run)?)
    } else {
        None
    };
    // The holder may come long after the offer. Meanwhile another interval may have moved the run.
    let now = engine.now();
    let is_due = run.job.due() <= now;
    let begun = is_due.then(|| run.state().begin(batch.offer_id)).flatten();
    let Some(how) = begun else {
        withdraw(&mut wakeups, batch.offer_id, run);
        return None;
    };
    Some(begin(&mut wakeups, batch, run, how, plan.as_ref(), Some(now)))
}

/// `plan` is `None` if the job has an interval. `now` is the present time, if the caller has read the clock.
fn begin(
    wakeups: &mut Wakeups<'_>,
    batch: &Batch,
    run: &JobInstance,
    how: Begin,
    plan: Option<&Plan>,
    now: Option<Time>,
) -> RunInfo {
    let engine = wakeups.engine();
    let job = &run.job;
    let triggered = run.take_jobs_trigger() || how == Begin::Triggered;
    let is_timed = triggered || is_timed(engine, batch, job);
    let started = is_timed.then(|| now.unwrap_or_else(|| engine.now()));
    if let Some(started) = started.filter(|_| triggered) {
        note_triggered_run(engine, run, batch.offer_id, started);
    }
    let triggered = triggered && !started.is_some_and(|started| job.owes_a_run_at_the_end(started));
    let mut info = match plan {
        Some(Plan::Run(planned)) if !triggered => begin_slot(engine, run, planned, started),
        // A run that is not planned was triggered.
        Some(_) => job.begin(Begin::Triggered, started, batch.offered, batch.grid),
        None => {
            let how = if triggered { Begin::Triggered } else { Begin::Due };
            job.begin(how, started, batch.offered, batch.grid)
        }
    };
    run.note_run(info.number);
    cancel_if_batch_is_cancelled(batch, run);
    let clock_stepped_back = started.is_some_and(|started| started < batch.offered);
    if let Some(started) = started.filter(|_| !clock_stepped_back) {
        info.clamp_to_start(started);
    }
    if let Some(started) = started.filter(|_| triggered && run.state().load().is_changed()) {
        // A due run has applied the interval when it advanced the schedule. The end of this run may never come.
        job.adopt_interval(started);
    }
    if triggered || clock_stepped_back || plan.is_some() {
        // The next scheduled time differs from the time that the offer put into the agenda.
        wakeups.reschedule(job);
    }
    if let Some(started) = started {
        let told = plan.map_or(0, Plan::told);
        announce(engine, job, batch.offer_id, &mut info, started, told);
    }
    info
}

/// Notes that a triggered run has begun. Call before the run is counted: a job with several runs at a time gets no
/// other offer until then.
fn note_triggered_run(engine: &Arc<Engine>, run: &JobInstance, offer_id: OfferId, started: Time) {
    let is_last_run = lock(&engine.core).note_triggered_run(&run.job, offer_id, started);
    if is_last_run {
        engine.last_run_begun(run, offer_id);
    }
}

/// Cancels the run if its batch is cancelled. A cancellation before the run began has not reached the run.
fn cancel_if_batch_is_cancelled(batch: &Batch, run: &JobInstance) {
    if batch.is_cancelled() {
        run.state().cancel(batch.offer_id);
    }
}

/// Reports that a run has begun, how late it is, and how many runs were missed, beside those that were told of before.
fn announce(engine: &Engine, job: &Arc<JobCell>, offer_id: OfferId, info: &mut RunInfo, started: Time, told: u64) {
    job.note_start(started);
    let missed = info.missed.saturating_sub(told);
    if missed > 0 {
        job.note_failure(&EventKind::Missed(missed));
    }
    let reported = &job.config.reported;
    if !engine.observers.is_enabled() {
        reported.forget(job.id);
        return;
    }
    let lateness = started.since(info.due);
    let by = Duration::from(lateness);
    let is_late = by > engine.resolution.saturating_mul(2);
    let reports_lateness = reported.begins(job.id, is_late.then_some(lateness));
    info.enter_span(job.name(), lateness, &engine.clock);
    let emit = |kind| engine.emit(job, offer_id, Some(info), started, kind);
    quietly(|| {
        info.span.in_scope(|| {
            if missed > 0 {
                emit(EventKind::Missed(missed));
            }
            if reports_lateness {
                emit(EventKind::Late(by));
            }
            emit(EventKind::Started);
        });
    });
}
