//! Ledgers of the kinds that are in use and have a hole. Each differs from the rules in one place.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use atevery::ledger::{BoxFuture, Claim, Claimed, Entry, Lease, Ledger};

const HOUR: Duration = Duration::from_secs(3600);

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fault {
            $($(#[$doc])* $fault),*
        }

        pub(crate) const FAULTS: &[Fault] = &[$(Fault::$fault),*];
    };
}

faults! {
    /// The rules are followed.
    None,
    /// A lock by duration: the slot doesn't count.
    ByDuration,
    /// A slot that is finished can be claimed again.
    ForgetsFinish,
    /// A row is deleted when its run ends.
    DeletesOnFinish,
    /// A row is deleted when it is old.
    DeletesOld,
    /// The token begins anew with each slot.
    ResetsToken,
    /// The token is a random number, or a time.
    TokenJumps,
    /// The token of a slot stays if another takes it over.
    TokenOfTheSlot,
    /// A claim that is refused writes its slot down.
    WritesRefused,
    /// Earlier slots are granted.
    GrantsEarlier,
    /// A finished run leaves its lease in force.
    KeepsLeaseAfterFinish,
    /// A lease that was given back stays in force.
    KeepsLeaseAfterReturn,
    /// A lease that is over is in force until its holder ends it.
    LeaseForEver,
    /// A lease that is in force stops nobody.
    NoLease,
    /// `Held` has the length of the lease, not what is left of it.
    WaitsTooLong,
    /// `Held` and `TooEarly` have no wait.
    WaitsNotAtAll,
    /// The claim of a former holder is refused.
    RefusesRepetition,
    /// Only a lease in force can be asked for again.
    RefusesLateRepetition,
    /// A repeated claim gets a new token.
    NewTokenForRepetition,
    /// After the slot was given back, its holder may have it again.
    RepeatsAfterReturn,
    /// A lease that is over can be renewed.
    RenewsOver,
    /// A lease that was ended can be renewed.
    RenewsEnded,
    /// Everybody can renew a lease.
    RenewsForAnybody,
    /// A renewal looks at the holder only, not at the token.
    RenewsByHolder,
    /// A renewal says yes and does nothing.
    RenewsNot,
    /// A renewal adds its length to what is left.
    RenewalAddsUp,
    /// Whoever says that a run has ended ends the current one.
    FinishesForAnybody,
    /// An end is known by its slot only.
    FinishesBySlot,
    /// An end after the lease is lost.
    FinishesNotLate,
    /// A finished slot is unfinished again after a second end.
    UndoesFinish,
    /// A run that was cancelled counts as finished.
    ReturnFinishes,
    /// A lease that was given back makes the slot free for all.
    ReturnFreesSlot,
    /// The end of a run of which nothing is known makes a row.
    FinishMakesRow,
    /// Every claim is one at least.
    AlwaysAtLeastOnce,
    /// No claim is one at least.
    NeverAtLeastOnce,
    /// A claim at least once does not wait for the lease.
    AtLeastOnceSteals,
    /// A slot may be any time ahead.
    TakesAnySlot,
    /// No tolerance for a clock that is fast.
    NoTolerance,
    /// A last slot counts, however far ahead it is.
    KeepsImpossible,
    /// A last slot ahead of the clock counts as none, however near it is.
    DiscardsAnyAhead,
    /// A discarded slot takes the token with it.
    DiscardsToken,
    /// A discarded slot is not told.
    DiscardsSilently,
    /// Names that differ in their case are the same.
    IgnoresCase,
    /// Names are cut off.
    CutsNames,
    /// Names end where a C string ends.
    EndsNamesAtZero,
    /// Spaces around a name don't count.
    TrimsNames,
    /// Slots are kept in microseconds.
    Microseconds,
    /// Slots are seconds since 1970, without a sign.
    Unsigned,
    /// A lease lasts an hour at most.
    ShortLeases,
    /// Looks first, and writes later.
    NotAtomic,
    /// Does its work when it is called.
    Eager,
    /// The lease names another holder.
    MixesUpHolder,
}

use Fault::*;

#[derive(Clone)]
struct Row {
    slot: SystemTime,
    token: u64,
    holder: String,
    until: SystemTime,
    is_finished: bool,
    is_given_back: bool,
}

