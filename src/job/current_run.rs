//! The runs that enclose the current call on this thread: the call of a target, the poll or the drop of a future, or a
//! hook. If user code waits for a stop inside a run, the stop can't wait for the same run. Neither could end.
//!
//! The thread-locals here have no destructor. User code may stop a scheduler while its thread ends, and these
//! thread-locals are then still there. On a platform that has destroyed them all the same, no run encloses the call.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::task::Waker;

use crate::job::id::{JobId, RunKey};
use crate::job::state::OfferId;
use crate::sync::thread_local;

#[derive(Clone, Copy)]
struct Enclosing {
    run: RunKey,
    /// If the call is a poll of the run's future: the data of the poll's waker.
    polled_with: Option<*const ()>,
}

thread_local! {
    static INNERMOST: Cell<Option<Enclosing>> = const { Cell::new(None) };
}

// A run may call a hook on behalf of another run, or poll a task of a scheduler. The outer runs then stay on this stack.
// An empty stack holds no memory.
thread_local! {
    static OUTER: ManuallyDrop<RefCell<Vec<Enclosing>>> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

// Whether this thread is inside a task of a scheduler. Such a task also calls code of the runtime.
thread_local! {
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

/// Polls or runs a task of a scheduler.
pub(crate) fn enter_task<T>(task: impl FnOnce() -> T) -> T {
    let _leave = Leave::to_outer(None);
    let outer = IN_TASK.try_with(|in_task| in_task.replace(true)).unwrap_or(false);
    let _leave_task = LeaveTask(outer);
    task()
}

struct LeaveTask(bool);

impl Drop for LeaveTask {
    fn drop(&mut self) {
        let _ = IN_TASK.try_with(|in_task| in_task.set(self.0));
    }
}

/// Calls the target of `run`. Call only in a task of a scheduler, and outside every run of this task. `call` must not
/// panic.
#[inline(always)]
pub(crate) fn enter_call<T>(run: RunKey, call: impl FnOnce() -> T) -> T {
    let polled_with = None;
    enclose_first(Enclosing { run, polled_with }, call)
}

/// Polls the future of `run` with `waker`. In the future's body, a stop may be awaited or may block the thread. The
/// rules of `enter_call` hold.
#[inline(always)]
pub(crate) fn enter_poll<T>(run: RunKey, waker: &Waker, poll: impl FnOnce() -> T) -> T {
    let polled_with = Some(waker.data());
    enclose_first(Enclosing { run, polled_with }, poll)
}

/// Calls user code on behalf of `run`, wherever the thread is.
pub(crate) fn enter<T>(run: RunKey, call: impl FnOnce() -> T) -> T {
    let polled_with = None;
    let _leave = Leave::to_outer(Some(Enclosing { run, polled_with }));
    call()
}

/// Who called the code that changes a job.
pub(crate) enum Caller {
    /// No scheduler.
    Outside,
    /// A scheduler, as the run with this offer id. If there is no run, as a run that is later than all others.
    Scheduler(OfferId),
    /// A run of the job.
    OwnRun,
}

/// Who calls the code on this thread, for code that changes `job`. A hook on behalf of a run counts as this run.
pub(crate) fn caller(job: JobId) -> Caller {
    let mut latest = None;
    for Enclosing {
        run: (id, offer_id), ..
    } in enclosing()
    {
        if id == job {
            return Caller::OwnRun;
        }
        latest = latest.max(Some(offer_id));
    }
    let in_task = IN_TASK.try_with(Cell::get).unwrap_or(false).then_some(OfferId::LAST);
    latest.or(in_task).map_or(Caller::Outside, Caller::Scheduler)
}

/// The runs that can't end before a stop returns that is polled here with `waker`.
///
/// A run that awaits the stop is not one of these runs: the stop cancels the run at this await. Code that blocks the
/// thread polls the stop with a waker of its own.
pub(crate) fn runs_blocked_until_ready(waker: &Waker) -> Vec<RunKey> {
    let mut enclosing = enclosing();
    if enclosing
        .last()
        .is_some_and(|innermost| innermost.polled_with == Some(waker.data()))
    {
        enclosing.pop();
    }
    enclosing.into_iter().map(|enclosing| enclosing.run).collect()
}

/// The innermost run is the last one.
fn enclosing() -> Vec<Enclosing> {
    let mut enclosing = OUTER.try_with(|outer| outer.borrow().clone()).unwrap_or_default();
    enclosing.extend(INNERMOST.try_with(Cell::get).ok().flatten());
    enclosing
}

/// Most runs of user code pass here, once or twice. So nothing is saved or restored: `enter_task` did that.
#[inline(always)]
fn enclose_first<T>(run: Enclosing, call: impl FnOnce() -> T) -> T {
    let _ = INNERMOST.try_with(|innermost| {
        debug_assert!(innermost.get().is_none());
        innermost.set(Some(run));
    });
    let result = call();
    let _ = INNERMOST.try_with(|innermost| innermost.set(None));
    result
}

/// Makes the outer run the innermost run again.
struct Leave {
    has_outer: bool,
}

impl Leave {
    fn to_outer(inner: Option<Enclosing>) -> Leave {
        let outer = INNERMOST.try_with(|innermost| innermost.replace(inner)).ok().flatten();
        Leave {
            has_outer: outer.is_some_and(keep_outer),
        }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        let outer = if self.has_outer { take_outer() } else { None };
        let _ = INNERMOST.try_with(|innermost| innermost.set(outer));
    }
}

#[cold]
fn keep_outer(outer: Enclosing) -> bool {
    OUTER.try_with(|stack| stack.borrow_mut().push(outer)).is_ok()
}

#[cold]
fn take_outer() -> Option<Enclosing> {
    OUTER.try_with(|stack| pop(&mut stack.borrow_mut())).ok().flatten()
}

fn pop(stack: &mut Vec<Enclosing>) -> Option<Enclosing> {
    let outer = stack.pop();
    if stack.is_empty() {
        *stack = Vec::new();
    }
    outer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> [RunKey; 3] {
        [1, 2, 3].map(|offer| (JobId::next(), OfferId::new(offer)))
    }

    fn enclosing_keys() -> Vec<RunKey> {
        enclosing().into_iter().map(|enclosing| enclosing.run).collect()
    }

    #[test]
    fn a_hook_and_a_nested_task_add_to_the_runs_that_enclose_the_call() {
        let [outer, hook, nested] = keys();
        enter_task(|| {
            enter_call(outer, || {
                enter(hook, || {
                    enter_task(|| {
                        assert_eq!(enclosing_keys(), [outer, hook]);
                        enter_call(nested, || assert_eq!(enclosing_keys(), [outer, hook, nested]));
                        assert_eq!(enclosing_keys(), [outer, hook]);
                    });
                    assert_eq!(enclosing_keys(), [outer, hook]);
                });
                assert_eq!(enclosing_keys(), [outer]);
            });
            assert_eq!(enclosing_keys(), []);
        });
        assert_eq!(OUTER.with(|outer| outer.borrow().capacity()), 0);
    }

    #[test]
    fn a_stop_in_a_poll_is_blocked_by_the_outer_runs_and_by_the_polled_run_only_if_it_blocks_the_thread() {
        let [outer, polled, _] = keys();
        let waker = std::task::Waker::from(std::sync::Arc::new(Nobody));
        enter_task(|| {
            enter_call(outer, || {
                enter_task(|| {
                    enter_poll(polled, &waker, || {
                        assert_eq!(runs_blocked_until_ready(&waker), [outer]);
                        assert_eq!(runs_blocked_until_ready(Waker::noop()), [outer, polled]);
                    });
                });
            });
        });
    }

    #[test]
    fn a_caller_is_the_own_run_or_the_latest_run_or_a_task_or_nobody() {
        let [early, late, other] = keys();
        let is_scheduler = |id, offer| matches!(caller(id), Caller::Scheduler(by) if by == offer);
        assert!(matches!(caller(early.0), Caller::Outside));
        enter_task(|| {
            assert!(is_scheduler(early.0, OfferId::LAST));
            enter_call(late, || {
                enter(early, || {
                    assert!(matches!(caller(early.0), Caller::OwnRun));
                    assert!(matches!(caller(late.0), Caller::OwnRun));
                    assert!(is_scheduler(other.0, late.1));
                });
            });
        });
        assert!(matches!(caller(early.0), Caller::Outside));
    }

    struct Nobody;

    impl std::task::Wake for Nobody {
        fn wake(self: std::sync::Arc<Self>) {}
    }
}
