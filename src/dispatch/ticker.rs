//! What a scheduler and the holder of a `Ticks` share. It is the body of the holder's job, so an offer finds it where it
//! has found the job.

use std::any::Any;
use std::sync::Arc;
use std::task::Waker;

use crate::dispatch::batch::Batch;
use crate::job::cell::JobCell;
use crate::job::run::RunContext;
use crate::job::run_end::RunEnd;
use crate::job::target::{Body, CallResult, FutureBuf};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{AtomicWaker, Mutex};
use crate::unwind::{lock, quietly};

#[derive(Default)]
pub(crate) struct Ticker {
    offers: Mutex<Offers>,
    is_over: AtomicBool,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Offers {
    /// The offered run, which the next poll begins. The batch refers to the job, and the job to this ticker: the holder
    /// takes the batch when it goes.
    offered: Option<Arc<Batch>>,
    /// Whether the holder takes no further offer.
    is_closed: bool,
}

/// The ticker of a job whose runs are ticks.
pub(crate) fn ticker_of(job: &JobCell) -> Option<&Ticker> {
    job.ticker()?.downcast_ref()
}

impl Ticker {
    /// From here on, `waker` is woken when a run is offered or when no further run will come.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Hands an offer to the holder, who is [woken](Ticker::wake) afterwards. Returns the batch that the holder does
    /// not take.
    ///
    /// A job has one offer at a time, so the earlier of two offers was withdrawn. The thread that made the earlier
    /// offer may come here last.
    pub(crate) fn offer(&self, batch: Arc<Batch>) -> Option<Arc<Batch>> {
        let mut offers = lock(&self.offers);
        match &offers.offered {
            _ if offers.is_closed => Some(batch),
            Some(other) if other.number > batch.number => Some(batch),
            _ => offers.offered.replace(batch),
        }
    }

    pub(crate) fn take_offered(&self) -> Option<Arc<Batch>> {
        lock(&self.offers).offered.take()
    }

    /// Called when the holder takes no further offer, and is not to be woken any more. Returns the offer that it has
    /// not taken.
    pub(crate) fn close(&self) -> Option<Arc<Batch>> {
        let mut offers = lock(&self.offers);
        offers.is_closed = true;
        let left = offers.offered.take();
        drop(offers);
        quietly(|| drop(self.waker.take()));
        left
    }

    /// Whether no further run will come.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// The waker is code of a user, and may panic.
    pub(crate) fn wake(&self) {
        quietly(|| self.waker.wake());
    }
}

impl Body for Ticker {
    /// Never called: the holder does the runs.
    fn call(&self, _: &RunContext<'_>, _: &mut FutureBuf) -> CallResult {
        CallResult::Done(RunEnd::Finished)
    }

    fn clear(&self) {}

    fn takes_run(&self) -> bool {
        true
    }

    fn name(&self) -> &str {
        "ticks"
    }

    fn ticker(&self) -> Option<&(dyn Any + Send + Sync)> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::batch::OfferedAt;
    use crate::job::state::OfferId;
    use crate::time::{Grid, Span, Time};

    fn batch(number: u64) -> Arc<Batch> {
        let offered_at = OfferedAt {
            offer_id: OfferId::new(number),
            now: Time::ORIGIN,
            grid: Grid::new(Time::ORIGIN, Span::from_nanos(50)),
        };
        Arc::new(Batch::new(number, 0, offered_at, Vec::new()))
    }

    fn number(batch: Option<Arc<Batch>>) -> Option<u64> {
        batch.map(|batch| batch.number)
    }

    #[test]
    fn the_later_of_two_offers_stays_whichever_comes_first() {
        for (first, second) in [(1, 2), (2, 1)] {
            let ticker = Ticker::default();
            assert_eq!(number(ticker.offer(batch(first))), None);
            assert_eq!(number(ticker.offer(batch(second))), Some(1));
            assert_eq!(number(ticker.take_offered()), Some(2));
        }
    }

    #[test]
    fn a_holder_that_goes_takes_its_offer_and_gets_no_other() {
        let ticker = Ticker::default();
        ticker.offer(batch(1));
        assert_eq!(number(ticker.close()), Some(1));
        assert_eq!(number(ticker.offer(batch(2))), Some(2));
        assert_eq!(number(ticker.take_offered()), None);
    }
}
