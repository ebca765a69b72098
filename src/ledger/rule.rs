//! The rules of a ledger as pure functions: a row, a request and the store's time give an answer and the new row.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::claim::{Claim, Claimed, Entry, Lease};

/// A slot that is further ahead of the store's clock than this can't be claimed yet.
const EARLY: Duration = Duration::from_secs(1);

/// A last slot that is further ahead of the store's clock than this comes from a wrong clock.
const IMPOSSIBLE: Duration = Duration::from_secs(3 * 3600);

/// A hundred years. A lease is at most this long, so that its end is a time.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What a ledger remembers of a job. A row is never deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) slot: SystemTime,
    pub(super) token: u64,
    pub(super) state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The holder may run the slot until then.
    Leased {
        holder: Arc<str>,
        until: SystemTime,
    },
    /// The run was cancelled or lost. The slot is unfinished, and has no holder.
    GivenBack,
    Finished,
}

impl Row {
    pub(super) fn entry(&self) -> Entry {
        Entry::new(self.slot, self.token, self.state == State::Finished)
    }

    /// How long the lease will last. `None` if it is over.
    fn rest(&self, now: SystemTime) -> Option<Duration> {
        match self.state {
            State::Leased { until, .. } => ahead(until, now),
            State::GivenBack | State::Finished => None,
        }
    }

    fn is_held_by(&self, name: &str) -> bool {
        matches!(&self.state, State::Leased { holder, .. } if **holder == *name)
    }
}

/// An answer to a claim, and the row that must be stored before the answer is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) claimed: Claimed,
    pub(super) row: Option<Row>,
}

impl Decision {
    fn refuse(claimed: Claimed) -> Decision {
        Decision { claimed, row: None }
    }

    fn grant(claim: &Claim, token: u64, now: SystemTime) -> Decision {
        Decision {
            claimed: Claimed::Yes(Lease::new(claim, token)),
            row: Some(Row {
                slot: claim.slot(),
                token,
                state: leased(claim.holder(), claim.length(), now),
            }),
        }
    }

    fn discarding(mut self, slot: SystemTime) -> Decision {
        if let Claimed::Yes(lease) = self.claimed {
            self.claimed = Claimed::Yes(lease.discarding(slot));
        }
        self
    }
}

pub(super) fn claim(row: Option<&Row>, claim: &Claim, now: SystemTime) -> Decision {
    if let Some(wait) = ahead(claim.slot(), now).filter(|wait| *wait > EARLY) {
        return Decision::refuse(Claimed::TooEarly { wait });
    }
    let Some(row) = row else {
        return Decision::grant(claim, 1, now);
    };
    let next = row.token.saturating_add(1);
    if ahead(row.slot, now).is_some_and(|ahead| ahead > IMPOSSIBLE) {
        return Decision::grant(claim, next, now).discarding(row.slot);
    }
    if claim.slot() < row.slot || (claim.slot() == row.slot && row.state == State::Finished) {
        return Decision::refuse(Claimed::Taken);
    }
    if claim.slot() == row.slot && row.is_held_by(claim.holder()) {
        return Decision::grant(claim, row.token, now);
    }
    let may_follow = claim.slot() > row.slot || claim.is_at_least_once();
    match row.rest(now) {
        _ if !may_follow => Decision::refuse(Claimed::Taken),
        Some(wait) => Decision::refuse(Claimed::Held { wait }),
        None => Decision::grant(claim, next, now),
    }
}

/// The row with a longer lease. `None` if the lease can't be renewed.
pub(super) fn renew(row: &Row, lease: &Lease, now: SystemTime) -> Option<Row> {
    let is_valid = is_of(row, lease) && row.is_held_by(lease.holder()) && row.rest(now).is_some();
    is_valid.then(|| Row {
        state: leased(lease.holder(), lease.length(), now),
        ..row.clone()
    })
}

/// The row after the end of a run. `None` if nothing changes.
pub(super) fn finish(row: &Row, lease: &Lease, done: bool) -> Option<Row> {
    let state = if done { State::Finished } else { State::GivenBack };
    let changes = is_of(row, lease) && row.state != State::Finished && row.state != state;
    changes.then(|| Row { state, ..row.clone() })
}

/// Whether no other claim has been granted since.
fn is_of(row: &Row, lease: &Lease) -> bool {
    row.token == lease.token() && row.slot == lease.slot()
}

fn leased(holder: &str, length: Duration, now: SystemTime) -> State {
    State::Leased {
        holder: holder.into(),
        until: now.checked_add(length.min(LONGEST)).unwrap_or(now),
    }
}

/// How far `time` is ahead of `now`. `None` if it is not.
fn ahead(time: SystemTime, now: SystemTime) -> Option<Duration> {
    time.duration_since(now).ok().filter(|ahead| !ahead.is_zero())
}

#[cfg(test)]
mod tests;
