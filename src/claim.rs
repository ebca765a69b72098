//! Who may run a job now: one word that all threads agree on.
//!
//! ```text
//!          offer            begin             end
//!   idle ---------> offered -------> running -------> idle
//!                      |                               ^
//!                      +----------- withdraw ----------+
//! ```
//!
//! An offer carries the ticket of the tick that made it, so that a task which holds an offer that was withdrawn can't
//! take up a later one. Whoever brings the claim back to idle learns, in the same step, what came up meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};

const OFFERED: u64 = 1;
const RUNNING: u64 = 1 << 1;
/// It came due while it was taken: list it again at the end.
const DUE: u64 = 1 << 2;
/// A stop wants to hear of the end.
const WATCHED: u64 = 1 << 3;
const REMOVED: u64 = 1 << 4;
const TICKET_SHIFT: u32 = 8;

/// Tells the offers of one tick from those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(u64);

impl Ticket {
    pub(crate) fn new(number: u64) -> Ticket {
        Ticket(number << TICKET_SHIFT)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Claim(AtomicU64);

/// What came of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    Taken,
    /// It is offered or running already; its end will tell that it is due.
    Busy,
    Removed,
}

/// What came up while the job was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meanwhile(u64);

impl Meanwhile {
    pub(crate) fn nothing(self) -> bool {
        self.0 & (DUE | WATCHED | REMOVED) == 0
    }

    /// Under which ticket it was taken.
    pub(crate) fn ticket(self) -> Ticket {
        ticket_of(self.0)
    }

    pub(crate) fn due(self) -> bool {
        self.0 & DUE != 0
    }

    pub(crate) fn watched(self) -> bool {
        self.0 & WATCHED != 0
    }

    pub(crate) fn removed(self) -> bool {
        self.0 & REMOVED != 0
    }
}

impl Claim {
    /// Offers a run to whoever shows `ticket`.
    pub(crate) fn offer(&self, ticket: Ticket) -> Offer {
        let mut offer = Offer::Removed;
        self.update(|word| {
            if word & REMOVED != 0 {
                offer = Offer::Removed;
                None
            } else if word & (OFFERED | RUNNING) != 0 {
                offer = Offer::Busy;
                Some(word | DUE)
            } else {
                offer = Offer::Taken;
                Some(ticket.0 | OFFERED)
            }
        });
        offer
    }

    /// Begins the run that was offered under `ticket`, unless the offer was withdrawn or the job removed.
    pub(crate) fn begin(&self, ticket: Ticket) -> bool {
        self.update(|word| (offered(word, ticket) && word & REMOVED == 0).then_some(word ^ (OFFERED | RUNNING)))
            .is_some()
    }

    /// Takes back the offer made under `ticket`, unless its run has begun.
    pub(crate) fn withdraw(&self, ticket: Ticket) -> Option<Meanwhile> {
        self.update(|word| offered(word, ticket).then_some(word & REMOVED))
            .map(Meanwhile)
    }

    /// Ends the run that is in progress.
    pub(crate) fn end(&self) -> Meanwhile {
        let word = self.update(|word| Some(word & REMOVED)).unwrap_or_default();
        debug_assert!(word & RUNNING != 0, "only what has begun can end");
        Meanwhile(word)
    }

    /// Asks for word of the end of the run that began under `ticket`, if it is still in progress.
    pub(crate) fn watch(&self, ticket: Ticket) -> bool {
        self.update(|word| running(word, ticket).then_some(word | WATCHED))
            .is_some()
    }

    pub(crate) fn is_running_under(&self, ticket: Ticket) -> bool {
        running(self.0.load(Ordering::Acquire), ticket)
    }

    /// No run begins from here on. True if the job is idle, and so the caller's to clear away; else its end is asked to.
    pub(crate) fn remove(&self) -> bool {
        let before = self.0.fetch_or(REMOVED, Ordering::AcqRel);
        before & (REMOVED | OFFERED | RUNNING) == 0
    }

    pub(crate) fn is_running(&self) -> bool {
        self.0.load(Ordering::Acquire) & RUNNING != 0
    }

    /// Changes the word as `change` says and returns what it was, or nothing if there was nothing to change.
    fn update(&self, change: impl FnMut(u64) -> Option<u64>) -> Option<u64> {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, change).ok()
    }
}

fn ticket_of(word: u64) -> Ticket {
    Ticket(word >> TICKET_SHIFT << TICKET_SHIFT)
}

fn running(word: u64, ticket: Ticket) -> bool {
    word & RUNNING != 0 && ticket_of(word) == ticket
}

fn offered(word: u64, ticket: Ticket) -> bool {
    word & OFFERED != 0 && ticket_of(word) == ticket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time() {
        let claim = Claim::default();
        let (first, second) = (Ticket::new(1), Ticket::new(2));
        assert_eq!(claim.offer(first), Offer::Taken);
        assert_eq!(claim.offer(second), Offer::Busy);
        assert!(!claim.begin(second));
        assert!(claim.begin(first));
        assert!(!claim.begin(first));
        assert!(claim.is_running());
        assert!(claim.end().due());
        assert_eq!(claim.offer(second), Offer::Taken);
    }

    #[test]
    fn a_withdrawn_offer_can_not_be_taken_up() {
        let claim = Claim::default();
        let (first, second) = (Ticket::new(1), Ticket::new(2));
        claim.offer(first);
        assert_eq!(claim.withdraw(second), None);
        assert!(claim.withdraw(first).is_some_and(Meanwhile::nothing));
        claim.offer(second);
        assert!(!claim.begin(first));
        assert!(claim.begin(second));
        assert_eq!(claim.withdraw(second), None);
    }

    #[test]
    fn a_watch_is_for_a_run_in_progress() {
        let claim = Claim::default();
        let ticket = Ticket::new(1);
        claim.offer(ticket);
        assert!(!claim.watch(ticket));
        claim.begin(ticket);
        assert!(!claim.watch(Ticket::new(2)));
        assert!(claim.watch(ticket));
        assert!(claim.end().watched());
        assert!(!claim.watch(ticket));
    }

    #[test]
    fn a_removed_job_is_cleared_away_by_exactly_one() {
        let idle = Claim::default();
        assert!(idle.remove());
        assert!(!idle.remove());
        assert_eq!(idle.offer(Ticket::new(1)), Offer::Removed);

        let running = Claim::default();
        running.offer(Ticket::new(1));
        running.begin(Ticket::new(1));
        assert!(!running.remove());
        assert!(running.end().removed());

        let offered = Claim::default();
        offered.offer(Ticket::new(1));
        assert!(!offered.remove());
        assert!(!offered.begin(Ticket::new(1)));
        assert!(offered.withdraw(Ticket::new(1)).is_some_and(Meanwhile::removed));
    }
}
