//! The attribute `#[every]`: what it registers, and the scheduler of the process.

pub(crate) mod background;
#[doc(hidden)]
pub mod private;
pub(crate) mod registry;
