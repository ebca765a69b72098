//! A model of the contract: the trace that a scenario must leave. No async, no library code, one tick after another.
//!
//! Time moves in two ways. If there is nothing to do, time goes on to the next possible event: the next tick, the end
//! of a run, the limit of a stop. If a job blocks the only thread, or if the clock jumps, time passes over such
//! instants. Their events then come late, all at once. The executor decides their order, and the contract leaves it
//! open. The contract also leaves the order open at the very instant of a tick. In these cases only, the model asks its
//! `oracle`, which has seen the trace of the library. Each such place says so.
//!
//! The model is stricter than the contract in one point. As DESIGN.md says, an async run that ends on a tick counts as
//! running at that tick.

mod attempts;
mod changes;
mod drain;
mod groups;
mod jitter;
mod open;
mod ops;
mod oracle;
mod replace;
mod runs;
mod schedule;
mod stops;
mod ticks;

use std::time::Duration;

use crate::model::changes::Trigger;
use crate::model::drain::Admits;
use crate::model::groups::InLine;
use crate::model::jitter::Jitter;
use crate::model::oracle::Oracle;
use crate::model::stops::Waiting;
use crate::model::ticks::Session;
use crate::scenario::{Body, Kind, Scenario, Spec};
use crate::trace::{self, Difference, Event, Moment, Nanos, Seen, What};

/// If the oracle cannot tell, at most this many ways are tried.
const PATIENCE: usize = 100;

/// Returns where the trace that was seen differs from the contract, if it does.
pub(crate) fn check(scenario: &Scenario, seen: &Seen) -> Result<(), Difference> {
    let mut oracle = Oracle::new(seen);
    let mut closest: Option<Difference> = None;
    for _ in 0..PATIENCE {
        let (trace, asked) = predict(scenario, oracle);
        let Err(difference) = trace::compare(&trace, &seen.trace) else {
            return Ok(());
        };
        if closest.as_ref().is_none_or(|closest| closest.first < difference.first) {
            closest = Some(difference);
        }
        match asked.another_way() {
            Some(other) => oracle = other,
            None => break,
        }
    }
    closest.map_or(Ok(()), Err)
}

/// The trace that `scenario` must leave.
fn predict<'a>(scenario: &'a Scenario, oracle: Oracle<'a>) -> (Vec<Event>, Oracle<'a>) {
    let mut model = Model::new(scenario, oracle);
    for (index, step) in scenario.steps.iter().enumerate() {
        if !step.after.is_zero() {
            model.pass(step.after);
        }
        model.step = index + 1;
        model.apply(step.op);
        model.note_state();
    }
    model.pass(scenario.resolution * 5);
    model.drop_scheduler();
    model.pass(scenario.resolution * 5);
    model.finish();
    (model.trace, model.oracle)
}

struct Model<'a> {
    scenario: &'a Scenario,
    step: usize,
    now: Nanos,
    /// All jobs that were ever registered.
    jobs: Vec<Job<'a>>,
    /// Number of registered jobs with a jitter.
    jitters: u64,
    /// `Some` while the scheduler runs.
    session: Option<Session>,
    sessions: u64,
    stops: Vec<Waiting>,
    stops_so_far: usize,
    /// When the loop was last woken to look for jobs that may have come due.
    stirred: Option<Nanos>,
    trace: Vec<Event>,
    oracle: Oracle<'a>,
}

struct Job<'a> {
    spec: &'a Spec,
    interval: Nanos,
    scheduled: Nanos,
    jitter: Option<Jitter>,
    /// The instant from which the interval to the next run counts. `None` if the next run does not follow the interval.
    counts_from: Option<Nanos>,
    paused: bool,
    admits: Admits,
    /// Number of runs that came due during a run and were dropped, and that no run has reported as missed.
    skipped: u64,
    /// The interval was changed during the run in progress.
    has_other_interval: bool,
    trigger: Option<Trigger>,
    /// The last run was cancelled because the next run is to replace it.
    replaced: bool,
    /// The job has come up at a tick, and waits for a permit of its group.
    in_line: Option<InLine>,
    /// When the last triggered run began.
    triggered: Option<Nanos>,
    /// When a triggered run last began or ended, or a run began that replaced another or left a line, or a blocking
    /// run ended after several attempts.
    unscheduled: Option<Nanos>,
    runs: u64,
    removed: bool,
    /// The runs in progress, in the order of their numbers.
    in_progress: Vec<InProgress>,
    /// The run in progress or to come was handed to the executor at the tick that is being served.
    dispatched: bool,
    /// When the job was registered, or changed so that it may have come due, if the scheduler ran at that time.
    changed: Option<Nanos>,
    /// When the last run ended, in any way, if the job had as many runs as it may have.
    freed: Option<Nanos>,
    /// The same, if that run ended by itself and had been pending.
    woke: Option<Nanos>,
    /// The same, if that run was cancelled.
    cancelled: Option<Nanos>,
}

