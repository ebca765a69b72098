//! What the handles, the loop and the lanes of one scheduler share.
//!
//! Locks are taken in the order `state`, `queue`; `run_tracker`, and within it what one stop has seen, apart from these, and what went wrong
//! with jobs (`configuration.rs`) or is noted of the runs of one that overlap (`rules.rs`) within any of them or none. None is held while code of a
//! user's, of the executor's or of a waker runs.

pub(crate) mod groups;
pub(crate) mod run_tracker;
pub(crate) mod wakeups;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::dispatch::group::Group;
use crate::dispatch::job_table::JobTable;
use crate::dispatch::offers::Handout;
use crate::dispatch::queue::{Batch, Queue};
use crate::dispatch::session::{Bell, Next, Session};
use crate::engine::run_tracker::RunTracker;
use crate::engine::wakeups::ring;
use crate::error::Error;
use crate::exec::driver::Driver;
use crate::job::cancel_listeners::CancelListeners;
use crate::job::cell::JobCell;
use crate::job::config::{CommonConfigs, Host, JobConfig, RunMode};
use crate::job::event_kind::EventKind;
use crate::job::handle::Job;
use crate::job::rules::Rules;
use crate::job::state::OfferId;
use crate::observe::observers::{Hook, Observers};
use crate::observe::status::SchedulerState;
use crate::park::set::{self, Places};
use crate::runtime::Runtime;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::Grid;
use crate::time::mix;
use crate::time::{FirstRun, MissedTicks};
use crate::time::{Span, Time};
use crate::unwind::{lock, quietly};

/// The groups of a scheduler by their names.
pub(crate) type Groups = BTreeMap<String, Arc<Group>>;

impl State {
    /// Whether the scheduler runs, and something is listed for a tick by then.
    pub(crate) fn is_due_by(&self, then: Time) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_due_by(then))
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) job_table: JobTable,
    /// There while the scheduler runs.
    pub(crate) session: Option<Session>,
    /// Starts so far.
    sessions: u64,
    /// Stops that are waiting.
    stops: usize,
    pub(crate) offer_ids: u64,
    pub(crate) groups: Groups,
    /// Jobs that were given a seed.
    seeds: u64,
}

/// What a builder may choose.
pub(crate) struct Settings {
    pub(crate) resolution: Duration,
    pub(crate) policy: MissedTicks,
    pub(crate) seed: u64,
    pub(crate) hooks: Vec<Hook>,
}

pub(crate) struct Engine {
    this: Weak<Engine>,
    common_configs: CommonConfigs,
    pub(crate) clock: Clock,
    pub(crate) resolution: Duration,
    pub(crate) policy: MissedTicks,
    /// Of all that is random.
    seed: u64,
    pub(crate) state: Mutex<State>,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) run_tracker: RunTracker,
    pub(crate) cancel_listeners: CancelListeners,
    pub(crate) observers: Observers,
    /// The executor dropped the loop of the last session.
    lost_loop: AtomicBool,
}

impl Engine {
    pub(crate) fn new(runtime: Box<dyn Runtime>, settings: Settings) -> Arc<Engine> {
        let clock = Clock::new(runtime);
        Arc::new_cyclic(|engine| Engine {
            this: Weak::clone(engine),
            common_configs: CommonConfigs::default(),
            clock,
            resolution: settings.resolution,
            policy: settings.policy,
            seed: settings.seed,
            state: Mutex::default(),
            queue: Mutex::default(),
            run_tracker: RunTracker::default(),
            cancel_listeners: CancelListeners::default(),
            observers: Observers::new(settings.hooks),
            lost_loop: AtomicBool::new(false),
        })
    }

    /// Those of a job that is run in this mode, by these rules if there are any.
    pub(crate) fn config(&self, mode: RunMode, rules: Option<Rules>) -> Arc<JobConfig> {
        match rules {
            None => self.common_configs.of(mode, || self.host()),
            some => Arc::new(JobConfig::new(self.host(), mode, some)),
        }
    }

    fn host(&self) -> Weak<dyn Host> {
        let this = Weak::clone(&self.this);
        this
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }
}

impl Host for Engine {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn cancel_listeners(&self) -> &CancelListeners {
        &self.cancel_listeners
    }

    fn resolution(&self) -> Duration {
        self.resolution
    }

