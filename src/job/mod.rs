//! A job and its runs: the state word, the cell, the target, the rules and the handle.

pub(crate) mod attempt;
pub(crate) mod cancel_listeners;
pub(crate) mod cancelled;
pub(crate) mod cell;
pub(crate) mod config;
pub(crate) mod current_run;
pub(crate) mod due;
pub(crate) mod event_kind;
pub(crate) mod failures;
pub(crate) mod group_name;
pub(crate) mod handle;
pub(crate) mod id;
pub(crate) mod instance;
pub(crate) mod permits;
pub(crate) mod prefetch;
pub(crate) mod reported;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod run_end;
pub(crate) mod sampling;
pub(crate) mod span;
pub(crate) mod state;
pub(crate) mod state_target;
pub(crate) mod stats;
pub(crate) mod target;
