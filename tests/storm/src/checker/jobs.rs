//! The runs of each job.

use std::collections::{BTreeMap, BTreeSet};

use crate::checker::{Source, Violation};
use crate::record::{End, Figures, JobNumber, Limits};

#[derive(Debug, Default)]
pub(crate) struct Jobs(BTreeMap<JobNumber, JobState>);

#[derive(Debug)]
struct JobState {
    limits: Limits,
    /// One more than the highest number of a run that has begun.
    next: u64,
    /// Runs with lower numbers whose beginning was not told yet: several threads may tell of runs of one job.
    untold: BTreeSet<u64>,
    /// Runs that have begun and not ended.
    open: BTreeSet<u64>,
    ended: u64,
    /// Bodies that were entered and not left.
    bodies: BTreeMap<Option<u64>, usize>,
    /// How many runs may still begin, once the job was removed.
    left: Option<usize>,
    removals: usize,
    figures: Figures,
}

impl JobState {
    fn new(limits: Limits) -> JobState {
        JobState {
            limits,
            next: 0,
            untold: BTreeSet::new(),
            open: BTreeSet::new(),
            ended: 0,
            bodies: BTreeMap::new(),
            left: None,
            removals: 0,
            figures: Figures::default(),
        }
    }

    fn bodies(&self) -> usize {
        self.bodies.values().sum()
    }

    /// How many runs can be in progress whose beginning was not told yet.
    fn places(&self) -> usize {
        self.limits.at_once.saturating_sub(self.open.len())
    }

    /// No run begins from here on, except those that have begun already.
    fn close(&mut self, in_progress: bool) {
        let places = if in_progress { self.places() } else { 0 };
        self.left = Some(self.left.map_or(places, |left| left.min(places)));
    }
}

impl Jobs {
    pub(crate) fn add(&mut self, job: JobNumber, limits: Limits) -> Result<(), Violation> {
        match self.0.insert(job, JobState::new(limits)) {
            None => Ok(()),
            Some(_) => Err(format!("there are two jobs {job}")),
        }
    }

    /// The job was not registered after all.
    pub(crate) fn forbid(&mut self, job: JobNumber) -> Result<(), Violation> {
        self.get_mut(job)?.close(false);
        Ok(())
    }

    pub(crate) fn limits(&self, job: JobNumber) -> Result<Limits, Violation> {
        Ok(self.get(job)?.limits)
    }

    /// A run begins: its number follows, and the job may have one more run.
    pub(crate) fn begin(&mut self, job: JobNumber, run: u64) -> Result<(), Violation> {
        let state = self.get_mut(job)?;
        match &mut state.left {
            Some(0) => return Err(format!("run {run} of job {job} began although the job was removed")),
            Some(left) => *left -= 1,
            None => {}
        }
        if state.limits.times.is_some_and(|times| run >= times) {
            return Err(format!("run {run} of job {job} is one too many: {:?}", state.limits));
        }
        if run >= state.next {
            state.untold.extend(state.next..run);
            state.next = run + 1;
        } else if !state.untold.remove(&run) {
            return Err(format!("run {run} of job {job} began twice"));
        }
        if state.untold.len() >= state.limits.at_once {
            return Err(format!("run {run} of job {job} began before {:?}", state.untold));
        }
        Ok(())
    }

    /// A run is in progress from here on.
    pub(crate) fn open(&mut self, job: JobNumber, run: u64) -> Result<(), Violation> {
        let state = self.get_mut(job)?;
        state.open.insert(run);
        if state.open.len() + state.untold.len() > state.limits.at_once {
            let (open, untold) = (&state.open, &state.untold);
            return Err(format!(
                "runs of job {job} overlap: {open:?} and {untold:?} are in progress"
            ));
        }
        Ok(())
    }

    pub(crate) fn end(&mut self, job: JobNumber, run: u64, how: End) -> Result<(), Violation> {
        let state = self.get_mut(job)?;
        if !state.open.remove(&run) {
            return Err(format!(
                "run {run} of job {job} ended ({how:?}) without being in progress"
            ));
        }
        let bodies = match state.limits.at_once {
            1 => state.bodies(),
            _ => state.bodies.get(&Some(run)).copied().unwrap_or_default(),
        };
        if bodies > 0 {
            return Err(format!(
                "run {run} of job {job} ended ({how:?}) before its future was dropped"
            ));
        }
        state.ended += 1;
        let figures = &mut state.figures;
        match how {
            End::Finished => {}
            End::Failed => figures.failed += 1,
            End::Panicked => figures.panicked += 1,
            End::TimedOut => figures.timed_out += 1,
            End::Cancelled => figures.cancelled += 1,
        }
        Ok(())
    }

    pub(crate) fn retry(&mut self, job: JobNumber, run: u64) -> Result<(), Violation> {
        let state = self.get_mut(job)?;
        state.figures.retried += 1;
        if state.open.contains(&run) {
            Ok(())
        } else {
            Err(format!("run {run} of job {job} is tried again, but not in progress"))
        }
    }

    pub(crate) fn miss(&mut self, job: JobNumber, count: u64) -> Result<(), Violation> {
        self.get_mut(job)?.figures.missed += count;
        Ok(())
    }

