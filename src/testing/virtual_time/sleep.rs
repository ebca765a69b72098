//! The future that waits for an instant of virtual time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use super::VirtualTime;
use super::state::TimerKey;

pub(super) struct Sleep {
    time: VirtualTime,
    deadline: Instant,
    /// Set at the first poll, and kept: a timer that is set again keeps its position in the order.
    timer: Option<TimerKey>,
}

impl Sleep {
    pub(super) fn new(time: VirtualTime, deadline: Instant, may_be_early: bool) -> Sleep {
        let deadline = time.lock().fires_at(deadline, may_be_early);
        Sleep {
            time,
            deadline,
            timer: None,
        }
    }

    fn clear(&mut self) {
        if let Some(key) = self.timer.take() {
            let waker = self.time.lock().clear_timer(key);
            drop(waker); // after the lock: the waker may be the last of its task
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.time.lock().is_past(this.deadline) {
            this.clear();
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let replaced = this.time.lock().set_timer(&mut this.timer, this.deadline, waker);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clear();
    }
}
