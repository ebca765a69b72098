//! The state word: which thread may run a job.

use std::sync::Arc;

use super::{all, both, three};
use crate::job::state::{Begin, Deferred, Offer, OfferId, RunState};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use crate::time::Time;

/// A small job: the state that a run touches, and counters for the checks.
#[derive(Default)]
struct Small {
    state: RunState,
    inside: AtomicU64,
    /// Counted like the real runs, by a load and a store of the thread that holds the state word.
    runs: AtomicU64,
    begun: AtomicU64,
    triggered: AtomicU64,
    cleared: AtomicU64,
    /// Whether the job is in the agenda.
    listed: Mutex<bool>,
}

fn offer_id(number: u64) -> OfferId {
    OfferId::new(number)
}

impl Small {
    fn new() -> Arc<Small> {
        Arc::default()
    }

    /// A job that was offered under `offer_id`.
    fn offered(offer_id: OfferId) -> Arc<Small> {
        let small = Small::new();
        assert_eq!(small.state.offer(offer_id), Offer::Taken);
        small
    }

    fn running(offer_id: OfferId) -> Arc<Small> {
        let small = Small::offered(offer_id);
        assert_eq!(small.state.begin(offer_id), Some(Begin::Due));
        small
    }

    /// Does what the loop does with a job that has come up.
    fn serve(&self, offer_id: OfferId) {
        let mut listed = self.listed.lock().unwrap();
        if !std::mem::take(&mut *listed) {
            return;
        }
        match self.state.offer(offer_id) {
            Offer::Taken => {
                drop(listed);
                self.run(offer_id);
            }
            Offer::Busy | Offer::Closed => {}
        }
    }

