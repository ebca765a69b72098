//! A scenario: jobs, and timed operations on their scheduler. Plain data, read by the model and by the player.

use std::fmt;
use std::time::Duration;

use crate::options::Options;

/// The most jobs beside a crowd. Without a limit, a job that registers another job at each run would have no end.
const MOST_JOBS: usize = 16;

/// The smallest number of jobs with batches of more than one job, which workers offer themselves.
pub(crate) const MANY: usize = 128;

/// The seed of the scheduler.
pub(crate) const SEED: u64 = 7;

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) resolution: Duration,
    /// The policy of the scheduler, for jobs that name none.
    pub(crate) policy: Policy,
    /// The specs of jobs. A spec may be registered several times, or not at all.
    pub(crate) specs: Vec<Spec>,
    pub(crate) steps: Vec<Step>,
}

/// Time passes, then the operation is done. If no time passes, the executor has no turn in between.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) after: Duration,
    pub(crate) op: Op,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Nothing,
    /// Registers a job from this spec.
    Register(usize),
    /// Registers so many jobs, from each spec in turn.
    Crowd(usize),
    /// Removes the job with this number, of all jobs that were ever registered.
    Remove(usize),
    /// Changes the job with this number, of all jobs that were ever registered.
    Change(usize, Change),
    /// Registers so many jobs and removes them at once, which leaves holes in the job table.
    Churn(usize),
    /// Schedules the next run of the job in whose run this is done. Outside of runs, nothing is done.
    NextIn(Duration),
    Start,
    Stop(Stop),
    /// Detaches a stop, and starts again at once.
    Restart,
    /// Drops the future of the stop with this number, of the stops that wait.
    DropStop(usize),
    Jump(Duration),
    StepBack(Duration),
    /// Sets the fate of the next spawns.
    Fault(Fate, usize),
    /// The next so many sleeps end half-way.
    EarlyTimer(usize),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Pause,
    Resume,
    Trigger,
    SetInterval(Duration),
    /// Cancels the runs in progress.
    Cancel,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    Detach,
    Wait { grace: Duration, timeout: Option<Duration> },
}

/// The fate of a spawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Granted,
    Refused,
    /// Accepted, and dropped unpolled.
    Lost,
}

