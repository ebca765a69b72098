//! The slots of pending runs: a slot for each run, and a set of slots for each worker.

pub(crate) mod poller;
pub(crate) mod pool;
pub(crate) mod set;
pub(crate) mod slot;
pub(crate) mod wake_queue;
