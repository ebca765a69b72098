//! Jobs that were due at one tick and share a worker.

use std::sync::Arc;

use crate::dispatch::demand::MOST_WORKERS;
use crate::job::cell::JobInstance;
use crate::job::id::JobId;
use crate::job::rules::CancelRun;
use crate::job::state::OfferId;
use crate::park::slot::RunSlot;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::{Grid, Time};
use crate::unwind::lock;

/// The most jobs in a batch. The jobs share a task until they are pending, so a job that blocks its thread delays at
/// most this many jobs.
const MOST_JOBS: usize = 64;

/// The size of a batch if `due` jobs are due together. Each job is a batch of its own, unless that makes too many
/// batches.
pub(crate) fn size(due: usize) -> usize {
    (due / MOST_WORKERS).clamp(1, MOST_JOBS)
}

/// The id and the time of an offer, and the grid of its session's ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfferedAt {
    pub(crate) offer_id: OfferId,
    pub(crate) now: Time,
    pub(crate) grid: Grid,
}

pub(crate) struct Batch {
    /// Batches are numbered in the order in which they are dispatched.
    pub(crate) number: u64,
    /// The key of the batch in the queue.
    pub(crate) key: usize,
    pub(crate) offer_id: OfferId,
    /// When the runs were offered.
    pub(crate) offered: Time,
    /// The ticks of the session in which the runs were offered.
    pub(crate) grid: Grid,
    pub(crate) jobs: Vec<JobInstance>,
    cancelled: AtomicBool,
    /// The pending runs, each with its job.
    pending: Mutex<Vec<(JobId, Arc<RunSlot>)>>,
    /// The blocking run of this batch, if it waits for its next attempt.
    paused: Mutex<Option<Arc<dyn CancelRun>>>,
    /// Whether the task of the batch was dropped while another thread was cancelling a run of the batch.
    abandoned: AtomicBool,
}

impl Batch {
    pub(crate) fn new(number: u64, key: usize, offered_at: OfferedAt, jobs: Vec<JobInstance>) -> Batch {
        Batch {
            number,
            key,
            offer_id: offered_at.offer_id,
            offered: offered_at.now,
            grid: offered_at.grid,
            jobs,
            cancelled: AtomicBool::new(false),
            pending: Mutex::default(),
            paused: Mutex::default(),
            abandoned: AtomicBool::new(false),
        }
    }

    /// Keeps a pending run of `job`, unless the batch has been cancelled. Returns whether the run was kept.
    pub(crate) fn add_pending(&self, job: JobId, run: &Arc<RunSlot>) -> bool {
        let mut pending = lock(&self.pending);
        let stays = !self.is_cancelled();
        if stays {
            if pending.is_empty() {
                // If one run of a batch is pending, most of its runs are.
                pending.reserve(self.jobs.len());
            }
            pending.push((job, Arc::clone(run)));
        }
        stays
    }

    /// Cancels the batch: from here on, no run of the batch may stay pending.
    pub(crate) fn cancel(&self) {
        let _pending = lock(&self.pending);
        self.cancelled.store(true, Ordering::SeqCst);
    }

    /// Takes one pending run, which the caller cancels. Runs are taken one by one, because a cancelled run may call a
    /// hook that cancels the others.
    pub(crate) fn take_pending(&self) -> Option<Arc<RunSlot>> {
        let mut pending = lock(&self.pending);
        (!pending.is_empty()).then(|| pending.remove(0).1)
    }

    /// Takes the pending run of `job`, which the caller cancels.
    pub(crate) fn take_pending_of(&self, job: JobId) -> Option<Arc<RunSlot>> {
        let mut pending = lock(&self.pending);
        let place = pending.iter().position(|(other, _)| *other == job)?;
        Some(pending.remove(place).1)
    }

    /// Forgets the pending runs, which have all ended.
    pub(crate) fn forget_pending(&self) {
        let pending = std::mem::take(&mut *lock(&self.pending));
        drop(pending);
    }

    /// Keeps a blocking run that waits for its next attempt.
    pub(crate) fn keep_paused(&self, run: Arc<dyn CancelRun>) {
        *lock(&self.paused) = Some(run);
    }

    /// Takes the blocking run that waits for its next attempt.
    pub(crate) fn take_paused(&self) -> Option<Arc<dyn CancelRun>> {
        lock(&self.paused).take()
    }

    /// Whether a run of the batch is in progress.
    pub(crate) fn is_running(&self) -> bool {
        self.jobs.iter().any(|job| job.state().is_running_under(self.offer_id))
    }

    /// Whether the batch is a single job that is known to hold its thread.
    pub(crate) fn holds_thread(&self) -> bool {
        matches!(&*self.jobs, [run] if run.job.state.load().holds_thread())
    }

    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
    }

    /// Whether the batch was abandoned and its last run has ended since.
    pub(crate) fn is_over(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst) && !self.is_running()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_jobs_have_a_batch_each_and_no_batch_is_large() {
        let table = [
            (1, 1),
            (64, 1),
            (127, 1),
            (128, 2),
            (640, 10),
            (4_096, 64),
            (1_000_000, 64),
        ];
        for (due, expected) in table {
            assert_eq!(size(due), expected, "{due} due");
        }
    }
}
