//! The attempts of a run, and the waits between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::play::Player;
use crate::trace::What;

/// The attempts of the last run of a job that has begun.
#[derive(Default)]
pub(super) struct Attempts {
    number: u64,
    begun: AtomicU64,
    waits: AtomicBool,
}

impl Player {
    /// An attempt of this run begins. Returns how many have begun before.
    pub(super) fn begin_attempt(&self, job: usize, number: u64) -> u64 {
        let mut all = self.0.attempts.lock().unwrap();
        let last = all.entry(job).or_default();
        if last.number != number || last.begun.load(Ordering::Relaxed) == 0 {
            *last = Arc::new(Attempts {
                number,
                ..Attempts::default()
            });
        }
        last.waits.store(false, Ordering::Relaxed);
        last.begun.fetch_add(1, Ordering::Relaxed)
    }

    /// The waits of the run of this job that has begun last.
    pub(super) fn backoff(&self, job: usize, waits: Vec<Duration>) -> Backoff {
        let attempts = Arc::clone(&self.0.attempts.lock().unwrap()[&job]);
        Backoff {
            player: self.clone(),
            job,
            waits: waits.into_iter(),
            attempts,
        }
    }
}

/// If the back-off is dropped while the run waits, the run was cancelled.
pub(super) struct Backoff {
    player: Player,
    job: usize,
    waits: std::vec::IntoIter<Duration>,
    attempts: Arc<Attempts>,
}

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = self.waits.next();
        self.attempts.waits.store(wait.is_some(), Ordering::Relaxed);
        wait
    }
}

impl Drop for Backoff {
    fn drop(&mut self) {
        if self.attempts.waits.load(Ordering::Relaxed) {
            let (job, number) = (self.job, self.attempts.number);
            self.player.note(What::Cancelled { job, number });
        }
    }
}
