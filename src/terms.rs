//! What holds for a job beside its interval and its policy. It is the same for most jobs, which share the terms of their
//! scheduler: there may be a million of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, Weak};

use crate::engine::Engine;
use crate::event::EventKind;
use crate::job::JobId;
use crate::panics::lock;
use crate::rules::Rules;
use crate::troubles::Troubles;

pub(crate) struct Terms {
    pub(crate) engine: Weak<Engine>,
    pub(crate) rules: Option<Rules>,
    /// Of those jobs that had any. A leaf among locks, of which the checkers need not know.
    troubles: Mutex<BTreeMap<JobId, Troubles>>,
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
        lock(&self.troubles).entry(job).or_default().note(kind, error);
    }

    pub(crate) fn troubles(&self, job: JobId) -> Troubles {
        lock(&self.troubles).get(&job).cloned().unwrap_or_default()
    }

    /// The job is gone.
    pub(crate) fn forget(&self, job: JobId) {
        lock(&self.troubles).remove(&job);
    }
}
