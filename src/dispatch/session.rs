//! The data from a start to the next stop: the agenda, and the due jobs that are not dispatched yet. A stop with a
//! grace keeps the session until the last runs have begun, see `drain.rs`.

use std::sync::Arc;

use crate::dispatch::drain::{Drain, DrainProgress};
use crate::dispatch::due::Due;
use crate::dispatch::groups::Groups;
use crate::dispatch::job_table::JobTable;
use crate::dispatch::loop_waker::{LoopWaker, Next};
use crate::dispatch::offers::{Dispatch, Offering};
use crate::dispatch::queue::Queue;
use crate::dispatch::triggered::Triggered;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::handle::Job;
use crate::job::state::OfferId;
use crate::sync::workers_offer_all;
use crate::time::{Agenda, Grid, JobIndex, Time};

pub(crate) struct Session {
    pub(crate) number: u64,
    pub(crate) waker: Arc<LoopWaker>,
    agenda: Agenda,
    due: Due,
    triggered: Triggered,
    /// An empty list, in which the loop collects its offers.
    list: Vec<JobInstance>,
    /// When the loop will wake by itself.
    wake: Option<Time>,
    /// Whether the loop has let workers go first, before the tick that is due.
    has_let_workers_go_first: bool,
    /// `Some` from the first stop with a grace.
    drain: Option<Drain>,
}

impl Session {
    /// A session with the jobs of the table. A job that is overdue is due at `start`. If it is by a calendar, it is added
    /// to `overdue` instead: its next slot must be later.
    pub(crate) fn new(
        number: u64,
        jobs: &JobTable,
        grid: Grid,
        start: Time,
        overdue: &mut Vec<Arc<JobCell>>,
    ) -> Session {
        let mut agenda = Agenda::new(grid);
        for job in jobs.iter() {
            if job.has_calendar() && job.is_overdue_by_calendar(start) {
                overdue.push(Arc::clone(job));
            }
            job.clamp_to(start);
            agenda.insert(job.index(), job.due(), start);
        }
        Session {
            number,
            waker: Arc::default(),
            agenda,
            due: Due::default(),
            triggered: Triggered::default(),
            list: Vec::new(),
            wake: None,
            has_let_workers_go_first: false,
            drain: None,
        }
    }

