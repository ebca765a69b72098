//! How many workers to spawn.
//!
//! Invariant: while batches are queued, at least one idle worker is runnable on some thread. An executor may keep a
//! task for the thread that spawned it. Tokio does so, in a slot from which no other thread takes a task. If that
//! thread is blocked, the task is stuck. A task that has spawned workers therefore yields before it does anything that
//! may block.

/// The most workers that are idle at a time. Given as many threads, this many jobs can block their threads before other
/// jobs have to wait.
pub(crate) const MOST_WORKERS: usize = 64;

/// If no worker is stuck, this many idle workers are enough. One takes a batch, and the other is ready if that batch
/// blocks its thread. A worker that has a batch is not idle, so the number of workers grows until all threads are busy.
/// More idle workers would cost more, because each spawn may wake a thread.
const ENOUGH: usize = 2;

/// The batches that need a worker, and the workers that are idle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    /// Batches in the queue.
    pub(crate) queued: usize,
    /// Batches that are due and have not been dispatched.
    pub(crate) undispatched: usize,
    /// Workers that are spawned or about to take a batch.
    pub(crate) idle: usize,
    pub(crate) urgency: Urgency,
    /// Whether the next batch is a single job that is known to hold its thread.
    pub(crate) holds_thread: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// A tick, or a worker that is about to take a batch. Further workers follow if needed.
    Steady,
    /// Workers may be stuck, or about to do something else. Each batch gets a worker.
    Behind,
    /// The caller is about to call code of a user, which may block the thread. One idle worker may be stuck behind the
    /// caller.
    MayBlock,
}

/// The number of workers to spawn.
///
/// If a job is known to hold its thread, two workers are wanted even if its batch is all there is. On Tokio, a thread
/// that sleeps does not look at the timers as long as another thread has that duty, and a single spawned task wakes no
/// other thread. The second task does. While the job holds its thread, the other thread serves the timers.
pub(crate) fn workers_wanted(demand: Demand) -> usize {
    let work = demand.queued + demand.undispatched;
    let wanted = match demand.urgency {
        Urgency::Steady => work.min(ENOUGH),
        Urgency::Behind => work.min(MOST_WORKERS),
        Urgency::MayBlock if work == 0 => 0,
        Urgency::MayBlock => (work + 1).min(MOST_WORKERS),
    };
    let wanted = if demand.holds_thread {
        wanted.max(ENOUGH)
    } else {
        wanted
    };
    wanted.saturating_sub(demand.idle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_workers_are_wanted_as_there_is_work_for() {
        use Urgency::{Behind, MayBlock, Steady};
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
        check(false, &table);
    }

    #[test]
    fn beside_a_batch_that_holds_its_thread_another_worker_is_wanted() {
        use Urgency::{Behind, MayBlock, Steady};
        let table = [
            (1, 0, 0, Steady, 2),
            (1, 0, 1, Steady, 1),
            (1, 0, 2, Steady, 0),
            (1, 1, 1, Steady, 1),
            (5, 5, 2, Steady, 0),
            (1, 0, 0, Behind, 2),
            (1, 0, 1, Behind, 1),
            (9, 1, 2, Behind, 8),
            (1, 0, 0, MayBlock, 2),
            (1_000, 0, 0, MayBlock, 64),
        ];
        check(true, &table);
    }

    /// Checks rows: queued, undispatched, idle, urgency => wanted.
    fn check(holds_thread: bool, table: &[(usize, usize, usize, Urgency, usize)]) {
        for &(queued, undispatched, idle, urgency, wanted) in table {
            let demand = Demand {
                queued,
                undispatched,
                idle,
                urgency,
                holds_thread,
            };
            assert_eq!(workers_wanted(demand), wanted, "{demand:?}");
        }
    }
}
