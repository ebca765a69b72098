//! Who waits to be told that a run should end.

use std::collections::HashMap;
use std::task::Waker;

use crate::job::id::JobId;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::unwind::{lock, quietly};

#[derive(Default)]
pub(crate) struct Waiters {
    /// So that nobody pays for waiters that aren't there.
    count: AtomicUsize,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    waiting: HashMap<JobId, Vec<(Ear, Waker)>>,
    ears: u64,
}

/// Tells one waiter from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ear(u64);

impl Waiters {
    /// Keeps `waker` until the job is told something. The caller looks at the job again after this.
    pub(crate) fn listen(&self, job: JobId, ear: &mut Option<Ear>, waker: &Waker) {
        let mut waker = waker.clone();
        let mut jobs = lock(&self.jobs);
        let ear = *ear.get_or_insert_with(|| {
            jobs.ears += 1;
            Ear(jobs.ears)
        });
        let listening = jobs.waiting.entry(job).or_default();
        match listening.iter_mut().find(|(other, _)| *other == ear) {
            Some((_, old)) => std::mem::swap(old, &mut waker),
            None => {
                listening.push((ear, waker));
                self.count.fetch_add(1, Ordering::SeqCst);
                return;
            }
        }
        drop(jobs);
        drop(waker);
    }

    pub(crate) fn leave(&self, job: JobId, ear: Ear) {
        let mut jobs = lock(&self.jobs);
        let Some(listening) = jobs.waiting.get_mut(&job) else {
            return;
        };
        let place = listening.iter().position(|(other, _)| *other == ear);
        let left = place.map(|place| listening.swap_remove(place));
        if listening.is_empty() {
            jobs.waiting.remove(&job);
        }
        drop(jobs);
        if left.is_some() {
            self.count.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Wakes those that wait for a run of `job`.
    pub(crate) fn wake(&self, job: JobId) {
        if self.count.load(Ordering::SeqCst) > 0 {
            self.wake_those_there_are(job);
        }
    }

    #[cold]
    fn wake_those_there_are(&self, job: JobId) {
        let woken = lock(&self.jobs).waiting.remove(&job).unwrap_or_default();
        self.count.fetch_sub(woken.len(), Ordering::SeqCst);
        for (_, waker) in woken {
            // A panic here would keep the others asleep, and a stop that waits for the run.
            quietly(|| waker.wake());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(waiters: &Waiters) -> (usize, usize) {
        (waiters.count.load(Ordering::SeqCst), lock(&waiters.jobs).waiting.len())
    }

    #[test]
    fn whoever_has_left_or_was_woken_is_forgotten() {
        let waiters = Waiters::default();
        let (job, mut ears) = (JobId::next(), [None, None]);
        for ear in &mut ears {
            waiters.listen(job, ear, Waker::noop());
            waiters.listen(job, ear, Waker::noop());
        }
        assert_eq!(counts(&waiters), (2, 1));
        let [first, second] = ears.map(Option::unwrap);
        waiters.leave(job, first);
        waiters.leave(job, first);
        assert_eq!(counts(&waiters), (1, 1));
        waiters.leave(job, second);
        assert_eq!(counts(&waiters), (0, 0));
        waiters.listen(job, &mut Some(first), Waker::noop());
        waiters.wake(job);
        waiters.leave(job, first);
        assert_eq!(counts(&waiters), (0, 0));
    }
}
