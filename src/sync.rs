//! What threads share. The core takes it from here, so that the proofs in `interleavings/` can put a model checker's in its
//! place; else it is std's.

#[cfg(not(interleavings))]
pub(crate) use futures::task::AtomicWaker;
#[cfg(not(interleavings))]
pub(crate) use std::{
    sync::{Mutex, MutexGuard, atomic},
    thread, thread_local,
};

/// Whether workers offer what is due even where it is little: the checkers look at both ways.
#[cfg(not(interleavings))]
pub(crate) const fn workers_offer_all() -> bool {
    false
}

#[cfg(interleavings)]
pub(crate) use self::checked::*;

#[cfg(interleavings)]
#[path = "../interleavings/sync.rs"]
mod checked;
