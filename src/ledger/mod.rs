//! Ledgers: what lasts when a program ends, and which of several processes runs a slot.
//!
//! A *slot* is the scheduled time of a run, as wall-clock time. A [`Ledger`] has a row for each job, by the job's name,
//! with the last slot that was granted. The row serves two purposes:
//!
//! - A program that restarts learns from [`Ledger::last`] which slots it has missed.
//! - Processes that run the same jobs ask for each slot by [`Ledger::claim`], and a slot is granted to one of them.
//!
//! [`Memory`] is for tests and for replicas in one process. A ledger on another store is an `impl` of the trait.
//!
//! # The rules of a ledger
//!
//! `now` is the time by the store's clock, never by the clock of the process that asks. The clocks of the processes may
//! differ. A lease is *over* if its end is not later than `now`, if it was given back, or if its slot is finished.
//!
//! 1. A claim whose slot is more than 1 s later than `now` is [`Claimed::TooEarly`].
//! 2. A claim is granted if the job has no row, or if its slot is later than the last slot and the last lease is over.
//! 3. The holder of the last slot may claim this slot again, with or without a lease that is over, until it gives the
//!    lease back or finishes the slot. It gets the same token, and a new lease. A lost reply can therefore be asked for
//!    again.
//! 4. A claim [`at_least_once`](Claim::at_least_once) is also granted if its slot is the last slot, unfinished, and its
//!    lease is over.
//! 5. Other claims are refused. If the claim would be granted once the lease is over, the answer is [`Claimed::Held`].
//!    Else it is [`Claimed::Taken`].
//! 6. Each granted claim has a token that is greater by one than the last one, except in rule 3. The first token is 1.
//! 7. A last slot that is more than 3 h later than `now` comes from a clock that was wrong. It counts as finished, and as
//!    earlier than any slot. The token grows as usual, and [`Lease::discarded`] tells the slot.
//! 8. [`Ledger::renew`] and [`Ledger::finish`] change a row only if it has the token and the slot of the lease.
//! 9. [`Ledger::finish`] with `done` finishes the slot. Without `done` it gives the lease back, and the slot stays
//!    unfinished and without a holder: a later slot can be claimed at once, this one only by rule 4.
//! 10. A row is never deleted, and its token is never reset, whatever its age.
//! 11. A job's name and a holder's name may contain any character. Rows of different jobs do not affect each other.
//!
//! If the store's clock is set back by less than 3 h, slots up to the last one are not granted again, and a lease lasts
//! longer by this time.

mod claim;
mod memory;
mod rule;
mod traits;

pub use self::claim::{Claim, Claimed, Entry, Lease};
pub use self::memory::Memory;
pub use self::traits::Ledger;
#[doc(no_inline)]
pub use ::futures::future::BoxFuture;