/// The job and the number of a run.
type RunId = (usize, u64);

impl Job<'_> {
    /// Whether as many runs are in progress as may be at a time.
    fn is_full(&self) -> bool {
        self.in_progress.len() >= self.spec.options.allow.unwrap_or(1)
    }

    /// The numbers of the runs in progress.
    fn numbers(&self) -> Vec<u64> {
        self.in_progress.iter().map(|run| run.number).collect()
    }
}

struct InProgress {
    number: u64,
    started: Nanos,
    /// The tick at which the run began: the last one until then.
    tick: Nanos,
    /// Number of further attempts so far.
    attempt: usize,
    /// The body of the attempt.
    body: Body,
    /// When the attempt ends by itself, if it does, or when the next attempt begins.
    ends: Option<Nanos>,
    /// The run waits for its next attempt.
    waits: bool,
    /// A stop with a grace period has told the run to end. The run makes no further attempt.
    told: bool,
    /// The thread is executing the run's code now.
    in_code: bool,
    /// The run was cancelled. Once its code waits, the executor drops it in a turn of its own.
    cancelled: bool,
    triggered: bool,
    /// The run has said when the next one is scheduled.
    has_chosen: bool,
    /// When the run exceeds its time limit, if it has one.
    limit: Option<Nanos>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    ByItself,
    /// Not an end: the wait is over, and the next attempt begins.
    Again,
    TimedOut,
    Cancelled,
}

impl InProgress {
    /// How the run ends in the next turn of the executor, if it does. If the run may end by itself and has also reached
    /// its time limit, it ends as the caller prefers.
    fn end(&self, kind: Kind, now: Nanos, prefers: impl Fn(End) -> bool) -> Option<End> {
        let is_past = |instant: Option<Nanos>| instant.is_some_and(|instant| instant <= now);
        match () {
            _ if self.in_code => None,
            // The attempt may be on its way to the blocking pool when the run is told to end.
            _ if kind == Kind::Blocking && self.waits && is_past(self.ends) && prefers(End::Again) => Some(End::Again),
            _ if self.cancelled || self.told && self.waits => Some(End::Cancelled),
            _ if is_past(self.ends) && self.attempts_before_limit(kind) => Some(End::Again),
            _ if is_past(self.limit) && (!is_past(self.ends) || prefers(End::TimedOut)) => Some(End::TimedOut),
            _ => is_past(self.ends).then_some(End::ByItself),
        }
    }
}

