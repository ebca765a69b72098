//! Which runs this thread is inside of: in the call of a target, or in a hook. A stop that is waited for there can't wait for
//! those, which can't end before it.

use std::cell::{Cell, RefCell};

use crate::job::id::RunKey;
use crate::sync::thread_local;

thread_local! {
    static INNERMOST: Cell<Option<RunKey>> = const { Cell::new(None) };
}

// What a run does may call a hook on behalf of another.
thread_local! {
    static OUTER: RefCell<Vec<RunKey>> = const { RefCell::new(Vec::new()) };
}

// A stop that is awaited in a run's future cancels the run. One that is waited for in a hook, which what a poll does may call, can't.
thread_local! {
    static POLLED: Cell<Option<RunKey>> = const { Cell::new(None) };
}

/// Polls `run`, without panicking.
pub(crate) fn enter_poll<T>(run: RunKey, poll: impl FnOnce() -> T) -> T {
    let outer = POLLED.with(|polled| polled.replace(Some(run)));
    let result = poll();
    POLLED.with(|polled| polled.set(outer));
    result
}

/// Calls hooks on behalf of `run`, inside of whatever this thread polls.
pub(crate) fn enter_hook(run: RunKey, call: impl FnOnce()) {
    match POLLED.with(Cell::get) {
        Some(polled) if polled != run => enter(polled, || enter(run, call)),
        _ => enter(run, call),
    }
}

pub(crate) fn runs() -> Vec<RunKey> {
    let outer = OUTER.with(|runs| runs.borrow().clone());
    outer.into_iter().chain(INNERMOST.with(Cell::get)).collect()
}

/// Calls code of a user's on behalf of `run`.
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