pub(crate) struct Faulty {
    fault: Fault,
    rows: Mutex<HashMap<String, Row>>,
    /// Held during each step.
    step: Mutex<()>,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Faulty {
    pub(crate) fn new(fault: Fault, clock: Box<dyn Fn() -> SystemTime + Send + Sync>) -> Faulty {
        Faulty {
            fault,
            rows: Mutex::default(),
            step: Mutex::default(),
            clock,
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn key(&self, job: &str) -> String {
        match self.fault {
            IgnoresCase => job.to_lowercase(),
            CutsNames => job.chars().take(255).collect(),
            EndsNamesAtZero => job.split('\0').next().unwrap().into(),
            TrimsNames => job.trim().into(),
            _ => job.into(),
        }
    }

    fn kept(&self, slot: SystemTime) -> SystemTime {
        let since = slot.duration_since(SystemTime::UNIX_EPOCH);
        match self.fault {
            Microseconds => {
                let since = since.unwrap_or_default();
                slot - Duration::from_nanos(u64::from(since.subsec_nanos() % 1000))
            }
            Unsigned => SystemTime::UNIX_EPOCH + since.unwrap_or_default(),
            _ => slot,
        }
    }

    fn row(&self, job: &str) -> Option<Row> {
        self.rows.lock().unwrap().get(&self.key(job)).cloned()
    }

    fn write(&self, job: &str, row: Row) {
        self.rows.lock().unwrap().insert(self.key(job), row);
    }

    fn until(&self, length: Duration, now: SystemTime) -> SystemTime {
        let longest = if self.has(ShortLeases) { HOUR } else { 1_000_000 * HOUR };
        now + length.min(longest)
    }

    fn grant(&self, claim: &Claim, token: u64, now: SystemTime) -> Claimed {
        let row = Row {
            slot: self.kept(claim.slot()),
            token,
            holder: claim.holder().into(),
            until: self.until(claim.length(), now),
            is_finished: false,
            is_given_back: false,
        };
        self.write(claim.job(), row);
        let lease = Lease::new(claim, token);
        if self.has(MixesUpHolder) {
            let other = Claim::new(claim.job(), claim.slot(), "other", claim.length());
            return Claimed::Yes(Lease::new(&other, token));
        }
        Claimed::Yes(lease)
    }

    fn refuse(&self, claim: &Claim, mut claimed: Claimed) -> Claimed {
        if let Some(mut row) = self.row(claim.job()).filter(|_| self.has(WritesRefused)) {
            row.slot = claim.slot();
            self.write(claim.job(), row);
        }
        if let Claimed::Held { wait } | Claimed::TooEarly { wait } = &mut claimed {
            match self.fault {
                WaitsTooLong => *wait += HOUR,
                WaitsNotAtAll => *wait = Duration::ZERO,
                _ => {}
            }
        }
        claimed
    }

    fn is_over(&self, row: &Row, now: SystemTime) -> bool {
        if row.is_finished {
            return !self.has(KeepsLeaseAfterFinish) || row.until <= now;
        }
        if row.is_given_back {
            return !self.has(KeepsLeaseAfterReturn) || row.until <= now;
        }
        self.has(NoLease) || (row.until <= now && !self.has(LeaseForEver))
    }

    fn next_token(&self, row: &Row, claim: &Claim) -> u64 {
        match self.fault {
            ResetsToken => 1,
            TokenJumps => row.token + 2,
            TokenOfTheSlot if row.slot == claim.slot() => row.token,
            _ => row.token + 1,
        }
    }

    fn claim_now(&self, claim: &Claim) -> Claimed {
        let now = (self.clock)();
        let tolerance = if self.has(NoTolerance) {
            Duration::ZERO
        } else {
            Duration::from_secs(1)
        };
        let ahead = claim.slot().duration_since(now).unwrap_or_default();
        if ahead > tolerance && !self.has(TakesAnySlot) {
            return self.refuse(claim, Claimed::TooEarly { wait: ahead });
        }
        let Some(row) = self.row(claim.job()) else {
            return self.grant(claim, 1, now);
        };
        if self.has(NotAtomic) {
            thread::sleep(Duration::from_millis(1));
        }
        let limit = if self.has(DiscardsAnyAhead) {
            Duration::ZERO
        } else {
            3 * HOUR
        };
        if row.slot > now + limit && !self.has(KeepsImpossible) {
            let token = if self.has(DiscardsToken) { 1 } else { row.token + 1 };
            return match self.grant(claim, token, now) {
                Claimed::Yes(lease) if !self.has(DiscardsSilently) => Claimed::Yes(lease.discarding(row.slot)),
                other => other,
            };
        }
        self.claim_against(&row, claim, now)
    }

    fn claim_against(&self, row: &Row, claim: &Claim, now: SystemTime) -> Claimed {
        let slot = self.kept(claim.slot());
        let is_over = self.is_over(row, now);
        let is_holder = row.holder == claim.holder() && (!row.is_given_back || self.has(RepeatsAfterReturn));
        if slot == row.slot && !row.is_finished && is_holder && !self.has(RefusesRepetition) {
            let token = if self.has(NewTokenForRepetition) {
                row.token + 1
            } else {
                row.token
            };
            if !(self.has(RefusesLateRepetition) && is_over) {
                return self.grant(claim, token, now);
            }
        }
        let at_least_once = (claim.is_at_least_once() || self.has(AlwaysAtLeastOnce)) && !self.has(NeverAtLeastOnce);
        let is_free = at_least_once || (self.has(ReturnFreesSlot) && row.is_given_back);
        let is_open = slot == row.slot && is_free && (!row.is_finished || self.has(ForgetsFinish));
        let is_later = slot > row.slot || self.has(ByDuration) || (self.has(GrantsEarlier) && slot < row.slot);
        if !is_later && !is_open {
            return self.refuse(claim, Claimed::Taken);
        }
        let steals = is_open && self.has(AtLeastOnceSteals);
        if !(is_over || steals) {
            let wait = row.until.duration_since(now).unwrap_or_default();
            return self.refuse(claim, Claimed::Held { wait });
        }
        self.grant(claim, self.next_token(row, claim), now)
    }

    fn renew_now(&self, lease: &Lease) -> bool {
        let now = (self.clock)();
        let Some(mut row) = self.row(lease.job()) else {
            return false;
        };
        let is_token = row.token == lease.token() || self.has(RenewsByHolder);
        let is_of = row.slot == lease.slot() && is_token && row.holder == lease.holder();
        let is_ended = (row.is_finished || row.is_given_back) && !self.has(RenewsEnded);
        let is_over = row.until <= now && !self.has(RenewsOver);
        if !(is_of || self.has(RenewsForAnybody)) || is_ended || is_over {
            return false;
        }
        let from = if self.has(RenewalAddsUp) { row.until } else { now };
        if !self.has(RenewsNot) {
            row.until = self.until(lease.length(), from);
            (row.is_finished, row.is_given_back) = (false, false);
            self.write(lease.job(), row);
        }
        true
    }

    fn finish_now(&self, lease: &Lease, done: bool) {
        let now = (self.clock)();
        let Some(mut row) = self.row(lease.job()) else {
            if self.has(FinishMakesRow) {
                self.grant(
                    &Claim::new(lease.job(), lease.slot(), lease.holder(), HOUR),
                    lease.token(),
                    now,
                );
            }
            return;
        };
        let is_token = row.token == lease.token() || self.has(FinishesBySlot);
        let is_of = (row.slot == lease.slot() && is_token) || self.has(FinishesForAnybody);
        let is_late = self.has(FinishesNotLate) && row.until <= now;
        if !is_of || is_late || (row.is_finished && !self.has(UndoesFinish)) {
            return;
        }
        if self.has(DeletesOnFinish) {
            self.rows.lock().unwrap().remove(&self.key(lease.job()));
            return;
        }
        row.is_finished = done || self.has(ReturnFinishes);
        row.is_given_back = !row.is_finished;
        self.write(lease.job(), row);
    }

    fn one_at_a_time(&self) -> Option<MutexGuard<'_, ()>> {
        // A check that failed has poisoned it.
        (!self.has(NotAtomic)).then(|| self.step.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn delete_old(&self) {
        if self.has(DeletesOld) {
            let now = (self.clock)();
            self.rows.lock().unwrap().retain(|_, row| row.slot + 24 * HOUR > now);
        }
    }
}

impl Ledger for Faulty {
    fn last<'a>(&'a self, job: &'a str) -> BoxFuture<'a, io::Result<Option<Entry>>> {
        Box::pin(async move {
            let _step = self.one_at_a_time();
            self.delete_old();
            Ok(self
                .row(job)
                .map(|row| Entry::new(row.slot, row.token, row.is_finished)))
        })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, io::Result<Claimed>> {
        let eager = self.has(Eager).then(|| self.claim_now(claim));
        Box::pin(async move {
            let _step = self.one_at_a_time();
            self.delete_old();
            Ok(eager.unwrap_or_else(|| self.claim_now(claim)))
        })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(async move {
            let _step = self.one_at_a_time();
            Ok(self.renew_now(lease))
        })
    }

    fn finish<'a>(&'a self, lease: &'a Lease, done: bool) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            let _step = self.one_at_a_time();
            self.finish_now(lease, done);
            Ok(())
        })
    }
}
