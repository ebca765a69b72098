//! Stops that wait.

use crate::model::{End, Job, Model};
use crate::trace::{Nanos, What};

/// A stop that was polled and has not returned.
pub(super) struct Waiting {
    number: usize,
    stage: Stage,
    timeout: Option<Nanos>,
    /// Jobs whose run the stop waits for.
    runs: Vec<usize>,
    finished: Vec<usize>,
    cancelled: Vec<usize>,
    /// The job in whose code the stop was polled first. The stop does not wait for this job, and names it as still
    /// running until its run has ended.
    pub(super) own: Option<usize>,
    /// When the run of this job has ended.
    pub(super) own_ended: Option<Nanos>,
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

    pub(super) fn wait_for(&mut self, job: usize) {
        self.runs.push(job);
    }

    pub(super) fn hear(&mut self, job: usize, end: End, now: Nanos) {
        if self.own == Some(job) && self.own_ended.is_none() {
            self.own_ended = Some(now);
        } else if !self.runs.contains(&job) {
            return;
        }
        self.runs.retain(|other| *other != job);
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
        let has_run = |job: &usize| self.jobs[*job].run.is_some();
        let own = self.own_run();
        self.stops.push(Waiting {
            number: self.stops_so_far,
            stage: Stage::Grace(self.now + grace),
            timeout,
            runs: (0..self.jobs.len())
                .filter(|job| has_run(job) && own != Some(*job))
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
            let runs = self.jobs.iter_mut().filter_map(|job| job.run.as_mut());
            runs.for_each(|run| run.told = true);
        }
        if own.is_some() && grace == 0 {
            // The code may block the only thread of the executor, so the stop ends the runs itself.
            self.end_cancelled_runs(|_, _, _| true);
        }
        self.poll_stop(index);
    }

    pub(super) fn own_run(&self) -> Option<usize> {
        let in_code = |job: &Job| job.run.as_ref().is_some_and(|run| run.in_code);
        self.jobs.iter().position(in_code)
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

    /// Whether a stop reaches its timeout now, and names the cancelled run of this job before the executor drops the
    /// run.
    pub(super) fn names_first(&self, job: usize) -> bool {
        self.stops.iter().any(|stop| {
            let has_cancelled = matches!(stop.stage, Stage::Cancelled(_)) || stop.timeout == Some(0);
            let waits = stop.runs.contains(&job) && has_cancelled;
            let is_over = stop.limit().is_some_and(|limit| limit <= self.now);
            waits && is_over && self.oracle.names(stop.number, job)
        })
    }

    /// Whether the grace period of a stop ends now, and the stop cancels the run of this job before the run exceeds its
    /// time limit.
    pub(super) fn cancels_first(&self, job: usize) -> bool {
        self.stops.iter().any(|stop| {
            let is_over = matches!(stop.stage, Stage::Grace(until) if until <= self.now);
            let names = || self.oracle.names_cancelled(stop.number, job) || self.oracle.names(stop.number, job);
            is_over && stop.runs.contains(&job) && names()
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
                oracle.ends(moment, job, run, End::Cancelled) && !oracle.names(number, job)
            });
        }
    }

    fn report(&mut self, index: usize) -> bool {
        let mut stop = self.stops.remove(index);
        if let Some(own) = stop.own {
            // If the run ends at the very instant at which the stop returns, either order is right.
            let names_own = match stop.own_ended {
                Some(ended) if ended == self.now => self.oracle.names(stop.number, own),
                ended => ended.is_none(),
            };
            if names_own {
                stop.finished.retain(|job| *job != own);
                stop.cancelled.retain(|job| *job != own);
                stop.runs.push(own);
            }
        }
        for jobs in [&mut stop.finished, &mut stop.cancelled, &mut stop.runs] {
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
                still_running: stop.runs,
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
