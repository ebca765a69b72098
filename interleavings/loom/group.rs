//! Groups: the limit holds, and nobody is left waiting beside a free place.

use std::sync::Arc;

use super::{all, both, job, three, up_to};
use crate::dispatch::group::Group;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::Time;

struct Small {
    group: Group,
    limit: u64,
    running: AtomicU64,
    runs: AtomicU64,
    /// The loop has been woken.
    rung: AtomicU64,
    /// As the engine's state: only one thread at a time is the loop.
    turn: Mutex<()>,
}

impl Small {
    fn new(limit: usize) -> Arc<Small> {
        Arc::new(Small {
            group: Group::new(limit),
            limit: limit as u64,
            running: AtomicU64::new(0),
            runs: AtomicU64::new(0),
            rung: AtomicU64::new(0),
            turn: Mutex::default(),
        })
    }

    /// A job comes up; if it gets a place it runs.
    fn come_up(&self) {
        let turn = self.turn.lock().unwrap();
        self.group.wait(Time::ORIGIN, Time::ORIGIN, &job());
        let admitted = self.admit();
        drop(turn);
        self.run(admitted);
    }

    fn admit(&self) -> u64 {
        let mut admitted = 0;
        while self.group.admit().is_some() {
            admitted += 1;
        }
        admitted
    }

    fn run(&self, times: u64) {
        let running = self.running.fetch_add(times, Ordering::AcqRel) + times;
        assert!(running <= self.limit, "{running} run, of {} that may", self.limit);
        for _ in 0..times {
            self.runs.fetch_add(1, Ordering::AcqRel);
            self.running.fetch_sub(1, Ordering::AcqRel);
            if self.group.leave() {
                self.rung.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn settle(&self) {
        while self.rung.load(Ordering::Acquire) > 0 {
            self.rung.fetch_sub(1, Ordering::AcqRel);
            self.run(self.admit());
        }
    }
}

#[test]
fn a_group_keeps_its_limit_and_forgets_nobody() {
    all(|| {
        let small = Small::new(1);
        let other = Arc::clone(&small);
        both(move || other.come_up(), || small.come_up());
        small.settle();
        assert_eq!(small.runs.load(Ordering::Acquire), 2);
    });
    for limit in [1, 2] {
        up_to(3, move || {
            let small = Small::new(limit);
            let (first, second) = (Arc::clone(&small), Arc::clone(&small));
            three(move || first.come_up(), move || second.come_up(), || small.come_up());
            small.settle();
            assert_eq!(small.runs.load(Ordering::Acquire), 3);
        });
    }
}
