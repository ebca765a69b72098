//! The groups of a scheduler.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::dispatch::group::Group;
use crate::engine::Engine;
use crate::error::Error;
use crate::job::group_name::GroupName;
use crate::unwind::lock;

impl Engine {
    /// Makes a group, or gives it another limit.
    pub(crate) fn set_group(&self, name: &str, limit: usize) -> Result<(), Error> {
        check_limit(name, limit)?;
        let mut state = lock(&self.state);
        match state.groups.entry(name.to_owned()) {
            Entry::Occupied(group) => group.get().set_limit(limit),
            Entry::Vacant(vacancy) => {
                vacancy.insert(Arc::new(Group::new(limit)));
            }
        }
        drop(state);
        // There may be a place now for somebody who waits.
        self.ring();
        Ok(())
    }

    /// The group that a job asks for.
    pub(crate) fn group(&self, GroupName { name, limit }: GroupName) -> Result<Arc<Group>, Error> {
        if let Some(limit) = limit {
            check_limit(&name, limit)?;
        }
        let mut state = lock(&self.state);
        match (state.groups.get(&name), limit) {
            (Some(group), None) => Ok(Arc::clone(group)),
            (Some(group), Some(limit)) if group.limit() == limit => Ok(Arc::clone(group)),
            (Some(group), Some(limit)) => Err(Error::invalid_option(format!(
                "the group {name:?} has a limit of {} already, not {limit}: say the limit in one place",
                group.limit()
            ))),
            (None, Some(limit)) => {
                let group = Arc::new(Group::new(limit));
                state.groups.insert(name, Arc::clone(&group));
                Ok(group)
            }
            (None, None) => Err(Error::invalid_option(format!(
                "there is no group {name:?}: make it first with `scheduler.group({name:?}, limit)`, \
                 or say the limit with the job: `.group(({name:?}, limit))`"
            ))),
        }
    }
}

fn check_limit(name: &str, limit: usize) -> Result<(), Error> {
    if limit > 0 {
        return Ok(());
    }
    Err(Error::invalid_option(format!(
        "with a limit of 0 no job of the group {name:?} would ever run: let it be at least 1"
    )))
}
