use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::ledger::{BoxFuture, Ledger};
use crate::testing::conformance::waiting;

/// A ledger under test, and its clock.
///
/// A ledger whose futures any thread can poll converts into a `Store`. Checks then wait for short leases in real time,
/// and checks that need another clock are skipped. If the clock can be set, pass a function:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::SystemTime;
///
/// use atevery::ledger::Memory;
/// use atevery::testing::ledger_conformance::Store;
///
/// fn on_a_clock() -> Store {
///     let time = Arc::new(Mutex::new(SystemTime::now()));
///     let clock = Arc::clone(&time);
///     let ledger = Memory::with_clock(move || *clock.lock().unwrap());
///     Store::new(ledger).clock(move |to| *time.lock().unwrap() = to)
/// }
/// # on_a_clock();
/// ```
pub struct Store {
    ledger: Arc<dyn Ledger>,
    set_clock: Option<Box<dyn Fn(SystemTime) + Send + Sync>>,
    block_on: Box<BlockOn>,
}

type BlockOn = dyn Fn(BoxFuture<'_, ()>) + Send + Sync;

impl Store {
    /// Creates a store on the system's clock. The clock of this process must agree with the store's within 0.4 s.
    pub fn new(ledger: impl Ledger) -> Store {
        Store {
            ledger: Arc::new(ledger),
            set_clock: None,
            block_on: Box::new(|future| waiting::finish("the ledger answers", future)),
        }
    }

    /// States how the store's clock is set. Checks call `set` with any time, later or earlier than the last one. The
    /// clock may go on from there, or stand still.
    pub fn clock(mut self, set: impl Fn(SystemTime) + Send + Sync + 'static) -> Store {
        self.set_clock = Some(Box::new(set));
        self
    }

    /// States how a future of the ledger is run to its end, for a ledger that needs the context of a runtime. Several
    /// threads call `block_on` at once. By default the thread polls the future when the future wakes it.
    pub fn block_on(mut self, block_on: impl Fn(BoxFuture<'_, ()>) + Send + Sync + 'static) -> Store {
        self.block_on = Box::new(block_on);
        self
    }

    pub(super) fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    pub(super) fn has_clock(&self) -> bool {
        self.set_clock.is_some()
    }

    pub(super) fn set_clock(&self, to: SystemTime) {
        if let Some(set) = &self.set_clock {
            set(to);
        }
    }

    pub(super) fn run<T: Send>(&self, future: BoxFuture<'_, T>) -> T {
        let mut output = None;
        let into = &mut output;
        (self.block_on)(Box::pin(async move { *into = Some(future.await) }));
        output.expect("`block_on` runs the future to its end")
    }
}

impl<L: Ledger> From<L> for Store {
    fn from(ledger: L) -> Store {
        Store::new(ledger)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("has_clock", &self.has_clock())
            .finish_non_exhaustive()
    }
}
