//! The types that users hold: the scheduler, builders, options, overlap policies and stops.

pub(crate) mod calendar_options;
pub(crate) mod job_builder;
pub(crate) mod job_control;
pub(crate) mod job_guard;
pub(crate) mod options;
pub(crate) mod overlap;
pub(crate) mod parker;
pub(crate) mod run_options;
pub(crate) mod schedule;
pub(crate) mod scheduler;
pub(crate) mod stop;
pub(crate) mod stop_scope;
pub(crate) mod stopping;
