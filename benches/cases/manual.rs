//! A runtime that costs next to nothing, so that the scheduler is measured.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use atevery::runtime::{BoxFuture, SpawnError, Spawner, Timer};
use futures::future::poll_fn;

/// 1 January 2026, 0:00 UTC: when the wall clock starts, from the Unix epoch.
const NEW_YEAR: Duration = Duration::from_secs(1_767_225_600);

/// One thread, which the benchmark drives, with a clock that the benchmark moves. In a steady state, this runtime
/// allocates nothing: the slots of tasks are used again, with their wakers.
#[derive(Clone)]
pub(crate) struct Manual(Arc<Inner>);

struct Inner {
    origin: Instant,
    elapsed: Arc<AtomicU64>,
    slots: Mutex<Vec<Slot>>,
}

struct Slot {
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
            slots: Mutex::default(),
        }))
    }

    /// Moves the clock, and polls every task, as if all timers had fired. Then polls woken tasks until no task is
    /// woken.
    pub(crate) fn advance(&self, by: Duration) {
        self.0.elapsed.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
        for slot in &*self.slots() {
            slot.flag.0.store(true, Ordering::Relaxed);
        }
        while self.turn() {}
    }

    /// Polls each woken task once. Returns whether any task was woken.
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

    /// The future in a slot, if it was woken. `None` if there is no such slot.
    fn take(&self, index: usize) -> Option<Option<(BoxFuture<'static, ()>, Waker)>> {
        let mut slots = self.slots();
        let slot = slots.get_mut(index)?;
        let woken = slot.flag.0.swap(false, Ordering::Relaxed);
        let future = if woken { slot.future.take() } else { None };
        Some(future.map(|future| (future, slot.waker.clone())))
    }

    fn put_back(&self, index: usize, future: BoxFuture<'static, ()>, polled: Poll<()>) {
        match polled {
            Poll::Pending => self.slots()[index].future = Some(future),
            Poll::Ready(()) => {
                // The future's destructor may spawn, so the lock is not held.
                drop(future);
                self.slots()[index].free = true;
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn new(future: BoxFuture<'static, ()>) -> Slot {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        Slot {
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
        let mut slots = self.slots();
        match slots.iter_mut().find(|slot| slot.free) {
            Some(slot) => slot.fill(future),
            None => slots.push(Slot::new(future)),
        }
        Ok(())
    }
}

impl Timer for Manual {
    fn now(&self) -> Instant {
        self.0.origin + Duration::from_nanos(self.0.elapsed.load(Ordering::Relaxed))
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + NEW_YEAR + Duration::from_nanos(self.0.elapsed.load(Ordering::Relaxed))
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
