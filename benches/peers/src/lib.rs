//! The same periodic work on `atevery` and on its alternatives: the cost, and the accuracy.
//!
//! Each measurement runs in a process of its own, so that memory and CPU time are those of one engine alone.

pub mod builds;
pub mod engines;
pub mod measure;
pub mod measurement;
pub mod plan;
pub mod plot;
pub mod probe;
pub mod process;
pub mod python;
pub mod report;
pub mod results;
pub mod table;
pub mod usage;
pub mod work;

pub type Error = Box<dyn std::error::Error + Send + Sync>;
