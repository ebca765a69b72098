//! All results of one run, and their medians.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::engines::{self, Kind};
use crate::measurement::{Entry, Measurement, Outcome, Record, Scenario};
use crate::plan::Choice;

const FILE: &str = "results.json";

#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    pub machine: String,
    pub repeat: usize,
    pub window: Duration,
    pub short: bool,
    pub entries: Vec<Entry>,
}

impl Results {
    pub fn new(choice: &Choice) -> Results {
        Results {
            machine: machine(),
            repeat: choice.repeat,
            window: choice.window,
            short: choice.short,
            entries: Vec::new(),
        }
    }

    pub fn load(directory: &Path) -> Result<Option<Results>, Error> {
        let path = directory.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&fs::read_to_string(path)?)?))
    }

    pub fn save(&self, directory: &Path) -> Result<(), Error> {
        fs::create_dir_all(directory)?;
        fs::write(directory.join(FILE), serde_json::to_string(self)?)?;
        Ok(())
    }

    /// How often a case was measured, and whether it did not finish.
    pub fn taken(&self, measurement: &Measurement) -> (usize, bool) {
        let picked = self.pick(|it| it == measurement);
        let unfinished = picked
            .0
            .iter()
            .any(|entry| matches!(entry.outcome, Outcome::DidNotFinish));
        (picked.0.len(), unfinished)
    }

    /// The measurements that `wanted` picks: usually one and its repetitions.
    pub fn pick(&self, wanted: impl Fn(&Measurement) -> bool) -> Picked<'_> {
        let entries = self.entries.iter().filter(|entry| wanted(&entry.measurement));
        Picked(entries.collect())
    }

    /// The numbers of jobs with which a scenario was measured.
    pub fn jobs(&self, scenario: Scenario) -> Vec<usize> {
        let entries = self.entries.iter().map(|entry| &entry.measurement);
        let mut jobs: Vec<usize> = entries.filter(|it| it.scenario == scenario).map(|it| it.jobs).collect();
        jobs.sort_unstable();
        jobs.dedup();
        jobs
    }

    /// Failures: an engine that fails, or lost runs of `atevery`.
    pub fn failures(&self) -> Vec<String> {
        self.entries.iter().filter_map(failure).collect()
    }
}

/// Measurements of the same thing.
pub struct Picked<'a>(Vec<&'a Entry>);

/// A median, and how far the values lie apart: half their range, as a part of it.
#[derive(Debug, Clone, Copy)]
pub struct Median {
    pub value: f64,
    pub spread: f64,
}

impl Picked<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of jobs.
    pub fn jobs(&self) -> usize {
        self.0.first().map_or(0, |entry| entry.measurement.jobs)
    }

    pub fn median(&self, of: impl Fn(&Record) -> Option<f64>) -> Option<Median> {
        let records = self.0.iter().filter_map(|entry| entry.record());
        let mut values: Vec<f64> = records.filter_map(of).filter(|value| value.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (first, last) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let value = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Median {
            value,
            spread: (last - first) / 2.0 / value,
        })
    }

    /// Why there is no figure.
    pub fn excuse(&self) -> &'static str {
        match self.0.last().map(|entry| &entry.outcome) {
            None | Some(Outcome::Skipped(_)) => "",
            Some(Outcome::DidNotFinish) => "did not finish",
            Some(Outcome::Failed(_)) => "failed",
            Some(Outcome::Done(_)) => "none ran",
        }
    }
}

fn failure(entry: &Entry) -> Option<String> {
    let Measurement { engine, jobs, .. } = &entry.measurement;
    let scenario = entry.measurement.scenario;
    let is_atevery = engines::find(engine).is_ok_and(|known| known.kind == Kind::Atevery);
    match &entry.outcome {
        Outcome::Failed(reason) => Some(format!("{scenario:?} of {jobs} jobs on {engine}: {reason}")),
        Outcome::DidNotFinish if is_atevery => Some(format!("{scenario:?} of {jobs} jobs on {engine}: did not finish")),
        Outcome::Done(Record { lost: Some(lost), .. }) if *lost > 0 && is_atevery => Some(format!(
            "{scenario:?} of {jobs} jobs on {engine}: {lost} runs were not made up for within seconds"
        )),
        _ => None,
    }
}

/// The processor, the number of its cores, and the operating system.
fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{processors} × {model}, Linux {}", kernel.trim())
}
