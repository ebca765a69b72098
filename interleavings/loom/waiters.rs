//! Those who wait to be told that a run should end.

use std::sync::Arc;
use std::task::{Wake, Waker};

use super::{all, both, job};
use crate::job::cancel_listeners::Waiters;
use crate::job::cell::JobCell;
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

fn running() -> (Arc<Waiters>, Arc<JobCell>, OfferId) {
    let (job, offer_id) = (job(), OfferId::new(1));
    job.state.offer(offer_id);
    job.state.begin(offer_id);
    (Arc::default(), job, offer_id)
}

/// What `Run::cancelled` does, and what a stop does.
#[test]
fn who_listens_and_then_looks_hears_or_sees() {
    all(|| {
        let (waiters, job, offer_id) = running();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let (listener, its_job) = (Arc::clone(&waiters), Arc::clone(&job));
        let (seen, ()) = both(
            move || {
                let mut ear = None;
                listener.listen(its_job.id, &mut ear, &waker);
                its_job.state.load().is_cancelled()
            },
            || {
                job.state.cancel(offer_id);
                waiters.wake(job.id);
            },
        );
        assert!(seen || woken.times() == 1, "neither told nor woken");
    });
}

/// Likewise for a run that ends instead.
#[test]
fn who_listens_hears_of_the_end() {
    all(|| {
        let (waiters, job, _) = running();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let (listener, its_job) = (Arc::clone(&waiters), Arc::clone(&job));
        let (running, ()) = both(
            move || {
                listener.listen(its_job.id, &mut None, &waker);
                its_job.state.is_running()
            },
            || {
                job.state.end(None);
                waiters.wake(job.id);
            },
        );
        assert!(!running || woken.times() == 1, "neither told nor woken");
    });
}

/// A task that is polled anew has another waker; one that loses interest leaves.
#[test]
fn wakers_change_and_go_while_others_are_woken() {
    all(|| {
        let (waiters, job, offer_id) = running();
        let [stays, goes] = [(); 2].map(|()| Arc::new(Woken::default()));
        let (mut ear, mut leaving) = (None, None);
        waiters.listen(job.id, &mut ear, Waker::noop());
        waiters.listen(job.id, &mut leaving, &Waker::from(Arc::clone(&goes)));
        let (listener, its_job, waker) = (Arc::clone(&waiters), Arc::clone(&job), Waker::from(Arc::clone(&stays)));
        let (seen, ()) = both(
            move || {
                listener.leave(its_job.id, leaving.unwrap());
                listener.listen(its_job.id, &mut ear, &waker);
                its_job.state.load().is_cancelled()
            },
            || {
                job.state.cancel(offer_id);
                waiters.wake(job.id);
            },
        );
        assert!(seen || stays.times() == 1);
        assert!(goes.times() <= 1);
        // Nobody is counted who isn't there: all wakers have gone, or go now.
        waiters.wake(job.id);
        drop(waiters);
        assert_eq!((Arc::strong_count(&stays), Arc::strong_count(&goes)), (1, 1));
    });
}
