//! The run slots of a worker. A worker that is done leaves its slots and the memory of its futures to the next worker.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::task::Waker;

use crate::job::target::{FutureBuf, RunFuture};
use crate::park::poller::Poller;
use crate::park::slot::{Polled, RunSlot};
use crate::park::wake_queue::WakeQueue;
use crate::time::Time;

/// The memory of a future larger than this, in bytes, is not kept between workers.
const LARGEST_BUF: usize = 1_024;

/// How many references the set itself holds to a slot: in the list, and in the waker beside it.
const OWN_REFERENCES: usize = 2;

#[derive(Default)]
pub(crate) struct SlotSet {
    queue: Arc<WakeQueue>,
    slots: Vec<SlotAndWaker>,
    /// How many slots, from the first, hold or have held a run of this worker.
    used: usize,
    /// The woken slots; empty except during a poll.
    woken: Vec<usize>,
    /// The memory of the last future that has ended here.
    buf: FutureBuf,
    /// Memory of other futures, at most one for each slot.
    bufs: Vec<RunFuture>,
}

struct SlotAndWaker {
    slot: Arc<RunSlot>,
    waker: Waker,
}

impl SlotAndWaker {
    fn new(queue: &Arc<WakeQueue>, number: usize) -> SlotAndWaker {
        let slot = RunSlot::vacant(queue, number);
        let waker = Waker::from(Arc::clone(&slot));
        SlotAndWaker { slot, waker }
    }

    /// Whether a waker or a canceller of an earlier run may still refer to the slot.
    fn is_referenced(&self) -> bool {
        let is_referenced = Arc::strong_count(&self.slot) > OWN_REFERENCES;
        // All that other threads did before they dropped their references happens before the code after this fence, as
        // with `Arc::get_mut`.
        fence(Ordering::Acquire);
        is_referenced
    }
}

impl SlotSet {
    /// Attaches the task of a worker. `waker` wakes this task.
    pub(crate) fn attach(&self, waker: &Waker) {
        self.queue.attach(waker);
    }

    /// From here on, a woken slot wakes `waker`.
    pub(crate) fn register(&self, waker: &Waker) {
        self.queue.register(waker);
    }

    /// The slot for the next pending run. Until a run is pending, first polls use the slot's waker.
    pub(crate) fn vacant(&mut self) -> (&Arc<RunSlot>, &Waker) {
        if self.used == self.slots.len() {
            self.slots.push(SlotAndWaker::new(&self.queue, self.used));
        }
        let vacant = &self.slots[self.used];
        (&vacant.slot, &vacant.waker)
    }

    /// Notes that the vacant slot holds a run.
    pub(crate) fn occupy(&mut self) {
        self.used += 1;
    }

    /// The memory of a future that has ended, for the next future.
    pub(crate) fn buf(&mut self) -> &mut FutureBuf {
        if self.buf.is_none() {
            self.buf = self.bufs.pop();
        }
        &mut self.buf
    }

    /// Keeps the memory of a future for the next future.
    pub(crate) fn keep_buf(&mut self, buf: FutureBuf) {
        if self.buf.is_some() {
            self.store_buf();
        }
        self.buf = buf;
    }

    /// Stores the memory of the last future. The next future may come late or never, so large memory is dropped.
    pub(crate) fn store_buf(&mut self) {
        let buf = self.buf.take().filter(|buf| size_of_val(&**buf) <= LARGEST_BUF);
        if self.bufs.len() < self.slots.len() {
            self.bufs.extend(buf);
        }
    }

    /// Polls the runs that were woken. Returns how many have ended.
    pub(crate) fn poll_woken(&mut self, poller: &mut impl Poller) -> usize {
        let mut woken = std::mem::take(&mut self.woken);
        self.queue.take_woken(&mut woken);
        let mut ended = 0;
        if !woken.is_empty() {
            let now = poller.now();
            ended = woken.drain(..).filter(|slot| self.poll(poller, *slot, now)).count();
            self.store_buf();
        }
        self.woken = woken;
        ended
    }

