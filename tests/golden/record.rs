//! A record of the file. Unknown fields are refused, so that no field is passed over.

use std::fmt;

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) name: String,
    #[serde(rename = "source")]
    _source: String,
    pub(crate) note: String,
    #[serde(rename = "tags")]
    _tags: Vec<String>,
    pub(crate) scenario: Scenario,
    pub(crate) trace: Vec<Event>,
    pub(crate) ties: Vec<Tie>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) jobs: Vec<Job>,
    pub(crate) actions: Vec<Action>,
    pub(crate) end_ms: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) interval_ms: u64,
    pub(crate) kind: Kind,
    #[serde(default)]
    durations_ms: Vec<u64>,
    #[serde(default)]
    fail_on: Vec<u64>,
    #[serde(default)]
    pub(crate) register_at_ms: u64,
    #[serde(default)]
    on_run: Vec<OnRun>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Sync,
    Async,
}

/// The action of a job at the beginning of a run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnRun {
    run: u64,
    #[serde(rename = "do")]
    pub(crate) act: Act,
    #[serde(default = "yes")]
    pub(crate) wait_for: bool,
    #[serde(default)]
    pub(crate) timeout_ms: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    pub(crate) at_ms: u64,
    #[serde(rename = "do")]
    pub(crate) act: Act,
    #[serde(default = "yes")]
    pub(crate) wait_for: bool,
    #[serde(default)]
    pub(crate) timeout_ms: Option<u64>,
    /// The length of a jump.
    #[serde(default)]
    pub(crate) ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Act {
    Start,
    Stop,
    Jump,
}

/// `job` and `run` for the events of a run, `action` for `stop_returned`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    pub(crate) t_ms: u64,
    pub(crate) event: What,
    #[serde(default)]
    pub(crate) job: Option<String>,
    #[serde(default)]
    pub(crate) run: Option<u64>,
    #[serde(default)]
    pub(crate) action: Option<Caller>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Start,
    End,
    Error,
    Cancelled,
    StopReturned,
}

/// The caller of stop: the index of an action, or a run as `job#run`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub(crate) enum Caller {
    Action(usize),
    Run(String),
}

/// An instant whose outcome depends on the order inside it. (The kind of tie is not used.)
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tie {
    pub(crate) t_ms: u64,
}

fn yes() -> bool {
    true
}

impl Job {
    pub(crate) fn duration_ms(&self, run: u64) -> u64 {
        match self.durations_ms.len() {
            0 => 0,
            count => self.durations_ms[run as usize % count],
        }
    }

    pub(crate) fn fails(&self, run: u64) -> bool {
        self.fail_on.contains(&run)
    }

    pub(crate) fn on_run(&self, run: u64) -> impl Iterator<Item = &OnRun> {
        self.on_run.iter().filter(move |on_run| on_run.run == run)
    }

    /// Whether the runs block the thread.
    pub(crate) fn blocks(&self) -> bool {
        self.kind == Kind::Sync && self.durations_ms.iter().any(|ms| *ms > 0)
    }
}

impl Event {
    pub(crate) fn of_run(t_ms: u64, event: What, job: &str, run: u64) -> Event {
        Event {
            t_ms,
            event,
            job: Some(job.to_owned()),
            run: Some(run),
            action: None,
        }
    }

    pub(crate) fn stop_returned(t_ms: u64, caller: Caller) -> Event {
        Event {
            t_ms,
            event: What::StopReturned,
            job: None,
            run: None,
            action: Some(caller),
        }
    }

    pub(crate) fn is_of(&self, job: &str) -> bool {
        self.job.as_deref() == Some(job)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7} ms  {:?}", self.t_ms, self.event)?;
        if let (Some(job), Some(run)) = (&self.job, self.run) {
            write!(f, " {job}#{run}")?;
        }
        match &self.action {
            Some(Caller::Action(index)) => write!(f, " of action {index}"),
            Some(Caller::Run(run)) => write!(f, " of {run}"),
            None => Ok(()),
        }
    }
}
