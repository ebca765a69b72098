//! Measurements and their results: plain data that processes exchange as JSON.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// One measurement: the argument of a child process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    pub scenario: Scenario,
    pub engine: String,
    pub jobs: usize,
    pub phase: Phase,
    pub body: Body,
    pub interval: Duration,
    pub window: Duration,
    /// For `atevery`: the length of a tick, if it is not the default.
    pub resolution: Option<Duration>,
}

/// The subject of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// CPU, memory, wake-ups, runs done, register and stop.
    Load,
    /// The lateness of runs, and whether lateness adds up. A pass of its own, because some of its jobs read the clock.
    Lateness,
    /// CPU of jobs that wait in each run.
    Awaits,
    /// Wake-ups while nothing is due.
    Idle,
    /// CPU with shorter ticks.
    Resolution,
    /// The effect on other tasks of the executor.
    Heartbeat,
    /// Allocations per run.
    Allocations,
}

/// When the jobs are due within the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// All at once.
    Bunched,
    /// Each at an instant of its own.
    Spread,
}

/// The work of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Adds one to a counter.
    Count,
    /// Adds one to a counter; some jobs read the clock first.
    Clock,
    /// Sleeps for 5 ms, and adds one.
    Sleep,
    /// Yields once, and adds one.
    Yield,
}

/// The results of one measurement.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Seconds until all jobs were registered and running.
    pub register: f64,
    /// Seconds until nothing ran any more.
    pub stop: f64,
    /// Runs in the window.
    pub runs: u64,
    /// Runs that were due in the window.
    pub due: u64,
    /// Runs that were due when the window closed and were not done a while later. Unknown for most engines.
    pub lost: Option<u64>,
    /// CPU time of the process in the window, in nanoseconds.
    pub cpu: f64,
    /// Voluntary context switches per second.
    pub switches: f64,
    /// Resident bytes that the jobs added.
    pub resident: f64,
    /// The most resident bytes of the whole process.
    pub peak: f64,
    pub lateness: Option<Lateness>,
    /// Allocations in the window.
    pub allocations: Option<u64>,
    /// The longest gap between two beats of a 1 ms heartbeat, in nanoseconds.
    pub gap: Option<f64>,
}

/// In nanoseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Lateness {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
    /// How much later each run begins than one interval after the run before, in the median of the jobs.
    pub drift: f64,
}

/// A measurement and its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub measurement: Measurement,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Done(Record),
    DidNotFinish,
    Failed(String),
    /// The engine is not available on this machine.
    Skipped(String),
}

impl Entry {
    pub fn record(&self) -> Option<&Record> {
        match &self.outcome {
            Outcome::Done(record) => Some(record),
            _ => None,
        }
    }
}

impl Record {
    /// Nanoseconds of CPU for each run.
    pub fn cpu_per_run(&self) -> Option<f64> {
        (self.runs > 0).then(|| self.cpu / self.runs as f64)
    }

    /// The part of the due runs that was done.
    pub fn done(&self) -> Option<f64> {
        (self.due > 0).then(|| self.runs as f64 / self.due as f64)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measurement {
            scenario,
            engine,
            jobs,
            phase,
            ..
        } = &self.measurement;
        write!(f, "{scenario:?} {engine} {jobs} {phase:?}: ")?;
        match &self.outcome {
            Outcome::Done(record) => record.fmt(f),
            Outcome::DidNotFinish => f.write_str("did not finish"),
            Outcome::Failed(reason) => write!(f, "failed: {reason}"),
            Outcome::Skipped(reason) => write!(f, "skipped: {reason}"),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs of {}", self.runs, self.due)?;
        match self.cpu_per_run() {
            Some(cpu) => write!(f, ", {cpu:.0} ns each"),
            None => Ok(()),
        }
    }
}
