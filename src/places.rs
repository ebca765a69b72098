//! The places in which the runs of a lane wait. A lane that is gone leaves them to another one, and with them the memory that the
//! futures of its runs lay in.

use std::sync::Arc;
use std::task::Waker;

use crate::engine::Engine;
use crate::panics::lock;
use crate::parked::{Home, Parked, Polled};
use crate::target::RunFuture;
use crate::time::{Span, Time};

/// No memory of a future larger than this is kept, in bytes.
const LARGEST_SPARE: usize = 1_024;

/// Places that nobody has needed for so long are given up.
const KEPT_FOR: Span = Span::from_nanos(10_000_000_000);

/// What it holds itself of a place: in the list, and by the waker beside it.
const OWN_REFERENCES: usize = 2;

#[derive(Default)]
pub(crate) struct Places {
    home: Arc<Home>,
    places: Vec<Place>,
    /// In so many of them, from the first, runs of this lane wait or have waited.
    taken: usize,
    /// Those that are to be polled; empty but for a poll.
    woken: Vec<usize>,
    /// The memory of futures that have ended here.
    spares: Vec<RunFuture>,
}

struct Place {
    parked: Arc<Parked>,
    waker: Waker,
}

impl Place {
    fn new(home: &Arc<Home>, number: usize) -> Place {
        let parked = Parked::vacant(home, number);
        let waker = Waker::from(Arc::clone(&parked));
        Place { parked, waker }
    }

    /// Whether somebody may still wake or cancel who was here before.
    fn is_known(&self) -> bool {
        Arc::strong_count(&self.parked) > OWN_REFERENCES
    }
}

impl Places {
    /// How to have the lane polled when a place is woken.
    pub(crate) fn register(&self, waker: &Waker) {
        self.home.register(waker);
    }

    /// Where the next run that waits will wait; its waker serves first polls until then.
    pub(crate) fn vacant(&mut self) -> (&Arc<Parked>, &Waker) {
        if self.taken == self.places.len() {
            self.places.push(Place::new(&self.home, self.taken));
        }
        let place = &self.places[self.taken];
        (&place.parked, &place.waker)
    }

    /// The vacant place is taken.
    pub(crate) fn occupy(&mut self) {
        self.taken += 1;
    }

    /// The memory of a future that has ended here.
    pub(crate) fn take_spare(&mut self) -> Option<RunFuture> {
        self.spares.pop()
    }

    /// Keeps the memory of a future, unless it is large.
    pub(crate) fn keep_spare(&mut self, spare: Option<RunFuture>) {
        self.spares
            .extend(spare.filter(|spare| size_of_val(&**spare) <= LARGEST_SPARE));
    }

    /// Polls the runs that were woken. Returns how many have ended.
    pub(crate) fn poll_woken(&mut self, engine: &Engine) -> usize {
        let mut woken = std::mem::take(&mut self.woken);
        self.home.take_woken(&mut woken);
        let ended = woken.drain(..).filter(|place| self.poll(engine, *place)).count();
        self.woken = woken;
        ended
    }

    fn poll(&mut self, engine: &Engine, place: usize) -> bool {
        let place = &self.places[place];
        match place.parked.poll(engine, &place.waker) {
            Polled::Ended(spare) => {
                self.keep_spare(spare);
                true
            }
            Polled::Waits => false,
        }
    }

    /// All runs have ended, and the lane leaves. The next one finds places that nobody knows.
    fn move_out(&mut self) {
        self.home.move_out();
        for (number, place) in self.places.iter_mut().enumerate().take(self.taken + 1) {
            if place.is_known() {
                *place = Place::new(&self.home, number);
            } else {
                place.parked.calm();
            }
        }
        self.taken = 0;
    }
}

impl Engine {
    /// Places for a lane, which is polled by this waker.
    pub(crate) fn take_places(&self, waker: &Waker) -> Places {
        let places = lock(&self.queue).places.take().unwrap_or_default();
        places.home.move_in(waker);
        places
    }

    /// Keeps the places of a lane that leaves for the next one, as long as there is work.
    pub(crate) fn keep_places(&self, mut places: Places) {
        if self.is_running() {
            places.move_out();
            lock(&self.queue).places.keep(places);
        }
    }
}

/// Places that no lane has.
#[derive(Default)]
pub(crate) struct Pool {
    free: Vec<Places>,
    /// So many at least have been free since the last look.
    unused: usize,
    looked: Option<Time>,
}

impl Pool {
    fn take(&mut self) -> Option<Places> {
        let places = self.free.pop();
        self.unused = self.unused.min(self.free.len());
        places
    }

    fn keep(&mut self, places: Places) {
        self.free.push(places);
    }

