//! What the handles, the loop and the lanes of one scheduler share.
//!
//! Locks are taken in the order `state`, `queue`; `watches`, and within it what one stop has seen, apart from these. None is
//! held while code of a user's, of the executor's or of a waker runs.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use crate::batch::{Batch, Queue};
use crate::cell::JobCell;
use crate::claim::{Meanwhile, Ticket};
use crate::driver::Driver;
use crate::error::Error;
use crate::grid::Grid;
use crate::job::Job;
use crate::lane::{BlockingRun, Lane};
use crate::panics::{catch, discard, lock, quietly};
use crate::parked::drop_future;
use crate::roster::Roster;
use crate::run::Begun;
use crate::runtime::Runtime;
use crate::schedule::{FirstRun, MissedTicks};
use crate::session::{Bell, Next, Session};
use crate::target::{JobResult, Step};
use crate::time::{Origin, Span, Time};
use crate::watch::Watches;

#[derive(Default)]
struct State {
    roster: Roster,
    /// There while the scheduler runs.
    session: Option<Session>,
    /// Starts so far.
    sessions: u64,
    /// Stops that are waiting.
    stops: usize,
    tickets: u64,
}

pub(crate) struct Engine {
    runtime: Box<dyn Runtime>,
    origin: Origin,
    resolution: Duration,
    pub(crate) policy: MissedTicks,
    state: Mutex<State>,
    queue: Mutex<Queue>,
    pub(crate) watches: Watches,
    /// The executor dropped the loop of the last session.
    lost_loop: AtomicBool,
}

/// How a run ended.
pub(crate) enum End {
    Finished,
    Failed(Box<dyn std::error::Error + Send + Sync>),
    Panicked(Box<dyn Any + Send>),
    Cancelled,
}

impl From<JobResult> for End {
    fn from(result: JobResult) -> End {
        result.map_or_else(End::Failed, |()| End::Finished)
    }
}

impl Engine {
    pub(crate) fn new(runtime: Box<dyn Runtime>, resolution: Duration, policy: MissedTicks) -> Engine {
        let origin = Origin::new(runtime.now());
        Engine {
            runtime,
            origin,
            resolution,
            policy,
            state: Mutex::default(),
            queue: Mutex::default(),
            watches: Watches::default(),
            lost_loop: AtomicBool::new(false),
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.origin.time_of(self.runtime.now())
    }

    pub(crate) fn runtime(&self) -> &dyn Runtime {
        &*self.runtime
    }

    /// The instant at `time`; the origin if the clock does not reach that far, which no run has ever begun at.
    pub(crate) fn instant_of(&self, time: Time) -> Instant {
        self.instant_within_range(time)
            .or_else(|| self.instant_within_range(Time::ORIGIN))
            .expect("the origin is within range")
    }

    pub(crate) fn instant_within_range(&self, time: Time) -> Option<Instant> {
        self.origin.instant_of(time)
    }
}

/// Jobs come and go.
impl Engine {
    pub(crate) fn check_interval(&self, interval: Duration) -> Result<(), Error> {
        if interval < self.resolution {
            Err(Error::interval_too_short(interval, self.resolution))
        } else {
            Ok(())
        }
    }

    pub(crate) fn register(&self, job: &Arc<JobCell>, first: FirstRun) {
        let now = self.now();
        job.set_deadline(first.deadline(now, job.interval.into(), self.origin));
        let mut state = lock(&self.state);
        let slot = state.roster.push(Arc::clone(job));
        let bell = state
            .session
            .as_mut()
            .and_then(|session| session.list(slot, job.deadline(), now));
        drop(state);
        ring(bell);
    }

    pub(crate) fn unregister(&self, job: &JobCell) {
        let mut state = lock(&self.state);
        let slot = job.slot();
        let removed = state.roster.remove(job);
        let renumbered = state.roster.compact();
        if let Some(session) = &mut state.session {
            session.unlist(slot);
            if let Some(renumbered) = renumbered {
                session.renumber(&renumbered);
            }
        }
        drop(state);
        drop(removed);
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        lock(&self.state)
            .roster
            .iter()
            .map(|job| Job::new(Arc::clone(job)))
            .collect()
    }

