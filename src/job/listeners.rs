//! The tasks that wait for a change of a job: the cancellation or the end of a run, or the removal of the job.

use std::collections::HashMap;
use std::task::Waker;

use crate::job::id::JobId;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::unwind::{lock, quietly};

#[derive(Default)]
pub(crate) struct JobListeners {
    /// Number of registered wakers. Without listeners, a wake costs only the load of this counter, and no lock.
    count: AtomicUsize,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    waiting: HashMap<JobId, Vec<(ListenerId, Waker)>>,
    ids: u64,
}

/// Identifies a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListenerId(u64);

impl JobListeners {
    /// Keeps `waker` until the job changes. The caller must register first and then check the job's state. Otherwise
    /// the caller can miss a change.
    pub(crate) fn register(&self, job: JobId, listener: &mut Option<ListenerId>, waker: &Waker) {
        let mut waker = waker.clone();
        let mut jobs = lock(&self.jobs);
        let listener = *listener.get_or_insert_with(|| {
            jobs.ids += 1;
            ListenerId(jobs.ids)
        });
        let listeners = jobs.waiting.entry(job).or_default();
        match listeners.iter_mut().find(|(other, _)| *other == listener) {
            Some((_, old)) => std::mem::swap(old, &mut waker),
            None => {
                listeners.push((listener, waker));
                self.count.fetch_add(1, Ordering::SeqCst);
                return;
            }
        }
        drop(jobs);
        drop(waker);
    }

    pub(crate) fn deregister(&self, job: JobId, listener: ListenerId) {
        let mut jobs = lock(&self.jobs);
        let Some(listeners) = jobs.waiting.get_mut(&job) else {
            return;
        };
        let place = listeners.iter().position(|(other, _)| *other == listener);
        let left = place.map(|place| listeners.swap_remove(place));
        if listeners.is_empty() {
            jobs.waiting.remove(&job);
        }
        drop(jobs);
        if left.is_some() {
            self.count.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Whether there is a listener, of any job.
    pub(crate) fn is_some(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    /// Wakes the listeners of `job`.
    pub(crate) fn wake(&self, job: JobId) {
        if self.is_some() {
            self.wake_all_of(job);
        }
    }

    /// Wakes the listeners of all jobs.
    pub(crate) fn wake_all(&self) {
        let jobs: Vec<JobId> = lock(&self.jobs).waiting.keys().copied().collect();
        jobs.into_iter().for_each(|job| self.wake_all_of(job));
    }

    #[cold]
    fn wake_all_of(&self, job: JobId) {
        let woken = lock(&self.jobs).waiting.remove(&job).unwrap_or_default();
        self.count.fetch_sub(woken.len(), Ordering::SeqCst);
        for (_, waker) in woken {
            // A panic here would leave the other listeners asleep, and a stop that waits for the run too.
            quietly(|| waker.wake());
        }
    }
}

impl Drop for JobListeners {
    /// The scheduler is gone, and so are all its jobs.
    fn drop(&mut self) {
        self.wake_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(listeners: &JobListeners) -> (usize, usize) {
        (
            listeners.count.load(Ordering::SeqCst),
            lock(&listeners.jobs).waiting.len(),
        )
    }

    #[test]
    fn a_listener_that_left_or_was_woken_is_forgotten() {
        let listeners = JobListeners::default();
        let (job, mut ids) = (JobId::next(), [None, None]);
        for listener in &mut ids {
            listeners.register(job, listener, Waker::noop());
            listeners.register(job, listener, Waker::noop());
        }
        assert_eq!(counts(&listeners), (2, 1));
        let [first, second] = ids.map(Option::unwrap);
        listeners.deregister(job, first);
        listeners.deregister(job, first);
        assert_eq!(counts(&listeners), (1, 1));
        listeners.deregister(job, second);
        assert_eq!(counts(&listeners), (0, 0));
        listeners.register(job, &mut Some(first), Waker::noop());
        listeners.wake(job);
        listeners.deregister(job, first);
        assert_eq!(counts(&listeners), (0, 0));
    }
}
