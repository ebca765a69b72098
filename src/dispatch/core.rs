//! The data under the engine's main lock. The core knows no runtime, never waits and never calls code of a user. `now`
//! is an argument, and actions that must not hold the lock are returned as values.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::dispatch::demand::Urgency;
use crate::dispatch::drain::DrainProgress;
use crate::dispatch::groups::Groups;
use crate::dispatch::job_table::JobTable;
use crate::dispatch::loop_waker::{LoopWaker, Next};
use crate::dispatch::offers::{Dispatch, FollowUp};
use crate::dispatch::queue::Queue;
use crate::dispatch::session::Session;
use crate::dispatch::worker_state::WorkerState;
use crate::job::cell::JobCell;
use crate::job::handle::Job;
use crate::job::state::OfferId;
use crate::park::pool::{KEPT_FOR, SlotSetPool};
use crate::park::set::SlotSet;
use crate::time::{Grid, Span, Time};

#[derive(Default)]
pub(crate) struct Core {
    pub(crate) jobs: JobTable,
    pub(crate) groups: Groups,
    pub(crate) queue: Queue,
    pub(crate) slot_sets: SlotSetPool,
    /// `Some` while the scheduler runs, and while a stop with a grace still begins runs.
    session: Option<Session>,
    /// Number of starts so far.
    sessions: u64,
    /// Number of stops that wait for their runs.
    pub(crate) stops: usize,
    /// Number of offer ids given out so far.
    offer_ids: u64,
}

/// The actions after a tick.
pub(crate) struct Ticked {
    /// Number of workers to spawn.
    pub(crate) workers: usize,
    /// `None` if workers go first.
    pub(crate) follow_up: Option<FollowUp>,
    pub(crate) next: Next,
    /// Slots that no run will need soon. The caller drops them without the lock.
    pub(crate) unused: Vec<SlotSet>,
}

/// The answer to a worker that asks for a batch.
pub(crate) enum Pulled {
    Batch(Arc<Batch>),
    /// The follow-up comes first. If it may block the thread, the worker spawns [workers](Core::workers_beside) before.
    /// All batches are queued.
    FollowUp(FollowUp),
    /// The worker spawns this many workers, and then asks again.
    SpawnFirst(usize),
    /// There is no batch. If there is a waker, the worker wakes the loop.
    Nothing(Option<Arc<LoopWaker>>),
}

/// A job that was removed from the job table.
#[derive(Default)]
pub(crate) struct Unregistered {
    /// The caller drops the job without the lock.
    pub(crate) job: Option<Arc<JobCell>>,
    /// `Some` if the loop has to look again.
    pub(crate) waker: Option<Arc<LoopWaker>>,
    /// Whether the job has left the drain without a run.
    pub(crate) has_left_drain: bool,
}

/// The batches, waker, jobs and slots that a stop withdraws, wakes and drops.
pub(crate) struct Halted {
    /// The batches that are not over, in the order in which they were dispatched.
    pub(crate) batches: Vec<Arc<Batch>>,
    /// The batches among them that wait for a worker.
    pub(crate) ready: VecDeque<Arc<Batch>>,
    pub(crate) waker: Option<Arc<LoopWaker>>,
    /// Jobs that waited for a permit.
    pub(crate) waiting: Vec<Arc<JobCell>>,
    pub(crate) slot_sets: Vec<SlotSet>,
    /// Whether the session drained, and has ended now.
    pub(crate) was_draining: bool,
    /// Whether the session drains from here on.
    pub(crate) drains: bool,
}

/// A session that has begun.
pub(crate) struct Started {
    pub(crate) number: u64,
    /// The waker of its loop.
    pub(crate) waker: Arc<LoopWaker>,
    /// Jobs by a calendar whose slot has passed. The caller schedules a later one.
    pub(crate) overdue: Vec<Arc<JobCell>>,
}

/// Why a session cannot begin.
pub(crate) enum StartRefused {
    AlreadyStarted,
    Stopping,
}

/// Sessions.
impl Core {
    /// Whether the scheduler was started and not stopped since.
    pub(crate) fn is_running(&self) -> bool {
        self.session.as_ref().is_some_and(|session| !session.is_draining())
    }

