//! The registry of the attribute `#[every]`, and the scheduler of the process.

pub(crate) mod background;
#[doc(hidden)]
pub mod private;
pub(crate) mod registry;
pub(crate) mod schedule;
