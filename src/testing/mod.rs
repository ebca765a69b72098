//! For tests: a runtime with a clock that the test moves, and test suites for adapters and ledgers.
//!
//! With [`VirtualTime`], a program tests its jobs without sleeping. The [conformance suite](mod@conformance) tests
//! adapters for executors, and [`ledger_conformance`](mod@ledger_conformance) tests ledgers.

pub mod conformance;
pub mod ledger_conformance;
mod virtual_time;

pub use conformance::conformance;
pub use ledger_conformance::ledger_conformance;
pub use virtual_time::VirtualTime;
