//! The groups of a scheduler: their names, their permits, and the jobs that wait for a permit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::job::cell::JobCell;
use crate::job::id::JobId;
use crate::job::permits::Permits;
use crate::time::Time;

#[derive(Default)]
pub(crate) struct Groups {
    names: BTreeMap<String, usize>,
    groups: Vec<Group>,
    /// The groups that have a job in line.
    waiting: BTreeSet<usize>,
}

struct Group {
    permits: Arc<Permits>,
    line: WaitingLine,
}

/// The jobs that are due and wait for a permit.
#[derive(Default)]
pub(crate) struct WaitingLine {
    /// Ordered by the instant at which a job came up, then by due time. If the due time alone counted, a job that never
    /// catches up with its runs would make the other jobs wait longer and longer.
    jobs: BTreeMap<(Time, Time, JobId), Arc<JobCell>>,
    /// The jobs in line. If a job comes up again, because it was triggered or resumed, it keeps its one turn.
    members: BTreeSet<JobId>,
}

impl WaitingLine {
    /// Adds a job that came up at `came_up`, unless it is in line already.
    pub(crate) fn push(&mut self, came_up: Time, due: Time, job: &Arc<JobCell>) {
        if self.members.insert(job.id) {
            self.jobs.insert((came_up, due, job.id), Arc::clone(job));
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Arc<JobCell>> {
        let (_, job) = self.jobs.pop_first()?;
        self.members.remove(&job.id);
        Some(job)
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }
}

impl Groups {
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Permits>> {
        let group = *self.names.get(name)?;
        Some(&self.groups[group].permits)
    }

    /// Adds a group whose name is new.
    pub(crate) fn add(&mut self, name: String, limit: usize) -> Arc<Permits> {
        let group = self.groups.len();
        let permits = Arc::new(Permits::new(group, limit));
        self.names.insert(name, group);
        self.groups.push(Group {
            permits: Arc::clone(&permits),
            line: WaitingLine::default(),
        });
        permits
    }

    /// Adds a job that came up at `came_up` to the line of its group.
    pub(crate) fn enqueue(&mut self, permits: &Permits, came_up: Time, due: Time, job: &Arc<JobCell>) {
        let group = &mut self.groups[permits.group()];
        group.line.push(came_up, due, job);
        group.permits.set_waiting(group.line.len());
        self.waiting.insert(permits.group());
    }

    /// Takes a permit for the next job in line, in the group `from` or a later group. Returns the job. No group before
    /// `from` has a permit left.
    pub(crate) fn admit_next(&mut self, from: &mut usize) -> Option<Arc<JobCell>> {
        let mut waiting = self.waiting.range(*from..);
        let admitted = waiting.find(|group| self.groups[**group].permits.try_acquire());
        let number = *admitted?;
        *from = number;
        let group = &mut self.groups[number];
        let job = group.line.pop();
        let left = group.line.len();
        group.permits.set_waiting(left);
        if left == 0 {
            self.waiting.remove(&number);
        }
        job
    }

    /// Removes all jobs from the lines. The caller drops them without a lock.
    pub(crate) fn clear_lines(&mut self) -> Vec<Arc<JobCell>> {
        let mut jobs = Vec::new();
        for number in std::mem::take(&mut self.waiting) {
            let group = &mut self.groups[number];
            group.permits.set_waiting(0);
            jobs.extend(std::mem::take(&mut group.line).jobs.into_values());
        }
        jobs
    }
}
