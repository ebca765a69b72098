use std::collections::HashMap;
use std::fmt;
use std::io;
use std::time::SystemTime;

use ::futures::future::BoxFuture;

use super::claim::{Claim, Claimed, Entry, Lease};
use super::rule::{self, Row};
use super::traits::Ledger;
use crate::sync::Mutex;
use crate::unwind::lock;

/// A ledger in memory, for tests and for replicas in one process. It forgets everything when it is dropped.
///
/// Replicas share a ledger through an `Arc`. In a test on virtual time, the ledger takes its time from there:
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use atevery::ledger::{Claim, Claimed, Ledger, Memory};
/// use atevery::runtime::Timer;
/// use atevery::testing::VirtualTime;
///
/// let time = VirtualTime::new();
/// let clock = time.clone();
/// let ledger = Arc::new(Memory::with_clock(move || clock.wall()));
///
/// let length = Duration::from_secs(30);
/// let slot = time.wall();
/// let of_a = Claim::new("bill", slot, "a", length);
/// let of_b = Claim::new("bill", slot, "b", length);
/// time.block_on(async {
///     let Claimed::Yes(lease) = ledger.claim(&of_a).await? else { panic!() };
///     assert_eq!(lease.token(), 1);
///     assert_eq!(ledger.claim(&of_b).await?, Claimed::Taken);
///     ledger.finish(&lease, true).await
/// })?;
///
/// time.advance(Duration::from_secs(3600));
/// let next = Claim::new("bill", slot + Duration::from_secs(3600), "b", length);
/// let claimed = time.block_on(ledger.claim(&next))?;
/// assert!(matches!(claimed, Claimed::Yes(lease) if lease.token() == 2));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Memory {
    rows: Mutex<HashMap<Box<str>, Row>>,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Memory {
    /// Creates an empty ledger on the system's clock.
    pub fn new() -> Memory {
        Memory::with_clock(SystemTime::now)
    }

    /// Creates an empty ledger on a clock of your own. It calls `clock` once for each step, without a lock.
    pub fn with_clock(clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Memory {
        Memory {
            rows: Mutex::new(HashMap::new()),
            clock: Box::new(clock),
        }
    }

    /// Calls `step` with the row of the job and the time. If `step` returns a row, this row takes the place of the
    /// other.
    fn step<T>(&self, job: &str, step: impl FnOnce(Option<&Row>, SystemTime) -> (T, Option<Row>)) -> T {
        let now = (self.clock)();
        let mut rows = lock(&self.rows);
        let (answer, changed) = step(rows.get(job), now);
        if let Some(row) = changed {
            rows.insert(job.into(), row);
        }
        answer
    }
}

impl Ledger for Memory {
    fn last<'a>(&'a self, job: &'a str) -> BoxFuture<'a, io::Result<Option<Entry>>> {
        Box::pin(async move { Ok(lock(&self.rows).get(job).map(Row::entry)) })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, io::Result<Claimed>> {
        Box::pin(async move {
            Ok(self.step(claim.job(), |row, now| {
                let decision = rule::claim(row, claim, now);
                (decision.claimed, decision.row)
            }))
        })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(async move {
            Ok(self.step(lease.job(), |row, now| {
                let renewed = row.and_then(|row| rule::renew(row, lease, now));
                (renewed.is_some(), renewed)
            }))
        })
    }

    fn finish<'a>(&'a self, lease: &'a Lease, done: bool) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            self.step(lease.job(), |row, _| {
                ((), row.and_then(|row| rule::finish(row, lease, done)))
            });
            Ok(())
        })
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("jobs", &lock(&self.rows).len())
            .finish_non_exhaustive()
    }
}