    /// Whether the scheduler runs, or still begins its last runs.
    pub(crate) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Begins a session.
    pub(crate) fn start(&mut self, resolution: Span, now: Time) -> Result<Started, StartRefused> {
        if self.is_running() {
            return Err(StartRefused::AlreadyStarted);
        }
        if self.stops > 0 {
            return Err(StartRefused::Stopping);
        }
        self.sessions += 1;
        let (number, grid) = (self.sessions, Grid::new(now, resolution));
        let mut overdue = Vec::new();
        let session = Session::new(number, &self.jobs, grid, now, &mut overdue);
        let waker = Arc::clone(&session.waker);
        self.session = Some(session);
        Ok(Started { number, waker, overdue })
    }

    /// Ends the session. If there is a `number`, ends only the session with this number, and returns `None` if another
    /// session is running. No run begins from here on.
    pub(crate) fn halt(&mut self, number: Option<u64>) -> Option<Halted> {
        let current = self.session.as_ref().map(|session| session.number);
        if number.is_some() && current.is_some() && number != current {
            return None;
        }
        Some(self.halt_now())
    }

    fn halt_now(&mut self) -> Halted {
        let session = self.session.take();
        self.queue.forget_small_spares();
        Halted {
            slot_sets: self.slot_sets.clear(),
            was_draining: session.as_ref().is_some_and(Session::is_draining),
            ..self.close(session.map(|session| session.waker))
        }
    }

    /// Takes all offers and waiting lines.
    fn close(&mut self, waker: Option<Arc<LoopWaker>>) -> Halted {
        let closed = self.queue.close();
        Halted {
            batches: closed.batches,
            ready: closed.ready,
            waker,
            waiting: self.groups.clear_lines(),
            slot_sets: Vec::new(),
            was_draining: false,
            drains: false,
        }
    }

    /// Begins a stop that waits. If the scheduler runs and the stop has a grace, the runs that were triggered before
    /// still begin: the session drains. Otherwise the session ends.
    pub(crate) fn begin_stop(&mut self, has_grace: bool, now: Time) -> Halted {
        self.stops += 1;
        let session = self.session.as_mut().filter(|_| has_grace);
        let drains = session.is_some_and(|session| session.drain(&self.jobs, now));
        if !drains {
            return self.halt_now();
        }
        let waker = self.loop_waker();
        Halted {
            drains,
            ..self.close(waker)
        }
    }

    /// Ends a stop that has waited. The last of several stops also ends the session, if the session still drains.
    pub(crate) fn end_stop(&mut self) -> Option<Halted> {
        self.stops -= 1;
        let is_left = self.stops == 0 && self.session.as_ref().is_some_and(Session::is_draining);
        is_left.then(|| self.halt_now())
    }

    /// How far the drain is, for a stop that can't wait for the runs that are set aside. `set_aside` has the job of
    /// each of these runs.
    pub(crate) fn drain_progress(&self, set_aside: &[Job]) -> DrainProgress {
        let session = self.session.as_ref();
        session.map_or(DrainProgress::Over, |session| {
            session.drain_progress(&self.jobs, set_aside)
        })
    }

    /// Notes that the last run of this job has begun. If no other last run is left to begin, ends the session.
    pub(crate) fn leave_drain(&mut self, job: &JobCell) -> Option<Halted> {
        self.session.as_mut()?.leave_drain(job.index());
        self.halt_if_drained()
    }

    /// Ends the session if it drains, and no last run is left to begin.
    pub(crate) fn halt_if_drained(&mut self) -> Option<Halted> {
        self.session.as_ref()?.is_drained().then(|| self.halt_now())
    }

    /// Whether the scheduler runs, and a tick with a due job comes by `then`.
    pub(crate) fn is_due_by(&self, then: Time) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_due_by(then))
    }

    pub(crate) fn loop_waker(&self) -> Option<Arc<LoopWaker>> {
        self.session.as_ref().map(|session| Arc::clone(&session.waker))
    }

    /// The waker of the loop, if the loop would sleep too long.
    pub(crate) fn wake_if_sooner(&mut self) -> Option<Arc<LoopWaker>> {
        self.session.as_mut().and_then(Session::wake_if_sooner)
    }
}

