//! Reports on jobs and runs: events, tracing, metrics and the status.

pub(crate) mod event;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
pub(crate) mod observers;
pub(crate) mod status;
pub(crate) mod stream;
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub mod trace;
