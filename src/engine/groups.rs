//! Creates groups, and lets jobs join them.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::Error;
use crate::job::group_name::GroupName;
use crate::job::permits::Permits;
use crate::unwind::lock;

impl Engine {
    /// Creates a group, or changes the limit of an existing group.
    pub(crate) fn set_group(&self, name: &str, limit: usize) -> Result<(), Error> {
        check_limit(name, limit)?;
        let mut core = lock(&self.core);
        match core.groups.get(name) {
            Some(permits) => permits.set_limit(limit),
            None => drop(core.groups.add(name.to_owned(), limit)),
        }
        // Under a higher limit, a waiting job may get a permit.
        let waker = core.loop_waker();
        drop(core);
        waker.inspect(|waker| waker.wake());
        Ok(())
    }

    /// The permits of the group that a job names.
    pub(crate) fn group(&self, GroupName { name, limit }: GroupName) -> Result<Arc<Permits>, Error> {
        if let Some(limit) = limit {
            check_limit(&name, limit)?;
        }
        let mut core = lock(&self.core);
        match (core.groups.get(&name), limit) {
            (Some(permits), None) => Ok(Arc::clone(permits)),
            (Some(permits), Some(limit)) if permits.limit() == limit => Ok(Arc::clone(permits)),
            (Some(permits), Some(limit)) => Err(Error::invalid_option(format!(
                "the group {name:?} has a limit of {} already, not {limit}: say the limit in one place",
                permits.limit()
            ))),
            (None, Some(limit)) => Ok(core.groups.add(name, limit)),
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
