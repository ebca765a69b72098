//! Calls the target of a run, and catches the target's panics. Panics of a run's future are caught in `poller.rs`
//! (polls) and in `finish.rs` (the drop).

use std::sync::Arc;

use crate::engine::Engine;
use crate::exec::retry::Attempts;
use crate::exec::time_limit::TimeLimit;
use crate::job::attempt::AttemptLimit;
use crate::job::cell::JobInstance;
use crate::job::current_run::{enter, enter_call};
use crate::job::rules::Rules;
use crate::job::run::{RunContext, RunInfo};
use crate::job::run_end::RunEnd;
use crate::job::target::{CallResult, FutureBuf};
use crate::time::Time;
use crate::unwind::{catch, quietly};

/// Calls the target. A panic of the target becomes the end of the run.
pub(crate) fn call(engine: &Engine, run: &JobInstance, info: &RunInfo, buf: &mut FutureBuf) -> CallResult {
    enter_call(run.run_key(), || call_enclosed(engine, run, info, None, buf))
}

/// Makes an attempt of a run: calls the target, and limits the attempt if the job has a limit.
pub(crate) fn attempt(engine: &Arc<Engine>, run: &JobInstance, info: &RunInfo, buf: &mut FutureBuf) -> CallResult {
    enter_call(run.run_key(), || attempt_enclosed(engine, run, info, buf))
}

/// Like `attempt`, inside a poll of the run.
pub(crate) fn attempt_enclosed(
    engine: &Arc<Engine>,
    run: &JobInstance,
    info: &RunInfo,
    buf: &mut FutureBuf,
) -> CallResult {
    let Some(length) = run.job.rules().and_then(|rules| rules.attempt_limit) else {
        return call_enclosed(engine, run, info, None, buf);
    };
    let limit = Arc::new(AttemptLimit::new(length, engine.now()));
    match call_enclosed(engine, run, info, Some(&limit), buf) {
        CallResult::Done(end) => CallResult::Done(limit.judge(end, engine.now())),
        CallResult::Future(future) => CallResult::Future(Box::pin(TimeLimit::of_attempt(engine, limit, future))),
    }
}

fn call_enclosed(
    engine: &Engine,
    run: &JobInstance,
    info: &RunInfo,
    attempt: Option<&Arc<AttemptLimit>>,
    buf: &mut FutureBuf,
) -> CallResult {
    let context = RunContext {
        clock: &engine.clock,
        run,
        info,
        attempt,
    };
    let called = catch(|| info.span.in_scope(|| run.job.call(&context, buf)));
    called.unwrap_or_else(|payload| CallResult::Done(RunEnd::Panicked(payload)))
}

/// Calls the target of a job with rules. Further attempts and the time limit are futures that wrap the run's future.
pub(crate) fn call_by_rules(
    engine: &Arc<Engine>,
    run: &JobInstance,
    info: &RunInfo,
    rules: &Rules,
    buf: &mut FutureBuf,
) -> CallResult {
    let mut result = attempt(engine, run, info, buf);
    if let Some(backoffs) = rules.backoffs.as_ref().filter(|_| result.may_fail()) {
        result = match enter(run.run_key(), || catch(&**backoffs)) {
            Ok(backoff) => CallResult::Future(Box::pin(Attempts::after(engine, run, info, result, backoff))),
            Err(payload) => {
                enter(run.run_key(), || quietly(|| info.span.in_scope(|| drop(result))));
                CallResult::Done(RunEnd::Panicked(payload))
            }
        };
    }
    match (result, run.job.time_limit(info)) {
        (CallResult::Future(future), limit) if limit != Time::NEVER => {
            CallResult::Future(Box::pin(TimeLimit::new(engine, limit, future)))
        }
        (result, _) => result,
    }
}
