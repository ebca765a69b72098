//! The places in which the runs of a lane wait. A lane that is gone leaves them to another one, and with them the memory that the
//! futures of its runs lay in.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::task::Waker;

use crate::engine::Engine;
use crate::job::target::{FutureBuf, RunFuture};
use crate::park::slot::{Home, Parked, Polled};
use crate::time::{Span, Time};
use crate::unwind::lock;

/// No memory of a future larger than this is kept between lanes, in bytes.
const LARGEST_SPARE: usize = 1_024;

/// Places that nobody has needed for so long, or will before that is over, are given up.
pub(crate) const KEPT_FOR: Span = Span::from_nanos(10_000_000_000);

/// So many at a tick at most: there may be thousands, and all that the loop does is to be short.
const GIVEN_UP_AT_ONCE: usize = 64;

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
    /// What the last future lay in that has ended here.
    spare: FutureBuf,
    /// What others lay in, for each place one at most.
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
        let is_known = Arc::strong_count(&self.parked) > OWN_REFERENCES;
        // What they have done before they let go of it comes before all that is done here, as with `Arc::get_mut`.
        fence(Ordering::Acquire);
        is_known
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

    /// The memory of a future that has ended, for the next one.
    pub(crate) fn spare(&mut self) -> &mut FutureBuf {
        if self.spare.is_none() {
            self.spare = self.spares.pop();
        }
        &mut self.spare
    }

    /// Keeps the memory of a future for the next one.
    pub(crate) fn keep_spare(&mut self, spare: FutureBuf) {
        if self.spare.is_some() {
            self.put_by_spare();
        }
        self.spare = spare;
    }

    /// The next one may come late, or never: what is large is not kept till then.
    pub(crate) fn put_by_spare(&mut self) {
        let spare = self.spare.take().filter(|spare| size_of_val(&**spare) <= LARGEST_SPARE);
        if self.spares.len() < self.places.len() {
            self.spares.extend(spare);
        }
    }

    /// Polls the runs that were woken. Returns how many have ended.
    pub(crate) fn poll_woken(&mut self, engine: &Engine) -> usize {
        let mut woken = std::mem::take(&mut self.woken);
        self.home.take_woken(&mut woken);
        let mut ended = 0;
        if !woken.is_empty() {
            let now = engine.now();
            ended = woken.drain(..).filter(|place| self.poll(engine, *place, now)).count();
            self.put_by_spare();
        }
        self.woken = woken;
        ended
    }

    fn poll(&mut self, engine: &Engine, place: usize, now: Time) -> bool {
        let place = &self.places[place];
        match place.parked.poll(engine, &place.waker, now) {
            Polled::Ended(spare) => {
                self.keep_spare(spare);
                true
            }
            Polled::Waits => false,
        }
    }

    /// The lane is gone: its task isn't woken any more, whoever keeps a waker.
    pub(crate) fn close(&self) {
        self.home.move_out();
    }

    /// All runs have ended, and the lane leaves. The next one finds places that nobody knows.
    fn move_out(&mut self) {
        self.close();
        self.put_by_spare();
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

    /// Keeps the places of a lane that leaves for the next one, if that won't be long.
    pub(crate) fn keep_places(&self, mut places: Places) {
        places.move_out();
        let soon = self.now().after(KEPT_FOR);
        let state = lock(&self.state);
        let given_up = if state.is_due_by(soon) {
            lock(&self.queue).places.keep(places);
            None
        } else {
            Some(places)
        };
        drop(state);
        drop(given_up);
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

    /// Takes out what nobody has needed for a while; all, if nobody will for as long.
    pub(crate) fn take_unused(&mut self, now: Time, is_busy: bool) -> Vec<Places> {
        if !is_busy {
            return self.clear();
        }
        if self.looked.is_some_and(|looked| now.since(looked) < KEPT_FOR) {
            return Vec::new();
        }
        let few = self.unused.min(GIVEN_UP_AT_ONCE);
        self.unused -= few;
        let given_up = self.free.drain(..few).collect();
        if self.unused == 0 {
            self.unused = self.free.len();
            self.looked = Some(now);
        }
        given_up
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
    use crate::job::run_end::RunEnd;
    use crate::job::target::ReusableFuture;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Buffered<const SIZE: usize>([u8; SIZE]);

    impl<const SIZE: usize> Future for Buffered<SIZE> {
        type Output = RunEnd;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<RunEnd> {
            Poll::Pending
        }
    }

    impl<const SIZE: usize> ReusableFuture for Buffered<SIZE> {}

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
    fn the_memory_of_a_large_future_is_kept_for_the_next_run_only() {
        let rooms: [(RunFuture, bool); 2] = [
            (Box::pin(Buffered([0; LARGEST_SPARE + 1])), false),
            (Box::pin(Buffered([0; LARGEST_SPARE])), true),
        ];
        for (buf, is_kept) in rooms {
            let mut places = Places::default();
            take(&mut places);
            places.keep_spare(Some(buf));
            assert!(places.spare().is_some());
            places.put_by_spare();
            assert_eq!(places.spare().is_some(), is_kept);
        }
    }

    #[test]
    fn no_more_memory_is_kept_than_there_are_places() {
        let mut places = Places::default();
        (0..3).for_each(|_| drop(take(&mut places)));
        (0..5).for_each(|_| places.keep_spare(Some(Box::pin(Buffered([0; 1])))));
        places.put_by_spare();
        assert_eq!(std::iter::from_fn(|| places.spare().take()).count(), 3);
    }

    #[test]
    fn places_that_nobody_needs_for_a_while_are_given_up_and_no_others() {
        let mut pool = Pool::default();
        let after = |seconds: i64| Time::ORIGIN.after(Span::from_nanos(seconds * 1_000_000_000));
        (0..5).for_each(|_| pool.keep(Places::default()));
        assert_eq!(pool.take_unused(after(0), true).len(), 0);
        let needed: Vec<_> = (0..2).map_while(|_| pool.take()).collect();
        needed.into_iter().for_each(|places| pool.keep(places));
        assert_eq!(pool.take_unused(after(9), true).len(), 0);
        assert_eq!(pool.take_unused(after(10), true).len(), 3);
        assert_eq!(pool.take_unused(after(19), true).len(), 0);
        assert_eq!(pool.take_unused(after(20), true).len(), 2);
        assert_eq!(pool.take_unused(after(30), true).len(), 0);
        pool.keep(Places::default());
        assert_eq!(pool.take_unused(after(31), false).len(), 1);
    }

    #[test]
    fn few_are_given_up_at_a_tick() {
        let mut pool = Pool::default();
        (0..GIVEN_UP_AT_ONCE + 5).for_each(|_| pool.keep(Places::default()));
        let given_up = [0, 10, 10, 10].map(|seconds: i64| {
            let now = Time::ORIGIN.after(Span::from_nanos(seconds * 1_000_000_000));
            pool.take_unused(now, true).len()
        });
        assert_eq!(given_up, [0, GIVEN_UP_AT_ONCE, 5, 0]);
    }

    #[test]
    #[cfg(feature = "testing")]
    fn places_are_kept_for_runs_that_come_soon_and_until_the_stop() {
        use std::time::Duration;

        use crate::{Scheduler, testing::VirtualTime};

        for (seconds, is_kept) in [(1, true), (3_600, false)] {
            let time = VirtualTime::new();
            let scheduler = Scheduler::new(time.clone());
            let clock = time.clone();
            let target = move || clock.sleep(Duration::from_millis(5));
            let job = scheduler.every(Duration::from_secs(seconds)).run(target).unwrap();
            let engine = Arc::clone(scheduler.engine());
            let keeps = || !lock(&engine.queue).places.free.is_empty();
            scheduler.start().unwrap();
            time.advance(Duration::from_millis(100));
            assert_eq!((job.runs(), keeps()), (1, is_kept));
            job.remove();
            time.advance(Duration::from_secs(2));
            assert!(!keeps(), "nothing is to come");
            scheduler.every(Duration::from_secs(1)).run(async || ()).unwrap();
            time.advance(Duration::from_millis(100));
            assert!(keeps());
            time.block_on(scheduler.stop());
            assert!(!keeps());
        }
    }
}
