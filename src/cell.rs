//! A job as the scheduler keeps it: one allocation, its target included.

use std::borrow::Cow;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError, Weak};
use std::time::Duration;

use crate::agenda::Slot;
use crate::claim::Claim;
use crate::engine::Engine;
use crate::job::JobId;
use crate::panics::quietly;
use crate::run::Begun;
use crate::schedule::MissedTicks;
use crate::target::{Body, Step};
use crate::time::{Span, Time};

pub(crate) struct JobCell<B: ?Sized = dyn Body> {
    pub(crate) id: JobId,
    pub(crate) name: Cow<'static, str>,
    pub(crate) interval: Duration,
    pub(crate) policy: MissedTicks,
    pub(crate) blocking: bool,
    /// Whether anything hangs on the instant at which a run begins: the target may ask for it, a policy may count from it.
    timed: bool,
    pub(crate) engine: Weak<Engine>,
    pub(crate) claim: Claim,
    /// Written under the engine's lock; `UNREGISTERED` before and after its time on the roster.
    slot: AtomicU32,
    /// Written by whoever holds the claim, so loads and stores are enough; see `begin`.
    runs: AtomicU64,
    deadline: AtomicI64,
    /// When the last run ended that had to wait for something.
    ended: AtomicI64,
    /// Runs with a number below this have been told to end.
    cancelled: AtomicU64,
    /// Locked only by the holder of the claim, and so never waited for: the claim is who may run, the lock is how the
    /// compiler knows.
    body: Mutex<B>,
}

impl<B: Body> JobCell<B> {
    pub(crate) fn new(name: Cow<'static, str>, timing: Timing, blocking: bool, engine: Weak<Engine>, body: B) -> Self {
        JobCell {
            id: JobId::next(),
            name,
            interval: timing.interval,
            policy: timing.policy,
            blocking,
            timed: body.takes_run() || timing.policy != MissedTicks::Burst,
            engine,
            claim: Claim::default(),
            slot: AtomicU32::new(JobCell::UNREGISTERED),
            runs: AtomicU64::new(0),
            deadline: AtomicI64::new(Time::NEVER.as_nanos()),
            ended: AtomicI64::new(Time::NEVER.as_nanos()),
            cancelled: AtomicU64::new(0),
            body: Mutex::new(body),
        }
    }
}

/// How often, and what if late.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) interval: Duration,
    pub(crate) policy: MissedTicks,
}

impl JobCell {
    pub(crate) const UNREGISTERED: Slot = Slot::MAX;

    pub(crate) fn slot(&self) -> Slot {
        self.slot.load(Ordering::Relaxed)
    }

    pub(crate) fn set_slot(&self, slot: Slot) {
        self.slot.store(slot, Ordering::Relaxed);
    }

    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    pub(crate) fn deadline(&self) -> Time {
        Time::from_nanos(self.deadline.load(Ordering::Relaxed))
    }

    pub(crate) fn set_deadline(&self, deadline: Time) {
        self.deadline.store(deadline.as_nanos(), Ordering::Relaxed);
    }

    /// Notes that a run has ended at `now`. For the holder of the claim.
    pub(crate) fn note_end(&self, now: Time) {
        self.ended.store(now.as_nanos(), Ordering::Relaxed);
    }

    pub(crate) fn has_ended_at(&self, now: Time) -> bool {
        self.ended.load(Ordering::Relaxed) == now.as_nanos()
    }

    /// The deadline after the present one, for a run that begins at `now`.
    pub(crate) fn next_deadline(&self, now: Time) -> Time {
        self.policy.next_deadline(self.deadline(), self.span(), now)
    }

    pub(crate) fn missed(&self, deadline: Time, started: Time) -> u64 {
        self.policy.missed(deadline, self.span(), started)
    }

    fn span(&self) -> Span {
        self.interval.into()
    }

    /// The instant at which a run begins, for one that begins now. Reading the clock costs more than all else that a short
    /// run costs, so it is read only if anything hangs on it.
    pub(crate) fn start_time(&self, clock: impl FnOnce() -> Time) -> Time {
        if self.timed { clock() } else { self.deadline() }
    }

    /// Counts a run and moves the deadline; returns the run's number and its own deadline. For the holder of the claim.
    pub(crate) fn begin(&self, now: Time) -> (u64, Time) {
        let deadline = self.deadline();
        self.set_deadline(self.next_deadline(now));
        (self.runs.fetch_add(1, Ordering::SeqCst), deadline)
    }

    /// Calls the target. For the holder of the claim.
    pub(crate) fn call(&self, run: &Begun<'_>) -> Step {
        match self.body.try_lock() {
            Ok(mut body) => body.call(run),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().call(run),
            Err(TryLockError::WouldBlock) => unreachable!("a job's claim has one holder"),
        }
    }

    /// Drops the target. For the holder of the claim of a job that was removed.
    pub(crate) fn clear(&self) {
        quietly(|| match self.body.try_lock() {
            Ok(mut body) => body.clear(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().clear(),
            Err(TryLockError::WouldBlock) => unreachable!("a job's claim has one holder"),
        });
    }

    /// Tells the runs begun so far to end. A batch is marked as cancelled before its runs are told, and looked at after a
    /// run is counted, all in one order (`SeqCst`): so no run that begins meanwhile is missed by both.
    pub(crate) fn cancel_runs(&self) {
        self.cancelled
            .fetch_max(self.runs.load(Ordering::SeqCst), Ordering::AcqRel);
    }

    pub(crate) fn is_cancelled(&self, number: u64) -> bool {
        number < self.cancelled.load(Ordering::Acquire)
    }
}
