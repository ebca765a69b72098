//! All jobs of a scheduler, in the order in which they were registered. The table is part of the core, so the core's
//! lock protects it.

use std::sync::Arc;

use crate::job::cell::JobCell;
use crate::job::prefetch::prefetch;
use crate::time::JobIndex;

/// Up to this many holes are not worth closing.
const FEW: usize = 64;

/// Indices are assigned in ascending order and not reused, so the order of indices is the order of registration. A
/// removed job leaves a hole. Once holes outnumber jobs, the holes are closed.
#[derive(Default)]
pub(crate) struct JobTable {
    jobs_by_index: Vec<Option<Arc<JobCell>>>,
    jobs: usize,
    /// How many of the jobs have ticks.
    holders: usize,
}

impl JobTable {
    pub(crate) fn push(&mut self, job: Arc<JobCell>) -> JobIndex {
        assert!(
            self.jobs_by_index.len() < JobCell::UNREGISTERED as usize,
            "fewer than four thousand million jobs"
        );
        let index = self.jobs_by_index.len() as JobIndex;
        job.set_index(index);
        self.holders += usize::from(job.has_ticks());
        self.jobs_by_index.push(Some(job));
        self.jobs += 1;
        index
    }

    pub(crate) fn get(&self, index: JobIndex) -> Option<&Arc<JobCell>> {
        self.jobs_by_index.get(index as usize)?.as_ref()
    }

    /// Fetches the memory of a job that is about to be offered.
    pub(crate) fn prefetch(&self, index: JobIndex) {
        if let Some(job) = self.get(index) {
            prefetch(job, self.get(index + 1));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<JobCell>> {
        self.jobs_by_index.iter().flatten()
    }

    /// The jobs whose runs are ticks. Costs time for all jobs, if there is one with ticks.
    pub(crate) fn with_ticks(&self) -> Vec<Arc<JobCell>> {
        if self.holders == 0 {
            return Vec::new();
        }
        self.iter().filter(|job| job.has_ticks()).cloned().collect()
    }

    /// Removes the job, if it is in the table.
    pub(crate) fn remove(&mut self, job: &JobCell) -> Option<Arc<JobCell>> {
        let removed = self.jobs_by_index.get_mut(job.index() as usize)?.take()?;
        removed.set_index(JobCell::UNREGISTERED);
        self.jobs -= 1;
        self.holders -= usize::from(removed.has_ticks());
        Some(removed)
    }

    /// Closes the holes if they outnumber the jobs. Returns the new index for each old index.
    pub(crate) fn compact(&mut self) -> Option<Vec<Option<JobIndex>>> {
        let holes = self.jobs_by_index.len() - self.jobs;
        if holes <= self.jobs.max(FEW) {
            return None;
        }
        let old = std::mem::take(&mut self.jobs_by_index);
        self.jobs = 0;
        self.holders = 0;
        Some(old.into_iter().map(|job| job.map(|job| self.push(job))).collect())
    }

    pub(crate) fn take(&mut self) -> Vec<Arc<JobCell>> {
        self.jobs = 0;
        self.holders = 0;
        std::mem::take(&mut self.jobs_by_index).into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dispatch::ticker::Ticker;
    use crate::job::cell::tests::job;
    use crate::job::config::tests::no_host;
    use crate::job::config::{JobConfig, RunMode, RunPlace};
    use crate::time::MissedTicks;

    fn job_table(jobs: usize) -> (JobTable, Vec<Arc<JobCell>>) {
        let mut job_table = JobTable::default();
        let jobs: Vec<_> = (0..jobs).map(|_| job()).collect();
        for job in &jobs {
            job_table.push(Arc::clone(job));
        }
        (job_table, jobs)
    }

    #[test]
    fn holes_are_closed_once_they_outnumber_the_jobs() {
        let (mut job_table, jobs) = job_table(200);
        for job in &jobs[..100] {
            assert!(job_table.remove(job).is_some());
            assert!(job_table.remove(job).is_none());
            assert_eq!(job_table.compact(), None);
        }
        job_table.remove(&jobs[150]);
        let renumbered = job_table.compact().unwrap();
        assert!(renumbered[..100].iter().all(Option::is_none));
        assert_eq!(
            (renumbered[100], renumbered[150], renumbered[151]),
            (Some(0), None, Some(50))
        );
        assert_eq!(job_table.iter().count(), 99);
        let left = jobs[100..].iter().filter(|job| job.index() != JobCell::UNREGISTERED);
        for (index, job) in left.enumerate() {
            assert_eq!(job.index() as usize, index);
            assert!(job_table.get(job.index()).is_some_and(|there| Arc::ptr_eq(there, job)));
        }
        assert_eq!(job_table.compact(), None);
    }

    #[test]
    fn the_jobs_with_ticks_are_found_until_they_are_removed() {
        let mode = RunMode::new(MissedTicks::Burst, RunPlace::Ticks, true);
        let config = Arc::new(JobConfig::new(no_host(), mode, None));
        let cell = JobCell::new(Some(Duration::from_secs(1)), config, Ticker::default());
        let with_ticks: Arc<JobCell> = Arc::new(cell);
        let (mut job_table, jobs) = job_table(200);
        assert!(job_table.with_ticks().is_empty());
        job_table.push(Arc::clone(&with_ticks));
        jobs.iter().for_each(|job| drop(job_table.remove(job)));
        job_table.compact().unwrap();
        let found = job_table.with_ticks();
        assert!(found.len() == 1 && Arc::ptr_eq(&found[0], &with_ticks));
        job_table.remove(&with_ticks);
        assert_eq!(job_table.holders, 0);
    }

    #[test]
    fn few_holes_are_left() {
        let (mut few, jobs) = job_table(64);
        jobs.iter().for_each(|job| drop(few.remove(job)));
        assert_eq!(few.compact(), None);
        let (mut more, jobs) = job_table(65);
        jobs.iter().for_each(|job| drop(more.remove(job)));
        assert_eq!(more.compact(), Some(vec![None; 65]));
    }
}
