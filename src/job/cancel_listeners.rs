//! The tasks that wait for the cancellation of a run.

use std::collections::HashMap;
use std::task::Waker;

use crate::job::id::JobId;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::unwind::{lock, quietly};

#[derive(Default)]
pub(crate) struct CancelListeners {
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

impl CancelListeners {
    /// Keeps `waker` until a run of the job is cancelled. The caller must register first and then check the job's
    /// state. Otherwise the caller can miss a cancellation.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(cancel_listeners: &CancelListeners) -> (usize, usize) {
        (
            cancel_listeners.count.load(Ordering::SeqCst),
            lock(&cancel_listeners.jobs).waiting.len(),
        )
    }

    #[test]
    fn a_listener_that_left_or_was_woken_is_forgotten() {
        let cancel_listeners = CancelListeners::default();
        let (job, mut ids) = (JobId::next(), [None, None]);
        for listener in &mut ids {
            cancel_listeners.register(job, listener, Waker::noop());
            cancel_listeners.register(job, listener, Waker::noop());
        }
        assert_eq!(counts(&cancel_listeners), (2, 1));
        let [first, second] = ids.map(Option::unwrap);
        cancel_listeners.deregister(job, first);
        cancel_listeners.deregister(job, first);
        assert_eq!(counts(&cancel_listeners), (1, 1));
        cancel_listeners.deregister(job, second);
        assert_eq!(counts(&cancel_listeners), (0, 0));
        cancel_listeners.register(job, &mut Some(first), Waker::noop());
        cancel_listeners.wake(job);
        cancel_listeners.deregister(job, first);
        assert_eq!(counts(&cancel_listeners), (0, 0));
    }
}
