//! A runtime that does next to nothing itself, so that what is measured is the scheduler.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use atevery::runtime::{BoxFuture, SpawnError, Spawner, Timer};
use futures::future::poll_fn;

/// One thread, driven by hand, with a clock that is moved by hand. In a steady state it allocates nothing: places of
/// tasks are used again, with their wakers.
#[derive(Clone)]
pub(crate) struct Manual(Arc<Inner>);

struct Inner {
    origin: Instant,
    elapsed: Arc<AtomicU64>,
    places: Mutex<Vec<Place>>,
}

struct Place {
    future: Option<BoxFuture<'static, ()>>,
    free: bool,
    flag: Arc<Flag>,
    waker: Waker,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Manual {
    pub(crate) fn new() -> Manual {
        Manual(Arc::new(Inner {
            origin: Instant::now(),
            elapsed: Arc::default(),
            places: Mutex::default(),
        }))
    }

    /// Moves the clock, polls every task, as if all their timers had fired, and then those that were woken until none is.
    pub(crate) fn advance(&self, by: Duration) {
        self.0.elapsed.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
        for place in &*self.places() {
            place.flag.0.store(true, Ordering::Relaxed);
        }
        while self.turn() {}
    }

    /// Polls each task that was woken, once. False if there was none.
    fn turn(&self) -> bool {
        let mut any = false;
        let mut index = 0;
        while let Some(woken) = self.take(index) {
            if let Some((mut future, waker)) = woken {
                any = true;
                let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
                self.put_back(index, future, polled);
            }
            index += 1;
        }
        any
    }

    /// The future in a place, if it was woken; none if there is no such place.
    fn take(&self, index: usize) -> Option<Option<(BoxFuture<'static, ()>, Waker)>> {
        let mut places = self.places();
        let place = places.get_mut(index)?;
        let woken = place.flag.0.swap(false, Ordering::Relaxed);
        let future = if woken { place.future.take() } else { None };
        Some(future.map(|future| (future, place.waker.clone())))
    }

    fn put_back(&self, index: usize, future: BoxFuture<'static, ()>, polled: Poll<()>) {
        match polled {
            Poll::Pending => self.places()[index].future = Some(future),
            Poll::Ready(()) => {
                // Its destructor may spawn: the lock is not held.
                drop(future);
                self.places()[index].free = true;
            }
        }
    }

    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn new(future: BoxFuture<'static, ()>) -> Place {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        Place {
            future: Some(future),
            free: false,
            waker: Waker::from(Arc::clone(&flag)),
            flag,
        }
    }

    fn fill(&mut self, future: BoxFuture<'static, ()>) {
        self.future = Some(future);
        self.free = false;
        self.flag.0.store(true, Ordering::Relaxed);
    }
}

impl Spawner for Manual {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        let mut places = self.places();
        match places.iter_mut().find(|place| place.free) {
            Some(place) => place.fill(future),
            None => places.push(Place::new(future)),
        }
        Ok(())
    }
}

impl Timer for Manual {
    fn now(&self) -> Instant {
        self.0.origin + Duration::from_nanos(self.0.elapsed.load(Ordering::Relaxed))
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let deadline = deadline.saturating_duration_since(self.0.origin).as_nanos() as u64;
        let elapsed = Arc::clone(&self.0.elapsed);
        // No waker is kept: `advance` polls every task.
        Box::pin(poll_fn(move |_| {
            if elapsed.load(Ordering::Relaxed) >= deadline {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }))
    }
}