    /// Lists a job of which something has changed for the first tick from now.
    fn relist(&self, job: &JobCell) {
        if !self.is_running() {
            // The next start lists all jobs.
            return;
        }
        let now = self.now();
        let bell = self.list_on_session(job, |session| session.list(job.index(), job.due(), now));
        ring(bell.flatten());
    }

    fn retire(&self, job: &Arc<JobCell>) {
        job.remove();
        if self.unregister(job) {
            self.emit(job, OfferId::NONE, None, self.now(), EventKind::Removed);
        }
    }
}

/// Jobs come and go.
impl Engine {
    pub(crate) fn register(&self, job: &Arc<JobCell>, first: FirstRun) {
        let now = self.now();
        job.set_scheduled(first.scheduled(now, job.interval().into(), self.clock.origin()));
        let mut state = lock(&self.state);
        let index = state.job_table.push(Arc::clone(job));
        let bell = state
            .session
            .as_mut()
            .and_then(|session| session.list(index, job.due(), now));
        drop(state);
        ring(bell);
    }

    /// Takes the job off the job table. False if it was not on.
    pub(crate) fn unregister(&self, job: &JobCell) -> bool {
        let mut state = lock(&self.state);
        let index = job.index();
        let removed = state.job_table.remove(job);
        let renumbered = state.job_table.compact();
        let mut bell = None;
        if let Some(session) = &mut state.session {
            session.unlist(index);
            bell = renumbered.and_then(|renumbered| session.renumber(&renumbered));
        }
        drop(state);
        ring(bell);
        removed.is_some()
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        lock(&self.state)
            .job_table
            .iter()
            .map(|job| Job::new(Arc::clone(job)))
            .collect()
    }

    /// A seed of its own for a job, the same in each process if the scheduler's is.
    pub(crate) fn next_seed(&self) -> u64 {
        let mut state = lock(&self.state);
        state.seeds += 1;
        mix(self.seed ^ state.seeds)
    }

    /// If there is a session, and the job is on the job table.
    pub(crate) fn list_on_session<T>(&self, job: &JobCell, list: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let mut state = lock(&self.state);
        let on_job_table = state.job_table.get(job.index()).is_some();
        state.session.as_mut().filter(|_| on_job_table).map(list)
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
        let session = Session::new(number, &state.job_table, grid, now);
        let bell = Arc::clone(&session.bell);
        state.session = Some(session);
        drop(state);
        let driver = Driver::new(Arc::downgrade(self), number, bell);
        self.clock.runtime().spawn(Box::pin(driver)).map_err(|refusal| {
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
        if state.session.as_ref().is_some_and(|session| !meant(session.number)) {
            return;
        }
        let session = state.session.take();
        let mut queue = lock(&self.queue);
        let closed = queue.close();
        let places = queue.places.clear();
        drop(queue);
        let waiting: Vec<_> = state.groups.values().map(|group| group.take_waiting()).collect();
        drop(state);
        // Also if there is no session: whoever ended it may not have come to this yet.
        for batch in &closed.batches {
            self.retract(batch);
        }
        closed.ready.iter().for_each(|batch| self.finish_batch(batch));
        drop((waiting, places));
        ring(session.map(|session| session.bell));
    }

    pub(crate) fn state(&self) -> SchedulerState {
        let state = lock(&self.state);
        match (&state.session, state.stops) {
            (Some(_), _) => SchedulerState::Running,
            (None, 1..) => SchedulerState::Stopping,
            (None, 0) => SchedulerState::Stopped,
        }
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
            batch.cancel();
            self.tell_to_end(&batch);
            self.cancel_parked(&batch);
        }
    }

    pub(crate) fn cancel_parked(&self, batch: &Batch) {
        while let Some(run) = batch.take_parked() {
            run.cancel(self);
        }
    }

    /// Tells all runs in progress to end.
    pub(crate) fn tell_runs_to_end(&self) {
        for batch in self.active() {
            self.tell_to_end(&batch);
        }
    }

    fn tell_to_end(&self, batch: &Batch) {
        for job in &batch.jobs {
            if job.state().cancel(batch.offer_id) {
                self.cancel_listeners.wake(job.job.id);
            }
        }
    }

    /// The last handle is gone.
    pub(crate) fn close(&self) {
        self.halt(|_| true);
        let jobs = lock(&self.state).job_table.take();
        for job in jobs {
            // One that nobody else knows has no run in progress, and just goes.
            if Arc::strong_count(&job) > 1 {
                job.remove();
            }
            quietly(|| drop(job));
        }
        self.cancel_runs();
        self.observers.close();
    }
}

/// What serving a tick has left to be done without a lock.
struct Served {
    /// So many lanes are to be started.
    wanting: usize,
    /// There unless lanes go first.
    handout: Option<Handout>,
    /// Nobody has needed them for a while, or will. They go with this.
    _unused: Vec<Places>,
    next: Next,
}

/// The loop.
impl Engine {
    /// Serves the tick that has come, if one has and the session is still on.
    pub(crate) fn tick(self: &Arc<Self>, session: u64) -> Next {
        // Whoever polls the loop is there.
        self.lost_loop.store(false, Ordering::Release);
        let Some(served) = self.serve(session) else {
            return Next::End;
        };
        let started = self.start_lanes(served.wanting);
        let Some(handout) = served.handout else {
            // What was refused is tried again at the tick that is served thereupon.
            return served.next;
        };
        let next = if started.is_ok() {
            served.next
        } else {
            self.look_again(session)
        };
        if handout.needs_follow_up() {
            self.follow_up(handout);
            self.hire_lanes();
        }
        next
    }

