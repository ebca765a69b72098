//! What there is from a start to the next stop: the agenda, and what is due and not yet handed out.

use std::sync::Arc;

use crate::agenda::{Agenda, Slot};
use crate::batch;
use crate::cell::JobCell;
use crate::engine::Groups;
use crate::grid::Grid;
use crate::handout::Handout;
use crate::roster::Roster;
use crate::sync::AtomicWaker;
use crate::time::Time;

/// The most jobs that are handed out before the loop lets the executor's other tasks have a turn.
const SLICE: usize = 4_096;

/// So many jobs are looked at before the first of them is offered. They lie all over the memory: plain reads in a row are
/// fetched at the same time, while each atomic step of an offer waits for what is before it.
const GROUP: usize = 32;

/// From a start to the next stop.
pub(crate) struct Session {
    pub(crate) number: u64,
    pub(crate) bell: Arc<Bell>,
    agenda: Agenda,
    /// What is due and has not been handed out.
    due: Due,
    /// When the loop means to wake.
    wake: Option<Time>,
}

#[derive(Default)]
struct Due {
    slots: Vec<Slot>,
    handed_out: usize,
}

/// Wakes the loop.
#[derive(Default)]
pub(crate) struct Bell(pub(crate) AtomicWaker);

/// What the loop does next.
pub(crate) enum Next {
    /// Asks again, after others had their turn.
    Again,
    Sleep(Time),
    /// Waits for the bell.
    Wait,
    End,
}

impl Session {
    /// A session whose jobs are those on the roster. Deadlines that have passed are lifted to `start`.
    pub(crate) fn new(number: u64, roster: &Roster, grid: Grid, start: Time) -> Session {
        let mut agenda = Agenda::new(grid);
        for job in roster.iter() {
            job.lift_deadline(start);
            agenda.list(job.slot(), job.due(), start);
        }
        Session {
            number,
            bell: Arc::default(),
            agenda,
            due: Due::default(),
            wake: None,
        }
    }

    /// Serves the tick that has come, if one has: offers the next slice of what is due.
    pub(crate) fn serve(&mut self, handout: &mut Handout, roster: &Roster) {
        if self.due.is_empty() {
            self.due.refill(&mut self.agenda, handout.now);
        }
        if self.due.is_empty() {
            return;
        }
        handout.batch_size = batch::size(self.due.slots.len());
        handout.is_on_tick = self.agenda.is_on_tick(handout.now);
        let mut group = Vec::with_capacity(GROUP);
        for slots in self.due.slice().chunks(GROUP) {
            group.extend(slots.iter().filter_map(|slot| roster.look_at(*slot)));
            for (slot, job, due) in group.drain(..) {
                handout.consider(&mut self.agenda, slot, job, due);
            }
        }
    }

    /// Offers runs to those whose turn it is in their groups, once all that is due has been looked at.
    pub(crate) fn admit(&mut self, handout: &mut Handout, roster: &Roster, groups: &Groups) {
        if !self.due.is_empty() {
            return;
        }
        for group in groups.values() {
            while let Some(job) = group.admit() {
                if roster.get(job.slot()).is_none() {
                    group.leave();
                } else {
                    handout.consider_admitted(&mut self.agenda, group, &job);
                }
            }
        }
    }

    /// Offers a run that was in the way of another before.
    pub(crate) fn offer_again(&mut self, handout: &mut Handout, job: &Arc<JobCell>) {
        handout.offer_again(&mut self.agenda, job);
    }

    pub(crate) fn next(&mut self) -> Next {
        if !self.due.is_empty() {
            return Next::Again;
        }
        self.wake = self.agenda.next_wake();
        self.wake.map_or(Next::Wait, Next::Sleep)
    }

    pub(crate) fn unlist(&mut self, slot: Slot) {
        self.agenda.unlist(slot);
    }

    /// Lists a job, and returns the bell if the loop would sleep too long.
    pub(crate) fn list(&mut self, slot: Slot, deadline: Time, now: Time) -> Option<Arc<Bell>> {
        self.agenda.list(slot, deadline, now);
        let next = self.agenda.next_wake()?;
        let sooner = self.wake.is_none_or(|wake| next < wake);
        sooner.then(|| {
            self.wake = Some(next);
            Arc::clone(&self.bell)
        })
    }

    pub(crate) fn renumber(&mut self, renumbered: &[Option<Slot>]) {
        self.agenda.renumber(renumbered);
        self.due.renumber(renumbered);
    }
}

impl Due {
    fn is_empty(&self) -> bool {
        self.handed_out == self.slots.len()
    }

    fn refill(&mut self, agenda: &mut Agenda, now: Time) {
        self.slots.clear();
        self.handed_out = 0;
        agenda.take_due(now, &mut self.slots);
    }

    fn slice(&mut self) -> &[Slot] {
        let begin = self.handed_out;
        self.handed_out = (begin + SLICE).min(self.slots.len());
        &self.slots[begin..self.handed_out]
    }

    fn renumber(&mut self, renumbered: &[Option<Slot>]) {
        let left = self.slots.drain(..).skip(self.handed_out);
        self.slots = left.filter_map(|slot| renumbered[slot as usize]).collect();
        self.handed_out = 0;
    }
}