    fn poll(&mut self, poller: &mut impl Poller, slot: usize, now: Time) -> bool {
        let SlotAndWaker { slot, waker } = &self.slots[slot];
        match slot.poll(poller, waker, now) {
            Polled::Ended(buf) => {
                self.keep_buf(buf);
                true
            }
            Polled::Pending => false,
        }
    }

    /// Called when the worker is gone. From here on, no slot wakes the worker's task.
    pub(crate) fn close(&self) {
        self.queue.detach();
    }

    /// Detaches the worker, which is done, and whose runs have all ended. Slots with other references are replaced, so
    /// that no earlier waker or canceller reaches a run of the next worker.
    pub(crate) fn detach(&mut self) {
        self.close();
        self.store_buf();
        for (number, slot) in self.slots.iter_mut().enumerate().take(self.used + 1) {
            if slot.is_referenced() {
                *slot = SlotAndWaker::new(&self.queue, number);
            } else {
                slot.slot.reset();
            }
        }
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::*;
    use crate::job::run_end::RunEnd;
    use crate::job::target::ReusableFuture;

    struct Buffered<const SIZE: usize>([u8; SIZE]);

    impl<const SIZE: usize> Future for Buffered<SIZE> {
        type Output = RunEnd;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<RunEnd> {
            Poll::Pending
        }
    }

    impl<const SIZE: usize> ReusableFuture for Buffered<SIZE> {}

    fn woken(slots: &SlotSet) -> Vec<usize> {
        let mut woken = Vec::new();
        slots.queue.take_woken(&mut woken);
        woken
    }

    fn take(slots: &mut SlotSet) -> Arc<RunSlot> {
        let slot = Arc::clone(slots.vacant().0);
        slots.occupy();
        slot
    }

    #[test]
    fn a_slot_is_woken_once_until_it_is_polled() {
        let mut slots = SlotSet::default();
        take(&mut slots);
        let waker = slots.vacant().1;
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(woken(&slots), [1]);
    }

    #[test]
    fn slots_are_used_again_unless_somebody_refers_to_them() {
        let mut slots = SlotSet::default();
        let known = take(&mut slots);
        let forgotten = Arc::as_ptr(&take(&mut slots));
        let lent = slots.vacant().1.clone();
        let vacant = Arc::as_ptr(slots.vacant().0);
        slots.detach();
        assert!(!Arc::ptr_eq(&known, &take(&mut slots)));
        assert_eq!(forgotten, Arc::as_ptr(&take(&mut slots)));
        assert_ne!(vacant, Arc::as_ptr(slots.vacant().0));
        drop(lent);
    }

    #[test]
    fn a_slot_that_was_woken_last_can_be_woken_when_it_is_used_again() {
        let mut slots = SlotSet::default();
        slots.vacant().1.wake_by_ref();
        slots.detach();
        slots.attach(Waker::noop());
        slots.vacant().1.wake_by_ref();
        assert_eq!(woken(&slots), [0]);
    }

    #[test]
    fn the_memory_of_a_large_future_is_kept_for_the_next_run_only() {
        let rooms: [(RunFuture, bool); 2] = [
            (Box::pin(Buffered([0; LARGEST_BUF + 1])), false),
            (Box::pin(Buffered([0; LARGEST_BUF])), true),
        ];
        for (buf, is_kept) in rooms {
            let mut slots = SlotSet::default();
            take(&mut slots);
            slots.keep_buf(Some(buf));
            assert!(slots.buf().is_some());
            slots.store_buf();
            assert_eq!(slots.buf().is_some(), is_kept);
        }
    }

    #[test]
    fn no_more_memory_is_kept_than_there_are_slots() {
        let mut slots = SlotSet::default();
        (0..3).for_each(|_| drop(take(&mut slots)));
        (0..5).for_each(|_| slots.keep_buf(Some(Box::pin(Buffered([0; 1])))));
        slots.store_buf();
        assert_eq!(std::iter::from_fn(|| slots.buf().take()).count(), 3);
    }
}
