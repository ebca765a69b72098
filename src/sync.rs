//! The types for sharing state between threads. The core imports them from here, so that the models in `interleavings/`
//! can substitute the types of a model checker. Otherwise they are the types of std.

#[cfg(not(interleavings))]
pub(crate) use futures::task::AtomicWaker;
#[cfg(not(interleavings))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread_local,
};

/// Declares a value that the whole process shares, with the method `with_borrow_mut`. The closure that the method calls
/// takes no lock.
#[cfg(not(interleavings))]
macro_rules! process_wide {
    ($(#[$attribute:meta])* static $name:ident: $of:ty = const { $initial:expr };) => {
        $(#[$attribute])*
        static $name: crate::sync::ProcessWide<$of> = crate::sync::ProcessWide::new($initial);
    };
}
#[cfg(not(interleavings))]
pub(crate) use process_wide;

#[cfg(not(interleavings))]
pub(crate) struct ProcessWide<T>(Mutex<T>);

#[cfg(not(interleavings))]
impl<T> ProcessWide<T> {
    pub(crate) const fn new(initial: T) -> ProcessWide<T> {
        ProcessWide(Mutex::new(initial))
    }

    pub(crate) fn with_borrow_mut<R>(&self, call: impl FnOnce(&mut T) -> R) -> R {
        call(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Whether workers offer all due jobs, even if only a few are due. The model checkers cover both cases.
#[cfg(not(interleavings))]
pub(crate) const fn workers_offer_all() -> bool {
    false
}

#[cfg(interleavings)]
pub(crate) use self::checked::*;

#[cfg(interleavings)]
#[path = "../interleavings/sync.rs"]
mod checked;
