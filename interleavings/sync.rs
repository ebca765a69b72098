//! Replaces std's locks, atomics and threads. The library's own tests (`loom/`) use the types of loom, the tests from
//! outside (`shuttle/`) those of shuttle.

use std::task::Waker;

#[cfg(test)]
pub(crate) use ::loom::{
    sync::{Condvar, Mutex, MutexGuard},
    thread,
};
#[cfg(not(test))]
pub(crate) use ::shuttle::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread_local,
};

/// Keeps the promises of `futures::task::AtomicWaker`, with a lock that the checkers know.
#[derive(Default)]
pub(crate) struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub(crate) fn register(&self, waker: &Waker) {
        let new = Some(waker.clone());
        let old = std::mem::replace(&mut *self.0.lock().unwrap(), new);
        drop(old);
    }

    pub(crate) fn take(&self) -> Option<Waker> {
        self.0.lock().unwrap().take()
    }

    pub(crate) fn wake(&self) {
        let waker = self.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Declares a value that the process shares. All threads of a model are on a single thread of the process, and a model
/// shares nothing with other models. No thread of a model is interrupted while it uses the value.
macro_rules! process_wide {
    ($(#[$attribute:meta])* static $name:ident: $of:ty = const { $initial:expr };) => {
        std::thread_local! { static $name: std::cell::RefCell<$of> = const { std::cell::RefCell::new($initial) }; }
    };
}
pub(crate) use process_wide;

/// Whether workers offer all due jobs, even if only a few are due.
#[cfg(test)]
pub(crate) mod offers {
    use std::cell::Cell;

    std::thread_local! {
        static BY_WORKERS: Cell<bool> = const { Cell::new(false) };
    }

    pub(crate) fn set_by_workers(by_workers: bool) {
        BY_WORKERS.set(by_workers);
    }

    pub(crate) fn workers_offer_all() -> bool {
        BY_WORKERS.get()
    }
}
#[cfg(test)]
pub(crate) use offers::workers_offer_all;

/// Either case, at random.
#[cfg(not(test))]
pub(crate) fn workers_offer_all() -> bool {
    use shuttle::rand::Rng;

    shuttle::rand::thread_rng().gen_bool(0.5)
}

/// The macro of loom does not know `const`.
#[cfg(test)]
macro_rules! loom_local {
    (static $name:ident: $of:ty = const { $initial:expr };) => {
        ::loom::thread_local! { static $name: $of = $initial; }
    };
}
#[cfg(test)]
pub(crate) use loom_local as thread_local;

/// The atomics of loom, except for `SeqCst`. loom takes `SeqCst` for `AcqRel`, and would report faults that do not
/// exist.
///
/// Two threads each write one word, and then read the word of the other thread. They must not both read the old value,
/// which holds if all four accesses are `SeqCst`. A `SeqCst` access is modelled as an access with a fence: before it in
/// one model, after it in the other model. The first model finds a read that is not `SeqCst`, the second a write that
/// is not. A property that holds in both models needs no more than the standard promises.
#[cfg(test)]
pub(crate) mod atomic {
    use std::cell::Cell;

    use loom::sync::atomic::fence;

    pub(crate) use loom::sync::atomic::{AtomicI64, AtomicU32, Ordering};

    /// Whether the fence of a `SeqCst` access comes before or after the access.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Fence {
        Before,
        After,
    }

    // All threads of loom are on the one thread of the test, so a thread-local of std is shared by them.
    std::thread_local! {
        static FENCE: Cell<Fence> = const { Cell::new(Fence::Before) };
    }

    pub(crate) fn set_fence(place: Fence) {
        FENCE.set(place);
    }

    fn fenced<T>(ordering: Ordering, access: impl FnOnce() -> T) -> T {
        let fence_if = |place| {
            if ordering == Ordering::SeqCst && FENCE.get() == place {
                fence(Ordering::SeqCst);
            }
        };
        fence_if(Fence::Before);
        let result = access();
        fence_if(Fence::After);
        result
    }

    fn of_load(ordering: Ordering) -> Ordering {
        if ordering == Ordering::SeqCst {
            Ordering::Acquire
        } else {
            ordering
        }
    }

    fn of_store(ordering: Ordering) -> Ordering {
        if ordering == Ordering::SeqCst {
            Ordering::Release
        } else {
            ordering
        }
    }

    fn of_change(ordering: Ordering) -> Ordering {
        if ordering == Ordering::SeqCst {
            Ordering::AcqRel
        } else {
            ordering
        }
    }

    macro_rules! atomic {
        ($name:ident($value:ty): $($change:ident)*) => {
            #[derive(Debug, Default)]
            pub(crate) struct $name(loom::sync::atomic::$name);

            impl $name {
                #[allow(dead_code, reason = "some are made by default")]
                pub(crate) fn new(value: $value) -> Self {
                    $name(loom::sync::atomic::$name::new(value))
                }

                pub(crate) fn load(&self, ordering: Ordering) -> $value {
                    fenced(ordering, || self.0.load(of_load(ordering)))
                }

                #[allow(dead_code, reason = "not every atomic is stored to")]
                pub(crate) fn store(&self, value: $value, ordering: Ordering) {
                    fenced(ordering, || self.0.store(value, of_store(ordering)));
                }

                $(pub(crate) fn $change(&self, value: $value, ordering: Ordering) -> $value {
                    fenced(ordering, || self.0.$change(value, of_change(ordering)))
                })*
            }
        };
    }

    atomic!(AtomicBool(bool): swap);
    atomic!(AtomicUsize(usize): fetch_add fetch_sub);
    atomic!(AtomicU64(u64): fetch_add fetch_sub fetch_and fetch_or);

    impl AtomicU64 {
        /// Like std: a load, then exchanges until an exchange succeeds.
        pub(crate) fn fetch_update(
            &self,
            set: Ordering,
            fetch: Ordering,
            mut change: impl FnMut(u64) -> Option<u64>,
        ) -> Result<u64, u64> {
            let mut word = self.load(fetch);
            while let Some(next) = change(word) {
                let exchange = || self.0.compare_exchange(word, next, of_change(set), of_load(fetch));
                match fenced(set, exchange) {
                    Ok(word) => return Ok(word),
                    Err(other) => word = other,
                }
            }
            Err(word)
        }
    }
}
