//! The jobs that were triggered, and run before the next tick.
//!
//! Two jobs that trigger each other inside their runs would run at once without end, and keep a processor busy.
//! Therefore a run does not trigger a job at once if it may follow from a triggered run of that job: if such a run has
//! begun since the last tick, and was offered before. The job then waits for the next tick. A run that was offered
//! earlier, and goes on for long, triggers other jobs at once as often as it likes.

use std::collections::{BTreeMap, BTreeSet};

use crate::job::state::OfferId;
use crate::time::{JobIndex, Time};

pub(crate) struct Triggered {
    /// In registration order, each job once: nobody may serve the jobs for long.
    jobs: BTreeSet<JobIndex>,
    /// The triggered runs that have begun before the tick `until`, and not before the tick before: for each job the
    /// offer id of the last one.
    begun: BTreeMap<JobIndex, OfferId>,
    until: Time,
}

impl Default for Triggered {
    fn default() -> Triggered {
        Triggered {
            jobs: BTreeSet::new(),
            begun: BTreeMap::new(),
            until: Time::EARLIEST,
        }
    }
}

impl Triggered {
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Forgets the jobs, but not the runs that have begun.
    pub(crate) fn clear(&mut self) {
        self.jobs.clear();
    }

    pub(crate) fn add(&mut self, job: JobIndex) {
        self.jobs.insert(job);
    }

    /// Notes that a triggered run of the job has begun. `next_tick` is the first tick from now.
    pub(crate) fn note_begun(&mut self, job: JobIndex, offer_id: OfferId, next_tick: Time) {
        if self.until != next_tick {
            self.until = next_tick;
            self.begun.clear();
        }
        self.begun.insert(job, offer_id);
    }

    /// Whether a triggered run of the job has begun since the last tick, and was offered before `run`.
    pub(crate) fn has_begun(&self, job: JobIndex, run: OfferId, next_tick: Time) -> bool {
        self.until == next_tick && self.begun.get(&job).is_some_and(|begun| *begun < run)
    }

    /// Takes all jobs, and moves those that are `left` to the end of `due`. The triggered run of the others has begun in
    /// the meantime, as the run on offer. Their next run waits for its tick.
    pub(crate) fn take(&mut self, due: &mut Vec<JobIndex>, left: impl Fn(JobIndex) -> bool) {
        let jobs = std::mem::take(&mut self.jobs);
        due.extend(jobs.into_iter().filter(|job| left(*job)));
    }

    pub(crate) fn remove(&mut self, job: JobIndex) {
        self.jobs.remove(&job);
        self.begun.remove(&job);
    }

    pub(crate) fn renumber(&mut self, renumbered: &[Option<JobIndex>]) {
        let new = |job: JobIndex| renumbered[job as usize];
        self.jobs = self.jobs.iter().filter_map(|job| new(*job)).collect();
        let begun = self.begun.iter().filter_map(|(job, run)| Some((new(*job)?, *run)));
        self.begun = begun.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Time = Time::from_nanos(50);
    const SECOND: Time = Time::from_nanos(100);

    fn taken(triggered: &mut Triggered) -> Vec<JobIndex> {
        let mut jobs = Vec::new();
        triggered.take(&mut jobs, |_| true);
        assert!(triggered.is_empty());
        jobs
    }

    #[test]
    fn a_job_is_there_once_and_in_registration_order() {
        let mut triggered = Triggered::default();
        for job in [3, 1, 3, 2, 1, 1] {
            triggered.add(job);
        }
        assert_eq!(taken(&mut triggered), [1, 2, 3]);
        assert!(taken(&mut triggered).is_empty());
    }

    #[test]
    fn a_job_whose_triggered_run_has_begun_is_not_left() {
        let mut triggered = Triggered::default();
        triggered.add(1);
        triggered.add(2);
        let mut due = vec![7];
        triggered.take(&mut due, |job| job == 2);
        assert_eq!(due, [7, 2]);
        assert!(triggered.is_empty());
    }

    #[test]
    fn a_triggered_run_has_begun_before_the_runs_that_were_offered_after_it_until_the_next_tick() {
        let mut triggered = Triggered::default();
        let [earlier, run, later] = [1, 2, 3].map(OfferId::new);
        assert!(!triggered.has_begun(1, later, FIRST));
        triggered.note_begun(1, run, FIRST);
        let has_begun = [earlier, run, later, OfferId::LAST].map(|other| triggered.has_begun(1, other, FIRST));
        assert_eq!(has_begun, [false, false, true, true]);
        assert!(!triggered.has_begun(2, later, FIRST));
        assert!(!triggered.has_begun(1, later, SECOND));
        triggered.note_begun(2, run, SECOND);
        assert!(!triggered.has_begun(1, later, SECOND));
        assert!(triggered.has_begun(2, later, SECOND));
    }

    #[test]
    fn jobs_that_are_renumbered_or_removed() {
        let mut triggered = Triggered::default();
        (0..4).for_each(|job| triggered.add(job));
        triggered.note_begun(3, OfferId::new(1), FIRST);
        triggered.remove(0);
        triggered.renumber(&[None, None, Some(0), Some(1)]);
        assert!(triggered.has_begun(1, OfferId::LAST, FIRST));
        assert_eq!(taken(&mut triggered), [0, 1]);
        triggered.remove(1);
        assert!(!triggered.has_begun(1, OfferId::LAST, FIRST));
    }
}
