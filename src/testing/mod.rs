//! For tests: a runtime whose time is moved by the test, and a suite that checks runtimes.
//!
//! [`VirtualTime`] tests jobs, and whatever else is built on a scheduler, without sleeping. The
//! [conformance suite](mod@conformance) tests adapters for executors.

pub mod conformance;
mod virtual_time;

pub use conformance::conformance;
pub use virtual_time::VirtualTime;