    /// Nothing if the session is over.
    fn serve(&self, session: u64) -> Option<Served> {
        let now = self.now();
        let mut state = lock(&self.state);
        let State {
            session: current,
            job_table,
            offer_ids,
            groups,
            ..
        } = &mut *state;
        let current = current.as_mut().filter(|current| current.number == session)?;
        let mut queue = lock(&self.queue);
        let is_behind = current.is_behind(&queue, now);
        if current.lets_lanes_go_first(is_behind) {
            return Some(Served {
                wanting: queue.hire(current.batches_left()),
                handout: None,
                _unused: Vec::new(),
                next: Next::SleepUntil(now),
            });
        }
        current.serve(now);
        let is_busy = current.batches_left() > 0 || current.is_due_by(now.after(set::KEPT_FOR));
        let mut handout = Handout::new(now, offer_ids, current.take_list());
        current.hand_out_few(&mut handout, job_table);
        current.admit(&mut handout, job_table, groups);
        handout.queue(&mut queue);
        current.keep_list(handout.take_list());
        let batches = current.batches_left();
        let wanting = hire(&mut queue, batches, &handout, is_behind);
        let next = current.next(now, may_sleep(&queue, batches));
        Some(Served {
            wanting,
            handout: Some(handout),
            _unused: queue.places.take_unused(now, is_busy),
            next,
        })
    }

    /// Lanes were refused that the loop had counted on, before it goes to sleep.
    fn look_again(&self, session: u64) -> Next {
        let now = self.now();
        let mut state = lock(&self.state);
        let Some(current) = state.session.as_mut().filter(|current| current.number == session) else {
            return Next::End;
        };
        let may_sleep = may_sleep(&lock(&self.queue), current.batches_left());
        current.next(now, may_sleep)
    }
}

/// How many lanes are wanting at a tick that has left so many batches to them.
fn hire(queue: &mut Queue, batches: usize, handout: &Handout, is_behind: bool) -> usize {
    if handout.may_block() {
        queue.hire_beside(batches)
    } else if is_behind || handout.has_blocking() {
        // Runs on the blocking pool begin after all others.
        queue.hire(batches)
    } else {
        queue.hire_another(batches)
    }
}

/// Whether the loop has nothing to do before something is due. What lanes are yet to offer isn't listed for its next run before they do, and
/// all of them may be stuck when that is due; the last one that isn't tells the loop how long it may sleep.
fn may_sleep(queue: &Queue, batches: usize) -> bool {
    batches == 0 && queue.has_lanes_for(0)
}

impl Engine {
    /// Wakes the loop.
    pub(crate) fn ring(&self) {
        ring(self.bell());
    }

    /// The bell, if something was listed and the loop would sleep too long.
    pub(crate) fn bell_if_sooner(&self) -> Option<Arc<Bell>> {
        lock(&self.state).session.as_mut().and_then(Session::ring_sooner)
    }

    pub(crate) fn bell(&self) -> Option<Arc<Bell>> {
        let state = lock(&self.state);
        state.session.as_ref().map(|session| Arc::clone(&session.bell))
    }
}