/// Time.
impl<'a> Model<'a> {
    fn new(scenario: &'a Scenario, oracle: Oracle<'a>) -> Model<'a> {
        Model {
            scenario,
            step: 0,
            now: 0,
            jobs: Vec::new(),
            jitters: 0,
            session: None,
            sessions: 0,
            stops: Vec::new(),
            stops_so_far: 0,
            stirred: None,
            trace: Vec::new(),
            oracle,
        }
    }

    /// Lets time pass until nothing is left to do. If jobs block the thread, more time may pass.
    fn pass(&mut self, by: Duration) {
        let target = self.now + nanos(by);
        loop {
            self.settle();
            if self.now >= target {
                return;
            }
            self.now = self.next_instant().map_or(target, |next| next.min(target));
        }
    }

    /// The next instant at which an event is possible.
    fn next_instant(&self) -> Option<Nanos> {
        let tick = self.session.iter().map(|session| session.next_tick(self.now));
        let runs = self.jobs.iter().flat_map(|job| &job.in_progress);
        let ends = runs.flat_map(|run| [run.ends, run.limit]).flatten();
        let stops = self.stops.iter().filter_map(Waiting::limit);
        tick.chain(ends)
            .chain(stops)
            .filter(|instant| *instant > self.now)
            .min()
    }

    /// Does everything that is due by now, and what follows from it.
    fn settle(&mut self) {
        loop {
            while self.end_runs(false) | self.poll_stops() | self.tick() | self.begin_triggered() {}
            // Nothing else is ready, so the executor cannot delay this any longer.
            if !self.replace_for_triggers() && !self.begin_all_triggered() && !self.end_runs(true) {
                break;
            }
        }
        let now = self.now;
        if let Some(session) = &mut self.session {
            session.visit(now);
        }
    }

    /// Ends the runs whose sleep is over or that were cancelled. If the thread was blocked, it may come to them before
    /// or after the next tick, and before or after the limit of a stop. The oracle decides.
    fn end_runs(&mut self, all: bool) -> bool {
        let mut some = false;
        for job in 0..self.jobs.len() {
            for number in self.jobs[job].numbers() {
                some |= self.end_run((job, number), all);
                while self.end_run((job, number), false) {}
            }
        }
        some
    }

    fn end_run(&mut self, run: RunId, must: bool) -> bool {
        let Some(end) = self.how_to_end(run) else { return false };
        let (job, number) = run;
        let further = || self.oracle.attempts(job, number) > self.run(run).attempt;
        let has_attempt = end != End::Again || further();
        if !(must || has_attempt && self.oracle.ends(self.moment(), job, number, end)) {
            return false;
        }
        if end == End::Cancelled && self.names_first(run) || end == End::TimedOut && self.cancels_first(run) {
            return false;
        }
        let was_full = self.jobs[job].is_full();
        match end {
            End::Again => self.attempt_again(run),
            End::ByItself => self.end_attempt(run),
            End::TimedOut | End::Cancelled => self.end(run, end),
        }
        let (now, job) = (self.now, &mut self.jobs[job]);
        match () {
            _ if !was_full || job.is_full() => {}
            _ if job.spec.kind == Kind::Blocking => job.unscheduled = Some(now),
            _ if end != End::Cancelled => job.woke = Some(now),
            _ => {}
        }
        true
    }

    /// How this run ends now, if it is in progress and ends.
    fn how_to_end(&self, (job, number): RunId) -> Option<End> {
        let run = self.jobs[job].in_progress.iter().find(|run| run.number == number)?;
        // If both are seen, an attempt has ended, and the wait after it was cut short.
        let is_attempt_over = || self.oracle.ends_at(self.moment(), job, number, End::ByItself);
        let is_seen = |end| self.oracle.ends(self.moment(), job, number, end);
        let is_preferred = |end| match end {
            End::Again => self.oracle.attempts(job, number) > run.attempt,
            _ => !is_attempt_over(),
        };
        let prefers = |end| is_seen(end) && is_preferred(end);
        run.end(self.jobs[job].spec.kind, self.now, prefers)
    }

    fn run(&self, (job, number): RunId) -> &InProgress {
        let run = self.jobs[job].in_progress.iter().find(|run| run.number == number);
        run.expect("it is in progress")
    }

    fn run_mut(&mut self, (job, number): RunId) -> &mut InProgress {
        let run = self.jobs[job].in_progress.iter_mut().find(|run| run.number == number);
        run.expect("it is in progress")
    }

    fn note(&mut self, what: What) {
        let moment = self.moment();
        self.trace.push(Event { moment, what });
    }

    fn moment(&self) -> Moment {
        let (step, at) = (self.step, self.now);
        Moment { step, at }
    }

    fn note_state(&mut self) {
        let jobs = (0..self.jobs.len()).filter(|job| !self.jobs[*job].removed).collect();
        let running = self.is_running();
        self.note(What::State { running, jobs });
        self.oracle.note_state();
    }

    fn finish(&mut self) {
        for job in 0..self.jobs.len() {
            let (runs, running) = (self.jobs[job].runs, !self.jobs[job].in_progress.is_empty());
            self.note(What::Sum { job, runs, running });
        }
        self.note(What::Left { tasks: 0, timers: 0 });
    }
}

fn nanos(duration: Duration) -> Nanos {
    duration.as_nanos() as Nanos
}