    /// From here on, only those runs begin that were triggered before. A session that drains already continues to do
    /// so. Returns whether any run is left to begin. The caller withdraws all offers, and wakes the loop.
    pub(crate) fn drain(&mut self, jobs: &JobTable, now: Time) -> bool {
        let drain = self.drain.get_or_insert_with(|| Drain::of_triggered(jobs));
        let left = drain.jobs();
        self.agenda = Agenda::new(self.agenda.grid());
        self.due = Due::default();
        self.triggered.clear();
        let left_jobs = left.iter().filter_map(|job| jobs.get(*job));
        left_jobs.for_each(|job| self.insert_silent(job, now));
        !left.is_empty()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    /// Whether the session drains, and all last runs have begun.
    pub(crate) fn is_drained(&self) -> bool {
        self.drain.as_ref().is_some_and(Drain::is_empty)
    }

    /// How far the drain is, for a stop that can't wait for the runs that are set aside.
    pub(crate) fn drain_progress(&self, jobs: &JobTable, set_aside: &[Job]) -> DrainProgress {
        match &self.drain {
            Some(drain) if drain.is_empty() => DrainProgress::Over,
            Some(drain) if drain.is_blocked(jobs, set_aside) => DrainProgress::Blocked,
            _ => DrainProgress::GoesOn,
        }
    }

    /// Whether the session drains, and the last run of this job has not begun.
    pub(crate) fn waits_for(&self, job: &JobCell) -> bool {
        self.drain.as_ref().is_some_and(|drain| drain.has(job))
    }

    /// Whether a run may be offered to this job. A session that does not drain admits all jobs.
    pub(crate) fn admits(&self, job: &JobCell) -> bool {
        self.drain.as_ref().is_none_or(|drain| drain.admits(job))
    }

    /// Notes that the last run of this job has begun, or will not begin. Returns whether the job was in the drain.
    pub(crate) fn leave_drain(&mut self, job: JobIndex) -> bool {
        self.drain.as_mut().is_some_and(|drain| drain.remove(job))
    }

    /// The ticks of the session.
    pub(crate) fn grid(&self) -> Grid {
        self.agenda.grid()
    }

    /// Whether workers have a turn before a tick is served, because they are behind with an earlier tick. Workers have
    /// one turn only, because they may be stuck.
    pub(crate) fn lets_workers_go_first(&mut self, is_behind: bool) -> bool {
        is_behind && !std::mem::replace(&mut self.has_let_workers_go_first, true)
    }

    /// Serves the tick that is due, if a tick is due.
    pub(crate) fn serve(&mut self, jobs: &JobTable, now: Time) {
        self.has_let_workers_go_first = false;
        self.due.refill(&mut self.agenda, &mut self.triggered, jobs, now);
    }

    /// How many batches are due and have not been dispatched.
    pub(crate) fn undispatched(&self) -> usize {
        self.due.batches()
    }

    /// Takes the list in which the loop collects its offers. The loop [returns](Session::keep_list) the list for its
    /// next tick.
    pub(crate) fn take_list(&mut self) -> Vec<JobInstance> {
        std::mem::take(&mut self.list)
    }

    pub(crate) fn keep_list(&mut self, list: Vec<JobInstance>) {
        self.list = list;
    }

    /// Offers all due jobs, if they are so few that each job is a batch.
    pub(crate) fn dispatch_few(&mut self, dispatch: &mut Dispatch, jobs: &JobTable, groups: &mut Groups) {
        if self.due.batch_size() == 1 && !workers_offer_all() {
            while self.undispatched() > 0 {
                self.dispatch_batch(dispatch, jobs, groups);
            }
        }
    }

    /// Offers the next batch of due jobs.
    pub(crate) fn dispatch_batch(&mut self, dispatch: &mut Dispatch, jobs: &JobTable, groups: &mut Groups) {
        let Some(tick) = self.due.tick() else { return };
        dispatch.tick = tick.now;
        // A job that has come up may run even if the clock has stepped back since.
        dispatch.now = dispatch.now.max(tick.now);
        dispatch.is_on_tick = tick.is_on_tick;
        dispatch.is_between_ticks = tick.is_between_ticks;
        dispatch.batch_size = self.due.batch_size();
        let batch = self.due.take_batch();
        for place in batch.clone() {
            jobs.prefetch(self.due.job(place));
        }
        let Session { agenda, due, drain, .. } = self;
        if let Some(drain) = drain {
            due.skip(batch.clone(), |job| jobs.get(job).is_some_and(|job| drain.admits(job)));
        }
        let mut offering = Offering {
            agenda,
            groups,
            dispatch,
            drain: drain.as_mut(),
        };
        for place in batch {
            let index = due.job(place);
            match jobs.get(index) {
                Some(job) if job.is_blocking() => due.postpone(index),
                Some(job) => offering.try_offer(index, job),
                None => {}
            }
        }
        for index in due.take_blocking() {
            if let Some(job) = jobs.get(index).filter(|job| offering.admits(job)) {
                offering.try_offer(index, job);
            }
        }
    }

    /// Once all due jobs have been looked at, offers runs to the jobs that get a permit of their group.
    pub(crate) fn admit(&mut self, dispatch: &mut Dispatch, jobs: &JobTable, groups: &mut Groups) {
        if !self.due.has_left() {
            let is_registered = |job: &JobCell| jobs.get(job.index()).is_some();
            self.offering(dispatch, groups).admit(is_registered);
        }
    }

    pub(crate) fn offering<'a>(&'a mut self, dispatch: &'a mut Dispatch, groups: &'a mut Groups) -> Offering<'a> {
        Offering {
            agenda: &mut self.agenda,
            groups,
            dispatch,
            drain: self.drain.as_mut(),
        }
    }

    /// Whether batches of an earlier tick are still left. Their workers may be stuck.
    pub(crate) fn is_behind(&self, queue: &Queue, now: Time) -> bool {
        let tick = self.due.tick().filter(|_| self.undispatched() > 0);
        let since = tick.map(|tick| tick.now).or(queue.waits_since());
        since.is_some_and(|since| self.agenda.tick_after(since) <= now)
    }

    /// When the loop looks again: at the next tick, unless the loop may sleep for longer.
    pub(crate) fn next(&mut self, now: Time, may_sleep: bool) -> Next {
        let next = self.agenda.next_wake();
        self.wake = if may_sleep {
            next
        } else {
            Some(self.agenda.tick_after(now).min(next.unwrap_or(Time::NEVER)))
        };
        self.wake.map_or(Next::Wait, Next::SleepUntil)
    }

    /// Whether a tick with a due job comes by `then`.
    pub(crate) fn is_due_by(&self, then: Time) -> bool {
        self.agenda.next_wake().is_some_and(|wake| wake <= then)
    }

    /// The waker of the loop, if all due jobs are dispatched and the loop would wake at the wrong time.
    ///
    /// Call only for a worker whose runs have ended or are all pending. An executor may keep the loop for the thread
    /// that woke it, so no run may be about to block that thread.
    pub(crate) fn postpone_wake(&mut self) -> Option<Arc<LoopWaker>> {
        let next = self.agenda.next_wake();
        if self.wake == next || self.undispatched() > 0 {
            return None;
        }
        self.wake = next;
        Some(Arc::clone(&self.waker))
    }

    /// Removes a job. Returns whether the job was in the drain.
    pub(crate) fn remove(&mut self, index: JobIndex) -> bool {
        self.agenda.remove(index);
        self.triggered.remove(index);
        self.leave_drain(index)
    }

    /// Inserts a job, and returns the waker of the loop if the loop would sleep too long.
    pub(crate) fn insert(&mut self, job: &JobCell, now: Time) -> Option<Arc<LoopWaker>> {
        self.insert_silent(job, now);
        self.wake_if_sooner()
    }

    /// Inserts a job, if the session admits the job. The caller wakes the loop later, if needed.
    pub(crate) fn insert_silent(&mut self, job: &JobCell, now: Time) {
        if !self.admits(job) {
            return;
        }
        let (index, state) = (job.index(), job.state.load());
        if job.runs_before_tick() {
            self.triggered.add(index);
        } else if state.is_triggered() {
            self.agenda.insert(index, job.due(), self.agenda.tick_after(now));
        } else {
            self.agenda.insert(index, job.due(), now);
        }
    }

    /// Notes that a triggered run of the job has begun, which was offered under `offer_id`.
    pub(crate) fn note_triggered_run(&mut self, job: &JobCell, offer_id: OfferId, now: Time) {
        let next_tick = self.agenda.tick_after(now);
        self.triggered.note_begun(job.index(), offer_id, next_tick);
    }

    /// Whether a trigger inside `run` begins `job` at once.
    pub(crate) fn is_triggered_at_once(&self, job: &JobCell, run: OfferId, now: Time) -> bool {
        let next_tick = self.agenda.tick_after(now);
        !self.triggered.has_begun(job.index(), run, next_tick)
    }

    /// The waker of the loop, if the loop would sleep too long.
    pub(crate) fn wake_if_sooner(&mut self) -> Option<Arc<LoopWaker>> {
        if !self.triggered.is_empty() {
            return Some(Arc::clone(&self.waker));
        }
        let next = self.agenda.next_wake()?;
        let is_sooner = self.wake.is_none_or(|wake| next < wake);
        is_sooner.then(|| {
            self.wake = Some(next);
            Arc::clone(&self.waker)
        })
    }

    /// Renumbers the jobs. If no due job is left any more, returns the waker of the loop: jobs may wait for a permit
    /// until the loop looks.
    pub(crate) fn renumber(&mut self, renumbered: &[Option<JobIndex>]) -> Option<Arc<LoopWaker>> {
        let had_batches = self.undispatched() > 0;
        self.agenda.renumber(renumbered);
        self.due.renumber(renumbered);
        self.triggered.renumber(renumbered);
        if let Some(drain) = &mut self.drain {
            drain.renumber(renumbered);
        }
        (had_batches && self.undispatched() == 0).then(|| Arc::clone(&self.waker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::batch::OfferedAt;
    use crate::job::cell::tests::job;
    use crate::time::Span;

    const INTERVAL: Time = Time::from_nanos(1_000_000_000);

    fn at(nanos: i64) -> Time {
        Time::from_nanos(nanos)
    }

    fn grid() -> Grid {
        Grid::new(Time::ORIGIN, Span::from_nanos(50))
    }

    /// A session of jobs that are due at once, with a tick every 50 nanoseconds.
    fn session(count: usize) -> (Session, JobTable) {
        let mut jobs = JobTable::default();
        for _ in 0..count {
            let job = job();
            job.set_scheduled(at(0));
            jobs.push(job);
        }
        let mut session = Session::new(1, &jobs, grid(), at(0), &mut Vec::new());
        session.serve(&jobs, at(0));
        (session, jobs)
    }

    fn dispatch(list: Vec<JobInstance>) -> Dispatch {
        Dispatch::new(at(0), grid(), OfferId::new(1), list)
    }

    fn dispatch_all(session: &mut Session, jobs: &JobTable) {
        while session.undispatched() > 0 {
            session.dispatch_batch(&mut dispatch(Vec::new()), jobs, &mut Groups::default());
        }
    }

    #[test]
    fn a_batch_that_no_worker_has_taken_by_the_next_tick_is_behind() {
        let (mut session, jobs) = session(200);
        let mut queue = Queue::default();
        let is_behind = |session: &Session, queue: &Queue| [0, 49, 50, 51].map(|now| session.is_behind(queue, at(now)));
        assert_eq!(is_behind(&session, &queue), [false, false, true, true]);
        dispatch_all(&mut session, &jobs);
        assert_eq!(is_behind(&session, &queue), [false; 4]);
        let offered_at = OfferedAt {
            offer_id: OfferId::new(1),
            now: at(0),
            grid: grid(),
        };
        queue.push(offered_at, Vec::new());
        assert_eq!(is_behind(&session, &queue), [false, false, true, true]);
    }

    #[test]
    fn the_loop_is_woken_when_all_that_was_due_is_gone() {
        let (mut session, _) = session(200);
        let keep: Vec<Option<JobIndex>> = (0..200).map(|index| (index >= 100).then(|| index - 100)).collect();
        assert!(session.renumber(&keep).is_none());
        assert!(session.undispatched() > 0);
        assert!(session.renumber(&[None; 100]).is_some());
        assert_eq!(session.undispatched(), 0);
    }

    #[test]
    fn the_loop_collects_its_offers_in_the_same_list_again() {
        let (mut session, jobs) = session(100);
        let mut queue = Queue::default();
        let mut dispatch = dispatch(session.take_list());
        session.dispatch_few(&mut dispatch, &jobs, &mut Groups::default());
        dispatch.dispatch(&mut queue);
        assert_eq!(queue.active().len(), 100);
        session.keep_list(dispatch.take_list());
        let list = session.take_list();
        assert!(list.is_empty() && list.capacity() >= 100);
    }

    #[test]
    fn workers_that_are_behind_go_first_once_for_each_tick() {
        let (mut session, jobs) = session(1);
        for now in [50, 100] {
            assert!(!session.lets_workers_go_first(false));
            assert!(session.lets_workers_go_first(true));
            assert!(!session.lets_workers_go_first(true));
            session.serve(&jobs, at(now));
        }
    }

    #[test]
    fn the_loop_is_woken_once_when_it_may_sleep_longer_after_all() {
        let (mut session, jobs) = session(200);
        assert!(matches!(session.next(at(0), false), Next::SleepUntil(time) if time == at(50)));
        assert!(session.postpone_wake().is_none());
        dispatch_all(&mut session, &jobs);
        let waker = session.postpone_wake().expect("it means to wake too early");
        assert!(Arc::ptr_eq(&waker, &session.waker));
        assert_eq!(session.wake, Some(INTERVAL));
        assert!(session.postpone_wake().is_none());
    }
}
