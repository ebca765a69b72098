#![doc = include_str!("../README.md")]

mod client;
mod names;
mod query;
mod statements;
mod times;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use atevery::ledger::{BoxFuture, Claim, Claimed, Entry, Lease, Ledger};

pub use crate::client::Reconnect;
pub use crate::query::{Query, Value};

use crate::names::escape;
use crate::statements::{CLAIM, EXPLAIN, FINISH, LAST, RENEW, SCHEMA};
use crate::times::{length, nanoseconds, time, wait};

/// A slot that is further ahead of the server's clock than this can't be claimed yet. Nanoseconds.
const EARLY: i64 = 1_000_000_000;

/// How often a claim is sent, if the row changes between a refusal and the question why.
const ATTEMPTS: u32 = 3;

/// A ledger in a table of PostgreSQL. Clones share the connection.
///
/// The table is `atevery_ledger`, in the first schema of the connection's `search_path`.
///
/// # Errors
///
/// Each method of the ledger returns an error if the [`Query`] does, or if a slot is before 1677 or after 2262. A
/// name may have some 2,600 bytes.
#[derive(Clone)]
pub struct Postgres {
    query: Arc<dyn Query>,
}

impl Postgres {
    /// Creates a ledger on a client, a [`Reconnect`], or a pool that implements [`Query`].
    pub fn new(query: impl Query) -> Postgres {
        Postgres { query: Arc::new(query) }
    }

    /// Creates the table, unless it is there. The file `schema.sql` has the statements, for programs that migrate in
    /// another way.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or the user may not create tables.
    pub async fn migrate(&self) -> io::Result<()> {
        self.query.batch(SCHEMA).await
    }

    async fn try_claim(&self, claim: &Claim, slot: i64) -> io::Result<Option<Lease>> {
        let (job, holder) = (escape(claim.job()), escape(claim.holder()));
        let values = [
            Value::Text(&job),
            Value::Integer(slot),
            Value::Text(&holder),
            Value::Integer(length(claim.length())),
            Value::Flag(claim.is_at_least_once()),
        ];
        let Some(row) = self.query.row(CLAIM, &values).await? else {
            return Ok(None);
        };
        let lease = Lease::new(claim, token(&row, 0)?);
        Ok(Some(match row.get(1) {
            Some(Some(discarded)) => lease.discarding(time(*discarded)),
            _ => lease,
        }))
    }

    /// Why a claim was refused. `None` if it would be granted now.
    async fn explain(&self, claim: &Claim, slot: i64) -> io::Result<Option<Claimed>> {
        let job = escape(claim.job());
        let row = self.query.row(EXPLAIN, &[Value::Text(&job)]).await?.unwrap_or_default();
        let ahead = slot.saturating_sub(integer(&row, 0)?);
        if ahead > EARLY {
            return Ok(Some(Claimed::TooEarly { wait: wait(ahead) }));
        }
        if row.get(1).copied().flatten().is_none() {
            return Ok(None);
        }
        let (last, is_finished, rest) = (integer(&row, 1)?, integer(&row, 2)? != 0, integer(&row, 3)?);
        let may_follow = slot > last || (slot == last && !is_finished && claim.is_at_least_once());
        Ok(match may_follow {
            false => Some(Claimed::Taken),
            true if rest > 0 => Some(Claimed::Held {
                wait: Duration::from_micros(rest.unsigned_abs()),
            }),
            true => None,
        })
    }

    async fn claim_until_explained(&self, claim: &Claim) -> io::Result<Claimed> {
        let slot = nanoseconds(claim.slot())?;
        for _ in 0..ATTEMPTS {
            if let Some(lease) = self.try_claim(claim, slot).await? {
                return Ok(Claimed::Yes(lease));
            }
            if let Some(refusal) = self.explain(claim, slot).await? {
                return Ok(refusal);
            }
        }
        // Others claim and finish all the time.
        Ok(Claimed::Held {
            wait: Duration::from_millis(1),
        })
    }
}

impl Ledger for Postgres {
    fn last<'a>(&'a self, job: &'a str) -> BoxFuture<'a, io::Result<Option<Entry>>> {
        Box::pin(async move {
            let job = escape(job);
            let Some(row) = self.query.row(LAST, &[Value::Text(&job)]).await? else {
                return Ok(None);
            };
            let entry = Entry::new(time(integer(&row, 0)?), token(&row, 1)?, integer(&row, 2)? != 0);
            Ok(Some(entry))
        })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, io::Result<Claimed>> {
        Box::pin(self.claim_until_explained(claim))
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(async move {
            let (job, holder) = (escape(lease.job()), escape(lease.holder()));
            let values = [
                Value::Text(&job),
                Value::Integer(nanoseconds(lease.slot())?),
                Value::Text(&holder),
                Value::Integer(length(lease.length())),
                Value::Integer(sent_token(lease)),
            ];
            Ok(self.query.row(RENEW, &values).await?.is_some())
        })
    }

    fn finish<'a>(&'a self, lease: &'a Lease, done: bool) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            let job = escape(lease.job());
            let values = [
                Value::Text(&job),
                Value::Integer(nanoseconds(lease.slot())?),
                Value::Integer(sent_token(lease)),
                Value::Flag(done),
            ];
            self.query.row(FINISH, &values).await.map(drop)
        })
    }
}

/// No row has a token that is greater than the greatest `bigint`.
fn sent_token(lease: &Lease) -> i64 {
    i64::try_from(lease.token()).unwrap_or(-1)
}

fn token(row: &[Option<i64>], column: usize) -> io::Result<u64> {
    u64::try_from(integer(row, column)?).map_err(|_| foreign(column))
}

fn integer(row: &[Option<i64>], column: usize) -> io::Result<i64> {
    row.get(column).copied().flatten().ok_or_else(|| foreign(column))
}

fn foreign(column: usize) -> io::Error {
    let message = format!(
        "the answer of PostgreSQL has no valid number in column {column}: is the table `atevery_ledger` that of \
         atevery-postgres?"
    );
    io::Error::new(io::ErrorKind::InvalidData, message)
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}
