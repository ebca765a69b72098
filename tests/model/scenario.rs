//! What is played: jobs, and what is done to their scheduler and when. Plain data, read by the model and by the player.

use std::fmt;
use std::time::Duration;

/// More jobs than this are not registered besides a crowd: one that registers another at each run would have no end.
const MOST_JOBS: usize = 16;

/// The least that makes up batches of more than one, which lanes offer themselves.
const MANY: usize = 128;

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) resolution: Duration,
    /// The scheduler's, for jobs that name none.
    pub(crate) policy: Policy,
    /// What jobs are made from: one may be registered several times, or not at all.
    pub(crate) specs: Vec<Spec>,
    pub(crate) steps: Vec<Step>,
}

/// Time passes, then something is done. After no time at all the executor has no turn in between.
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
    /// Registers so many, from each spec in turn.
    Crowd(usize),
    /// Removes this job, of all that were ever registered.
    Remove(usize),
    /// Registers so many jobs and removes them at once: that leaves holes in whatever holds the jobs.
    Churn(usize),
    Start,
    Stop(Stop),
    /// Detaches, and starts again at once.
    Restart,
    /// Drops the future of this stop, of those that wait.
    DropStop(usize),
    Jump(Duration),
    StepBack(Duration),
    /// This is what becomes of the next spawns.
    Fault(Fate, usize),
    /// So many sleeps end half-way.
    EarlyTimer(usize),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    Detach,
    Wait { grace: Duration, timeout: Option<Duration> },
}

/// What becomes of a spawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Granted,
    Refused,
    /// Taken, and dropped unpolled.
    Lost,
}

#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) interval: Duration,
    pub(crate) policy: Option<Policy>,
    pub(crate) first: First,
    pub(crate) kind: Kind,
    bodies: Vec<Body>,
    /// What the run of this number does to its own scheduler, before anything else.
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
    /// So many nanoseconds from the begin of the scenario, or before it.
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
    /// How long it takes; for ever, if nothing is said. Async ones sleep, the others block the only thread there is.
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
    /// The same with a crowd of jobs, none of which blocks the thread, or lets time pass: then lanes come to what is due at the tick at which it was.
    pub(crate) fn with_crowd(mut self, more: usize) -> Scenario {
        self.specs.iter_mut().for_each(Spec::unblock);
        let after = Duration::ZERO;
        let op = Op::Crowd(MANY + more);
        self.steps.insert(0, Step { after, op });
        self
    }

    pub(crate) fn most_jobs(&self) -> usize {
        let crowd = |step: &Step| if let Op::Crowd(count) = step.op { count } else { 0 };
        MOST_JOBS + self.steps.iter().map(crowd).sum::<usize>()
    }
}

impl Spec {
    /// Blocking jobs become synchronous ones: on a pool of their own they have no order with others.
    fn unblock(&mut self) {
        if self.kind != Kind::Async {
            self.kind = Kind::Sync;
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

    pub(crate) fn inside(mut self, inside: Option<(u64, Op)>) -> Spec {
        self.inside = inside;
        self
    }

    /// What the run of this number does. Async bodies go round; blocking the thread comes to an end after the last body,
    /// or else an overloaded thread would never be idle again.
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
