//! Groups: the limit holds, and no job is left waiting beside a free permit.

use std::sync::Arc;

use super::{all, both, job, three, up_to};
use crate::dispatch::groups::{Groups, WaitingLine};
use crate::job::permits::Permits;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::Time;

struct Small {
    permits: Permits,
    limit: u64,
    running: AtomicU64,
    runs: AtomicU64,
    /// How often the loop was woken and has not looked yet.
    woken: AtomicU64,
    /// Under a lock, like the engine's core.
    line: Mutex<WaitingLine>,
}

impl Small {
    fn new(limit: usize) -> Arc<Small> {
        Arc::new(Small {
            permits: Permits::new(0, limit),
            limit: limit as u64,
            running: AtomicU64::new(0),
            runs: AtomicU64::new(0),
            woken: AtomicU64::new(0),
            line: Mutex::default(),
        })
    }

    /// A job comes up. If the job gets a permit, it runs.
    fn come_up(&self) {
        let mut line = self.line.lock().unwrap();
        line.push(Time::ORIGIN, Time::ORIGIN, &job());
        self.permits.set_waiting(line.len());
        let admitted = self.admit(&mut line);
        drop(line);
        self.run(admitted);
    }

    fn admit(&self, line: &mut WaitingLine) -> u64 {
        let mut admitted = 0;
        while line.len() > 0 && self.permits.try_acquire() {
            admitted += u64::from(line.pop().is_some());
            self.permits.set_waiting(line.len());
        }
        admitted
    }

    fn run(&self, times: u64) {
        let running = self.running.fetch_add(times, Ordering::AcqRel) + times;
        assert!(running <= self.limit, "{running} run, of {} that may", self.limit);
        for _ in 0..times {
            self.runs.fetch_add(1, Ordering::AcqRel);
            self.running.fetch_sub(1, Ordering::AcqRel);
            if self.permits.release() {
                self.woken.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn settle(&self) {
        while self.woken.load(Ordering::Acquire) > 0 {
            self.woken.fetch_sub(1, Ordering::AcqRel);
            let admitted = self.admit(&mut self.line.lock().unwrap());
            self.run(admitted);
        }
    }
}

#[test]
fn a_group_keeps_its_limit_and_forgets_no_job() {
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

/// A job joins the line under the core's lock. Permits are given out under the same lock, but later.
#[test]
fn a_permit_that_is_returned_while_a_job_joins_the_line_is_not_lost() {
    all(|| {
        let mut groups = Groups::default();
        let others = groups.add("others".to_owned(), 1, true);
        let permits = groups.add("one".to_owned(), 1, true);
        assert!(permits.try_acquire() && others.try_acquire());
        groups.enqueue(&others, Time::ORIGIN, Time::ORIGIN, &job());
        let groups = Arc::new(Mutex::new(groups));
        let (core, its_permits) = (Arc::clone(&groups), Arc::clone(&permits));
        let admits = |groups: &Mutex<Groups>| groups.lock().unwrap().admit_next(&mut 0).is_some();
        let join = move || {
            let mut groups = core.lock().unwrap();
            groups.enqueue(&its_permits, Time::ORIGIN, Time::ORIGIN, &job());
            drop(groups);
            admits(&core)
        };
        let (is_admitted, is_woken) = both(join, || permits.release());
        assert!(is_admitted || (is_woken && admits(&groups)), "it waits for ever");
    });
}
