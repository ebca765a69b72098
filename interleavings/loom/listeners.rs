//! Tasks that wait until a run is told to end.

use std::sync::Arc;
use std::task::{Wake, Waker};

use super::{all, both, job};
use crate::job::cell::JobCell;
use crate::job::listeners::JobListeners;
use crate::job::state::OfferId;
use crate::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
struct Woken(AtomicU64);

impl Woken {
    fn times(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

fn running() -> (Arc<JobListeners>, Arc<JobCell>, OfferId) {
    let (job, offer_id) = (job(), OfferId::new(1));
    job.state.offer(offer_id);
    job.state.begin(offer_id);
    (Arc::default(), job, offer_id)
}

/// One thread does what `Run::cancelled` does, the other what a stop does.
#[test]
fn a_listener_is_woken_or_sees_the_cancellation() {
    all(|| {
        let (registry, job, offer_id) = running();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let (listeners, its_job) = (Arc::clone(&registry), Arc::clone(&job));
        let (seen, ()) = both(
            move || {
                let mut listener = None;
                listeners.register(its_job.id, &mut listener, &waker);
                its_job.state.load().is_cancelled()
            },
            || {
                job.state.cancel(offer_id);
                registry.wake(job.id);
            },
        );
        assert!(seen || woken.times() == 1, "neither told nor woken");
    });
}

/// The same for a run that ends instead.
#[test]
fn a_listener_is_woken_by_the_end() {
    all(|| {
        let (registry, job, _) = running();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let (listeners, its_job) = (Arc::clone(&registry), Arc::clone(&job));
        let (running, ()) = both(
            move || {
                listeners.register(its_job.id, &mut None, &waker);
                its_job.state.is_running()
            },
            || {
                job.state.end(None);
                registry.wake(job.id);
            },
        );
        assert!(!running || woken.times() == 1, "neither told nor woken");
    });
}

/// A task that is polled again registers another waker. A task that loses interest deregisters.
#[test]
fn wakers_change_and_go_while_others_are_woken() {
    all(|| {
        let (registry, job, offer_id) = running();
        let [stays, goes] = [(); 2].map(|()| Arc::new(Woken::default()));
        let (mut listener, mut leaving) = (None, None);
        registry.register(job.id, &mut listener, Waker::noop());
        registry.register(job.id, &mut leaving, &Waker::from(Arc::clone(&goes)));
        let (listeners, its_job, waker) = (Arc::clone(&registry), Arc::clone(&job), Waker::from(Arc::clone(&stays)));
        let (seen, ()) = both(
            move || {
                listeners.deregister(its_job.id, leaving.unwrap());
                listeners.register(its_job.id, &mut listener, &waker);
                its_job.state.load().is_cancelled()
            },
            || {
                job.state.cancel(offer_id);
                registry.wake(job.id);
            },
        );
        assert!(seen || stays.times() == 1);
        assert!(goes.times() <= 1);
        // No waker is left behind: all wakers are gone, or go now.
        registry.wake(job.id);
        drop(registry);
        assert_eq!((Arc::strong_count(&stays), Arc::strong_count(&goes)), (1, 1));
    });
}
