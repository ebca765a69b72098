//! Finishes runs.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::wakeups::Wakeups;
use crate::exec::held_thread::note_held;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::config::Host;
use crate::job::current_run::enter;
use crate::job::event_kind::EventKind;
use crate::job::rules::Rules;
use crate::job::run::RunInfo;
use crate::job::run_end::RunEnd;
use crate::job::state::{Deferred, OfferId};
use crate::job::target::{FutureBuf, RunFuture};
use crate::park::poller::Ready;
use crate::time::Time;
use crate::unwind::{catch, quietly};

/// Finishes a run whose future is ready, and returns the future's memory for the next future.
///
/// If the run was pending, `waited` is an instant shortly before its end. If no clock is read at the end of the run,
/// this instant stands for the end. The same holds for the functions below.
pub(crate) fn finish_ready(
    wakeups: &mut Wakeups<'_>,
    run: &JobInstance,
    info: &RunInfo,
    future: RunFuture,
    Ready { end, is_cleared }: Ready,
    waited: Option<Time>,
) -> FutureBuf {
    if is_cleared {
        finish(wakeups, run, info, end, waited);
        return Some(future);
    }
    finish_dropping(wakeups, run, info, future, end, waited);
    None
}

/// Drops the future of a run, and finishes the run.
pub(crate) fn finish_dropping(
    wakeups: &mut Wakeups<'_>,
    run: &JobInstance,
    info: &RunInfo,
    future: RunFuture,
    end: RunEnd,
    waited: Option<Time>,
) {
    let end = enter(run.run_key(), || {
        let dropped = catch(|| info.span.in_scope(|| drop(future)));
        end.after_drop(dropped)
    });
    finish(wakeups, run, info, end, waited);
}

/// Finishes a run that has no future any more.
pub(crate) fn finish(wakeups: &mut Wakeups<'_>, run: &JobInstance, info: &RunInfo, end: RunEnd, waited: Option<Time>) {
    if info.started.is_none() && matches!(end, RunEnd::Finished) {
        // The run is untimed, and no observer needs its end.
        run.job.note_success();
        return release(wakeups, run, false, waited);
    }
    let engine = wakeups.engine();
    let is_cancelled = matches!(end, RunEnd::Cancelled);
    let has_waited = waited.is_some();
    // No code of a user is called.
    let is_silent = matches!(end, RunEnd::Finished) && !engine.observers.is_enabled();
    let report = || report(engine, run, info, end, has_waited);
    let ended = if is_silent {
        report()
    } else {
        enter(run.run_key(), report)
    };
    if let Some(rules) = run.job.rules() {
        schedule_at_end(engine, run, rules, info, ended);
    }
    release(wakeups, run, is_cancelled, waited.map(|_| ended));
}

/// Moves the schedule of a job whose next run depends on the end of the run.
fn schedule_at_end(engine: &Engine, run: &JobInstance, rules: &Rules, info: &RunInfo, ended: Time) {
    let job = &run.job;
    if rules.fixed_delay && !run.state().load().has_chosen_next() {
        job.schedule_from_end(engine.now(), engine.resolution.into());
    }
    if rules.skips() && !job.state.load().is_paused() && engine.is_running() {
        // The time in which the job is paused or the scheduler is stopped does not count as missed.
        job.drop_due_during(&engine.clock, info.started.unwrap_or(ended), ended);
    }
}

/// Makes the job idle again.
#[inline]
pub(crate) fn release(wakeups: &mut Wakeups<'_>, run: &JobInstance, is_cancelled: bool, waited: Option<Time>) {
    let deferred = run.state().end(waited);
    let has_listeners = wakeups.engine().listeners.is_some();
    if !deferred.nothing() || run.job.rules().is_some() || has_listeners {
        after_release(wakeups, &run.job, deferred, is_cancelled);
    }
}

