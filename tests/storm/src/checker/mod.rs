//! The invariants, checked record by record. The checker knows nothing of the library.

mod groups;
mod jobs;
mod session;
#[cfg(test)]
mod tests;

use crate::record::{JobNumber, Limits, Record};

use groups::Groups;
use jobs::Jobs;
use session::Session;

/// What is wrong.
pub(crate) type Violation = String;

/// Where the beginning and the end of a run are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The scheduler has an observer, whose events tell both.
    Events,
    /// The scheduler has no observer. A run begins when its first body is entered, and its end is not known.
    Bodies,
}

#[derive(Debug)]
pub(crate) struct Checker {
    source: Source,
    jobs: Jobs,
    groups: Groups,
    session: Session,
}

impl Checker {
    pub(crate) fn new(source: Source) -> Checker {
        Checker {
            source,
            jobs: Jobs::default(),
            groups: Groups::default(),
            session: Session::default(),
        }
    }

    pub(crate) fn note(&mut self, record: &Record) -> Result<(), Violation> {
        match record {
            Record::Registering { job, limits } => self.jobs.add(*job, *limits),
            Record::NotRegistered { job } => self.jobs.forbid(*job),
            Record::Started { job, run, is_early } => self.start(*job, *run, *is_early),
            Record::Ended { job, run, how } => {
                self.groups.leave(*job, self.jobs.limits(*job)?);
                self.jobs.end(*job, *run, *how)
            }
            Record::Retried { job, run } => self.jobs.retry(*job, *run),
            Record::Missed { job, count } => self.jobs.miss(*job, *count),
            Record::Removed { job, in_progress } => self.jobs.remove_event(*job, *in_progress),
            Record::Entered { job, run } => self.enter(*job, *run),
            Record::Left { job, run } => self.leave(*job, *run),
            Record::StartCalled => self.session.call_start(),
            Record::StartReturned { ok } => self.session.return_start(*ok),
            Record::StopCalled { stop, is_unlimited } => {
                self.session.call_stop(*stop, *is_unlimited, self.jobs.open_runs())
            }
            Record::StopReturned { stop, outcome } => {
                let are_ends_known = self.source == Source::Events;
                self.session.return_stop(*stop, outcome, &self.jobs, are_ends_known)
            }
            Record::RemoveReturned {
                job,
                in_progress,
                is_listed,
            } => self.jobs.return_remove(*job, *in_progress, *is_listed),
            Record::HandleDropped { idle } => self.session.drop_handle(idle, &self.jobs),
            Record::Settled { job, figures } => self.jobs.settle(*job, figures, self.source),
        }
    }

    fn start(&mut self, job: JobNumber, run: u64, is_early: bool) -> Result<(), Violation> {
        if is_early {
            return Err(format!("run {run} of job {job} began before it was due"));
        }
        self.session.begin(job)?;
        self.jobs.begin(job, run)?;
        self.jobs.open(job, run)?;
        self.groups.enter(job, self.jobs.limits(job)?)
    }

    fn enter(&mut self, job: JobNumber, run: Option<u64>) -> Result<(), Violation> {
        if self.source == Source::Bodies {
            if self.jobs.is_new(job, run)? {
                self.session.begin(job)?;
                self.jobs.begin(job, run.unwrap_or(self.jobs.next_run(job)?))?;
            }
            self.groups.enter(job, self.jobs.limits(job)?)?;
        }
        self.jobs.enter(job, run, self.source)
    }

    fn leave(&mut self, job: JobNumber, run: Option<u64>) -> Result<(), Violation> {
        if self.source == Source::Bodies {
            self.groups.leave(job, self.jobs.limits(job)?);
        }
        self.jobs.leave(job, run)
    }

    pub(crate) fn limits(&self, job: JobNumber) -> Option<Limits> {
        self.jobs.limits(job).ok()
    }

    pub(crate) fn knows(&self, job: JobNumber) -> bool {
        self.jobs.limits(job).is_ok()
    }

    /// Number of runs that have begun.
    pub(crate) fn runs(&self) -> u64 {
        self.jobs.begun()
    }

    /// The runs whose end is missing, and the number of bodies that are not left.
    pub(crate) fn in_progress(&self) -> (Vec<(JobNumber, u64)>, usize) {
        (self.jobs.open_runs(), self.jobs.bodies())
    }
}
