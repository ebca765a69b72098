//! The limits of groups.

use std::collections::{BTreeMap, HashMap};

use crate::checker::Violation;
use crate::record::{JobNumber, Limits};

/// The runs in progress of each group, by job.
#[derive(Debug, Default)]
pub(crate) struct Groups(HashMap<&'static str, BTreeMap<JobNumber, Member>>);

#[derive(Debug)]
struct Member {
    runs: usize,
    /// The limit of the group for which the job was registered.
    limit: usize,
}

impl Groups {
    /// A run begins.
    pub(crate) fn enter(&mut self, job: JobNumber, limits: Limits) -> Result<(), Violation> {
        let Some(group) = limits.group else { return Ok(()) };
        let members = self.0.entry(group.name).or_default();
        let new = Member {
            runs: 0,
            limit: group.runs,
        };
        members.entry(job).or_insert(new).runs += 1;
        let runs: usize = members.values().map(|member| member.runs).sum();
        if runs > group.runs {
            return Err(format!(
                "{runs} runs of the group {:?} are in progress: {members:?}",
                group.name
            ));
        }
        if members.values().any(|member| member.limit != group.runs) {
            return Err(format!(
                "the group {:?} has two limits at once: {members:?}",
                group.name
            ));
        }
        Ok(())
    }

    /// A run has ended.
    pub(crate) fn leave(&mut self, job: JobNumber, limits: Limits) {
        let Some(group) = limits.group else { return };
        let members = self.0.entry(group.name).or_default();
        if let Some(member) = members.get_mut(&job) {
            member.runs = member.runs.saturating_sub(1);
        }
        members.retain(|_, member| member.runs > 0);
    }
}
