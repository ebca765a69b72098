//! The runs that enclose the current call on this thread: the call of a target, the poll or the drop of a future, or a
//! hook. If user code waits for a stop inside a run, the stop can't wait for the same run. Neither could end.
//!
//! The thread-locals here have no destructor. User code may stop a scheduler while its thread ends, and these
//! thread-locals are then still there. On a platform that has destroyed them all the same, no run encloses the call.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::task::Waker;

use crate::job::id::RunKey;
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

/// Polls the future of `run` with `waker`. In the future's body, a stop may be awaited or may block the thread.
pub(crate) fn enter_poll<T>(run: RunKey, waker: &Waker, poll: impl FnOnce() -> T) -> T {
    let polled_with = Some(waker.data());
    enclose(Enclosing { run, polled_with }, poll)
}

/// Calls user code on behalf of `run`.
pub(crate) fn enter<T>(run: RunKey, call: impl FnOnce() -> T) -> T {
    let polled_with = None;
    enclose(Enclosing { run, polled_with }, call)
}

/// The runs that can't end before a stop returns that is polled here with `waker`.
///
/// A run that awaits the stop is not one of these runs: the stop cancels the run at this await. Code that blocks the
/// thread polls the stop with a waker of its own.
pub(crate) fn runs_blocked_until_ready(waker: &Waker) -> Vec<RunKey> {
    let Ok(Some(innermost)) = INNERMOST.try_with(Cell::get) else {
        return Vec::new();
    };
    let outer = OUTER.try_with(|outer| outer.borrow().clone()).unwrap_or_default();
    let awaits = innermost.polled_with == Some(waker.data());
    let innermost = (!awaits).then_some(innermost);
    outer
        .into_iter()
        .chain(innermost)
        .map(|enclosing| enclosing.run)
        .collect()
}

fn enclose<T>(innermost: Enclosing, call: impl FnOnce() -> T) -> T {
    let outer = INNERMOST.try_with(|cell| cell.replace(Some(innermost))).ok().flatten();
    if let Some(outer) = outer {
        let _ = OUTER.try_with(|stack| stack.borrow_mut().push(outer));
    }
    let _leave = Leave { outer };
    call()
}

struct Leave {
    outer: Option<Enclosing>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let _ = INNERMOST.try_with(|innermost| innermost.set(self.outer));
        if self.outer.is_some() {
            let _ = OUTER.try_with(|stack| pop(&mut stack.borrow_mut()));
        }
    }
}

fn pop(stack: &mut Vec<Enclosing>) {
    stack.pop();
    if stack.is_empty() {
        *stack = Vec::new();
    }
}