    /// Does what a worker does with an offer.
    fn run(&self, offer_id: OfferId) {
        let Some(how) = self.state.begin(offer_id) else {
            self.withdraw(offer_id);
            return;
        };
        assert_eq!(self.inside.swap(1), 0, "two runs at once");
        let runs = self.runs.load(Ordering::Relaxed);
        self.runs.store(runs + 1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        if how == Begin::Triggered {
            self.triggered.fetch_add(1, Ordering::Relaxed);
        }
        assert_eq!(self.inside.swap(0), 1);
        self.idle_again(self.state.end(Some(Time::ORIGIN)));
    }

    fn withdraw(&self, offer_id: OfferId) -> bool {
        let deferred = self.state.withdraw(offer_id);
        if let Some(deferred) = deferred {
            self.idle_again(deferred);
            self.list();
        }
        deferred.is_some()
    }

    fn idle_again(&self, deferred: Deferred) {
        if deferred.removed() {
            self.cleared.fetch_add(1, Ordering::Relaxed);
        }
        if deferred.due() {
            self.list();
        }
    }

    fn remove(&self) {
        if self.state.remove() {
            self.cleared.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn list(&self) {
        *self.listed.lock().unwrap() = true;
    }

    fn counts(&self) -> [u64; 4] {
        [&self.runs, &self.begun, &self.triggered, &self.cleared].map(|count| count.load(Ordering::Relaxed))
    }
}

trait Swap {
    fn swap(&self, value: u64) -> u64;
}

impl Swap for AtomicU64 {
    /// Detects overlaps without adding an order between threads.
    fn swap(&self, value: u64) -> u64 {
        self.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |_| Some(value))
            .unwrap()
    }
}

#[test]
fn a_run_begins_or_is_withdrawn() {
    all(|| {
        let job = Small::offered(offer_id(1));
        let worker = Arc::clone(&job);
        let (begun, withdrawn) = both(
            move || worker.state.begin(offer_id(1)),
            || job.state.withdraw(offer_id(1)),
        );
        assert_ne!(begun.is_some(), withdrawn.is_some());
    });
}

/// The scheduler is stopped and started again at once, while a worker still has the old offer.
#[test]
fn one_run_at_a_time_under_old_and_new_offers() {
    all(|| {
        let job = Small::offered(offer_id(1));
        let (old, new) = (Arc::clone(&job), Arc::clone(&job));
        three(
            move || old.run(offer_id(1)),
            move || {
                new.list();
                new.serve(offer_id(2));
            },
            || job.withdraw(offer_id(1)),
        );
        let [runs, begun, ..] = job.counts();
        assert_eq!(runs, begun, "a run that wasn't seen by the next");
        // If the job came up while it was busy, it is in the agenda.
        job.serve(offer_id(3));
        assert!(job.counts()[1] >= 1);
    });
}

#[test]
fn what_a_run_wrote_is_seen_by_the_next() {
    all(|| {
        let job = Small::offered(offer_id(1));
        job.list();
        let (worker, next) = (Arc::clone(&job), Arc::clone(&job));
        three(
            move || worker.run(offer_id(1)),
            move || next.serve(offer_id(2)),
            || job.serve(offer_id(3)),
        );
        job.serve(offer_id(4));
        let [runs, begun, ..] = job.counts();
        assert_eq!((runs, begun), (2, 2), "listed once beside the offer: two runs");
    });
}

#[test]
fn a_removed_job_is_cleared_away_once() {
    for stage in [Small::new as fn() -> Arc<Small>, || Small::offered(offer_id(1))] {
        all(move || {
            let job = stage();
            let (worker, other) = (Arc::clone(&job), Arc::clone(&job));
            three(
                move || worker.run(offer_id(1)),
                move || other.remove(),
                || {
                    job.withdraw(offer_id(1));
                    job.remove();
                },
            );
            assert_eq!(job.counts()[3], 1);
            assert_eq!(job.state.offer(offer_id(3)), Offer::Closed);
        });
    }
}

#[test]
fn a_run_that_comes_due_meanwhile_is_noticed_at_the_end() {
    all(|| {
        let job = Small::running(offer_id(1));
        let worker = Arc::clone(&job);
        let (deferred, offer) = both(move || worker.state.end(None), || job.state.offer(offer_id(2)));
        assert_eq!(deferred.due(), offer == Offer::Busy);
    });
    all(|| {
        let job = Small::offered(offer_id(1));
        let stop = Arc::clone(&job);
        let (deferred, offer) = both(
            move || stop.state.withdraw(offer_id(1)),
            || job.state.offer(offer_id(2)),
        );
        assert_eq!(deferred.unwrap().due(), offer == Offer::Busy);
    });
}

#[test]
fn a_trigger_is_never_lost() {
    for paused in [false, true] {
        all(move || {
            let job = Small::offered(offer_id(1));
            let (worker, user) = (Arc::clone(&job), Arc::clone(&job));
            three(
                move || worker.run(offer_id(1)),
                move || {
                    if paused {
                        user.state.pause();
                    }
                    user.state.trigger();
                    user.list();
                },
                || job.serve(offer_id(2)),
            );
            for number in 3..5 {
                job.serve(offer_id(number));
            }
            let [_, begun, triggered, _] = job.counts();
            // If the trigger comes before the offered run begins, the triggered run replaces the offered run.
            assert!(
                triggered == 1 && begun <= 3,
                "{triggered} of {begun} runs were triggered"
            );
            assert!(!job.state.load().is_triggered());
        });
    }
}

/// Two threads trigger the job during its run. One of them is inside the run. The first trigger says when the next run
/// begins, and nothing of it is left then.
#[test]
fn the_first_of_two_triggers_says_when_the_run_begins() {
    all(|| {
        let job = Small::running(offer_id(1));
        let (inside, outside) = (Arc::clone(&job), Arc::clone(&job));
        let at_once = || job.state.load().is_triggered_at_once();
        let ((), before, ()) = three(
            move || inside.state.trigger_at_tick(),
            move || {
                outside.state.trigger();
                outside.state.load().is_triggered_at_once()
            },
            || job.idle_again(job.state.end(None)),
        );
        assert!(job.state.load().is_triggered());
        assert_eq!(at_once(), before, "a further trigger has changed the first");
        assert_eq!(job.state.offer(offer_id(2)), Offer::Taken);
        assert_eq!(job.state.begin(offer_id(2)), Some(Begin::Triggered));
        assert!(!job.state.load().is_triggered());
        job.state.trigger();
        assert!(at_once(), "a flag of the first trigger is left");
    });
}

/// The executor refuses a triggered run, while the loop offers the job again and a user triggers the job.
#[test]
fn a_refused_trigger_is_postponed_or_gone_with_its_run() {
    all(|| {
        let job = Small::new();
        job.state.trigger();
        assert_eq!(job.state.offer(offer_id(1)), Offer::Taken);
        let (refused, user) = (Arc::clone(&job), Arc::clone(&job));
        three(
            move || {
                assert!(refused.withdraw(offer_id(1)));
                refused.state.postpone_trigger();
            },
            move || {
                user.state.trigger();
                user.list();
            },
            || job.serve(offer_id(2)),
        );
        for number in 3..5 {
            job.serve(offer_id(number));
        }
        let [_, begun, triggered, _] = job.counts();
        assert!(
            (1..=2).contains(&triggered) && begun >= triggered,
            "{triggered} of {begun}"
        );
        let state = job.state.load();
        assert!(!state.is_triggered() && !state.is_busy());
    });
}

#[test]
fn no_run_begins_once_the_job_is_paused() {
    all(|| {
        let job = Small::offered(offer_id(1));
        let worker = Arc::clone(&job);
        let (begun, running) = both(
            move || worker.state.begin(offer_id(1)).is_some(),
            || {
                job.state.pause();
                job.state.load().is_running()
            },
        );
        assert_eq!(begun, running);
    });
}

#[test]
fn a_watching_stop_learns_of_the_end_or_the_run_is_over() {
    all(|| {
        let job = Small::running(offer_id(1));
        let (first, second) = (Arc::clone(&job), Arc::clone(&job));
        let (first, second, deferred) = three(
            move || first.state.watch(offer_id(1)),
            move || second.state.watch(offer_id(1)),
            || job.state.end(None),
        );
        assert_eq!(first || second, deferred.watched());
    });
}

#[test]
fn flags_of_a_run_do_not_reach_the_next() {
    all(|| {
        let job = Small::running(offer_id(1));
        let (stop, other) = (Arc::clone(&job), Arc::clone(&job));
        three(
            move || stop.state.cancel(offer_id(1)),
            move || other.state.watch(offer_id(1)),
            || {
                job.state.end(None);
                assert_eq!(job.state.offer(offer_id(2)), Offer::Taken);
                assert_eq!(job.state.begin(offer_id(2)), Some(Begin::Due));
            },
        );
        assert!(!job.state.load().is_cancelled());
        assert!(job.state.end(None).nothing());
    });
}

/// The thread that holds the job adopts a new interval. If no thread holds the job, the thread that sets the interval
/// adopts it.
#[test]
fn a_new_interval_is_adopted() {
    all(|| {
        let job = Small::offered(offer_id(1));
        let interval = Arc::new(AtomicI64::new(1));
        let (worker, read) = (Arc::clone(&job), Arc::clone(&interval));
        let (adopted, kept) = both(
            move || {
                worker.state.begin(offer_id(1));
                worker.state.end(None).changed().then(|| read.load(Ordering::Relaxed))
            },
            || {
                interval.store(2, Ordering::Relaxed);
                job.state.change()
            },
        );
        assert_eq!(adopted, kept.then_some(2));
    });
}
