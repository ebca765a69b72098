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

// A run may call a hook on behalf of another run. The outer runs then stay on this stack. An empty stack holds no memory.
thread_local! {
    static OUTER: ManuallyDrop<RefCell<Vec<Enclosing>>> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

// Whether this thread is inside a task of a scheduler. Such a task also calls code of the runtime.
thread_local! {
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

/// Polls or runs a task of a scheduler.
pub(crate) fn enter_task<T>(task: impl FnOnce() -> T) -> T {
    let outer = IN_TASK.try_with(|in_task| in_task.replace(true)).unwrap_or(false);
    let _leave = LeaveTask(outer);
    task()
}

struct LeaveTask(bool);

impl Drop for LeaveTask {
    fn drop(&mut self) {
        let _ = IN_TASK.try_with(|in_task| in_task.set(self.0));
    }
}

/// Polls the future of `run` with `waker`. In the future's body, a stop may be awaited or may block the thread.
#[inline(always)]
pub(crate) fn enter_poll<T>(run: RunKey, waker: &Waker, poll: impl FnOnce() -> T) -> T {
    let polled_with = Some(waker.data());
    enclose(Enclosing { run, polled_with }, poll)
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

/// Calls user code on behalf of `run`.
#[inline(always)]
pub(crate) fn enter<T>(run: RunKey, call: impl FnOnce() -> T) -> T {
    let polled_with = None;
    enclose(Enclosing { run, polled_with }, call)
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
    let Ok(Some(innermost)) = INNERMOST.try_with(Cell::get) else {
        return Vec::new();
    };
    let mut enclosing = OUTER.try_with(|outer| outer.borrow().clone()).unwrap_or_default();
    enclosing.push(innermost);
    enclosing
}

#[inline(always)]
fn enclose<T>(innermost: Enclosing, call: impl FnOnce() -> T) -> T {
    let _leave = Leave {
        has_outer: INNERMOST.try_with(|cell| enter_inner(cell, innermost)).unwrap_or(false),
    };
    call()
}

/// Makes `innermost` the innermost run. Returns whether there is an outer run.
#[inline(always)]
fn enter_inner(cell: &Cell<Option<Enclosing>>, innermost: Enclosing) -> bool {
    let outer = cell.get();
    cell.set(Some(innermost));
    outer.is_some_and(keep_outer)
}

#[cold]
fn keep_outer(outer: Enclosing) -> bool {
    OUTER.try_with(|stack| stack.borrow_mut().push(outer)).is_ok()
}

/// Most runs have no outer run. Their way out writes one word.
struct Leave {
    has_outer: bool,
}

impl Drop for Leave {
    #[inline(always)]
    fn drop(&mut self) {
        let outer = if self.has_outer { take_outer() } else { None };
        let _ = INNERMOST.try_with(|innermost| innermost.set(outer));
    }
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
