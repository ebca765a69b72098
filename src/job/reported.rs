//! Troubles of jobs that observers know already, and that are not reported again before they change: lateness, and
//! refusals by the executor. Otherwise an executor that refuses all runs, or a job that stays late, would fill a log.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::job::id::JobId;
use crate::time::Span;

/// The jobs of a configuration that are late or refused. The lock is held for a single change. Therefore a plain
/// `Mutex`, unknown to the interleaving checkers, is enough.
#[derive(Default)]
pub(crate) struct Reported {
    jobs: Mutex<BTreeMap<JobId, Trouble>>,
    /// Whether any job is late or refused. Written under the lock.
    some: AtomicBool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Trouble {
    /// The lateness that was reported last.
    late: Option<Span>,
    is_refused: bool,
}

impl Reported {
    /// Notes that a run has begun, later than its due time by `late` if it is late. Returns whether the lateness
    /// must be reported: the run before was not late, or the lateness has doubled since it was reported.
    pub(crate) fn begins(&self, job: JobId, late: Option<Span>) -> bool {
        if late.is_none() && !self.some.load(Ordering::Relaxed) {
            return false;
        }
        self.change(job, |trouble| {
            trouble.is_refused = false;
            let is_news = late.is_some_and(|late| {
                trouble
                    .late
                    .is_none_or(|reported| late > reported && late >= reported.times(2))
            });
            if is_news || late.is_none() {
                trouble.late = late;
            }
            is_news
        })
    }

    /// Notes that the executor refused a run. Returns whether the refusal must be reported: it is the first since a run
    /// has begun.
    pub(crate) fn refused(&self, job: JobId) -> bool {
        self.change(job, |trouble| !std::mem::replace(&mut trouble.is_refused, true))
    }

    /// Forgets a removed job.
    pub(crate) fn forget(&self, job: JobId) {
        if self.some.load(Ordering::Relaxed) {
            self.change(job, |trouble| *trouble = Trouble::default());
        }
    }

    fn change<T>(&self, job: JobId, change: impl FnOnce(&mut Trouble) -> T) -> T {
        let mut jobs = self.lock();
        let trouble = jobs.entry(job).or_default();
        let changed = change(trouble);
        if *trouble == Trouble::default() {
            jobs.remove(&job);
        }
        self.some.store(!jobs.is_empty(), Ordering::Relaxed);
        changed
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, Trouble>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late(nanos: i64) -> Option<Span> {
        Some(Span::from_nanos(nanos))
    }

    #[test]
    fn lateness_is_news_if_it_begins_or_doubles() {
        let (reported, job) = (Reported::default(), JobId::next());
        for (lateness, is_news) in [
            (None, false),
            (late(5), true),
            (late(9), false),
            (late(10), true),
            (late(19), false),
            (late(4), false),
            (None, false),
            (late(4), true),
            (late(i64::MAX), true),
            (late(i64::MAX), false),
        ] {
            assert_eq!(reported.begins(job, lateness), is_news, "{lateness:?}");
        }
    }

    #[test]
    fn a_refusal_is_news_after_a_run() {
        let (reported, job) = (Reported::default(), JobId::next());
        assert!(reported.refused(job));
        assert!(!reported.refused(job));
        assert!(reported.refused(JobId::next()));
        reported.begins(job, None);
        assert!(reported.refused(job));
        reported.begins(job, late(5));
        assert!(reported.refused(job));
        assert!(!reported.begins(job, late(5)));
    }

    #[test]
    fn nothing_is_left_of_jobs_that_are_gone_or_run_in_time() {
        let (reported, [gone, other]) = (Reported::default(), [JobId::next(), JobId::next()]);
        reported.begins(gone, late(5));
        reported.refused(other);
        reported.forget(gone);
        assert_eq!(reported.lock().len(), 1);
        reported.begins(other, None);
        assert!(reported.lock().is_empty() && !reported.some.load(Ordering::Relaxed));
    }
}
