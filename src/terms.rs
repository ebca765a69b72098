//! What holds for a job beside its interval and its policy. It is the same for most jobs, which share the terms of their
//! scheduler: there may be a million of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use crate::engine::Engine;
use crate::event::EventKind;
use crate::job::JobId;
use crate::rules::Rules;
use crate::troubles::Troubles;

pub(crate) struct Terms {
    pub(crate) engine: Weak<Engine>,
    pub(crate) rules: Option<Rules>,
    /// Of those jobs that had any. Held for a look or a change and nothing else, so that checkers of interleavings need not know.
    troubles: Mutex<BTreeMap<JobId, Box<Troubles>>>,
}

impl Terms {
    pub(crate) fn new(engine: Weak<Engine>, rules: Option<Rules>) -> Terms {
        Terms {
            engine,
            rules,
            troubles: Mutex::default(),
        }
    }

    pub(crate) fn note_trouble(&self, job: JobId, kind: &EventKind) {
        let error = kind.error_text();
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

    /// The job is gone.
    pub(crate) fn forget(&self, job: JobId) {
        self.table().remove(&job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_the_troubles_of_a_job_that_is_gone() {
        let terms = Terms::new(Weak::new(), None);
        let [gone, other] = [JobId::next(), JobId::next()];
        for job in [gone, other] {
            terms.note_trouble(job, &EventKind::TimedOut);
        }
        terms.forget(gone);
        assert_eq!((terms.troubles(gone).timeouts, terms.troubles(other).timeouts), (0, 1));
    }
}