    pub(crate) fn remove_event(&mut self, job: JobNumber, in_progress: bool) -> Result<(), Violation> {
        let state = self.get_mut(job)?;
        state.removals += 1;
        state.close(in_progress);
        match state.removals {
            1 => Ok(()),
            count => Err(format!("job {job} was removed {count} times")),
        }
    }

    pub(crate) fn return_remove(&mut self, job: JobNumber, in_progress: bool, listed: bool) -> Result<(), Violation> {
        if listed {
            return Err(format!("job {job} was removed, and is among the jobs"));
        }
        self.get_mut(job)?.close(in_progress);
        Ok(())
    }

    /// Whether no body of this run was entered before.
    pub(crate) fn is_new(&self, job: JobNumber, run: Option<u64>) -> Result<bool, Violation> {
        let state = self.get(job)?;
        Ok(run.is_none_or(|run| run >= state.next || state.untold.contains(&run)))
    }

    pub(crate) fn next_run(&self, job: JobNumber) -> Result<u64, Violation> {
        Ok(self.get(job)?.next)
    }

    pub(crate) fn enter(&mut self, job: JobNumber, run: Option<u64>, source: Source) -> Result<(), Violation> {
        let state = self.get_mut(job)?;
        *state.bodies.entry(run).or_default() += 1;
        if state.bodies() > state.limits.at_once {
            return Err(format!("bodies of job {job} overlap: {:?}", state.bodies));
        }
        let Some(number) = run else { return Ok(()) };
        if state.bodies[&run] > 1 {
            return Err(format!("run {number} of job {job} has two bodies at once"));
        }
        if source == Source::Events && !state.open.contains(&number) {
            return Err(format!(
                "run {number} of job {job} was called outside its beginning and end"
            ));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self, job: JobNumber, run: Option<u64>) -> Result<(), Violation> {
        let state = self.get_mut(job)?;
        match state.bodies.get_mut(&run) {
            Some(count @ 1..) => *count -= 1,
            _ => return Err(format!("run {run:?} of job {job} was left twice")),
        }
        state.bodies.retain(|_, count| *count > 0);
        Ok(())
    }

    /// Compares with what the job says of itself, when nothing is in progress any more.
    pub(crate) fn settle(&mut self, job: JobNumber, told: &Figures, source: Source) -> Result<(), Violation> {
        let state = self.get(job)?;
        let (open, untold, bodies) = (&state.open, &state.untold, &state.bodies);
        if !(open.is_empty() && untold.is_empty() && bodies.is_empty()) {
            return Err(format!("job {job} is not at its end: {open:?}, {untold:?}, {bodies:?}"));
        }
        let mut seen = Figures {
            runs: state.next,
            ..state.figures
        };
        if source == Source::Bodies {
            seen = Figures {
                runs: seen.runs,
                ..*told
            };
        } else if state.ended != state.next {
            return Err(format!(
                "job {job} has begun {} runs and ended {}",
                state.next, state.ended
            ));
        }
        if *told != seen {
            return Err(format!("job {job} says {told:?}, but there were {seen:?}"));
        }
        Ok(())
    }

    pub(crate) fn open_runs(&self) -> Vec<(JobNumber, u64)> {
        let runs = |(job, state): (&JobNumber, &JobState)| {
            let job = *job;
            state.open.iter().map(move |run| (job, *run)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(runs).collect()
    }

    pub(crate) fn is_open(&self, job: JobNumber, run: u64) -> bool {
        self.0.get(&job).is_some_and(|state| state.open.contains(&run))
    }

    /// Whether a run of this job was cancelled.
    pub(crate) fn was_cancelled(&self, job: JobNumber) -> bool {
        self.0.get(&job).is_some_and(|state| state.figures.cancelled > 0)
    }

    /// Whether a run of this job has ended without being cancelled.
    pub(crate) fn has_ended(&self, job: JobNumber) -> bool {
        self.0
            .get(&job)
            .is_some_and(|state| state.ended > state.figures.cancelled)
    }

    /// For each job for which `may_be_in_progress`, how many runs may have begun without being told of yet.
    pub(crate) fn untold_places(&self, may_be_in_progress: impl Fn(JobNumber) -> bool) -> BTreeMap<JobNumber, usize> {
        let jobs = self.0.iter().filter(|(job, _)| may_be_in_progress(**job));
        jobs.map(|(job, state)| (*job, state.places())).collect()
    }

    /// The jobs with a body that was entered and not left.
    pub(crate) fn with_bodies(&self) -> impl Iterator<Item = JobNumber> + '_ {
        let jobs = self.0.iter().filter(|(_, state)| !state.bodies.is_empty());
        jobs.map(|(job, _)| *job)
    }

    pub(crate) fn begun(&self) -> u64 {
        self.0.values().map(|state| state.next).sum()
    }

    pub(crate) fn bodies(&self) -> usize {
        self.0.values().map(JobState::bodies).sum()
    }

    fn get(&self, job: JobNumber) -> Result<&JobState, Violation> {
        self.0.get(&job).ok_or_else(|| format!("there is no job {job}"))
    }

    fn get_mut(&mut self, job: JobNumber) -> Result<&mut JobState, Violation> {
        self.0.get_mut(&job).ok_or_else(|| format!("there is no job {job}"))
    }
}
