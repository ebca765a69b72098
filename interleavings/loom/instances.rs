//! A job with several runs at a time. The target is dropped once, after the last run, and a pause reaches each
//! instance.

use std::sync::Arc;
use std::time::Duration;

use super::{all, both, three, up_to};
use crate::job::cell::{JobCell, JobInstance};
use crate::job::config::tests::no_host;
use crate::job::config::{JobConfig, RunMode};
use crate::job::instance::{Instance, Instances};
use crate::job::rules::{OverlapState, Rules};
use crate::job::state::{Deferred, Offer, OfferId};
use crate::job::target::SharedTarget;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::Time;

struct Small {
    job: Arc<JobCell>,
    drops: Arc<AtomicU64>,
}

/// Counts its drops.
struct Target(Arc<AtomicU64>);

impl Drop for Target {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

fn offer_id(number: u64) -> OfferId {
    OfferId::new(number)
}

impl Small {
    fn new() -> Arc<Small> {
        let rules = Rules {
            slots: None,
            jitter: None,
            times: None,
            until: Time::NEVER,
            fixed_delay: false,
            time_limit: None,
            attempt_limit: None,
            backoffs: None,
            group: None,
            overlap: OverlapState::Allow(Instances::new(2)),
        };
        let config = Arc::new(JobConfig::new(no_host(), RunMode::default(), Some(rules)));
        let drops = Arc::<AtomicU64>::default();
        let target = Target(Arc::clone(&drops));
        let body = (move || _ = &target).into_shared_body();
        let job: Arc<JobCell> = Arc::new(JobCell::new(Some(Duration::from_secs(1)), config, body));
        Arc::new(Small { job, drops })
    }

    fn instances(&self) -> &Instances {
        self.job.instances().unwrap()
    }

    /// The loop offers a run.
    fn offer(&self, offer_id: OfferId) -> Option<JobInstance> {
        let is_taken = |instance: &Arc<Instance>| instance.state.offer_instance(offer_id, false);
        match self.job.state.offer(offer_id) {
            Offer::Taken => Some(JobInstance::own(&self.job)),
            Offer::Closed => None,
            Offer::Busy => {
                let instance = self.instances().all().into_iter().find(is_taken);
                let instance = instance.or_else(|| self.instances().add(&self.job.state).filter(is_taken));
                instance.map(|instance| JobInstance::of(&self.job, instance))
            }
        }
    }

    /// A worker begins the run, if the offer still holds.
    fn begin(&self, run: &JobInstance, offer_id: OfferId) -> bool {
        let begins = run.state().begin(offer_id).is_some();
        if begins {
            assert_eq!(self.drops(), 0, "a run begins without a target");
        } else {
            self.withdraw(run, offer_id);
        }
        begins
    }

    fn withdraw(&self, run: &JobInstance, offer_id: OfferId) {
        run.state()
            .withdraw(offer_id)
            .into_iter()
            .for_each(|deferred| self.follow(deferred));
    }

    fn end(&self, run: &JobInstance) {
        assert_eq!(self.drops(), 0, "the target goes during a run");
        self.follow(run.state().end(None));
    }

    fn follow(&self, deferred: Deferred) {
        if deferred.removed() {
            self.job.clear_removed();
        }
    }

    /// A run in progress.
    fn running(&self, number: u64) -> JobInstance {
        let run = self.offer(offer_id(number)).unwrap();
        assert!(self.begin(&run, offer_id(number)));
        run
    }

    fn serve(&self, number: u64) {
        let Some(run) = self.offer(offer_id(number)) else {
            return;
        };
        if self.begin(&run, offer_id(number)) {
            self.end(&run);
        }
    }

    /// Reads the newest value. A plain load might give an older value.
    fn drops(&self) -> u64 {
        self.drops.fetch_add(0, Ordering::AcqRel)
    }
}

#[test]
fn the_target_of_a_removed_job_goes_with_the_last_of_two_runs() {
    up_to(3, || {
        let small = Small::new();
        let runs = [1, 2].map(|number| small.running(number));
        let [first, second] = runs.map(|run| {
            let small = Arc::clone(&small);
            move || small.end(&run)
        });
        three(first, second, || small.job.remove());
        assert_eq!(small.drops(), 1);
    });
}

#[test]
fn no_run_of_a_removed_job_begins_without_its_target() {
    up_to(3, || {
        let small = Small::new();
        let run = small.running(1);
        let (ends, serves) = (Arc::clone(&small), Arc::clone(&small));
        three(move || ends.end(&run), move || serves.serve(2), || small.job.remove());
        assert_eq!(small.drops(), 1);
    });
}

#[test]
fn the_target_of_a_removed_job_goes_with_an_offer_that_is_withdrawn() {
    up_to(3, || {
        let small = Small::new();
        let run = small.running(1);
        let offered = small.offer(offer_id(2)).unwrap();
        let (ends, withdraws) = (Arc::clone(&small), Arc::clone(&small));
        three(
            move || ends.end(&run),
            move || withdraws.withdraw(&offered, offer_id(2)),
            || small.job.remove(),
        );
        assert_eq!(small.drops(), 1);
    });
}

#[test]
fn a_pause_and_its_end_reach_an_instance_that_is_new() {
    for resumes in [false, true] {
        all(move || {
            let small = Small::new();
            let _run = small.running(1);
            let other = Arc::clone(&small);
            let pause = move || {
                other.job.pause();
                if resumes {
                    other.job.resume(None);
                }
            };
            let (_, instance) = both(pause, || small.instances().add(&small.job.state).unwrap());
            assert_eq!(instance.state.load().is_paused(), !resumes);
        });
    }
}
