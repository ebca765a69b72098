//! The data of virtual time: a clock, timers, tasks and their run queue.
//!
//! The methods poll, wake and drop no future or waker of a user. They return futures and wakers to the caller, which
//! drops or wakes them after it has released the lock.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

use futures::future::BoxFuture;

use super::wall::WallClock;

/// The deadline of a timer, and its position among timers with the same deadline.
pub(super) type TimerKey = (Instant, u64);

type TaskFuture = BoxFuture<'static, ()>;

pub(super) struct State {
    origin: Instant,
    now: Instant,
    pub(super) wall: WallClock,
    timers: BTreeMap<TimerKey, Waker>,
    tasks: BTreeMap<u64, Task>,
    ready: VecDeque<u64>,
    /// The next number of a task or a timer. Numbers are never reused, so a stale waker reaches no task.
    next_number: u64,
    polls: u64,
    shut_down: bool,
    /// Whether a method is driving the runtime.
    pub(super) driven: bool,
    /// How many of the next spawns are refused.
    pub(super) refusals: usize,
    /// How many of the next spawns lose their future.
    pub(super) losses: usize,
    /// How inexact the timers are.
    pub(super) inexact: Option<Inexact>,
}

/// Timers of a real machine: late by a random part of a span, and sometimes early.
pub(super) struct Inexact {
    random: u64,
    late: Duration,
}

/// One timer in this many wakes early, if it may.
const ONE_IN: u64 = 8;

impl Inexact {
    pub(super) fn new(seed: u64, late: Duration) -> Inexact {
        Inexact { random: seed, late }
    }

    /// A random number below `limit`, or 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(limit).unwrap_or(0)
    }

    fn fires_at(&mut self, now: Instant, deadline: Instant, may_be_early: bool) -> Instant {
        if may_be_early && self.below(ONE_IN) == 0 {
            return now + (deadline - now) / 2;
        }
        let late = u64::try_from(self.late.as_nanos()).unwrap_or(u64::MAX);
        let late = Duration::from_nanos(self.below(late));
        deadline.checked_add(late).unwrap_or(deadline)
    }
}

pub(super) struct Task {
    /// `None` while the task is being polled.
    future: Option<TaskFuture>,
    waker: Waker,
    queued: bool,
}

/// The result of a spawn.
pub(super) enum Admission {
    Granted(u64),
    Refused,
    Lost,
}

impl State {
    pub(super) fn new(origin: Instant, wall: SystemTime) -> State {
        State {
            origin,
            now: origin,
            wall: WallClock::new(origin, wall),
            timers: BTreeMap::new(),
            tasks: BTreeMap::new(),
            ready: VecDeque::new(),
            next_number: 0,
            polls: 0,
            shut_down: false,
            driven: false,
            refusals: 0,
            losses: 0,
            inexact: None,
        }
    }

    pub(super) fn tasks(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn timers(&self) -> usize {
        self.timers.len()
    }

    pub(super) fn polls(&self) -> u64 {
        self.polls
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Ends all tasks and timers. The caller drops the returned value after the lock.
    pub(super) fn shut_down(&mut self) -> (BTreeMap<u64, Task>, BTreeMap<TimerKey, Waker>) {
        self.shut_down = true;
        self.ready.clear();
        (mem::take(&mut self.tasks), mem::take(&mut self.timers))
    }
}

/// The clock.
impl State {
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn wall(&self) -> SystemTime {
        self.wall.at(self.now)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now.saturating_duration_since(self.origin)
    }

    pub(super) fn set_now(&mut self, now: Instant) {
        self.now = now;
    }
}

/// The timers.
impl State {
    /// When a timer for `deadline` fires.
    pub(super) fn fires_at(&mut self, deadline: Instant, may_be_early: bool) -> Instant {
        match &mut self.inexact {
            Some(inexact) if deadline > self.now => inexact.fires_at(self.now, deadline, may_be_early),
            _ => deadline,
        }
    }

    /// Sets a timer, or replaces the waker of a timer that is set. The caller drops the old waker.
    ///
    /// If the runtime is shut down, sets no timer: no timer fires any more.
    pub(super) fn set_timer(&mut self, key: &mut Option<TimerKey>, deadline: Instant, waker: Waker) -> Option<Waker> {
        if self.shut_down {
            return Some(waker);
        }
        let key = *key.get_or_insert_with(|| (deadline, self.number()));
        self.timers.insert(key, waker)
    }

    pub(super) fn clear_timer(&mut self, key: TimerKey) -> Option<Waker> {
        self.timers.remove(&key)
    }

    pub(super) fn is_past(&self, deadline: Instant) -> bool {
        !self.shut_down && deadline <= self.now
    }

    /// Moves the clock forward to the next timer, but not past `limit`. Returns whether there was a timer up to
    /// `limit`.
    pub(super) fn move_to_next_timer(&mut self, limit: Option<Instant>) -> bool {
        let next = self.timers.first_key_value().map(|((deadline, _), _)| *deadline);
        let next = next.filter(|deadline| limit.is_none_or(|limit| self.now.max(*deadline) <= limit));
        self.now = next.or(limit).map_or(self.now, |instant| self.now.max(instant));
        next.is_some()
    }

    /// Removes the due timers and returns their wakers in order. The caller wakes the wakers.
    pub(super) fn take_due(&mut self) -> Vec<Waker> {
        let mut due = Vec::new();
        while let Some(timer) = self.timers.first_entry().filter(|timer| timer.key().0 <= self.now) {
            due.push(timer.remove());
        }
        due
    }
}

/// The tasks.
impl State {
    pub(super) fn admit(&mut self) -> Admission {
        if self.shut_down || take_one(&mut self.refusals) {
            Admission::Refused
        } else if take_one(&mut self.losses) {
            Admission::Lost
        } else {
            Admission::Granted(self.number())
        }
    }

    pub(super) fn insert(&mut self, id: u64, future: TaskFuture, waker: Waker) {
        self.tasks.insert(
            id,
            Task {
                future: Some(future),
                waker,
                queued: false,
            },
        );
        self.enqueue(id);
    }

    /// Puts a task into the run queue, if the task is alive and not queued.
    pub(super) fn enqueue(&mut self, id: u64) {
        if let Some(task) = self.tasks.get_mut(&id) {
            if !mem::replace(&mut task.queued, true) {
                self.ready.push_back(id);
            }
        }
    }

    /// The length of the run queue.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Takes the next task out of the run queue. From here on, a wake queues the task again.
    pub(super) fn take_ready(&mut self) -> Option<(u64, TaskFuture, Waker)> {
        let id = self.ready.pop_front()?;
        let task = self.tasks.get_mut(&id)?;
        task.queued = false;
        let future = task.future.take()?;
        self.polls += 1;
        Some((id, future, task.waker.clone()))
    }

    /// Puts the future of a pending task back. If the task was shut down meanwhile, returns the future, and the caller
    /// drops the future.
    pub(super) fn put_back(&mut self, id: u64, future: TaskFuture) -> Option<TaskFuture> {
        match self.tasks.get_mut(&id) {
            Some(task) => task.future.replace(future),
            None => Some(future),
        }
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Task> {
        self.tasks.remove(&id)
    }
}

fn take_one(count: &mut usize) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}
