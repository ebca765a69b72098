//! The measurements of a run, and how often each is taken.

use std::time::Duration;

use crate::engines::{ALL, Kind, Known};
use crate::measurement::{Body, Measurement, Phase, Scenario};

/// The options of the command line.
#[derive(Debug, Clone)]
pub struct Choice {
    pub scenarios: Vec<Scenario>,
    /// Names of engines; all if there are none.
    pub engines: Vec<String>,
    /// Numbers of jobs, instead of each scenario's own.
    pub jobs: Vec<usize>,
    pub repeat: usize,
    pub window: Duration,
    /// A quick check that everything works.
    pub short: bool,
}

/// A measurement and how often it is taken.
#[derive(Debug, Clone)]
pub struct Step {
    pub measurement: Measurement,
    pub repeat: usize,
}

const SECOND: Duration = Duration::from_secs(1);

/// With so few jobs, only the wake-ups of threads count, and the usual window has only two or three of them.
const FEW: usize = 10;

/// The interval of a job that is due outside the window.
const SELDOM: Duration = Duration::from_secs(60);

pub fn plan(choice: &Choice) -> Vec<Step> {
    let known: Vec<&Known> = ALL.iter().filter(|known| choice.wants(known)).collect();
    let mut steps = Vec::new();
    for scenario in &choice.scenarios {
        for known in &known {
            steps.extend(choice.steps(*scenario, known));
        }
    }
    steps
}

impl Choice {
    fn wants(&self, known: &Known) -> bool {
        let named = self.engines.iter().any(|name| name == known.name);
        named || (self.engines.is_empty() && !(self.short && known.kind == Kind::Python))
    }

    fn steps(&self, scenario: Scenario, known: &Known) -> Vec<Step> {
        match scenario {
            Scenario::Load => self.load(known),
            Scenario::Lateness => self.lateness(known),
            Scenario::Awaits => self.awaits(known),
            Scenario::Idle => self.idle(known),
            Scenario::Resolution => self.resolution(known),
            Scenario::Heartbeat => self.heartbeat(known),
            Scenario::Allocations => self.allocations(known),
        }
    }

    fn load(&self, known: &Known) -> Vec<Step> {
        // Libraries are much slower, so one measurement is enough to compare them.
        let repeat = if is_close(known) { self.repeat } else { 1 };
        let mut steps = Vec::new();
        for jobs in self.jobs(&[1, 10, 1_000, 10_000, 100_000, 1_000_000]) {
            for phase in phases(known) {
                // A single job cannot be bunched.
                if phase == Phase::Bunched || jobs > FEW {
                    let mut step = self.step(Scenario::Load, known, jobs, phase, Body::Count).times(repeat);
                    step.measurement.window *= if jobs > FEW || self.short { 1 } else { 5 };
                    steps.push(step);
                }
            }
        }
        steps
    }

    fn lateness(&self, known: &Known) -> Vec<Step> {
        let repeat = if is_close(known) { (self.repeat / 2).max(1) } else { 1 };
        let mut steps = Vec::new();
        for jobs in self.jobs(&[1_000, 10_000, 100_000, 1_000_000]) {
            for phase in phases(known) {
                let mut step = self
                    .step(Scenario::Lateness, known, jobs, phase, Body::Clock)
                    .times(repeat);
                step.measurement.window *= if self.short { 1 } else { 2 };
                steps.push(step);
            }
        }
        steps
    }

    fn awaits(&self, known: &Known) -> Vec<Step> {
        let can_wait = is_close(known) && known.kind != Kind::Floor && known.name != "atevery-tokio-sync";
        let mut steps = Vec::new();
        for jobs in self.jobs(&[10_000, 100_000]).into_iter().filter(|_| can_wait) {
            for body in [Body::Sleep, Body::Yield] {
                steps.push(
                    self.step(Scenario::Awaits, known, jobs, Phase::Bunched, body)
                        .times(self.repeat),
                );
            }
        }
        steps
    }

    fn idle(&self, known: &Known) -> Vec<Step> {
        let mut steps = Vec::new();
        for jobs in self.jobs(&[1, 1_000_000]) {
            let mut step = self.step(Scenario::Idle, known, jobs, Phase::Bunched, Body::Count);
            step.measurement.interval = SELDOM;
            step.measurement.window = if self.short { self.window } else { 5 * self.window };
            // Many jobs show nothing new, and slower engines take too long to register them.
            if jobs == 1 || is_close(known) {
                steps.push(step);
            }
        }
        steps
    }

    fn resolution(&self, known: &Known) -> Vec<Step> {
        // The cost of more wake-ups is the same question on every runtime, and for the floor.
        let measured = ["limit-live", "atevery-tokio-sync", "atevery-tokio"].contains(&known.name);
        let mut steps = Vec::new();
        for jobs in self.jobs(&[1_000]).into_iter().filter(|_| measured) {
            for phase in phases(known) {
                for tick in [1, 50] {
                    let mut step = self
                        .step(Scenario::Resolution, known, jobs, phase, Body::Count)
                        .times(self.repeat);
                    step.measurement.resolution = Some(Duration::from_millis(tick));
                    steps.push(step);
                }
            }
        }
        steps
    }

    fn heartbeat(&self, known: &Known) -> Vec<Step> {
        let on_two_workers = ["atevery-tokio-sync", "atevery-tokio", "tokio-interval"].contains(&known.name);
        let jobs = self.jobs(&[1, 1_000_000]).into_iter().filter(|_| on_two_workers);
        jobs.map(|jobs| {
            self.step(Scenario::Heartbeat, known, jobs, Phase::Bunched, Body::Count)
                .times(self.repeat)
        })
        .collect()
    }

    fn allocations(&self, known: &Known) -> Vec<Step> {
        let mut steps = Vec::new();
        for jobs in self.jobs(&[1_000, 100_000]).into_iter().filter(|_| is_close(known)) {
            for phase in phases(known) {
                steps.push(self.step(Scenario::Allocations, known, jobs, phase, Body::Count));
            }
        }
        steps
    }

    fn jobs(&self, usual: &[usize]) -> Vec<usize> {
        if !self.jobs.is_empty() {
            self.jobs.clone()
        } else if self.short {
            vec![100, 1_000]
        } else {
            usual.to_vec()
        }
    }

    fn step(&self, scenario: Scenario, known: &Known, jobs: usize, phase: Phase, body: Body) -> Step {
        Step {
            measurement: Measurement {
                scenario,
                engine: known.name.to_owned(),
                jobs,
                phase,
                body,
                interval: SECOND,
                window: self.window,
                resolution: None,
            },
            repeat: 1,
        }
    }
}

impl Step {
    fn times(mut self, repeat: usize) -> Step {
        self.repeat = repeat;
        self
    }
}

fn phases(known: &Known) -> Vec<Phase> {
    let mut phases = vec![Phase::Bunched];
    phases.extend(known.has_phases.then_some(Phase::Spread));
    phases
}

/// Whether the engine is so close to `atevery` that repeated measurements are useful.
fn is_close(known: &Known) -> bool {
    known.has_phases
}
