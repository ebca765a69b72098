//! Decides which jobs get a run now, and how many workers are wanted. Plain data, without a runtime, a lock or a clock.

pub(crate) mod batch;
pub(crate) mod core;
pub(crate) mod demand;
pub(crate) mod drain;
pub(crate) mod due;
pub(crate) mod groups;
pub(crate) mod job_table;
pub(crate) mod loop_waker;
pub(crate) mod offers;
pub(crate) mod queue;
pub(crate) mod session;
pub(crate) mod ticker;
pub(crate) mod triggered;
pub(crate) mod worker_state;
