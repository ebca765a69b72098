//! The futures that an executor runs: the tick loop, the workers, and what a run does from its start to its end.

pub(crate) mod driver;
pub(crate) mod executor_probe;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod time_limit;
pub(crate) mod worker;
pub(crate) mod workers;
