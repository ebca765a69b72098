//! Notes which runs hold the thread of the executor: no other task has a turn on a thread during a call or a poll.

use crate::engine::Engine;
use crate::job::cell::JobInstance;
use crate::job::event_kind::EventKind;
use crate::job::run::RunInfo;
use crate::time::{Span, Time};
use crate::unwind::quietly;

/// A run that holds its thread for longer at one go is counted and told.
const TOO_LONG: Span = Span::from_nanos(10_000_000);

/// A job that holds its thread for longer at one go is known for it. `workers_wanted` then wants a second worker.
const LONG: Span = Span::from_nanos(2_000_000);

/// Notes that a measured run has held its thread from `since` until now, in a call or a poll. Call before any other
/// thread may end the run.
pub(crate) fn note_held_since(engine: &Engine, run: &JobInstance, info: &RunInfo, since: Time) {
    note_held(engine, run, info, since, engine.now());
}

/// Like `note_held_since`, for a caller who has read the clock.
pub(crate) fn note_held(engine: &Engine, run: &JobInstance, info: &RunInfo, since: Time, now: Time) {
    let held = now.since(since);
    if held > LONG {
        note_hold(engine, run, info, held, now);
    }
}

#[cold]
fn note_hold(engine: &Engine, run: &JobInstance, info: &RunInfo, held: Span, now: Time) {
    let job = &run.job;
    job.state.note_holder();
    if held <= TOO_LONG {
        return;
    }
    let is_new = run.state().note_held_thread();
    let told_at = engine.observers.is_enabled().then_some(now);
    if is_new {
        engine.observers.count_held_thread(job.name());
    }
    if job.config.note_held_thread(job.id, is_new, told_at) {
        let (_, offer_id) = run.run_key();
        let kind = EventKind::HeldThread(held.into());
        let emit = || engine.emit(job, offer_id, Some(info), now, kind);
        quietly(|| info.span.in_scope(emit));
    }
}
