//! Which runs this thread is inside of: in the call of a target, or in a hook. A stop that is waited for there can't wait for
//! those, which can't end before it.

use std::cell::{Cell, RefCell};

use crate::sync::thread_local;
use crate::watch::RunKey;

thread_local! {
    static INNERMOST: Cell<Option<RunKey>> = const { Cell::new(None) };
}

// What a run does may call a hook on behalf of another.
thread_local! {
    static OUTER: RefCell<Vec<RunKey>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn runs() -> Vec<RunKey> {
    let outer = OUTER.with(|runs| runs.borrow().clone());
    outer.into_iter().chain(INNERMOST.with(Cell::get)).collect()
}

/// Calls code of a user's on behalf of `run`.
pub(crate) fn inside<T>(run: RunKey, call: impl FnOnce() -> T) -> T {
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