#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) interval: Duration,
    pub(crate) policy: Option<Policy>,
    pub(crate) first: First,
    pub(crate) kind: Kind,
    pub(crate) options: Options,
    bodies: Vec<Body>,
    /// The operation that the run with this number does on its own scheduler, before anything else.
    inside: Option<(u64, Op)>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Policy {
    Burst,
    Skip,
    Delay,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum First {
    Now,
    AfterInterval,
    After(Duration),
    /// Nanoseconds from the beginning of the scenario. Negative before the beginning.
    At(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sync,
    Async,
    Blocking,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// How long the run takes; for ever if `None`. Async runs sleep, the others block the only thread.
    pub(crate) length: Option<Duration>,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Fine,
    Error,
    Panic,
}

impl Scenario {
    /// The same with a crowd of jobs. No job of the crowd blocks the thread or lets time pass, so that workers take
    /// jobs at the tick at which they are due. If the clock jumps to a tick, the order is open in which the jobs of a crowd
    /// replace their runs, so such a scenario has no replacements.
    pub(crate) fn with_crowd(mut self, more: usize) -> Scenario {
        self.specs.iter_mut().for_each(Spec::unblock);
        if self.ops().any(|op| matches!(op, Op::Jump(_))) {
            self.specs.iter_mut().for_each(|spec| spec.options.replace = false);
        }
        let after = Duration::ZERO;
        let op = Op::Crowd(MANY + more);
        self.steps.insert(0, Step { after, op });
        self
    }

    /// Leaves out the combinations of which the library and the model have different readings.
    ///
    /// Runs that are triggered or replaced begin between ticks. If runs block the thread too, ticks and such runs come
    /// late together, and their order is open in many ways. Runs of such scenarios do not block the thread. If spawns
    /// are refused, replaced runs are dropped in many orders too, so a scenario with replacements has no such faults.
    ///
    /// Further attempts of synchronous code come between the runs of a tick in an open order too, and a spawn that is
    /// refused ends the run of a blocking job. The same is left out in scenarios with further attempts, and in those
    /// with groups: which runs have a permit is not seen.
    ///
    /// If the wait of a blocking run ends on the tick at which the run is to be replaced, the next attempt is on its
    /// way to the pool, and the order is open. A blocking job either replaces its runs or tries again.
    ///
    /// If a job may have several runs at a time, it is not seen which of them makes a further attempt. Nor is it seen
    /// which of them has scheduled the next one last, if a fixed delay counts from the end of each. Such a job has
    /// neither.
    ///
    /// After a step back it is not seen whether the library found the end of a job, or a tick of a group, before it,
    /// nor which ticks that come once more replace a run that ends on them. A scenario with step backs has neither ends
    /// nor groups nor replacements.
    pub(crate) fn with_known_combinations(mut self) -> Scenario {
        if self.ops().any(|op| matches!(op, Op::StepBack(_))) {
            let options = self.specs.iter_mut().map(|spec| &mut spec.options);
            options.for_each(|options| (options.until, options.group, options.replace) = (None, None, false));
        }
        for spec in self.specs.iter_mut().filter(|spec| spec.kind == Kind::Blocking) {
            let options = &mut spec.options;
            options.retry = options.retry.take().filter(|_| !options.replace);
        }
        let is_trigger = |op: &Op| matches!(op, Op::Change(_, Change::Trigger));
        for options in self.specs.iter_mut().map(|spec| &mut spec.options) {
            let is_alone = options.allow.is_none();
            options.retry = options.retry.take().filter(|_| is_alone);
            options.fixed_delay &= is_alone;
        }
        let replaces = self.specs.iter().any(|spec| spec.options.replace);
        let retries = self.specs.iter().any(|spec| spec.options.retry.is_some());
        let waits = self.specs.iter().any(|spec| spec.options.group.is_some());
        if replaces || retries || waits || self.ops().any(|op| is_trigger(op)) {
            self.specs.iter_mut().for_each(Spec::free_thread);
        }
        if replaces || retries || waits {
            self.ops().for_each(Op::leave_out_fault);
        }
        self
    }

    /// All operations, from outside and from inside jobs.
    fn ops(&mut self) -> impl Iterator<Item = &mut Op> {
        let inside = self.specs.iter_mut().filter_map(|spec| spec.inside.as_mut());
        let outside = self.steps.iter_mut().map(|step| &mut step.op);
        outside.chain(inside.map(|(_, op)| op))
    }

    pub(crate) fn most_jobs(&self) -> usize {
        let crowd = |step: &Step| if let Op::Crowd(count) = step.op { count } else { 0 };
        MOST_JOBS + self.steps.iter().map(crowd).sum::<usize>()
    }
}

impl Op {
    fn leave_out_fault(&mut self) {
        if let Op::Fault(..) = self {
            *self = Op::Nothing;
        }
    }
}

impl Spec {
    /// Blocking jobs become synchronous jobs: on a pool of their own, they have no order with the others.
    fn unblock(&mut self) {
        if self.kind != Kind::Async {
            self.kind = Kind::Sync;
        }
        self.free_thread();
    }

    /// No run blocks the thread or lets time pass.
    fn free_thread(&mut self) {
        if self.kind != Kind::Async {
            for body in &mut self.bodies {
                body.length = Body::default().length;
            }
        }
        self.inside = self
            .inside
            .take_if(|(_, op)| !matches!(op, Op::Jump(_) | Op::StepBack(_)));
    }

    pub(crate) fn new(kind: Kind, interval: Duration, bodies: Vec<Body>) -> Spec {
        Spec {
            interval,
            policy: None,
            first: First::Now,
            kind,
            options: Options::default(),
            bodies,
            inside: None,
        }
    }

    pub(crate) fn policy(mut self, policy: Option<Policy>) -> Spec {
        self.policy = policy;
        self
    }

    pub(crate) fn first(mut self, first: First) -> Spec {
        self.first = first;
        self
    }

    pub(crate) fn options(mut self, options: Options) -> Spec {
        self.options = options;
        self
    }

    pub(crate) fn inside(mut self, inside: Option<(u64, Op)>) -> Spec {
        self.inside = inside;
        self
    }

    /// The body of the run with this number. Async bodies repeat. Blocking bodies end after the last body, because
    /// otherwise an overloaded thread would never be idle again.
    pub(crate) fn body(&self, number: u64) -> Body {
        let number = number as usize;
        match self.bodies.len() {
            0 => Body::default(),
            count if self.kind == Kind::Async => self.bodies[number % count],
            _ => self.bodies.get(number).copied().unwrap_or_default(),
        }
    }

    pub(crate) fn inside_of(&self, number: u64) -> Option<Op> {
        self.inside.filter(|(run, _)| *run == number).map(|(_, op)| op)
    }
}

impl Default for Body {
    fn default() -> Body {
        Body {
            length: Some(Duration::ZERO),
            outcome: Outcome::Fine,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ticks of {:?}, {:?}", self.resolution, self.policy)?;
        for (index, spec) in self.specs.iter().enumerate() {
            let (kind, interval, first) = (spec.kind, spec.interval, spec.first);
            write!(f, "spec {index}: {kind:?} every {interval:?}, first {first:?}")?;
            if let Some(policy) = spec.policy {
                write!(f, ", {policy:?}")?;
            }
            write!(f, "{}", spec.options)?;
            for body in &spec.bodies {
                match body.length {
                    Some(length) => write!(f, ", {length:?}")?,
                    None => write!(f, ", endless")?,
                }
                if body.outcome != Outcome::Fine {
                    write!(f, " {:?}", body.outcome)?;
                }
            }
            match spec.inside {
                Some((run, op)) => writeln!(f, "; run {run} begins with {op:?}")?,
                None => writeln!(f)?,
            }
        }
        for step in &self.steps {
            writeln!(f, "  +{:?} {:?}", step.after, step.op)?;
        }
        Ok(())
    }
}
