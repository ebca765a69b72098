//! For tests: a runtime with a clock that the test moves, and a test suite for adapters.
//!
//! With [`VirtualTime`], a program tests its jobs without sleeping. The [conformance suite](mod@conformance) tests
//! adapters for executors.

pub mod conformance;
mod virtual_time;

pub use conformance::conformance;
pub use virtual_time::VirtualTime;
