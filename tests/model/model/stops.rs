//! Stops that wait.

use crate::model::{End, Job, Model, RunId};
use crate::trace::{Nanos, What};

/// A stop that was polled and has not returned.
pub(super) struct Waiting {
    number: usize,
    stage: Stage,
    timeout: Option<Nanos>,
    /// The runs that the stop waits for.
    runs: Vec<RunId>,
    finished: Vec<usize>,
    cancelled: Vec<usize>,
    /// The run in whose code the stop was polled first. The stop does not wait for this run, and names its job as still
    /// running until it has ended.
    pub(super) own: Option<RunId>,
    /// When and how this run has ended.
    pub(super) own_ended: Option<(Nanos, End)>,
    /// The stop has a grace period, in which runs that were triggered before begin.
    pub(super) drains: bool,
    /// The future of the stop was dropped. The stop goes on, but its report is lost.
    dropped: bool,
}

#[derive(Clone, Copy)]
enum Stage {
    /// The runs may end by themselves until this instant.
    Grace(Nanos),
    /// The runs were cancelled. The stop waits for them until this instant, or without limit.
    Cancelled(Option<Nanos>),
}

impl Waiting {
    /// When the current phase of the stop ends.
    pub(super) fn limit(&self) -> Option<Nanos> {
        match self.stage {
            Stage::Grace(until) => Some(until),
            Stage::Cancelled(until) => until,
        }
    }

    pub(super) fn wait_for(&mut self, run: RunId) {
        self.runs.push(run);
    }

    pub(super) fn hear(&mut self, run: RunId, end: End, now: Nanos) {
        if self.own == Some(run) {
            self.own_ended = Some((now, end));
        } else if self.runs.contains(&run) {
            self.runs.retain(|other| *other != run);
            self.note_end(run.0, end);
        }
    }

    fn note_end(&mut self, job: usize, end: End) {
        match end {
            End::ByItself | End::Again | End::TimedOut => self.finished.push(job),
            End::Cancelled => self.cancelled.push(job),
        }
    }
}

impl Model<'_> {
    /// The first poll of a stop.
    pub(super) fn stop(&mut self, grace: Nanos, timeout: Option<Nanos>) {
        if grace == 0 {
            self.end_session();
        } else {
            self.drain();
        }
        self.stops_so_far += 1;
        let own = self.own_run();
        let in_progress = |job: usize| self.jobs[job].numbers().into_iter().map(move |number| (job, number));
        self.stops.push(Waiting {
            number: self.stops_so_far,
            stage: Stage::Grace(self.now + grace),
            timeout,
            runs: (0..self.jobs.len())
                .flat_map(in_progress)
                .filter(|run| own != Some(*run))
                .collect(),
            finished: Vec::new(),
            cancelled: Vec::new(),
            own,
            own_ended: None,
            drains: self.is_draining(),
            dropped: false,
        });
        let index = self.stops.len() - 1;
        if grace == 0 {
            self.cancel_for(index);
        } else {
            let runs = self.jobs.iter_mut().flat_map(|job| &mut job.in_progress);
            runs.for_each(|run| run.told = true);
        }
        if own.is_some() && grace == 0 {
            // The code may block the only thread of the executor, so the stop ends the runs itself.
            self.end_cancelled_runs(|_, _, _| true);
        }
        self.poll_stop(index);
    }

    /// The run whose code the thread is executing.
    pub(super) fn own_run(&self) -> Option<RunId> {
        let in_code = |job: &Job| job.in_progress.iter().find(|run| run.in_code).map(|run| run.number);
        let mut runs = self.jobs.iter().enumerate();
        runs.find_map(|(index, job)| Some((index, in_code(job)?)))
    }

    /// Returns whether any of the stops went on.
    pub(super) fn poll_stops(&mut self) -> bool {
        (0..self.stops.len())
            .rev()
            .fold(false, |some, index| some | self.poll_stop(index))
    }

    fn poll_stop(&mut self, index: usize) -> bool {
        let stop = &self.stops[index];
        let over = stop.runs.is_empty() && !self.waits_for_last_runs(stop);
        let impatient = stop.limit().is_some_and(|limit| limit <= self.now);
        match stop.stage {
            Stage::Grace(_) if impatient && !over => {
                self.cancel_for(index);
                self.poll_stop(index);
                true
            }
            Stage::Cancelled(_) if impatient => self.report(index),
            _ if over => self.report(index),
            _ => false,
        }
    }

    /// Whether a stop reaches its timeout now, and names the job of this cancelled run before the executor drops the
    /// run.
    pub(super) fn names_first(&self, run: RunId) -> bool {
        self.stops.iter().any(|stop| {
            let has_cancelled = matches!(stop.stage, Stage::Cancelled(_)) || stop.timeout == Some(0);
            let waits = stop.runs.contains(&run) && has_cancelled;
            let is_over = stop.limit().is_some_and(|limit| limit <= self.now);
            waits && is_over && self.oracle.names(stop.number, run.0)
        })
    }

    /// Whether the grace period of a stop ends now, and the stop cancels this run before the run exceeds its time limit.
    pub(super) fn cancels_first(&self, run: RunId) -> bool {
        let (job, _) = run;
        self.stops.iter().any(|stop| {
            let is_over = matches!(stop.stage, Stage::Grace(until) if until <= self.now);
            let names = || self.oracle.names_cancelled(stop.number, job) || self.oracle.names(stop.number, job);
            is_over && stop.runs.contains(&run) && names()
        })
    }

    fn cancel_for(&mut self, index: usize) {
        let stop = &mut self.stops[index];
        stop.stage = Stage::Cancelled(stop.timeout.map(|timeout| self.now + timeout));
        let (number, drains) = (stop.number, std::mem::take(&mut stop.drains));
        if drains && self.is_draining() {
            self.end_session();
        }
        self.cancel_runs();
        if self.oracle.faults(self.now) {
            // If the executor refuses the task that drops a run, the stop drops the run itself.
            let moment = self.moment();
            self.end_cancelled_runs(|oracle, job, run| {
                let ends = oracle.ends(moment, job, run, End::Cancelled) && oracle.cancels_at_once(job, run);
                ends && !oracle.names(number, job)
            });
        }
    }

    fn report(&mut self, index: usize) -> bool {
        let mut stop = self.stops.remove(index);
        let mut still_running: Vec<usize> = stop.runs.iter().map(|(job, _)| *job).collect();
        if let Some((own, _)) = stop.own {
            // If the run ends at the very instant at which the stop returns, either order is right.
            let may_name_own = |ended: Nanos| ended == self.now && self.oracle.names(stop.number, own);
            match stop.own_ended {
                Some((ended, end)) if !may_name_own(ended) => stop.note_end(own, end),
                _ => still_running.push(own),
            }
        }
        for jobs in [&mut stop.finished, &mut stop.cancelled, &mut still_running] {
            jobs.sort_unstable();
            jobs.dedup();
        }
        if self.stops.is_empty() && self.is_draining() {
            self.end_session();
        }
        if !stop.dropped {
            self.note(What::Stopped {
                stop: stop.number,
                finished: stop.finished,
                cancelled: stop.cancelled,
                still_running,
            });
        }
        true
    }

    pub(super) fn drop_stop(&mut self, index: usize) {
        let mut stops: Vec<&mut Waiting> = self.stops.iter_mut().filter(|stop| !stop.dropped).collect();
        if !stops.is_empty() {
            let index = index % stops.len();
            stops[index].dropped = true;
        }
    }
}