/// Jobs.
impl Core {
    /// Adds a job. Returns the waker of the loop if the loop would sleep too long.
    pub(crate) fn register(&mut self, job: &Arc<JobCell>, now: Time) -> Option<Arc<LoopWaker>> {
        self.jobs.push(Arc::clone(job));
        self.session.as_mut()?.insert(job, now)
    }

    /// Removes a job, if it is registered.
    pub(crate) fn unregister(&mut self, job: &JobCell) -> Unregistered {
        let index = job.index();
        let mut unregistered = Unregistered {
            job: self.jobs.remove(job),
            ..Unregistered::default()
        };
        let renumbered = self.jobs.compact();
        if let Some(session) = &mut self.session {
            unregistered.has_left_drain = session.remove(index);
            unregistered.waker = renumbered.and_then(|renumbered| session.renumber(&renumbered));
        }
        unregistered
    }

    /// Inserts a job that has changed, for the first tick from `now`. Returns the waker of the loop if the loop would
    /// sleep too long.
    pub(crate) fn reschedule(&mut self, job: &JobCell, now: Time) -> Option<Arc<LoopWaker>> {
        self.reschedule_silent(job, now);
        self.wake_if_sooner()
    }

    /// Inserts a job that has changed. The caller wakes the loop later, if needed.
    pub(crate) fn reschedule_silent(&mut self, job: &JobCell, now: Time) {
        let is_registered = self.jobs.get(job.index()).is_some();
        if let Some(session) = self.session.as_mut().filter(|_| is_registered) {
            session.insert_silent(job, now);
        }
    }

    /// Notes that a triggered run has begun, which was offered under `offer_id`. Returns whether this is the last run
    /// of its job. In this case the job [leaves the drain](Core::leave_drain) once all stops that wait know the run.
    pub(crate) fn note_triggered_run(&mut self, job: &JobCell, offer_id: OfferId, now: Time) -> bool {
        let is_registered = self.jobs.get(job.index()).is_some();
        let Some(session) = self.session.as_mut().filter(|_| is_registered) else {
            return false;
        };
        session.note_triggered_run(job, offer_id, now);
        session.waits_for(job)
    }

    /// The last tick at or before `now`. `now` if there is no session.
    pub(crate) fn last_tick(&self, now: Time) -> Time {
        let session = self.session.as_ref();
        session.map_or(now, |session| session.grid().last_tick(now))
    }

    /// Whether a trigger inside `run` begins `job` at once.
    pub(crate) fn is_triggered_at_once(&self, job: &JobCell, run: OfferId, now: Time) -> bool {
        let session = self.session.as_ref();
        session.is_none_or(|session| session.is_triggered_at_once(job, run, now))
    }
}

/// Ticks.
impl Core {
    /// Serves the tick that is due, if a tick is due. Returns `None` if the session is over.
    pub(crate) fn tick(&mut self, number: u64, now: Time) -> Option<Ticked> {
        let session = self.session.as_mut().filter(|session| session.number == number)?;
        let is_behind = session.is_behind(&self.queue, now);
        if session.lets_workers_go_first(is_behind) {
            return Some(Ticked {
                workers: self.queue.want_workers(session.undispatched(), Urgency::Behind),
                follow_up: None,
                next: Next::SleepUntil(now),
                unused: Vec::new(),
            });
        }
        session.serve(&self.jobs, now);
        let is_busy = session.undispatched() > 0 || session.is_due_by(now.after(KEPT_FOR));
        let offer_id = next_offer_id(&mut self.offer_ids);
        let mut dispatch = Dispatch::new(now, session.grid(), offer_id, session.take_list());
        session.dispatch_few(&mut dispatch, &self.jobs, &mut self.groups);
        session.admit(&mut dispatch, &self.jobs, &mut self.groups);
        dispatch.dispatch(&mut self.queue);
        session.keep_list(dispatch.take_list());
        let undispatched = session.undispatched();
        if !is_busy {
            self.queue.forget_small_spares();
        }
        Some(Ticked {
            workers: self.queue.want_workers(undispatched, dispatch.urgency(is_behind)),
            next: session.next(now, may_sleep(&self.queue, undispatched)),
            follow_up: Some(dispatch.follow_up),
            unused: if is_busy { Vec::new() } else { self.slot_sets.clear() },
        })
    }

