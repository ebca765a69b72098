use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A request for a slot: who wants to run which job for which slot, and how long the lease shall be.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use atevery::ledger::Claim;
///
/// let claim = Claim::new("bill", SystemTime::now(), "host-1", Duration::from_secs(30)).at_least_once();
/// assert_eq!(claim.job(), "bill");
/// assert!(claim.is_at_least_once());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    job: Arc<str>,
    slot: SystemTime,
    holder: Arc<str>,
    length: Duration,
    at_least_once: bool,
}

impl Claim {
    /// Creates a claim that gives a slot to at most one holder.
    ///
    /// `holder` names the process that asks. No two processes may have the same name, and a process that is started
    /// again needs a new name: the ledger takes a second claim of the holder for a repetition of the first one.
    ///
    /// `length` is the length of the lease, by the store's clock. A length of zero makes no lease: the ledger records
    /// the slot, and the next slot is free at once.
    pub fn new(job: impl Into<Arc<str>>, slot: SystemTime, holder: impl Into<Arc<str>>, length: Duration) -> Claim {
        Claim {
            job: job.into(),
            slot,
            holder: holder.into(),
            length,
            at_least_once: false,
        }
    }

    /// Asks for the slot even if another holder had it, provided that the lease is over and the slot is unfinished.
    pub fn at_least_once(mut self) -> Claim {
        self.at_least_once = true;
        self
    }

    /// The name of the job.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The scheduled time of the run.
    pub fn slot(&self) -> SystemTime {
        self.slot
    }

    /// Who asks.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// The length of the lease.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// Whether a slot that another holder left unfinished may be claimed again.
    pub fn is_at_least_once(&self) -> bool {
        self.at_least_once
    }
}

/// A slot that was granted: the right to run it until the lease is over.
///
/// Ledgers create leases, see [`Claimed::Yes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    job: Arc<str>,
    slot: SystemTime,
    holder: Arc<str>,
    length: Duration,
    token: u64,
    discarded: Option<SystemTime>,
}

impl Lease {
    /// Creates the lease that grants `claim`.
    pub fn new(claim: &Claim, token: u64) -> Lease {
        Lease {
            job: Arc::clone(&claim.job),
            slot: claim.slot,
            holder: Arc::clone(&claim.holder),
            length: claim.length,
            token,
            discarded: None,
        }
    }

    /// Notes that the ledger discarded the last slot of the job, since `slot` was more than 3 h ahead of the store's
    /// clock.
    pub fn discarding(mut self, slot: SystemTime) -> Lease {
        self.discarded = Some(slot);
        self
    }

    /// The last slot before this one, if it was more than 3 h ahead of the store's clock. The ledger then took it for
    /// the work of a wrong clock, and counted it as none.
    pub fn discarded(&self) -> Option<SystemTime> {
        self.discarded
    }

    /// The name of the job.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The scheduled time of the run.
    pub fn slot(&self) -> SystemTime {
        self.slot
    }

    /// Who may run the slot.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// The length of the lease, counted from the claim or the last renewal.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// The fencing token: each claim of a job that is granted has a greater one than all before.
    ///
    /// A run passes the token along with its writes to other systems. A system that remembers the greatest token can
    /// refuse the writes of a run whose lease is over.
    pub fn token(&self) -> u64 {
        self.token
    }
}

/// The last slot of a job, as a ledger remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    slot: SystemTime,
    token: u64,
    is_finished: bool,
}

impl Entry {
    /// Creates an entry.
    pub fn new(slot: SystemTime, token: u64, is_finished: bool) -> Entry {
        Entry {
            slot,
            token,
            is_finished,
        }
    }

    /// The last slot that was granted. It may be ahead of the store's clock, if that clock was set back.
    pub fn slot(&self) -> SystemTime {
        self.slot
    }

    /// The token of the last claim.
    pub fn token(&self) -> u64 {
        self.token
    }

    /// Whether the run of the slot has ended, well or badly. It is `false` while the run is in progress, and after a
    /// run that was cancelled or lost.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }
}

/// A ledger's answer to a [`Claim`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claimed {
    /// The holder may run the slot until the lease is over.
    Yes(Lease),
    /// The slot, or a later one, was granted before. Nobody else will run this slot.
    Taken,
    /// Another run of the job holds a lease. The slot may become free in `wait`.
    Held {
        /// How long the lease lasts if nobody renews it, by the store's clock.
        wait: Duration,
    },
    /// The slot is more than 1 s ahead of the store's clock: the clock of this process is fast.
    TooEarly {
        /// How far the slot is ahead of the store's clock.
        wait: Duration,
    },
}
