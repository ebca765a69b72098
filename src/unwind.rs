//! Panics of user code are caught and never escape.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

/// Calls user code and catches its panic.
///
/// Asserting unwind safety is right here: a panic can only leave the user's own state half-done, and a panicked job
/// runs again.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(call))
}

/// Calls user code whose panic has no receiver, such as a destructor. Returns whether the call ended without a panic.
pub(crate) fn quietly(call: impl FnOnce()) -> bool {
    catch(call).map_err(discard).is_ok()
}

/// Drops a panic's payload, whose own destructor may panic.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(payload) = catch(|| drop(payload)) {
        // The drop of the payload panicked with another payload, whose drop could panic again. Leak the second payload.
        std::mem::forget(payload);
    }
}

/// A user's value, whose destructor may panic at any place of drop.
pub(crate) struct Guarded<T>(Option<T>);

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Guarded<T> {
        Guarded(Some(value))
    }
}

impl<T> std::ops::Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<T> std::ops::DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("it is there until it is dropped")
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        quietly(|| drop(self.0.take()));
    }
}

/// Locks the mutex even if a panic has poisoned it. No code here panics while it holds a lock, so the data is
/// consistent.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