/// Not inlined, because most runs need none of these steps.
#[inline(never)]
fn after_release(wakeups: &mut Wakeups<'_>, job: &Arc<JobCell>, deferred: Deferred, is_cancelled: bool) {
    follow_deferred(wakeups, job, deferred);
    if let Some(rules) = job.rules() {
        follow_rules(wakeups, job, rules);
    }
    let engine = wakeups.engine();
    engine.listeners.wake(job.id);
    if deferred.watched() {
        engine.run_tracker.ended((job.id, deferred.offer_id()), is_cancelled);
    }
}

/// Does the work that was deferred to the end of the run.
fn follow_deferred(wakeups: &mut Wakeups<'_>, job: &Arc<JobCell>, deferred: Deferred) {
    if deferred.removed() {
        job.clear_removed();
        return;
    }
    if deferred.last() {
        wakeups.engine().retire(job);
        job.clear_removed();
        return;
    }
    if deferred.changed() && !deferred.has_chosen_next() {
        job.adopt_interval_at_end(wakeups.engine().now());
    }
    if deferred.due() {
        wakeups.reschedule(job);
    }
}

fn follow_rules(wakeups: &mut Wakeups<'_>, job: &Arc<JobCell>, rules: &Rules) {
    wakeups.release_permit(rules);
    let engine = wakeups.engine();
    let is_over = rules.are_over(job.runs(), job.next_start(engine.now())) || job.is_past_last_slot();
    if is_over && job.is_idle() {
        report_skipped(engine, job, rules);
        engine.retire(job);
    } else if rules.fixed_delay || rules.is_replacement_due() {
        wakeups.reschedule(job);
    }
}

/// Under `Overlap::Skip`, reports the runs that were dropped at the end of the last run. No later run does.
fn report_skipped(engine: &Engine, job: &Arc<JobCell>, rules: &Rules) {
    let skipped = rules.take_skipped();
    if skipped > 0 {
        let kind = EventKind::Missed(skipped);
        job.note_failure(&kind);
        quietly(|| engine.emit(job, OfferId::NONE, None, engine.now(), kind));
    }
}

/// Notes how a run has ended, and emits the event. Returns the instant of the end. If the run `has_waited`, the time in
/// which it held its thread was noted after each of its polls.
fn report(engine: &Engine, run: &JobInstance, info: &RunInfo, end: RunEnd, has_waited: bool) -> Time {
    let job = &run.job;
    let times = info.started.map(|started| (started, engine.now()));
    let mut kind = end.into_kind();
    let is_completed = matches!(kind, EventKind::Finished | EventKind::Failed(_));
    let is_too_long = |(started, ended)| job.is_too_long(started, ended) || run.is_told_time_is_up();
    if job.rules().is_some() && is_completed && times.is_some_and(is_too_long) {
        let late = std::mem::replace(&mut kind, EventKind::TimedOut);
        quietly(|| drop(late));
    }
    if let Some((started, ended)) = times {
        job.note_run(info, started, ended);
        if !has_waited && !job.is_blocking() {
            note_held(engine, run, info, started, ended);
        }
        job.state.note_measured_end();
    }
    match kind {
        EventKind::Finished => job.note_success(),
        _ => job.note_failure(&kind),
    }
    let ended = times.map_or_else(|| engine.now(), |(_, ended)| ended);
    if engine.observers.is_enabled() || !matches!(kind, EventKind::Finished) {
        let (_, offer_id) = run.run_key();
        let emit = || engine.emit(job, offer_id, Some(info), ended, kind);
        quietly(|| info.span.in_scope(emit));
    }
    ended
}

/// Reports a failed attempt that is followed by another attempt.
pub(crate) fn report_retry(engine: &Engine, run: &JobInstance, info: &RunInfo, end: RunEnd) {
    enter(run.run_key(), || {
        let failure = end.into_kind();
        let message = failure.error_text().unwrap_or_default();
        quietly(|| drop(failure));
        let kind = EventKind::Retried(message.into());
        run.job.note_failure(&kind);
        let (_, offer_id) = run.run_key();
        let emit = || engine.emit(&run.job, offer_id, Some(info), engine.now(), kind);
        quietly(|| info.span.in_scope(emit));
    });
}
