//! The ledgers of this crate: the conformance suite, the suite itself on ledgers with a fault each, and what a
//! directory stands.

mod crash;
mod directory;
mod faulty;
mod suite;
mod support;

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use atevery::ledger::{Dir, Ledger, Memory};
use atevery::runtime::Timer;
use atevery::testing::ledger_conformance::Store;
use atevery::testing::{VirtualTime, ledger_conformance};

use support::InTemporary;

ledger_conformance!(memory, Memory::new());
ledger_conformance!(memory_on_a_clock, on_a_clock(Memory::with_clock));
ledger_conformance!(memory_on_virtual_time, on_virtual_time());
ledger_conformance!(shared, Arc::new(Memory::new()) as Arc<dyn Ledger>);
ledger_conformance!(dir, InTemporary::new("suite", Dir::new));
ledger_conformance!(
    dir_on_a_clock,
    on_a_clock(|clock| InTemporary::new("clock", |path| Dir::with_clock(path, clock)))
);

type Clock = Box<dyn Fn() -> SystemTime + Send + Sync>;

fn on_a_clock<L: Ledger>(ledger: impl FnOnce(Clock) -> L) -> Store {
    let time = Arc::new(Mutex::new(SystemTime::now()));
    let clock = Arc::clone(&time);
    let ledger = ledger(Box::new(move || *clock.lock().unwrap()));
    Store::new(ledger).clock(move |to| *time.lock().unwrap() = to)
}

/// The clock of virtual time is stepped by whole seconds.
fn on_virtual_time() -> Store {
    let time = VirtualTime::new();
    let clock = time.clone();
    let ledger = Memory::with_clock(move || clock.wall());
    Store::new(ledger).clock(move |to| {
        let step = match to.duration_since(time.wall()) {
            Ok(forward) => i64::try_from(forward.as_secs()).unwrap(),
            Err(back) => -i64::try_from(back.duration().as_secs()).unwrap(),
        };
        time.step_wall(step);
    })
}
