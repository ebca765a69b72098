//! When runs may begin: between a start and a stop.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::checker::Violation;
use crate::checker::jobs::Jobs;
use crate::record::{JobNumber, Outcome, Reported, StopNumber};

#[derive(Debug)]
pub(crate) struct Session {
    /// Calls of `start` that have not returned. Any of them may have begun a session.
    starts: usize,
    stops: HashMap<StopNumber, OpenStop>,
    /// Whether the future of a stop was dropped before its end, since the last start.
    has_abandoned_stop: bool,
    /// Set while the scheduler is surely stopped: for each job, how many runs had begun before and were not told of.
    stopped: Option<BTreeMap<JobNumber, usize>>,
}

/// A stop that was called and has not returned.
#[derive(Debug)]
struct OpenStop {
    /// The stop has no timeout, and no run waits for it.
    is_unlimited: bool,
    /// Whether a session has begun since the call.
    was_overtaken: bool,
    /// The runs in progress at the call.
    runs: Vec<(JobNumber, u64)>,
}

impl Default for Session {
    fn default() -> Session {
        Session {
            starts: 0,
            stops: HashMap::new(),
            has_abandoned_stop: false,
            stopped: Some(BTreeMap::new()),
        }
    }
}

impl Session {
    pub(crate) fn call_start(&mut self) -> Result<(), Violation> {
        self.starts += 1;
        Ok(())
    }

    pub(crate) fn return_start(&mut self, ok: bool) -> Result<(), Violation> {
        self.starts -= 1;
        if ok {
            self.stopped = None;
            self.has_abandoned_stop = false;
            self.stops.values_mut().for_each(|stop| stop.was_overtaken = true);
        }
        Ok(())
    }

    pub(crate) fn call_stop(
        &mut self,
        stop: StopNumber,
        is_unlimited: bool,
        runs: Vec<(JobNumber, u64)>,
    ) -> Result<(), Violation> {
        let open = OpenStop {
            is_unlimited,
            was_overtaken: false,
            runs,
        };
        self.stops.insert(stop, open);
        Ok(())
    }

    /// `are_ends_known` is false if the ends of runs are not among the records.
    pub(crate) fn return_stop(
        &mut self,
        stop: StopNumber,
        outcome: &Outcome,
        jobs: &Jobs,
        are_ends_known: bool,
    ) -> Result<(), Violation> {
        let open = self.stops.remove(&stop).ok_or("a stop returned that was not called")?;
        // Another stop may have a grace, and first let triggered runs begin. So may one whose future was dropped.
        let is_last = self.stops.is_empty() && !self.has_abandoned_stop;
        let is_stopped = !open.was_overtaken && self.starts == 0 && is_last;
        match outcome {
            Outcome::Reported(report) => {
                check_report(&open, report, jobs)?;
                if are_ends_known {
                    check_ends(report, jobs)?;
                }
                if is_stopped {
                    check_rest(report, jobs)?;
                    self.stopped = Some(jobs.untold_places(|job| report.still_running.contains(&job)));
                }
            }
            Outcome::Halted { idle } if is_stopped => {
                self.stopped = Some(jobs.untold_places(|job| !idle.contains(&job)));
            }
            Outcome::Halted { .. } => {}
            Outcome::Abandoned => self.has_abandoned_stop = true,
        }
        Ok(())
    }

    pub(crate) fn drop_handle(&mut self, idle: &BTreeSet<JobNumber>, jobs: &Jobs) -> Result<(), Violation> {
        self.stopped = Some(jobs.untold_places(|job| !idle.contains(&job)));
        Ok(())
    }

    /// A run of `job` begins.
    pub(crate) fn begin(&mut self, job: JobNumber) -> Result<(), Violation> {
        let Some(untold) = &mut self.stopped else { return Ok(()) };
        match untold.get_mut(&job) {
            Some(places @ 1..) => *places -= 1,
            _ if self.starts > 0 => {}
            _ => return Err(format!("a run of job {job} began although the scheduler was stopped")),
        }
        Ok(())
    }
}

/// Whether the runs that were in progress when the stop was called are where the report says.
fn check_report(stop: &OpenStop, report: &Reported, jobs: &Jobs) -> Result<(), Violation> {
    if stop.is_unlimited && !report.still_running.is_empty() {
        let left = &report.still_running;
        return Err(format!("a stop without a timeout has not waited for {left:?}"));
    }
    let left = |(job, run): &&(JobNumber, u64)| jobs.is_open(*job, *run) && !report.still_running.contains(job);
    match stop.runs.iter().find(left) {
        None => Ok(()),
        Some((job, run)) => Err(format!(
            "run {run} of job {job} is in progress, and the report says otherwise: {report:?}"
        )),
    }
}

/// Whether the runs that the report counts as ended have ended that way.
fn check_ends(report: &Reported, jobs: &Jobs) -> Result<(), Violation> {
    if let Some(job) = report.finished.iter().find(|job| !jobs.has_ended(**job)) {
        return Err(format!(
            "no run of job {job} has ended by itself, and the report says so: {report:?}"
        ));
    }
    match report.cancelled.iter().find(|job| !jobs.was_cancelled(**job)) {
        None => Ok(()),
        Some(job) => Err(format!(
            "no run of job {job} was cancelled, and the report says so: {report:?}"
        )),
    }
}

/// Whether all that is in progress was reported. Call only if no start has come between.
fn check_rest(report: &Reported, jobs: &Jobs) -> Result<(), Violation> {
    let runs = jobs.open_runs();
    if let Some((job, run)) = runs.iter().find(|(job, _)| !report.still_running.contains(job)) {
        return Err(format!(
            "run {run} of job {job} is in progress after a stop that does not name it"
        ));
    }
    match jobs.with_bodies().find(|job| !report.still_running.contains(job)) {
        None => Ok(()),
        Some(job) => Err(format!(
            "a future of job {job} is left after a stop that does not name it"
        )),
    }
}
