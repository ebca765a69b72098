//! Ledgers: what lasts when a program ends, and which of several processes runs a slot.
//!
//! A *slot* is the scheduled time of a run, as wall-clock time. A [`Ledger`] has a row for each job, by the job's
//! name, with the last slot that was granted. The row serves two purposes:
//!
//! - A program that restarts learns from [`Ledger::last`] which slots it has missed.
//! - Processes that run the same jobs ask for each slot by [`Ledger::claim`], and a slot is granted to one of them.
//!
//! [`Memory`] and [`Dir`] are the ledgers of this crate. PostgreSQL and Redis have crates of their own,
//! `atevery-postgres` and `atevery-redis`. A ledger on another store is an `impl` of the trait.
//!
//! A scheduler does not claim slots by itself yet. A job asks in its run, with the run's [slot](crate::Run::slot):
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use atevery::ledger::{Claim, Claimed, Dir, Ledger};
//!
//! # fn main() -> std::io::Result<()> {
//! # let temporary = std::env::temp_dir().join(format!("atevery-doc-{}", std::process::id()));
//! # let path = temporary.as_path();
//! # futures::executor::block_on(async {
//! let ledger = Dir::new(path)?;
//! let claim = Claim::new("bill", SystemTime::now(), "host-1", Duration::from_secs(30));
//! if let Claimed::Yes(lease) = ledger.claim(&claim).await? {
//!     println!("send the bills, with token {}", lease.token());
//!     ledger.finish(&lease, true).await?;
//! }
//! # assert!(ledger.last("bill").await?.is_some_and(|last| last.is_finished()));
//! # std::io::Result::Ok(())
//! # })?;
//! # std::fs::remove_dir_all(path)
//! # }
//! ```
//!
//! # What each store promises
//!
//! | | [`Memory`] | [`Dir`] | PostgreSQL | Redis |
//! | --- | --- | --- | --- | --- |
//! | serves | schedulers of one process | one process | any number of machines | any number of machines |
//! | survives the end of the process | no | yes | yes | yes |
//! | survives a crash of the machine | no | yes, each write is synced | yes, unless `synchronous_commit` is off | the writes since the last sync of its log are lost |
//! | a slot is granted twice | never | never | never, unless a failover loses committed writes | after a failover, or after lost writes |
//! | the token decreases | never | never | never, unless a failover loses committed writes | after lost writes |
//! | the clock of leases | the system's, or one of yours | the system's | the server's | the server's |
//! | use it for | tests | programs on one machine | work that must not be done twice | work that may be done twice at times |
//!
//! A lease alone cannot prevent that a paused process goes on after its lease is over. The token can: see
//! [`Lease::token`].
//!
//! # Other stores
//!
//! Any store fits that changes a row only if the row is still as it was read, and that has a clock of its own. Two that
//! are often at hand:
//!
//! | | etcd | a Lease of Kubernetes |
//! | --- | --- | --- |
//! | the row | a key for each job, with slot, token, holder and state as its value; no etcd lease on it, since the key would be deleted with the lease | an object for each job: `holderIdentity`, `leaseDurationSeconds`, and slot, token and state as annotations |
//! | the atomic step | a transaction that compares the key's `mod_revision` with the one that was read, and puts the new value; if it fails, read and decide again | an update with the `resourceVersion` that was read; on conflict (409), read and decide again |
//! | the end of a lease | a second key that hangs on an etcd lease: the row's lease is over once the key is gone | the API server gives no time. Note when the object was seen to change by a monotonic clock, and take the lease for over when it has not changed for its length |
//! | the clock for slots | none: compare with the clock of the process, so that clocks must agree within a second | the `Date` header of an answer, in whole seconds |
//! | a slot is granted twice | never | never: the decision may be late, but its update is conditional |
//!
//! # The rules of a ledger
//!
//! `now` is the time by the store's clock, never by the clock of the process that asks. The clocks of the processes
//! may differ. A lease is *over* if its end is not later than `now`, if it was given back, or if its slot is finished.
//!
//! 1. A claim whose slot is more than 1 s later than `now` is [`Claimed::TooEarly`].
//! 2. A claim is granted if the job has no row, or if its slot is later than the last slot and the last lease is over.
//! 3. The holder of the last slot may claim this slot again, with or without a lease that is over, until it gives the
//!    lease back or finishes the slot. It gets the same token, and a new lease. A lost reply can therefore be asked
//!    for again.
//! 4. A claim [`at_least_once`](Claim::at_least_once) is also granted if its slot is the last slot, unfinished, and
//!    its lease is over.
//! 5. Other claims are refused. If the claim would be granted once the lease is over, the answer is [`Claimed::Held`].
//!    Else it is [`Claimed::Taken`].
//! 6. Each granted claim has a token that is greater by one than the last one, except in rule 3. The first token is 1.
//! 7. A last slot that is more than 3 h later than `now` comes from a clock that was wrong. It counts as finished, and
//!    as earlier than any slot. The token grows as usual, and [`Lease::discarded`] tells the slot.
//! 8. [`Ledger::renew`] and [`Ledger::finish`] change a row only if it has the token and the slot of the lease.
//! 9. [`Ledger::finish`] with `done` finishes the slot. Without `done` it gives the lease back, and the slot stays
//!    unfinished and without a holder: a later slot can be claimed at once, this one only by rule 4.
//! 10. A row is never deleted, and its token is never reset, whatever its age.
//! 11. A job's name and a holder's name may contain any character. Rows of different jobs do not affect each other.
//!
//! If the store's clock is set back by less than 3 h, slots up to the last one are not granted again, and a lease
//! lasts longer by this time.

mod claim;
mod dir;
mod memory;
mod rule;
mod traits;

pub use self::claim::{Claim, Claimed, Entry, Lease};
pub use self::dir::Dir;
pub use self::memory::Memory;
pub use self::traits::Ledger;
#[doc(no_inline)]
pub use ::futures::future::BoxFuture;
