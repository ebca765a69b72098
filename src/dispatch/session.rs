//! What there is from a start to the next stop: the agenda, and what is due and not yet handed out.

use std::ops::Range;
use std::sync::Arc;

use crate::dispatch::job_table::JobTable;
use crate::dispatch::offers::Handout;
use crate::dispatch::queue::{self, Queue};
use crate::engine::Groups;
use crate::job::cell::{JobCell, JobInstance};
use crate::sync::{AtomicWaker, lanes_offer_all};
use crate::time::Agenda;
use crate::time::Grid;
use crate::time::JobIndex;
use crate::time::Time;

/// From a start to the next stop.
pub(crate) struct Session {
    pub(crate) number: u64,
    pub(crate) bell: Arc<Bell>,
    agenda: Agenda,
    /// What is due and has not been handed out.
    due: Due,
    /// An empty list, in which the loop collects what it offers.
    list: Vec<JobInstance>,
    /// When the loop means to wake.
    wake: Option<Time>,
    /// It has let lanes go before the tick that has come.
    has_let_lanes_go_first: bool,
}

/// What has come up at a tick, until lanes have taken it up.
#[derive(Default)]
struct Due {
    tick: Option<TickServed>,
    jobs: Vec<JobIndex>,
    /// How many of `jobs` have been taken up, from the front.
    taken: usize,
    /// Those of the blocking pool, which come after the others.
    blocking: Vec<JobIndex>,
    batch_size: usize,
}

/// The tick whose jobs are handed out.
#[derive(Clone, Copy)]
struct TickServed {
    now: Time,
    /// It was served on the very instant.
    is_on_tick: bool,
}

/// Wakes the loop.
#[derive(Default)]
pub(crate) struct Bell(pub(crate) AtomicWaker);

/// What the loop does next.
pub(crate) enum Next {
    SleepUntil(Time),
    /// Waits for the bell.
    Wait,
    End,
}

impl Session {
    /// A session whose jobs are those on the job table. scheduled times that have passed are lifted to `start`.
    pub(crate) fn new(number: u64, job_table: &JobTable, grid: Grid, start: Time) -> Session {
        let mut agenda = Agenda::new(grid);
        for job in job_table.iter() {
            job.clamp_to(start);
            agenda.insert(job.index(), job.due(), start);
        }
        Session {
            number,
            bell: Arc::default(),
            agenda,
            due: Due::default(),
            list: Vec::new(),
            wake: None,
            has_let_lanes_go_first: false,
        }
    }

    /// Whether lanes have a turn before a tick is served, since they are behind with an earlier one. Once, as they may be stuck.
    pub(crate) fn lets_lanes_go_first(&mut self, is_behind: bool) -> bool {
        is_behind && !std::mem::replace(&mut self.has_let_lanes_go_first, true)
    }

    /// Serves the tick that has come, if one has.
    pub(crate) fn serve(&mut self, now: Time) {
        self.has_let_lanes_go_first = false;
        self.due.refill(&mut self.agenda, now);
    }

    /// How many batches wait for a lane.
    pub(crate) fn batches_left(&self) -> usize {
        self.due.batches_left()
    }

    /// The list in which the loop collects what it offers, to be [kept](Session::keep_list) for its next tick.
    pub(crate) fn take_list(&mut self) -> Vec<JobInstance> {
        std::mem::take(&mut self.list)
    }

    pub(crate) fn keep_list(&mut self, list: Vec<JobInstance>) {
        self.list = list;
    }

    /// Offers all that is due, if it is little: so little that it makes batches of one.
    pub(crate) fn hand_out_few(&mut self, handout: &mut Handout, job_table: &JobTable) {
        if self.due.batch_size == 1 && !lanes_offer_all() {
            while self.batches_left() > 0 {
                self.hand_out(handout, job_table);
            }
        }
    }

    /// Offers the next batch of what is due.
    pub(crate) fn hand_out(&mut self, handout: &mut Handout, job_table: &JobTable) {
        let Some(tick) = self.due.tick else { return };
        handout.tick = tick.now;
        // What has come up may run even if the clock has stepped back since.
        handout.now = handout.now.max(tick.now);
        handout.is_on_tick = tick.is_on_tick;
        handout.batch_size = self.due.batch_size;
        let batch = self.due.take_batch();
        for job in &self.due.jobs[batch.clone()] {
            job_table.prefetch(*job);
        }
        for index in &self.due.jobs[batch] {
            let Some(job) = job_table.get(*index) else { continue };
            if job.is_blocking() {
                self.due.blocking.push(*index);
            } else {
                handout.consider(&mut self.agenda, *index, job);
            }
        }
        if !self.due.has_left() {
            for index in self.due.blocking.drain(..) {
                if let Some(job) = job_table.get(index) {
                    handout.consider(&mut self.agenda, index, job);
                }
            }
        }
    }

