//! What holds for a job beside its interval. It is the same for most jobs, which share it: there may be a million of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::job::cancel_listeners::Waiters;
use crate::job::cell::JobCell;
use crate::job::event_kind::EventKind;
use crate::job::failures::Troubles;
use crate::job::id::JobId;
use crate::job::rules::Rules;
use crate::time::MissedTicks;

/// What a job asks of the scheduler that it is on.
pub(crate) trait Host: Send + Sync {
    fn clock(&self) -> &Clock;

    /// Those that wait to be told that a run should end.
    fn waiters(&self) -> &Waiters;

    /// The length of a tick.
    fn resolution(&self) -> Duration;

    /// Looks again when the job is due, since something about it has changed.
    fn relist(&self, job: &JobCell);

    /// Takes the job off the scheduler, and tells so.
    fn retire(&self, job: &Arc<JobCell>);
}

pub(crate) struct Terms {
    pub(crate) host: Weak<dyn Host>,
    pub(crate) manner: Manner,
    pub(crate) rules: Option<Rules>,
    /// Of those jobs that had any. Held for a look or a change and nothing else, so that checkers of interleavings need not know.
    troubles: Mutex<BTreeMap<JobId, Box<Troubles>>>,
    /// Some job had trouble.
    some_had_trouble: AtomicBool,
}

impl Terms {
    pub(crate) fn new(host: Weak<dyn Host>, mut manner: Manner, rules: Option<Rules>) -> Terms {
        manner.timed |= rules.is_some();
        Terms {
            host,
            manner,
            rules,
            troubles: Mutex::default(),
            some_had_trouble: AtomicBool::new(false),
        }
    }

    pub(crate) fn note_trouble(&self, job: JobId, kind: &EventKind) {
        let error = kind.error_text();
        // Seen by whoever drops the job, since that comes after all that was done with it.
        self.some_had_trouble.store(true, Ordering::Relaxed);
        self.table().entry(job).or_default().note(kind, error);
    }

    pub(crate) fn troubles(&self, job: JobId) -> Troubles {
        self.table()
            .get(&job)
            .map(|troubles| (**troubles).clone())
            .unwrap_or_default()
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<JobId, Box<Troubles>>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The job is gone. A million may go at once, mostly without trouble.
    pub(crate) fn forget(&self, job: JobId) {
        if self.some_had_trouble.load(Ordering::Relaxed) {
            self.table().remove(&job);
        }
    }
}

/// How a job is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Manner {
    pub(crate) policy: MissedTicks,
    pub(crate) blocking: bool,
    /// Whether anything hangs on the instant at which a run begins: the target may ask for it, a policy may count from it.
    pub(crate) timed: bool,
}

impl Manner {
    const COUNT: usize = 3 * 4;

    /// Rules, if there are any, make it [timed](Manner::timed) as well.
    pub(crate) fn new(policy: MissedTicks, blocking: bool, takes_run: bool) -> Manner {
        Manner {
            policy,
            blocking,
            timed: takes_run || policy != MissedTicks::Burst,
        }
    }

    fn number(self) -> usize {
        let policy = match self.policy {
            MissedTicks::Burst => 0,
            MissedTicks::Skip => 1,
            MissedTicks::Delay => 2,
        };
        policy * 4 + usize::from(self.blocking) * 2 + usize::from(self.timed)
    }
}

/// The terms that the jobs of a scheduler share which have no rules, for each manner that there is of running them.
#[derive(Default)]
pub(crate) struct CommonTerms([OnceLock<Arc<Terms>>; Manner::COUNT]);

impl CommonTerms {
    pub(crate) fn of(&self, manner: Manner, host: impl FnOnce() -> Weak<dyn Host>) -> Arc<Terms> {
        let terms = self.0[manner.number()].get_or_init(|| Arc::new(Terms::new(host(), manner, None)));
        Arc::clone(terms)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    struct Nobody;

    impl Host for Nobody {
        fn clock(&self) -> &Clock {
            unreachable!()
        }

        fn waiters(&self) -> &Waiters {
            unreachable!()
        }

        fn resolution(&self) -> Duration {
            unreachable!()
        }

        fn relist(&self, _: &JobCell) {}

        fn retire(&self, _: &Arc<JobCell>) {}
    }

    /// The scheduler of a job that is on none.
    pub(crate) fn no_host() -> Weak<dyn Host> {
        Weak::<Nobody>::new()
    }

    #[test]
    fn nothing_is_left_of_the_troubles_of_a_job_that_is_gone() {
        let terms = Terms::new(no_host(), Manner::default(), None);
        let [gone, other] = [JobId::next(), JobId::next()];
        for job in [gone, other] {
            terms.note_trouble(job, &EventKind::TimedOut);
        }
        terms.forget(gone);
        assert_eq!((terms.troubles(gone).timeouts, terms.troubles(other).timeouts), (0, 1));
    }

    #[test]
    fn jobs_that_are_run_in_one_manner_share_their_terms_and_no_others() {
        let common = CommonTerms::default();
        let policies = [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay];
        let manners = policies.into_iter().flat_map(|policy| {
            let of = move |(blocking, takes_run)| Manner::new(policy, blocking, takes_run);
            [(false, false), (false, true), (true, false), (true, true)].map(of)
        });
        for manner in manners {
            let [once, again] = [(); 2].map(|()| common.of(manner, no_host));
            assert!(Arc::ptr_eq(&once, &again) && once.manner == manner, "{manner:?}");
        }
    }
}
