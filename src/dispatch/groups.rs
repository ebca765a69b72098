//! The groups of a scheduler: their names, their permits, and the jobs that wait for a permit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use slab::Slab;

use crate::job::cell::JobCell;
use crate::job::id::JobId;
use crate::job::permits::Permits;
use crate::time::Time;

/// Below this many groups it is not worth looking for groups that are gone.
const FEW: usize = 64;

#[derive(Default)]
pub(crate) struct Groups {
    names: BTreeMap<String, usize>,
    groups: Slab<Group>,
    /// How many groups were left after the last look for groups that are gone.
    looked_at: usize,
    /// The groups that have a job in line.
    waiting: BTreeSet<usize>,
}

struct Group {
    permits: Arc<Permits>,
    /// The user made the group with `Scheduler::group`: the group stays without jobs.
    is_kept: bool,
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

impl Group {
    fn is_there(&self) -> bool {
        // A job that was removed while it waited is still in line.
        self.is_kept || self.permits.has_members() || self.line.len() > 0
    }
}

impl Groups {
    /// The permits of a group. A group that a job made is gone with its last job.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Permits>> {
        let group = &self.groups[*self.names.get(name)?];
        group.is_there().then_some(&group.permits)
    }

    /// Adds a group whose name is new. A group that `is_kept` stays without jobs.
    pub(crate) fn add(&mut self, name: String, limit: usize, is_kept: bool) -> Arc<Permits> {
        self.remove_gone();
        let entry = self.groups.vacant_entry();
        let permits = Arc::new(Permits::new(entry.key(), limit));
        let old = self.names.insert(name, entry.key());
        entry.insert(Group {
            permits: Arc::clone(&permits),
            is_kept,
            line: WaitingLine::default(),
        });
        if let Some(old) = old {
            self.groups.remove(old);
        }
        permits
    }

    /// From here on the group stays without jobs.
    pub(crate) fn keep(&mut self, permits: &Permits) {
        self.groups[permits.group()].is_kept = true;
    }

    /// Removes the groups that are gone, once there are twice as many groups as after the last look.
    fn remove_gone(&mut self) {
        if self.groups.len() < 2 * self.looked_at.max(FEW) {
            return;
        }
        self.names.retain(|_, group| {
            let is_there = self.groups[*group].is_there();
            if !is_there {
                self.groups.remove(*group);
            }
            is_there
        });
        self.looked_at = self.groups.len();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::permits::Membership;

    #[test]
    fn groups_without_jobs_take_no_memory_for_long() {
        let mut groups = Groups::default();
        let kept = groups.add("kept".to_owned(), 1, true);
        for number in 0..10_000 {
            let permits = groups.add(number.to_string(), 1, false);
            drop(Membership::join(&permits));
            assert!(groups.get(&number.to_string()).is_none());
            assert!(groups.groups.len() <= 2 * FEW && groups.names.len() == groups.groups.len());
        }
        assert!(Arc::ptr_eq(groups.get("kept").unwrap(), &kept));
    }

    #[test]
    fn a_group_is_there_until_its_last_job_leaves() {
        let mut groups = Groups::default();
        let permits = groups.add("db".to_owned(), 1, false);
        let members = [Membership::join(&permits), Membership::join(&permits)];
        members[0].leave();
        members[0].leave();
        assert!(groups.get("db").is_some());
        drop(members);
        assert!(groups.get("db").is_none());
        let next = groups.add("db".to_owned(), 2, false);
        assert_eq!((next.limit(), groups.groups.len()), (2, 1));
    }
}
