use std::io;
use std::sync::Arc;

use ::futures::future::BoxFuture;

use super::claim::{Claim, Claimed, Entry, Lease};

/// A store that remembers the last slot of each job, and lets a single holder run a slot.
///
/// A ledger has a row for each job, by the job's name: the last slot, a token, the holder, the end of the lease, and
/// whether the slot is finished. The page [`ledger`](crate::ledger) has the rules that every ledger must follow. A
/// test suite checks them: `atevery::testing::ledger_conformance!`, in the feature `testing`.
///
/// Each method is one atomic step of the store. A future does nothing before its first poll. It must not block its
/// thread, and it needs no runtime of a certain kind. If a future is dropped half-way, or if its reply is lost, the
/// step may have taken place or not. The caller repeats [`claim`](Self::claim) and [`finish`](Self::finish) then, and
/// both give the same answer again.
///
/// Methods return an error if the store can't be reached, if it can't keep the row, or if it can't read the row. An
/// error must never stand for "no row": a row that is forgotten is a slot that runs twice.
///
/// ```
/// use std::io;
///
/// use atevery::ledger::{BoxFuture, Claim, Claimed, Entry, Lease, Ledger, Memory};
///
/// /// Another ledger, and a log of what it gave away.
/// struct Logged(Memory);
///
/// impl Ledger for Logged {
///     fn last<'a>(&'a self, job: &'a str) -> BoxFuture<'a, io::Result<Option<Entry>>> {
///         self.0.last(job)
///     }
///
///     fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, io::Result<Claimed>> {
///         Box::pin(async move {
///             let claimed = self.0.claim(claim).await?;
///             if let Claimed::Yes(lease) = &claimed {
///                 println!("{} runs {} with token {}", lease.holder(), lease.job(), lease.token());
///             }
///             Ok(claimed)
///         })
///     }
///
///     fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, io::Result<bool>> {
///         self.0.renew(lease)
///     }
///
///     fn finish<'a>(&'a self, lease: &'a Lease, done: bool) -> BoxFuture<'a, io::Result<()>> {
///         self.0.finish(lease, done)
///     }
/// }
/// ```
pub trait Ledger: Send + Sync + 'static {
    /// Returns the last slot of the job, or `None` if the job never had one.
    fn last<'a>(&'a self, job: &'a str) -> BoxFuture<'a, io::Result<Option<Entry>>>;

    /// Asks for a slot. [`Claimed`] says whether the holder may run it.
    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, io::Result<Claimed>>;

    /// Extends the lease to its full length, counted from now by the store's clock. Returns `false`, and changes
    /// nothing, if the lease is over, was given back, or belongs to another holder.
    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, io::Result<bool>>;

    /// Ends the lease. With `done` the slot is finished: its run has ended, well or badly. Without `done` the run was
    /// cancelled or lost, and the slot stays unfinished.
    ///
    /// Changes nothing if another claim has been granted since, or if the slot is finished already. With `done`, the
    /// slot is finished even if the lease was over before.
    fn finish<'a>(&'a self, lease: &'a Lease, done: bool) -> BoxFuture<'a, io::Result<()>>;
}

/// Forwards every method, so that several schedulers can share a ledger.
impl<L: Ledger + ?Sized> Ledger for Arc<L> {
    fn last<'a>(&'a self, job: &'a str) -> BoxFuture<'a, io::Result<Option<Entry>>> {
        (**self).last(job)
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, io::Result<Claimed>> {
        (**self).claim(claim)
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, io::Result<bool>> {
        (**self).renew(lease)
    }

    fn finish<'a>(&'a self, lease: &'a Lease, done: bool) -> BoxFuture<'a, io::Result<()>> {
        (**self).finish(lease, done)
    }
}
