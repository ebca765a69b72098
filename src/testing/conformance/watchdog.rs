//! The watchdog: no check hangs for ever.

use std::any;
use std::panic;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::Host;

/// Longer than a check can wait in total.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `check` on a fresh host. If the check takes longer than a minute, panics with the name of the check.
///
/// # Panics
///
/// Panics if the check fails or takes longer.
pub fn watched<H: Into<Host>>(host: impl FnOnce() -> H + Send + 'static, check: impl FnOnce(Host) + Send + 'static) {
    limited(any::type_name_of_val(&check), move || check(host().into()));
}

/// Runs the check `name` on a thread of its own.
pub(crate) fn limited(name: &str, check: impl FnOnce() + Send + 'static) {
    let (ended, end) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let _ended = ended;
        check();
    });
    let timed_out = end.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout);
    assert!(!timed_out, "{name} did not end within {LIMIT:?}");
    if let Err(panic) = thread.join() {
        panic::resume_unwind(panic);
    }
}
