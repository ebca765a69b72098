//! Jobs of which only so many run at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cell::JobCell;
use crate::id::JobId;
use crate::panics::lock;
use crate::sync::Mutex;
use crate::time::Time;

pub(crate) struct Group(Mutex<State>);

struct State {
    limit: usize,
    running: usize,
    /// Those that are due, in the order in which they came up, and then of their deadlines. By deadlines alone a job that is
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

/// The name of a group, and its limit if that is said with it.
#[derive(Debug, Clone)]
pub struct GroupName {
    pub(crate) name: String,
    pub(crate) limit: Option<usize>,
}

/// What [`JobBuilder::group`](crate::JobBuilder::group) takes: a name, or a name and a limit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no group",
    label = "neither a name nor a name and a limit",
    note = "write `\"db\"` for a group that was made with `scheduler.group(\"db\", 4)`, or `(\"db\", 4)`"
)]
pub trait IntoGroup: sealed::Sealed {
    #[doc(hidden)]
    fn into_group(self) -> GroupName;
}

impl IntoGroup for &str {
    fn into_group(self) -> GroupName {
        GroupName {
            name: self.to_owned(),
            limit: None,
        }
    }
}

impl IntoGroup for String {
    fn into_group(self) -> GroupName {
        GroupName {
            name: self,
            limit: None,
        }
    }
}

impl IntoGroup for (&str, usize) {
    fn into_group(self) -> GroupName {
        GroupName {
            name: self.0.to_owned(),
            limit: Some(self.1),
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &str {}
    impl Sealed for String {}
    impl Sealed for (&str, usize) {}
}
