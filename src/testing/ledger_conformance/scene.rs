//! A store in a check, and the claims that checks make.

use std::io;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Store;
use crate::ledger::{Claim, Claimed, Entry, Lease};

/// The time at which a check begins, if the store's clock can be set: 2020-09-13T12:26:40Z.
const START: Duration = Duration::from_secs(1_600_000_000);

/// A lease that outlasts every check.
pub(super) const LONG: Duration = Duration::from_secs(3600);

/// The job of most checks.
pub(super) const JOB: &str = "job";

pub(super) struct Scene {
    store: Store,
    begin: SystemTime,
    now: Mutex<SystemTime>,
}

impl Scene {
    pub(super) fn new(store: Store) -> Scene {
        let now = if store.has_clock() {
            UNIX_EPOCH + START
        } else {
            SystemTime::now()
        };
        store.set_clock(now);
        Scene {
            store,
            begin: now,
            now: Mutex::new(now),
        }
    }

    /// A scene with a clock, or `None` if the store's clock can't be set. The caller then returns.
    pub(super) fn with_clock(store: Store) -> Option<Scene> {
        if !store.has_clock() {
            println!("skipped: the store's clock can't be set");
            return None;
        }
        Some(Scene::new(store))
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// A lease that a check waits out.
    pub(super) fn short(&self) -> Duration {
        if self.store.has_clock() {
            Duration::from_secs(30)
        } else {
            Duration::from_millis(300)
        }
    }

    /// Lets time pass on the store's clock.
    pub(super) fn pass(&self, time: Duration) {
        if self.store.has_clock() {
            self.set(self.now() + time);
        } else {
            // The store may count in milliseconds.
            thread::sleep(time + Duration::from_millis(5));
        }
    }

    /// Sets the store's clock.
    pub(super) fn set(&self, to: SystemTime) {
        *self.now.lock().unwrap() = to;
        self.store.set_clock(to);
    }

    /// The time on the store's clock at the beginning, or when the clock was set last.
    pub(super) fn now(&self) -> SystemTime {
        *self.now.lock().unwrap()
    }

    /// A slot so many seconds before the beginning.
    pub(super) fn slot(&self, ago: u64) -> SystemTime {
        self.begin - Duration::from_secs(ago)
    }

    pub(super) fn try_claim(&self, claim: &Claim) -> io::Result<Claimed> {
        self.store.run(self.store.ledger().claim(claim))
    }

    #[track_caller]
    pub(super) fn claim(&self, claim: &Claim) -> Claimed {
        no_error("claim", self.try_claim(claim))
    }

    /// Claims, and asserts that the claim is granted.
    #[track_caller]
    pub(super) fn granted(&self, claim: &Claim) -> Lease {
        match self.claim(claim) {
            Claimed::Yes(lease) => lease,
            other => panic!("{other:?} instead of a lease for {claim:?}"),
        }
    }

    /// Claims, and asserts that the claim is granted with this token.
    #[track_caller]
    pub(super) fn granted_with(&self, token: u64, claim: &Claim) -> Lease {
        let lease = self.granted(claim);
        assert_eq!(lease.token(), token, "the token for {claim:?}");
        lease
    }

    #[track_caller]
    pub(super) fn taken(&self, claim: &Claim) {
        let claimed = self.claim(claim);
        assert_eq!(claimed, Claimed::Taken, "for {claim:?}");
    }

    /// Claims, and returns the wait.
    #[track_caller]
    pub(super) fn held(&self, claim: &Claim) -> Duration {
        match self.claim(claim) {
            Claimed::Held { wait } => wait,
            other => panic!("{other:?} instead of a wait for {claim:?}"),
        }
    }

    #[track_caller]
    pub(super) fn renew(&self, lease: &Lease) -> bool {
        no_error("renew", self.store.run(self.store.ledger().renew(lease)))
    }

    #[track_caller]
    pub(super) fn finish(&self, lease: &Lease, done: bool) {
        no_error("finish", self.store.run(self.store.ledger().finish(lease, done)));
    }

    #[track_caller]
    pub(super) fn last(&self, job: &str) -> Option<Entry> {
        no_error("last", self.store.run(self.store.ledger().last(job)))
    }
}

#[track_caller]
fn no_error<T>(step: &str, result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{step}: {error}"))
}

/// A claim of the job with a long lease.
pub(super) fn by(holder: &str, slot: SystemTime) -> Claim {
    Claim::new(JOB, slot, holder, LONG)
}

/// The same lease, with another length.
pub(super) fn of_length(lease: &Lease, length: Duration) -> Lease {
    Lease::new(
        &Claim::new(lease.job(), lease.slot(), lease.holder(), length),
        lease.token(),
    )
}
