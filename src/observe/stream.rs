use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use futures::Stream;

use crate::observe::event::Event;
use crate::sync::Mutex;
use crate::unwind::{lock, quietly};

/// A stream of the events of a scheduler's jobs, from the call of [`Scheduler::events`](crate::Scheduler::events) on.
///
/// The stream never delays the scheduler: if the reader is slow, the oldest events are dropped. [`lost`](Events::lost)
/// returns the number of dropped events. The stream ends once the last handle of the scheduler is dropped and the last
/// run has ended.
///
/// ```
/// use std::time::Duration;
/// use atevery::{EventKind, Scheduler, testing::VirtualTime};
/// use futures::StreamExt;
///
/// let time = VirtualTime::new();
/// let scheduler = Scheduler::new(time.clone());
/// let mut events = scheduler.events();
/// scheduler.every(Duration::from_secs(1)).name("beat").run(|| Err("no pulse"))?;
/// scheduler.start()?;
/// time.run_until_stalled();
/// assert!(matches!(time.block_on(events.next()).unwrap().kind(), EventKind::Started));
/// assert_eq!(time.block_on(events.next()).unwrap().to_string(), "beat: run 0 failed after 0ns: no pulse");
/// assert_eq!(events.lost(), 0);
/// # Ok::<(), atevery::Error>(())
/// ```
#[must_use = "a stream of events does nothing unless it is read"]
pub struct Events {
    channel: Arc<Channel>,
}

/// The state shared by the scheduler and the reader.
pub(crate) struct Channel(Mutex<State>);

struct State {
    events: VecDeque<Event>,
    capacity: usize,
    lost: u64,
    closed: bool,
    waker: Option<Waker>,
}

impl Events {
    pub(crate) fn new(capacity: usize) -> (Events, Weak<Channel>) {
        let channel = Arc::new(Channel(Mutex::new(State {
            events: VecDeque::new(),
            capacity,
            lost: 0,
            closed: false,
            waker: None,
        })));
        let sender = Arc::downgrade(&channel);
        (Events { channel }, sender)
    }

    /// Returns how many events were dropped so far because the reader was too slow.
    pub fn lost(&self) -> u64 {
        lock(&self.channel.0).lost
    }
}

impl Channel {
    pub(crate) fn send(&self, event: Event) {
        let mut state = lock(&self.0);
        let full = state.events.len() >= state.capacity;
        let oldest = if full { state.events.pop_front() } else { None };
        state.lost += u64::from(full);
        state.events.push_back(event);
        let waker = state.waker.take();
        drop(state);
        // The event may hold the last reference to a user's error.
        quietly(|| drop(oldest));
        wake(waker);
    }

    pub(crate) fn close(&self) {
        let mut state = lock(&self.0);
        state.closed = true;
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }
}

impl Drop for Channel {
    /// Unread events may hold a user's errors, whose destructors may panic.
    fn drop(&mut self) {
        for event in lock(&self.0).events.drain(..) {
            quietly(|| drop(event));
        }
    }
}

/// Wakes the reader. The waker is user code and may panic.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        quietly(|| waker.wake());
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let waker = cx.waker().clone();
        let mut state = lock(&self.channel.0);
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        let old = state.waker.replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
