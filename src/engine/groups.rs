//! Creates groups, and lets jobs join them.

use crate::engine::Engine;
use crate::error::Error;
use crate::job::group_name::GroupName;
use crate::job::permits::Membership;
use crate::unwind::lock;

impl Engine {
    /// Creates a group, or changes the limit of an existing group.
    pub(crate) fn set_group(&self, name: &str, limit: usize) -> Result<(), Error> {
        check_limit(name, limit)?;
        let mut core = lock(&self.core);
        let permits = core.groups.get(name).cloned();
        match permits {
            Some(permits) => {
                permits.set_limit(limit);
                core.groups.keep(&permits);
            }
            None => drop(core.groups.add(name.to_owned(), limit, true)),
        }
        let waker = core.loop_waker();
        drop(core);
        waker.inspect(|waker| waker.wake());
        Ok(())
    }

    /// The permits of the group that a job names.
    pub(crate) fn group(&self, GroupName { name, limit }: GroupName) -> Result<Membership, Error> {
        if let Some(limit) = limit {
            check_limit(&name, limit)?;
        }
        let mut core = lock(&self.core);
        match (core.groups.get(&name), limit) {
            (Some(permits), None) => Ok(Membership::join(permits)),
            (Some(permits), Some(limit)) if permits.limit() == limit => Ok(Membership::join(permits)),
            (Some(permits), Some(limit)) => Err(Error::invalid_option(format!(
                "the group {name:?} has a limit of {} already, not {limit}: say the limit in one place",
                permits.limit()
            ))),
            (None, Some(limit)) => Ok(Membership::join(&core.groups.add(name, limit, false))),
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
