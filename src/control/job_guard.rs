use std::ops::Deref;

use crate::job::handle::Job;

/// A job that is removed when the guard is dropped. Its run in progress is then cancelled. [`Job::remove_on_drop`]
/// returns this type.
#[derive(Debug)]
#[must_use = "the drop of the guard removes the job: keep the guard in a variable with a name"]
pub struct JobGuard {
    job: Job,
    is_kept: bool,
}

impl JobGuard {
    pub(crate) fn new(job: Job) -> JobGuard {
        JobGuard { job, is_kept: false }
    }

    /// Returns the job, which stays.
    pub fn keep(mut self) -> Job {
        self.is_kept = true;
        self.job.clone()
    }
}

impl Deref for JobGuard {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.job
    }
}

impl Drop for JobGuard {
    fn drop(&mut self) {
        if !self.is_kept {
            self.job.remove();
            self.job.cancel();
        }
    }
}
