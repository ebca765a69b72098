//! Which run this thread is inside of: in the call of a target, or in a hook. A stop that is waited for there can't wait for
//! that run, which can't end before it.

use std::cell::Cell;

use crate::watch::RunKey;

thread_local! {
    static CURRENT: Cell<Option<RunKey>> = const { Cell::new(None) };
}

pub(crate) fn current() -> Option<RunKey> {
    CURRENT.get()
}

/// Calls code of a user's on behalf of `run`.
pub(crate) fn inside<T>(run: RunKey, call: impl FnOnce() -> T) -> T {
    let _restore = Restore(CURRENT.replace(Some(run)));
    call()
}

struct Restore(Option<RunKey>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}