    /// Lists a job that is idle again for the first tick from now.
    fn relist(&self, job: &JobCell) {
        if !self.is_running() {
            // The next start lists all jobs.
            return;
        }
        let now = self.now();
        let mut state = lock(&self.state);
        let on_roster = state.roster.get(job.slot()).is_some();
        let bell = match &mut state.session {
            Some(session) if on_roster => session.list(job.slot(), job.deadline(), now),
            _ => None,
        };
        drop(state);
        ring(bell);
    }
}

/// Start and stop.
impl Engine {
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), Error> {
        let now = self.now();
        let mut state = lock(&self.state);
        if state.session.is_some() {
            return Err(Error::already_started());
        }
        if state.stops > 0 {
            return Err(Error::stopping());
        }
        state.sessions += 1;
        let number = state.sessions;
        let grid = Grid::new(now, Span::from(self.resolution));
        let session = Session::new(number, &state.roster, grid, now);
        let bell = Arc::clone(&session.bell);
        state.session = Some(session);
        drop(state);
        let driver = Driver::new(Arc::downgrade(self), number, bell);
        self.runtime.spawn(Box::pin(driver)).map_err(|refusal| {
            self.halt(|session| session == number);
            Error::spawn(refusal)
        })
    }

    pub(crate) fn is_running(&self) -> bool {
        lock(&self.state).session.is_some()
    }

    /// Ends the session if it is one that is meant: no run begins from here on.
    pub(crate) fn halt(&self, meant: impl FnOnce(u64) -> bool) {
        let mut state = lock(&self.state);
        let session = match &state.session {
            Some(session) if meant(session.number) => state.session.take(),
            _ => None,
        };
        let Some(session) = session else { return };
        let mut queue = lock(&self.queue);
        let mut handed_out = queue.take_ready();
        handed_out.extend(queue.active());
        drop(queue);
        drop(state);
        for batch in &handed_out {
            self.retract(batch);
        }
        ring(Some(session.bell));
    }

    /// Whether a stop is waiting.
    #[cfg(feature = "macros")]
    pub(crate) fn is_stopping(&self) -> bool {
        lock(&self.state).stops > 0
    }

    /// The executor dropped the loop of `session` before its end.
    pub(crate) fn lose_loop(&self, session: u64) {
        self.lost_loop.store(true, Ordering::Release);
        self.halt(|current| current == session);
    }

    pub(crate) fn lost_its_loop(&self) -> bool {
        self.lost_loop.load(Ordering::Acquire)
    }

    /// Begins a stop that waits.
    pub(crate) fn begin_stop(&self) {
        lock(&self.state).stops += 1;
        self.halt(|_| true);
    }

    pub(crate) fn end_stop(&self) {
        lock(&self.state).stops -= 1;
    }

    /// The batches of which something is in progress.
    pub(crate) fn active(&self) -> Vec<Arc<Batch>> {
        lock(&self.queue).active()
    }

    /// Cancels all runs in progress.
    pub(crate) fn cancel_runs(&self) {
        for batch in self.active() {
            let waiting = batch.cancel();
            for job in batch.jobs.iter().filter(|job| job.claim.is_running_under(batch.ticket)) {
                job.cancel_runs();
            }
            for run in waiting {
                run.cancel(self);
            }
        }
    }

    /// The last handle is gone.
    pub(crate) fn close(&self) {
        self.halt(|_| true);
        let jobs = lock(&self.state).roster.take();
        for job in jobs {
            if job.claim.remove() {
                job.clear();
            }
        }
        self.cancel_runs();
    }
}

/// The loop.
impl Engine {
    /// Serves the tick that has come, if one has and the session is still on.
    pub(crate) fn tick(self: &Arc<Self>, session: u64) -> Next {
        // Whoever polls the loop is there.
        self.lost_loop.store(false, Ordering::Release);
        let now = self.now();
        let mut state = lock(&self.state);
        let State {
            session: current,
            roster,
            tickets,
            ..
        } = &mut *state;
        let Some(current) = current.as_mut().filter(|current| current.number == session) else {
            return Next::End;
        };
        let blocking = current.serve(now, roster, tickets, &self.queue);
        let next = current.next();
        drop(state);
        let wanting = lock(&self.queue).hire();
        self.start_lanes(wanting);
        self.start_blocking(blocking);
        next
    }

