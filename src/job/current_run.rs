//! The runs that enclose the current call on this thread: the call of a target, or a hook. If user code waits for a
//! stop inside a run, the stop can't wait for the same run. Neither could end.

use std::cell::{Cell, RefCell};

use crate::job::id::{JobId, RunKey};
use crate::job::state::OfferId;
use crate::sync::thread_local;

thread_local! {
    static INNERMOST: Cell<Option<RunKey>> = const { Cell::new(None) };
}

// A run may call a hook on behalf of another run. The outer runs then stay on this stack.
thread_local! {
    static OUTER: RefCell<Vec<RunKey>> = const { RefCell::new(Vec::new()) };
}

// The run whose future this thread polls. If a run's future awaits a stop, the stop cancels the run. If a hook inside
// the poll blocks on a stop, the stop can't cancel the polled run.
thread_local! {
    static POLLED: Cell<Option<RunKey>> = const { Cell::new(None) };
}

// Whether this thread is inside a task of a scheduler. Such a task also calls code of the runtime.
thread_local! {
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

/// Polls or runs a task of a scheduler.
pub(crate) fn enter_task<T>(task: impl FnOnce() -> T) -> T {
    let _leave = LeaveTask(IN_TASK.with(|in_task| in_task.replace(true)));
    task()
}

struct LeaveTask(bool);

impl Drop for LeaveTask {
    fn drop(&mut self) {
        IN_TASK.with(|in_task| in_task.set(self.0));
    }
}

/// Calls `poll` for `run`. `poll` must not panic.
pub(crate) fn enter_poll<T>(run: RunKey, poll: impl FnOnce() -> T) -> T {
    let outer = POLLED.with(|polled| polled.replace(Some(run)));
    let result = poll();
    POLLED.with(|polled| polled.set(outer));
    result
}

/// Calls hooks on behalf of `run`. If this thread polls another run, the polled run counts as entered too.
pub(crate) fn enter_hook(run: RunKey, call: impl FnOnce()) {
    match POLLED.with(Cell::get) {
        Some(polled) if polled != run => enter(polled, || enter(run, call)),
        _ => enter(run, call),
    }
}

pub(crate) fn runs() -> Vec<RunKey> {
    if INNERMOST.with(Cell::get).is_none() {
        // There is no outer run either. While the thread ends, `OUTER` may be gone.
        return Vec::new();
    }
    let outer = OUTER.with(|runs| runs.borrow().clone());
    outer.into_iter().chain(INNERMOST.with(Cell::get)).collect()
}

/// Who calls the code on this thread.
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
    for (id, offer_id) in runs().into_iter().chain(POLLED.with(Cell::get)) {
        if id == job {
            return Caller::OwnRun;
        }
        latest = latest.max(Some(offer_id));
    }
    let in_task = IN_TASK.with(Cell::get).then_some(OfferId::LAST);
    latest.or(in_task).map_or(Caller::Outside, Caller::Scheduler)
}

/// Calls user code on behalf of `run`.
pub(crate) fn enter<T>(run: RunKey, call: impl FnOnce() -> T) -> T {
    let outer = INNERMOST.with(|innermost| innermost.replace(Some(run)));
    if let Some(outer) = outer {
        OUTER.with(|runs| runs.borrow_mut().push(outer));
    }
    let _leave = Leave { outer };
    call()
}

struct Leave {
    outer: Option<RunKey>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        INNERMOST.with(|innermost| innermost.set(self.outer));
        if self.outer.is_some() {
            OUTER.with(|runs| runs.borrow_mut().pop());
        }
    }
}
