//! The oracle: the trace that was seen. The model asks it where the contract leaves a case open or where the executor
//! decides.

use std::collections::HashMap;

use crate::model::End;
use crate::scenario::Fate;
use crate::trace::{Event, Moment, Nanos, Seen, What};

pub(super) struct Oracle<'a> {
    seen: &'a Seen,
    begins: Vec<RunAt>,
    /// Each end, with the number of runs that had begun before.
    ends: HashMap<(RunAt, End), usize>,
    /// Number of runs that have begun, all of them as seen.
    begun: usize,
    /// A run began that was not seen, so the oracle knows nothing more.
    lost: bool,
    /// Number of states that the model has noted.
    states: usize,
    fates: std::slice::Iter<'a, Fate>,
    /// The answers to give where the trace does not decide, and the answers given.
    script: Vec<bool>,
    answers: Vec<bool>,
}

/// The moment, the job, and the run's number.
type RunAt = (Moment, usize, u64);

impl<'a> Oracle<'a> {
    pub(super) fn new(seen: &'a Seen) -> Oracle<'a> {
        let (mut begins, mut ends) = (Vec::new(), HashMap::new());
        for event in &seen.trace {
            match event.what {
                What::Begin { job, number, .. } => begins.push((event.moment, job, number)),
                What::Attempt { job, number } => {
                    ends.insert(((event.moment, job, number), End::Again), begins.len());
                }
                What::End { job, number, .. } => {
                    ends.insert(((event.moment, job, number), End::ByItself), begins.len());
                }
                What::Cancelled { job, number } => {
                    ends.insert(((event.moment, job, number), End::Cancelled), begins.len());
                }
                _ => {}
            }
        }
        Oracle {
            seen,
            begins,
            ends,
            begun: 0,
            lost: false,
            states: 0,
            fates: seen.fates.iter(),
            script: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// An oracle with other answers that have not been tried: the last no becomes a yes.
    pub(super) fn another_way(mut self) -> Option<Oracle<'a>> {
        let last = self.answers.iter().rposition(|answer| !answer)?;
        self.answers.truncate(last);
        self.answers.push(true);
        let script = std::mem::take(&mut self.answers);
        (self.begun, self.lost, self.states) = (0, false, 0);
        self.fates = self.seen.fates.iter();
        Some(Oracle { script, ..self })
    }

    pub(super) fn begin(&mut self, moment: Moment, job: usize, number: u64) {
        self.lost = !self.begins_next(moment, job, number);
        self.begun += 1;
    }

    /// Called where the trace does not decide between two cases.
    pub(super) fn guess(&mut self) -> bool {
        let answer = self.script.get(self.answers.len()).copied().unwrap_or(false);
        self.answers.push(answer);
        answer
    }

    /// Whether this is the next run of all to begin, and begins at `moment`.
    pub(super) fn begins_next(&self, moment: Moment, job: usize, number: u64) -> bool {
        !self.lost && self.begins.get(self.begun) == Some(&(moment, job, number))
    }

    /// Whether this run begins at `moment`, before or after others.
    pub(super) fn begins_at(&self, moment: Moment, job: usize, number: u64) -> bool {
        let later = self.begins.iter().skip(self.begun);
        let mut later = later.take_while(|(at, ..)| *at == moment);
        later.any(|begin| *begin == (moment, job, number))
    }

    pub(super) fn note_state(&mut self) {
        self.states += 1;
    }

    /// Whether the scheduler still has this job at the next step.
    pub(super) fn is_listed(&self, job: usize) -> bool {
        let mut states = self.seen.trace.iter().filter_map(|event| match &event.what {
            What::State { jobs, .. } => Some(jobs),
            _ => None,
        });
        states.nth(self.states).is_none_or(|jobs| jobs.contains(&job))
    }

    /// Whether this run ends at `moment` in this way, before or after others begin.
    pub(super) fn ends_at(&self, moment: Moment, job: usize, number: u64, end: End) -> bool {
        self.ends.contains_key(&((moment, job, number), end))
    }

    /// Whether this run is scheduled at this instant.
    pub(super) fn is_scheduled(&self, job: usize, number: u64, scheduled: Nanos) -> bool {
        let is_it = |event: &Event| match event.what {
            What::Begin {
                job: other,
                number: run,
                scheduled: at,
                ..
            } => (other, run, at) == (job, number, scheduled),
            _ => false,
        };
        self.seen.trace.iter().any(is_it)
    }

    /// How many further attempts this run makes.
    pub(super) fn attempts(&self, job: usize, number: u64) -> usize {
        let attempt = What::Attempt { job, number };
        self.seen.trace.iter().filter(|event| event.what == attempt).count()
    }

    /// Whether this stop returns before the next state is noted. If the stop was called outside of runs, it then returns
    /// at its first poll.
    pub(super) fn returns_at_once(&self, number: usize) -> bool {
        self.precedes_state(|what| matches!(what, What::Stopped { stop, .. } if *stop == number))
    }

    /// Whether this run is cancelled before the next state is noted.
    pub(super) fn cancels_at_once(&self, job: usize, number: u64) -> bool {
        self.precedes_state(|what| *what == What::Cancelled { job, number })
    }

    fn precedes_state(&self, is_it: impl Fn(&What) -> bool) -> bool {
        let mut left = self.states;
        for event in &self.seen.trace {
            match event.what {
                What::State { .. } if left == 0 => return false,
                What::State { .. } => left -= 1,
                _ if is_it(&event.what) => return true,
                _ => {}
            }
        }
        false
    }

    /// Whether the report of this stop names the job as still running.
    pub(super) fn names(&self, number: usize, job: usize) -> bool {
        self.seen.trace.iter().any(|event| {
            matches!(&event.what, What::Stopped { stop, still_running, .. } if *stop == number && still_running.contains(&job))
        })
    }

    /// Whether the report of this stop names the job as cancelled.
    pub(super) fn names_cancelled(&self, number: usize, job: usize) -> bool {
        self.seen.trace.iter().any(|event| {
            matches!(&event.what, What::Stopped { stop, cancelled, .. } if *stop == number && cancelled.contains(&job))
        })
    }

    /// Whether this run ends at `moment` in this way, and before any other begins.
    pub(super) fn ends(&self, moment: Moment, job: usize, number: u64, end: End) -> bool {
        // In the trace, a run that exceeds its time limit is cancelled.
        let end = if end == End::TimedOut { End::Cancelled } else { end };
        let begun = self.ends.get(&((moment, job, number), end));
        begun.is_some_and(|begun| *begun <= self.begun)
    }

    /// Whether the executor refused or lost a spawn at that instant.
    pub(super) fn faults(&self, at: Nanos) -> bool {
        self.seen.faults.contains(&at)
    }

    /// The fate of the loop that is spawned next.
    pub(super) fn next_fate(&mut self) -> Fate {
        self.fates.next().copied().unwrap_or(Fate::Granted)
    }
}
