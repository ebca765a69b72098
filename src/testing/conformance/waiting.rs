//! Waiting in checks: long enough for a slow machine, but never without end, and by counting naps instead of reading a
//! clock.

use std::fmt::Debug;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

/// The tick of the schedulers under test.
pub(super) const RESOLUTION: Duration = Duration::from_millis(10);

/// The interval of the jobs under test.
pub(super) const INTERVAL: Duration = Duration::from_millis(20);

/// A time in which several runs are due.
pub(super) const A_WHILE: Duration = Duration::from_millis(100);

/// Longer than any check lasts.
pub(super) const AN_HOUR: Duration = Duration::from_secs(3600);

/// How long a check waits for a condition. Counted in naps: on a machine with longer naps, the check waits longer.
const PATIENCE: Duration = Duration::from_secs(15);
pub(super) const NAP: Duration = Duration::from_millis(1);

/// Waits until `holds`.
#[track_caller]
pub(crate) fn eventually(what: &str, holds: impl FnMut() -> bool) {
    assert!(happens(PATIENCE, holds), "waited {PATIENCE:?} in vain: {what}");
}

/// Whether `holds` becomes true within about `span`.
pub(super) fn happens(span: Duration, mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..span.as_millis() / NAP.as_millis() {
        if holds() {
            return true;
        }
        thread::sleep(NAP);
    }
    holds()
}

/// Asserts for a while that `value` does not change.
#[track_caller]
pub(super) fn unchanged<T: PartialEq + Debug>(what: &str, value: impl Fn() -> T) {
    let before = value();
    thread::sleep(A_WHILE);
    assert_eq!(before, value(), "changed: {what}");
}

/// Polls `future` to its end, only after wakes.
#[track_caller]
pub(crate) fn finish<F: IntoFuture>(what: &str, future: F) -> F::Output {
    let signal = Arc::new(Signal {
        woken: AtomicBool::new(true),
        thread: thread::current(),
    });
    let waker = Waker::from(Arc::clone(&signal));
    let mut future = pin!(future.into_future());
    for _ in 0..PATIENCE.as_millis() / NAP.as_millis() {
        if !signal.woken.swap(false, Ordering::SeqCst) {
            thread::park_timeout(NAP);
        } else if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
    }
    panic!("waited {PATIENCE:?} in vain: {what}");
}

/// Asserts for a while that `future` stays pending.
#[track_caller]
pub(super) fn goes_on<F: Future>(what: &str, mut future: Pin<&mut F>) {
    let ended = happens(A_WHILE, || poll_once(future.as_mut()).is_ready());
    assert!(!ended, "ended too soon: {what}");
}

/// Polls `future` once, with a waker that does nothing.
pub(super) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

struct Signal {
    woken: AtomicBool,
    thread: Thread,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}
