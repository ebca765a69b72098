//! What one turn of the loop hands out: which of the jobs that came up get a run, and in which batches.

use std::sync::{Arc, Mutex};

use crate::agenda::{Agenda, Slot};
use crate::batch::{Occasion, Queue};
use crate::cell::JobCell;
use crate::claim::{Offer, Ticket};
use crate::group::Group;
use crate::panics::lock;
use crate::rules::{Overlapping, Rules, Seats};
use crate::time::Time;

pub(crate) struct Handout {
    pub(crate) now: Time,
    pub(crate) is_on_tick: bool,
    pub(crate) batch_size: usize,
    ticket: Ticket,
    batches: Vec<Vec<Arc<JobCell>>>,
    batch: Vec<Arc<JobCell>>,
    /// For the blocking pool.
    pub(crate) blocking: Vec<(Occasion, Arc<JobCell>)>,
    /// Due while a run is in progress that has to give way.
    pub(crate) overlapping: Vec<Arc<JobCell>>,
    /// Jobs that may have no run any more.
    pub(crate) used_up: Vec<Arc<JobCell>>,
}

/// A job that has come up.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    slot: Slot,
    job: &'a Arc<JobCell>,
    rules: &'a Rules,
}

impl Handout {
    /// A handout under a ticket of its own.
    pub(crate) fn new(now: Time, tickets: &mut u64) -> Handout {
        *tickets += 1;
        Handout {
            now,
            is_on_tick: false,
            batch_size: 1,
            ticket: Ticket::new(*tickets),
            batches: Vec::new(),
            batch: Vec::new(),
            blocking: Vec::new(),
            overlapping: Vec::new(),
            used_up: Vec::new(),
        }
    }

    /// Offers the job a run if it is due, and lists it for the one after. The deadline moves only when the run begins; what
    /// is listed here may thus be early, which is set right when it comes up, but never late.
    ///
    /// A run that ended on the very instant of a tick counts as running then, as in the Python package.
    pub(crate) fn consider(&mut self, agenda: &mut Agenda, slot: Slot, job: &Arc<JobCell>, due: Time) {
        let ended_just_now = self.is_on_tick && job.has_ended_at(self.now);
        if due > self.now || ended_just_now {
            agenda.list(slot, due, self.now);
            return;
        }
        let Some(rules) = job.rules.as_deref() else {
            self.offer(agenda, slot, job);
            return;
        };
        let candidate = Candidate { slot, job, rules };
        if self.is_used_up(candidate) {
            return;
        }
        // A run that was triggered waits its turn from now on.
        let since = if due == Time::EARLIEST { self.now } else { due };
        match &rules.group {
            Some(group) if !group.enter(since, job) => {}
            _ => self.offer_by_rules(agenda, candidate),
        }
    }

    /// Likewise for a job that has a place in its group.
    pub(crate) fn consider_admitted(&mut self, agenda: &mut Agenda, group: &Group, job: &Arc<JobCell>) {
        let (slot, due) = (job.slot(), job.due());
        let Some(rules) = job.rules.as_deref() else { return };
        let candidate = Candidate { slot, job, rules };
        if due > self.now {
            agenda.list(slot, due, self.now);
            group.leave();
        } else if self.is_used_up(candidate) {
            group.leave();
        } else {
            self.offer_by_rules(agenda, candidate);
        }
    }

    /// Offers a run for which another had to give way.
    pub(crate) fn offer_again(&mut self, agenda: &mut Agenda, job: &Arc<JobCell>) {
        let due = job.due();
        if due > self.now {
            return;
        }
        if let Some(rules) = job.rules.as_deref() {
            let slot = job.slot();
            match &rules.group {
                Some(group) if !group.enter(due, job) => {}
                _ => self.offer_by_rules(agenda, Candidate { slot, job, rules }),
            }
        }
    }

    fn is_used_up(&mut self, Candidate { job, rules, .. }: Candidate<'_>) -> bool {
        let used_up = rules.are_used_up(job.deadline());
        if used_up && job.is_idle() {
            self.used_up.push(Arc::clone(job));
        }
        used_up
    }

    fn offer(&mut self, agenda: &mut Agenda, slot: Slot, job: &Arc<JobCell>) -> Offer {
        let offer = job.claim.offer(self.ticket);
        if offer == Offer::Taken {
            agenda.list(slot, job.due_after(self.now), self.now);
            self.push(job);
        }
        offer
    }

    fn offer_by_rules(&mut self, agenda: &mut Agenda, candidate: Candidate<'_>) {
        let Candidate { slot, job, rules } = candidate;
        let taken = match (self.offer(agenda, slot, job), &rules.overlap) {
            (Offer::Taken, _) => true,
            (Offer::Busy, Overlapping::Allow(seats)) => self.offer_seat(agenda, candidate, seats),
            (Offer::Busy, Overlapping::Replace(_)) => {
                self.overlapping.push(Arc::clone(job));
                false
            }
            (Offer::Busy | Offer::Closed, _) => false,
        };
        if taken {
            rules.note_offer();
        } else if let Some(group) = &rules.group {
            group.leave();
        }
    }

    /// Offers one of the job's other seats a run.
    fn offer_seat(&mut self, agenda: &mut Agenda, Candidate { slot, job, .. }: Candidate<'_>, seats: &Seats) -> bool {
        let taken = |seat: &Arc<JobCell>| seat.claim.offer(self.ticket) == Offer::Taken;
        let seat = seats.all().into_iter().find(taken);
        let Some(seat) = seat.or_else(|| seats.add(job).filter(taken)) else {
            return false;
        };
        agenda.list(slot, job.due_after(self.now), self.now);
        self.push(&seat);
        true
    }

    fn push(&mut self, job: &Arc<JobCell>) {
        if job.blocking {
            self.blocking.push(((self.ticket, self.now), Arc::clone(job)));
            return;
        }
        if self.batch.capacity() == 0 {
            self.batch.reserve_exact(self.batch_size);
        }
        self.batch.push(Arc::clone(job));
        if self.batch.len() == self.batch_size {
            self.batches.push(std::mem::take(&mut self.batch));
        }
    }

    /// Queues the batches.
    pub(crate) fn queue(&mut self, queue: &Mutex<Queue>) {
        if !self.batch.is_empty() {
            self.batches.push(std::mem::take(&mut self.batch));
        }
        if self.batches.is_empty() {
            return;
        }
        let mut queue = lock(queue);
        for batch in self.batches.drain(..) {
            queue.push((self.ticket, self.now), batch);
        }
    }
}
