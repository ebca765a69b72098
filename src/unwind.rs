//! No panic of a user's code escapes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

/// Calls code of a user's and catches its panic.
///
/// Asserting unwind safety is right here: what a panic may leave half-done is the user's own state, and a job that
/// panics runs again.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(call))
}

/// Calls code of a user's whose panic has nobody to tell, such as a destructor. True if it did not panic.
pub(crate) fn quietly(call: impl FnOnce()) -> bool {
    catch(call).map_err(discard).is_ok()
}

/// Drops a panic's payload, whose own destructor may panic.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(payload) = catch(|| drop(payload)) {
        // A payload that panics when it is dropped, with a payload that may do the same: leave that one be.
        std::mem::forget(payload);
    }
}

/// Something of a user's, whose destructor may panic wherever it comes to be dropped.
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

/// Locks whether or not a panic has poisoned the lock: nothing here panics while it holds one.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
