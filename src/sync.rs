//! The types for sharing state between threads. The core imports them from here, so that the models in `interleavings/`
//! can substitute the types of a model checker. Otherwise they are the types of std.

#[cfg(not(interleavings))]
pub(crate) use futures::task::AtomicWaker;
#[cfg(not(interleavings))]
pub(crate) use std::{
    sync::{Mutex, MutexGuard, atomic},
    thread, thread_local,
};

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
