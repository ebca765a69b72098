//! The ids of jobs and of runs.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::job::state::OfferId;

/// Identifies a job. Ids are ordered by registration. With the feature `serde`, an id is serialised as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct JobId(u64);

impl JobId {
    pub(crate) fn next() -> JobId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        JobId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies a run: the job, and the offer id under which the run began.
pub(crate) type RunKey = (JobId, OfferId);