    /// Offers runs to those whose turn it is in their groups, once all that is due has been looked at.
    pub(crate) fn admit(&mut self, handout: &mut Handout, job_table: &JobTable, groups: &Groups) {
        if self.due.has_left() {
            return;
        }
        for group in groups.values() {
            while let Some(job) = group.admit() {
                if job_table.get(job.index()).is_none() {
                    group.leave();
                    handout.gone.push(job);
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

    /// Whether some of what came up at a tick is still left at a later one: its lanes may be stuck.
    pub(crate) fn is_behind(&self, queue: &Queue, now: Time) -> bool {
        let tick = self.due.tick.filter(|_| self.batches_left() > 0);
        let since = tick.map(|tick| tick.now).or(queue.waits_since());
        since.is_some_and(|since| self.agenda.tick_after(since) <= now)
    }

    /// When the loop has to look again: at the next tick, unless it may sleep for longer.
    pub(crate) fn next(&mut self, now: Time, may_sleep: bool) -> Next {
        let next = self.agenda.next_wake();
        self.wake = if may_sleep {
            next
        } else {
            Some(self.agenda.tick_after(now).min(next.unwrap_or(Time::NEVER)))
        };
        self.wake.map_or(Next::Wait, Next::SleepUntil)
    }

    /// Whether a tick will come by then at which something is listed.
    pub(crate) fn is_due_by(&self, then: Time) -> bool {
        self.agenda.next_wake().is_some_and(|wake| wake <= then)
    }

    /// The bell, if nothing is left to be handed out and the loop doesn't mean to wake at the right time.
    ///
    /// For a lane whose runs are over, or all wait: an executor may keep the loop for the thread that woke it, which must not be
    /// one that a run is about to block.
    pub(crate) fn correct_wake(&mut self) -> Option<Arc<Bell>> {
        let next = self.agenda.next_wake();
        if self.wake == next || self.batches_left() > 0 {
            return None;
        }
        self.wake = next;
        Some(Arc::clone(&self.bell))
    }

    pub(crate) fn unlist(&mut self, index: JobIndex) {
        self.agenda.remove(index);
    }

    /// Lists a job, and returns the bell if the loop would sleep too long.
    pub(crate) fn list(&mut self, index: JobIndex, scheduled: Time, now: Time) -> Option<Arc<Bell>> {
        self.list_quietly(index, scheduled, now);
        self.ring_sooner()
    }

    /// Lists a job. The loop is told later.
    pub(crate) fn list_quietly(&mut self, index: JobIndex, scheduled: Time, now: Time) {
        self.agenda.insert(index, scheduled, now);
    }

    /// The bell, if the loop would sleep too long.
    pub(crate) fn ring_sooner(&mut self) -> Option<Arc<Bell>> {
        let next = self.agenda.next_wake()?;
        let sooner = self.wake.is_none_or(|wake| next < wake);
        sooner.then(|| {
            self.wake = Some(next);
            Arc::clone(&self.bell)
        })
    }

    /// Returns the bell if nothing is left of what was due: jobs may wait for their groups until that has been seen to.
    pub(crate) fn renumber(&mut self, renumbered: &[Option<JobIndex>]) -> Option<Arc<Bell>> {
        let had_batches = self.batches_left() > 0;
        self.agenda.renumber(renumbered);
        self.due.renumber(renumbered);
        (had_batches && self.batches_left() == 0).then(|| Arc::clone(&self.bell))
    }
}

impl Due {
    fn batches_left(&self) -> usize {
        let left = self.jobs.len() - self.taken + self.blocking.len();
        left.div_ceil(self.batch_size.max(1))
    }

    /// Whether there is a job that has not been taken up, those of the blocking pool aside.
    fn has_left(&self) -> bool {
        self.taken < self.jobs.len()
    }

    /// Adds what has come up since, behind what lanes have not taken up yet.
    fn refill(&mut self, agenda: &mut Agenda, now: Time) {
        self.jobs.drain(..self.taken);
        self.taken = 0;
        agenda.take_due(now, &mut self.jobs);
        if !self.jobs.is_empty() {
            self.batch_size = queue::size(self.jobs.len());
            self.tick = Some(TickServed {
                now,
                is_on_tick: agenda.is_on_tick(now),
            });
        }
    }

    /// Where the next batch stands in `jobs`.
    fn take_batch(&mut self) -> Range<usize> {
        let begin = self.taken;
        self.taken = self.jobs.len().min(begin + self.batch_size);
        begin..self.taken
    }

    fn renumber(&mut self, renumbered: &[Option<JobIndex>]) {
        self.jobs.drain(..self.taken);
        self.taken = 0;
        for list in [&mut self.jobs, &mut self.blocking] {
            *list = list.iter().filter_map(|job| renumbered[*job as usize]).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::cell::tests::job;
    use crate::job::state::OfferId;
    use crate::time::Span;

    const INTERVAL: Time = Time::from_nanos(1_000_000_000);

    fn at(nanos: i64) -> Time {
        Time::from_nanos(nanos)
    }

    /// A session of jobs that are due at once, with a tick every 50 nanoseconds.
    fn session(jobs: usize) -> (Session, JobTable) {
        let mut job_table = JobTable::default();
        for _ in 0..jobs {
            let job = job();
            job.set_scheduled(at(0));
            job_table.push(job);
        }
        let mut session = Session::new(1, &job_table, Grid::new(Time::ORIGIN, Span::from_nanos(50)), at(0));
        session.serve(at(0));
        (session, job_table)
    }

    fn hand_out_all(session: &mut Session, job_table: &JobTable) {
        while session.batches_left() > 0 {
            session.hand_out(&mut Handout::new(at(0), &mut 0, Vec::new()), job_table);
        }
    }

    #[test]
    fn what_no_lane_has_taken_by_the_next_tick_is_behind() {
        let (mut session, job_table) = session(200);
        let mut queue = Queue::default();
        let is_behind = |session: &Session, queue: &Queue| [0, 49, 50, 51].map(|now| session.is_behind(queue, at(now)));
        assert_eq!(is_behind(&session, &queue), [false, false, true, true]);
        hand_out_all(&mut session, &job_table);
        assert_eq!(is_behind(&session, &queue), [false; 4]);
        queue.push((OfferId::new(1), at(0)), Vec::new());
        assert_eq!(is_behind(&session, &queue), [false, false, true, true]);
    }

    #[test]
    fn the_loop_is_told_when_all_that_was_due_is_gone() {
        let (mut session, job_table) = session(200);
        let keep = |from: JobIndex| {
            (0..200)
                .map(|index| (index >= from).then(|| index - from))
                .collect::<Vec<_>>()
        };
        assert!(session.renumber(&keep(100)).is_none());
        assert!(session.batches_left() > 0);
        assert!(
            session
                .renumber(&keep(100)[..100].iter().map(|_| None).collect::<Vec<_>>())
                .is_some()
        );
        assert_eq!(session.batches_left(), 0);
        drop(job_table);
    }

    #[test]
    fn the_loop_collects_what_it_offers_in_the_same_list_again() {
        let (mut session, job_table) = session(100);
        let mut queue = Queue::default();
        let mut handout = Handout::new(at(0), &mut 0, session.take_list());
        session.hand_out_few(&mut handout, &job_table);
        handout.queue(&mut queue);
        assert_eq!(queue.active().len(), 100);
        session.keep_list(handout.take_list());
        let list = session.take_list();
        assert!(list.is_empty() && list.capacity() >= 100);
    }

    #[test]
    fn lanes_that_are_behind_go_first_once_for_each_tick() {
        let (mut session, _) = session(1);
        for now in [50, 100] {
            assert!(!session.lets_lanes_go_first(false));
            assert!(session.lets_lanes_go_first(true));
            assert!(!session.lets_lanes_go_first(true));
            session.serve(at(now));
        }
    }

    #[test]
    fn the_loop_is_told_once_when_it_may_sleep_longer_after_all() {
        let (mut session, job_table) = session(200);
        assert!(matches!(session.next(at(0), false), Next::SleepUntil(time) if time == at(50)));
        assert!(session.correct_wake().is_none());
        hand_out_all(&mut session, &job_table);
        let bell = session.correct_wake().expect("it means to wake too early");
        assert!(Arc::ptr_eq(&bell, &session.bell));
        assert_eq!(session.wake, Some(INTERVAL));
        assert!(session.correct_wake().is_none());
    }
}