    /// A lane that is refused is dropped, and tells so: what it should have run is tried again at the next tick.
    fn start_lanes(self: &Arc<Self>, count: usize) {
        for _ in 0..count {
            let lane = Lane::new(Arc::clone(self));
            quietly(|| drop(self.runtime.spawn(Box::pin(lane))));
        }
    }

    /// A run that is refused is dropped, and tells so.
    fn start_blocking(self: &Arc<Self>, batches: Vec<Arc<Batch>>) {
        for batch in batches {
            let run = BlockingRun::new(Arc::clone(self), batch);
            quietly(|| drop(self.runtime.spawn_blocking(Box::new(move || run.run()))));
        }
    }
}

/// Runs.
impl Engine {
    pub(crate) fn next_batch(&self) -> Option<Arc<Batch>> {
        lock(&self.queue).next()
    }

    pub(crate) fn free_lane(&self, batch: &Batch) {
        lock(&self.queue).free(batch);
    }

    pub(crate) fn finish_batch(&self, batch: &Batch) {
        lock(&self.queue).finish(batch);
    }

    /// A lane stays with its batch; others take its place if there is work.
    pub(crate) fn replace_lane(self: &Arc<Self>) {
        let wanting = lock(&self.queue).hire();
        self.start_lanes(wanting);
    }

    pub(crate) fn lose_lane(&self) {
        let lost = lock(&self.queue).lose();
        for batch in lost {
            self.retract(&batch);
        }
    }

    /// Takes back what is on offer in a batch; it is listed for the next tick.
    pub(crate) fn retract(&self, batch: &Batch) {
        for job in &batch.jobs {
            self.retract_job(batch.ticket, job);
        }
    }

    fn retract_job(&self, ticket: Ticket, job: &Arc<JobCell>) {
        match job.claim.withdraw(ticket) {
            Some(meanwhile) if meanwhile.removed() => job.clear(),
            Some(_) => self.relist(job),
            None => {}
        }
    }

    /// Begins the run that was offered to `batch`, if it still is; returns its future if it has one.
    pub(crate) fn begin_run(&self, batch: &Batch, job: &Arc<JobCell>) -> Option<BoxFuture<'static, JobResult>> {
        if !job.claim.begin(batch.ticket) {
            self.retract_job(batch.ticket, job);
            return None;
        }
        let started = job.start_time(|| self.now());
        let (number, deadline) = job.begin(started);
        if batch.is_cancelled() {
            // The cancellation came between the claim and the count, and so missed this run.
            job.cancel_runs();
        }
        let begun = Begun {
            engine: self,
            job,
            number,
            deadline,
            started,
        };
        match catch(|| job.call(&begun)) {
            Ok(Step::Future(future)) => return Some(future),
            Ok(Step::Done(result)) => self.settle(job, result.into()),
            Err(payload) => self.settle(job, End::Panicked(payload)),
        }
        None
    }

    /// Ends a run whose future is done or to be dropped.
    pub(crate) fn end(&self, job: &Arc<JobCell>, future: BoxFuture<'static, JobResult>, end: End) {
        drop_future(future);
        self.settle(job, end);
    }

    fn settle(&self, job: &Arc<JobCell>, end: End) {
        let cancelled = matches!(end, End::Cancelled);
        match end {
            End::Failed(error) => {
                quietly(|| drop(error));
            }
            End::Panicked(payload) => discard(payload),
            End::Finished | End::Cancelled => {}
        }
        let meanwhile = job.claim.end();
        if !meanwhile.nothing() {
            self.after_end(job, meanwhile, cancelled);
        }
    }

    fn after_end(&self, job: &Arc<JobCell>, meanwhile: Meanwhile, cancelled: bool) {
        if meanwhile.removed() {
            job.clear();
        } else if meanwhile.due() {
            self.relist(job);
        }
        if meanwhile.watched() {
            self.watches.ended((job.id, meanwhile.ticket()), cancelled);
        }
    }
}

fn ring(bell: Option<Arc<Bell>>) {
    if let Some(bell) = bell {
        bell.0.wake();
    }
}