    /// Takes out what nobody has needed for a while.
    pub(crate) fn take_unused(&mut self, now: Time) -> Vec<Places> {
        if self.looked.is_some_and(|looked| now.since(looked) < KEPT_FOR) {
            return Vec::new();
        }
        let unused = self.free.drain(..self.unused).collect();
        self.unused = self.free.len();
        self.looked = Some(now);
        unused
    }

    /// Takes out all.
    pub(crate) fn clear(&mut self) -> Vec<Places> {
        self.unused = 0;
        std::mem::take(&mut self.free)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake};

    use super::*;
    use crate::end::End;
    use crate::target::Running;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Room<const SIZE: usize>([u8; SIZE]);

    impl<const SIZE: usize> Future for Room<SIZE> {
        type Output = End;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<End> {
            Poll::Pending
        }
    }

    impl<const SIZE: usize> Running for Room<SIZE> {}

    fn woken(home: &Home) -> Vec<usize> {
        let mut woken = Vec::new();
        home.take_woken(&mut woken);
        woken
    }

    fn take(places: &mut Places) -> Arc<Parked> {
        let parked = Arc::clone(places.vacant().0);
        places.occupy();
        parked
    }

    #[test]
    fn a_place_is_woken_once_until_it_is_polled() {
        let mut places = Places::default();
        take(&mut places);
        let waker = places.vacant().1;
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(woken(&places.home), [1]);
    }

    #[test]
    fn a_task_is_woken_for_the_first_place_of_several_and_again_once_it_has_looked() {
        let (home, count) = (Home::default(), Arc::<Count>::default());
        let waker = Waker::from(Arc::clone(&count));
        let wakes = || count.0.load(Ordering::Relaxed);
        home.move_in(&waker);
        home.wake(1);
        home.register(&waker);
        home.wake(2);
        assert_eq!((wakes(), woken(&home)), (1, vec![1, 2]));
        home.wake(3);
        assert_eq!(wakes(), 2);
    }

    #[test]
    fn what_was_woken_before_a_task_has_moved_in_does_not_keep_it_from_being_woken() {
        let (home, count) = (Home::default(), Arc::<Count>::default());
        home.wake(1);
        home.move_in(&Waker::from(Arc::clone(&count)));
        home.wake(2);
        assert_eq!((count.0.load(Ordering::Relaxed), woken(&home)), (1, vec![2]));
    }

    #[test]
    fn a_home_lets_go_of_the_task_that_has_moved_out() {
        let (home, count) = (Home::default(), Arc::<Count>::default());
        home.move_in(&Waker::from(Arc::clone(&count)));
        assert_eq!(Arc::strong_count(&count), 2);
        home.move_out();
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn places_are_used_again_unless_somebody_knows_them() {
        let mut places = Places::default();
        let known = take(&mut places);
        let forgotten = Arc::as_ptr(&take(&mut places));
        let lent = places.vacant().1.clone();
        let vacant = Arc::as_ptr(places.vacant().0);
        places.move_out();
        assert!(!Arc::ptr_eq(&known, &take(&mut places)));
        assert_eq!(forgotten, Arc::as_ptr(&take(&mut places)));
        assert_ne!(vacant, Arc::as_ptr(places.vacant().0));
        drop(lent);
    }

    #[test]
    fn a_place_that_was_woken_last_can_be_woken_when_it_is_used_again() {
        let mut places = Places::default();
        places.vacant().1.wake_by_ref();
        places.move_out();
        places.home.move_in(Waker::noop());
        places.vacant().1.wake_by_ref();
        assert_eq!(woken(&places.home), [0]);
    }

    #[test]
    fn no_memory_of_a_large_future_is_kept() {
        let mut places = Places::default();
        places.keep_spare(Some(Box::pin(Room([0; LARGEST_SPARE + 1]))));
        assert!(places.take_spare().is_none());
        places.keep_spare(Some(Box::pin(Room([0; LARGEST_SPARE]))));
        assert!(places.take_spare().is_some());
    }

    #[test]
    fn places_that_nobody_needs_for_a_while_are_given_up_and_no_others() {
        let mut pool = Pool::default();
        let after = |seconds: i64| Time::ORIGIN.after(Span::from_nanos(seconds * 1_000_000_000));
        (0..5).for_each(|_| pool.keep(Places::default()));
        assert_eq!(pool.take_unused(after(0)).len(), 0);
        let needed: Vec<_> = (0..2).map_while(|_| pool.take()).collect();
        needed.into_iter().for_each(|places| pool.keep(places));
        assert_eq!(pool.take_unused(after(9)).len(), 0);
        assert_eq!(pool.take_unused(after(10)).len(), 3);
        assert_eq!(pool.take_unused(after(19)).len(), 0);
        assert_eq!(pool.take_unused(after(20)).len(), 2);
        assert_eq!(pool.take_unused(after(30)).len(), 0);
    }
}
