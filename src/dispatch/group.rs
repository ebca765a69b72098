//! Jobs of which only so many run at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::job::cell::JobCell;
use crate::job::id::JobId;
use crate::sync::Mutex;
use crate::time::Time;
use crate::unwind::lock;

pub(crate) struct Group(Mutex<State>);

struct State {
    limit: usize,
    running: usize,
    /// Those that are due, in the order in which they came up, and then of their scheduled times. By scheduled times alone a job that is
    /// behind with its runs, and never catches up, would have the others wait longer and longer.
    waiting: BTreeMap<(Time, Time, JobId), Arc<JobCell>>,
    /// Who is waiting: a job that comes up once more meanwhile, being triggered or resumed, keeps its one turn.
    in_line: BTreeSet<JobId>,
}

impl Group {
    pub(crate) fn new(limit: usize) -> Group {
        Group(Mutex::new(State {
            limit,
            running: 0,
            waiting: BTreeMap::new(),
            in_line: BTreeSet::new(),
        }))
    }

    pub(crate) fn limit(&self) -> usize {
        lock(&self.0).limit
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        lock(&self.0).limit = limit;
    }

    /// Has a job wait that has come up at `now`, unless it waits already.
    pub(crate) fn wait(&self, now: Time, due: Time, job: &Arc<JobCell>) {
        let mut state = lock(&self.0);
        if state.in_line.insert(job.id) {
            state.waiting.insert((now, due, job.id), Arc::clone(job));
        }
    }

    /// The job whose turn it is, if there is a place: it is taken.
    pub(crate) fn admit(&self) -> Option<Arc<JobCell>> {
        let mut state = lock(&self.0);
        if state.running >= state.limit {
            return None;
        }
        let (_, job) = state.waiting.pop_first()?;
        state.in_line.remove(&job.id);
        state.running += 1;
        Some(job)
    }

    /// Gives a place back. True if somebody waits for it.
    pub(crate) fn leave(&self) -> bool {
        let mut state = lock(&self.0);
        state.running -= 1;
        !state.waiting.is_empty()
    }

    /// Sends those away who wait.
    pub(crate) fn take_waiting(&self) -> Vec<Arc<JobCell>> {
        let mut state = lock(&self.0);
        state.in_line.clear();
        std::mem::take(&mut state.waiting).into_values().collect()
    }
}
