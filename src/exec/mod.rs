//! The futures that an executor runs: the loop, the workers, and what a run does from its beginning to its end.

pub(crate) mod begin;
pub(crate) mod blocking;
pub(crate) mod call;
pub(crate) mod cancel;
pub(crate) mod driver;
pub(crate) mod executor_probe;
pub(crate) mod finish;
pub(crate) mod held_thread;
pub(crate) mod poller;
pub(crate) mod reaper;
pub(crate) mod retry;
pub(crate) mod slots;
pub(crate) mod ticks;
pub(crate) mod time_limit;
pub(crate) mod worker;
pub(crate) mod workers;
