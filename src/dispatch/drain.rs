//! The drain of a session: a stop with a grace first begins the runs that were triggered before it. These are the last
//! runs of the session.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::dispatch::job_table::JobTable;
use crate::job::cell::JobCell;
use crate::job::handle::Job;
use crate::job::permits::Permits;
use crate::time::JobIndex;

/// How far a drain is, for a stop that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DrainProgress {
    /// A last run is left to begin.
    GoesOn,
    /// The last runs that are left can't begin before the stop returns: they wait for runs that wait for the stop.
    Blocked,
    /// All last runs have begun, or the session has ended.
    Over,
}

/// The jobs whose last run has not begun yet. No other job gets a run.
///
/// A job leaves when its last run begins. If the job is triggered again, this trigger waits for the next start.
pub(crate) struct Drain {
    jobs: BTreeSet<JobIndex>,
}

impl Drain {
    /// A drain of all jobs that are triggered now.
    pub(crate) fn of_triggered(jobs: &JobTable) -> Drain {
        let triggered = jobs.iter().filter(|job| job.state.load().is_triggered());
        Drain {
            jobs: triggered.map(|job| job.index()).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(crate) fn jobs(&self) -> Vec<JobIndex> {
        self.jobs.iter().copied().collect()
    }

    pub(crate) fn has(&self, job: &JobCell) -> bool {
        self.jobs.contains(&job.index())
    }

    /// Whether a run may be offered to this job. A job whose last run has just begun may still be here, but is no
    /// longer triggered.
    pub(crate) fn admits(&self, job: &JobCell) -> bool {
        self.has(job) && job.state.load().is_triggered()
    }

    /// Removes a job. Returns whether the job was here.
    pub(crate) fn remove(&mut self, job: JobIndex) -> bool {
        self.jobs.remove(&job)
    }

    pub(crate) fn renumber(&mut self, renumbered: &[Option<JobIndex>]) {
        let new = |job: &JobIndex| renumbered[*job as usize];
        self.jobs = self.jobs.iter().filter_map(new).collect();
    }

    /// Whether no last run can begin before the runs that are set aside end. `set_aside` has the job of each of them.
    pub(crate) fn is_blocked(&self, jobs: &JobTable, set_aside: &[Job]) -> bool {
        // If a job is no longer triggered, its last run has just begun.
        let can_begin = |job: &Arc<JobCell>| !job.state.load().is_triggered() || !is_job_blocked(job, set_aside);
        let mut jobs = self.jobs.iter().filter_map(|job| jobs.get(*job));
        !jobs.any(can_begin)
    }
}

/// Whether the runs that are set aside are as many as the job, or its group, may have at once.
fn is_job_blocked(job: &JobCell, set_aside: &[Job]) -> bool {
    let of_job = set_aside.iter().filter(|other| other.id() == job.id);
    of_job.count() >= job.most_runs() || group_of(job).is_some_and(|permits| is_group_blocked(permits, set_aside))
}

fn is_group_blocked(permits: &Permits, set_aside: &[Job]) -> bool {
    let is_in_group = |other: &&Job| group_of(other.cell()).is_some_and(|other| other.group() == permits.group());
    set_aside.iter().filter(is_in_group).count() >= permits.limit()
}

fn group_of(job: &JobCell) -> Option<&Permits> {
    job.rules().and_then(|rules| rules.group.as_deref())
}
