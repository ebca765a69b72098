//! How many workers are spawned.
//!
//! Invariant: while batches are queued, at least one idle worker is runnable on some thread. An executor may keep a task for
//! the thread that spawned it (Tokio does, in a slot from which no other thread takes anything), and there the task is stuck
//! as long as the thread is. So after a task has spawned workers, it yields before it does anything that may block.

/// The most workers that are idle at a time. So many jobs can block their threads before others have to wait, given as many
/// threads.
pub(crate) const MOST_WORKERS: usize = 64;

/// Where all goes well, so many idle workers are enough: one takes a batch, and the other is there if that batch blocks its
/// thread. A worker that has a batch is not idle, so there come to be as many workers as find a thread. Each spawn costs, and may
/// wake a thread.
const ENOUGH: usize = 2;

/// What there is to do, and who is there to do it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    /// Batches in the queue.
    pub(crate) queued: usize,
    /// Batches that are due and have not been dispatched.
    pub(crate) undispatched: usize,
    /// Workers that are spawned or about to take a batch.
    pub(crate) idle: usize,
    pub(crate) urgency: Urgency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// A tick, or a worker that is about to take a batch: further workers follow at need.
    Steady,
    /// Workers may be stuck, or have other things to do: a worker for each batch.
    Behind,
    /// The caller is about to call code of a user, which may block its thread, and one idle worker may be stuck behind it.
    MayBlock,
}

/// How many workers are to be spawned.
pub(crate) fn workers_wanted(demand: Demand) -> usize {
    let work = demand.queued + demand.undispatched;
    let wanted = match demand.urgency {
        Urgency::Steady => work.min(ENOUGH),
        Urgency::Behind => work.min(MOST_WORKERS),
        Urgency::MayBlock if work == 0 => 0,
        Urgency::MayBlock => (work + 1).min(MOST_WORKERS),
    };
    wanted.saturating_sub(demand.idle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_workers_are_wanted_as_there_is_work_for() {
        use Urgency::{Behind, MayBlock, Steady};
        // queued, undispatched, idle, urgency => wanted
        let table = [
            (0, 0, 0, Steady, 0),
            (0, 1, 0, Steady, 1),
            (1, 0, 0, Steady, 1),
            (0, 2, 0, Steady, 2),
            (5, 5, 0, Steady, 2),
            (5, 5, 1, Steady, 1),
            (5, 5, 2, Steady, 0),
            (5, 5, 9, Steady, 0),
            (0, 0, 0, Behind, 0),
            (1, 0, 0, Behind, 1),
            (1, 1, 0, Behind, 2),
            (1, 1, 2, Behind, 0),
            (9, 1, 2, Behind, 8),
            (0, 1_000, 0, Behind, 64),
            (0, 1_000, 4, Behind, 60),
            (0, 0, 0, MayBlock, 0),
            (1, 0, 0, MayBlock, 2),
            (1, 0, 1, MayBlock, 1),
            (0, 1, 2, MayBlock, 0),
            (1_000, 0, 0, MayBlock, 64),
        ];
        for (queued, undispatched, idle, urgency, wanted) in table {
            let demand = Demand {
                queued,
                undispatched,
                idle,
                urgency,
            };
            assert_eq!(workers_wanted(demand), wanted, "{demand:?}");
        }
    }
}