    /// When the loop looks again, after the executor has refused workers that the loop counted on.
    pub(crate) fn look_again(&mut self, number: u64, now: Time) -> Next {
        let Some(session) = self.session.as_mut().filter(|session| session.number == number) else {
            return Next::End;
        };
        let may_sleep = may_sleep(&self.queue, session.undispatched());
        session.next(now, may_sleep)
    }
}

/// Workers.
impl Core {
    /// The next batch for a worker. If many jobs are due, the worker that will run them also offers them here. Then
    /// only one processor needs the memory of a job. If the worker `wants_helper`, it may have to spawn other workers
    /// first.
    pub(crate) fn pull(&mut self, worker: &mut WorkerState, wants_helper: bool, now: Time) -> Pulled {
        worker.finish(&mut self.queue);
        worker.count_as_idle(&mut self.queue);
        let undispatched = self.undispatched();
        if wants_helper {
            let workers = self.queue.want_workers(undispatched, Urgency::Steady);
            if workers > 0 {
                return Pulled::SpawnFirst(workers);
            }
        }
        worker.count_as_busy(&mut self.queue);
        if let Some(batch) = self.queue.next() {
            return Pulled::Batch(batch);
        }
        let Some(session) = &mut self.session else {
            return Pulled::Nothing(None);
        };
        if undispatched == 0 {
            return Pulled::Nothing(session.postpone_wake());
        }
        let offer_id = next_offer_id(&mut self.offer_ids);
        let mut dispatch = Dispatch::new(now, session.grid(), offer_id, self.queue.take_list());
        session.dispatch_batch(&mut dispatch, &self.jobs, &mut self.groups);
        session.admit(&mut dispatch, &self.jobs, &mut self.groups);
        let batch = dispatch.dispatch_first(&mut self.queue);
        if dispatch.is_plain() {
            return Pulled::Batch(batch);
        }
        self.queue.put_back(batch);
        worker.count_as_idle(&mut self.queue);
        Pulled::FollowUp(dispatch.follow_up)
    }

    /// Number of workers that the caller must spawn before it follows up. The caller is a worker that counts as idle,
    /// or the loop.
    pub(crate) fn workers_beside(&mut self, follow_up: &FollowUp) -> usize {
        if !follow_up.may_block() {
            return 0;
        }
        let undispatched = self.undispatched().min(1) + 1;
        self.queue.want_workers(undispatched, Urgency::MayBlock)
    }

    /// Number of workers to spawn in place of a worker that is about to do something else. One worker is enough for all
    /// undispatched batches, because it spawns the next worker itself.
    pub(crate) fn workers_instead(&mut self) -> usize {
        let undispatched = self.undispatched().min(1);
        self.queue.want_workers(undispatched, Urgency::Behind)
    }

    /// The waker of the loop, if there are idle workers for all due batches and the loop would wake at the wrong time.
    pub(crate) fn postpone_wake(&mut self) -> Option<Arc<LoopWaker>> {
        let has_workers = self.queue.has_workers_for(self.undispatched());
        self.session
            .as_mut()
            .filter(|_| has_workers)
            .and_then(Session::postpone_wake)
    }

    /// Called before a worker yields to the other tasks of the executor.
    pub(crate) fn pause_worker(&mut self, worker: &mut WorkerState) {
        worker.finish(&mut self.queue);
        worker.count_as_idle(&mut self.queue);
    }

    fn undispatched(&self) -> usize {
        self.session.as_ref().map_or(0, Session::undispatched)
    }

    #[cfg(all(interleavings, test))]
    pub(crate) fn has_worker_for_what_is_left(&self) -> bool {
        self.queue.has_workers_for(self.undispatched().min(1))
    }
}

fn next_offer_id(offer_ids: &mut u64) -> OfferId {
    *offer_ids += 1;
    OfferId::new(*offer_ids)
}

/// Whether the loop may sleep until the next entry of the agenda. A due job that no worker has offered yet has no entry
/// for its next run. When that run is due, all workers may be stuck, so the loop must be awake. The last worker that is
/// not stuck [tells](Core::postpone_wake) the loop how long it may sleep.
fn may_sleep(queue: &Queue, undispatched: usize) -> bool {
    undispatched == 0 && queue.has_workers_for(0)
}
