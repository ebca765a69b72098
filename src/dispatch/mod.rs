//! Which jobs get a run now, and which worker does it.

pub(crate) mod group;
pub(crate) mod job_table;
pub(crate) mod offers;
pub(crate) mod queue;
pub(crate) mod session;
