//! The jobs that were triggered, and run before the next tick.
//!
//! Two jobs that trigger each other inside their runs would run at once without end, and keep a processor busy. A
//! trigger inside a call of the scheduler, like the run of another job, therefore begins a job at most once between two
//! ticks. If a triggered run of the job has begun since the last tick, the job waits for the next tick.

use std::collections::BTreeSet;

use crate::job::state::Snapshot;
use crate::time::{JobIndex, Time};

pub(crate) struct Triggered {
    /// In registration order, each job once: nobody may serve the jobs for long.
    jobs: BTreeSet<JobIndex>,
    /// The jobs of which a triggered run has begun before the tick `until`, and not before the tick before.
    begun: BTreeSet<JobIndex>,
    until: Time,
}

impl Default for Triggered {
    fn default() -> Triggered {
        Triggered {
            jobs: BTreeSet::new(),
            begun: BTreeSet::new(),
            until: Time::EARLIEST,
        }
    }
}

impl Triggered {
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Adds a job, unless the job is not triggered or waits for a tick. Returns whether it was added. `next_tick` is
    /// the first tick from now.
    pub(crate) fn add(&mut self, job: JobIndex, state: Snapshot, next_tick: Time) -> bool {
        let waits = state.is_triggered_in_call() && self.until == next_tick && self.begun.contains(&job);
        let is_at_once = state.is_triggered_at_once() && !waits;
        if is_at_once {
            self.jobs.insert(job);
        }
        is_at_once
    }

    /// Notes that a triggered run of the job has begun.
    pub(crate) fn note_begun(&mut self, job: JobIndex, next_tick: Time) {
        if self.until != next_tick {
            self.until = next_tick;
            self.begun.clear();
        }
        self.begun.insert(job);
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
        for jobs in [&mut self.jobs, &mut self.begun] {
            *jobs = jobs.iter().filter_map(|job| renumbered[*job as usize]).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::state::{RunState, TriggeredIn};

    const FIRST: Time = Time::from_nanos(50);
    const SECOND: Time = Time::from_nanos(100);

    fn triggered(within: TriggeredIn) -> Snapshot {
        let state = RunState::default();
        state.trigger(within);
        state.load()
    }

    fn taken(triggered: &mut Triggered) -> Vec<JobIndex> {
        let mut jobs = Vec::new();
        triggered.take(&mut jobs, |_| true);
        assert!(triggered.is_empty());
        jobs
    }

    #[test]
    fn a_job_is_there_once_and_in_registration_order() {
        let mut list = Triggered::default();
        for job in [3, 1, 3, 2, 1, 1] {
            assert!(list.add(job, triggered(TriggeredIn::NoCall), FIRST));
        }
        assert_eq!(taken(&mut list), [1, 2, 3]);
        assert_eq!(taken(&mut list), []);
    }

    #[test]
    fn a_job_whose_triggered_run_has_begun_is_not_left() {
        let mut list = Triggered::default();
        for job in [1, 2] {
            list.add(job, triggered(TriggeredIn::NoCall), FIRST);
        }
        let mut due = vec![7];
        list.take(&mut due, |job| job == 2);
        assert_eq!(due, [7, 2]);
        assert!(list.is_empty());
    }

    #[test]
    fn a_job_that_triggers_itself_or_is_not_triggered_waits_for_a_tick() {
        let mut list = Triggered::default();
        assert!(!list.add(1, triggered(TriggeredIn::OwnRun), FIRST));
        assert!(!list.add(1, RunState::default().load(), FIRST));
        assert!(list.is_empty());
    }

    #[test]
    fn inside_other_runs_a_job_is_triggered_at_once_once_a_tick() {
        let mut list = Triggered::default();
        let inside = triggered(TriggeredIn::OtherCall);
        assert!(list.add(1, inside, FIRST));
        assert!(list.add(1, inside, FIRST));
        list.note_begun(1, FIRST);
        assert!(!list.add(1, inside, FIRST));
        assert!(list.add(2, inside, FIRST));
        assert!(list.add(1, triggered(TriggeredIn::NoCall), FIRST));
        assert!(list.add(1, inside, SECOND));
        list.note_begun(2, SECOND);
        assert!(list.add(1, inside, SECOND));
        assert!(!list.add(2, inside, SECOND));
    }

    #[test]
    fn jobs_that_are_renumbered_or_removed() {
        let mut list = Triggered::default();
        let inside = triggered(TriggeredIn::OtherCall);
        for job in 0..4 {
            list.add(job, inside, FIRST);
        }
        list.note_begun(3, FIRST);
        list.remove(0);
        list.renumber(&[None, None, Some(0), Some(1)]);
        assert!(!list.add(1, inside, FIRST));
        assert_eq!(taken(&mut list), [0, 1]);
        list.remove(1);
        assert!(list.add(1, inside, FIRST));
    }
}
