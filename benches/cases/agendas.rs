//! The agenda alone: which jobs are due, and when is the next job due?

use std::time::Duration;

use super::{Case, TICK, mixed_interval};
use crate::time::{Agenda, Grid, JobIndex, Span, Time};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for jobs in [1, 1_000, 10_000, 100_000, 1_000_000] {
        cases.push(second(jobs, "the same interval", |_| SECOND));
        cases.push(second(jobs, "mixed intervals", mixed_interval));
    }
    for jobs in [1_000, 100_000] {
        cases.extend([insert(jobs), remove(jobs), renumber(jobs), nothing_due(jobs)]);
    }
    cases
}

/// Takes the jobs that come due within a second, tick by tick, and inserts each for its next run. Items are runs.
fn second(jobs: u64, what: &str, interval: fn(u64) -> Duration) -> Case {
    let runs: f64 = (0..jobs).map(|job| SECOND.div_duration_f64(interval(job))).sum();
    let name = format!("agenda, a second of {jobs} with {what}");
    Case::again(name, runs.ceil() as u64, move || {
        let mut turning = Turning::new(jobs, interval);
        move || (0..SECOND.div_duration_f64(TICK) as u32).for_each(|_| turning.tick())
    })
}

fn insert(jobs: u64) -> Case {
    Case::once(format!("agenda, insert {jobs}"), jobs, move || {
        let intervals = intervals(jobs, mixed_interval);
        move || filled(&intervals)
    })
}

fn remove(jobs: u64) -> Case {
    Case::once(format!("agenda, remove {jobs}"), jobs, move || {
        let mut agenda = Turning::new(jobs, mixed_interval).agenda;
        move || {
            (0..jobs as JobIndex).for_each(|job| agenda.remove(job));
            agenda
        }
    })
}

/// Every second job is removed.
fn renumber(jobs: u64) -> Case {
    Case::once(format!("agenda, renumber {jobs}"), jobs, move || {
        let mut agenda = Turning::new(jobs, mixed_interval).agenda;
        let renumbered: Vec<Option<JobIndex>> = (0..jobs as JobIndex)
            .map(|job| (job % 2 == 0).then_some(job / 2))
            .collect();
        move || {
            agenda.renumber(&renumbered);
            (agenda, renumbered)
        }
    })
}

fn nothing_due(jobs: u64) -> Case {
    Case::again(format!("agenda, none due of {jobs}"), 1, move || {
        let mut turning = Turning::new(jobs, |_| SECOND);
        turning.tick();
        move || {
            turning.agenda.take_due(turning.now, &mut turning.due);
            std::hint::black_box((turning.agenda.next_wake(), turning.agenda.is_on_tick(turning.now)));
        }
    })
}

/// An agenda whose jobs are done as soon as they are due.
struct Turning {
    agenda: Agenda,
    now: Time,
    intervals: Vec<Span>,
    due: Vec<JobIndex>,
}

impl Turning {
    fn new(jobs: u64, interval: fn(u64) -> Duration) -> Turning {
        let intervals = intervals(jobs, interval);
        Turning {
            agenda: filled(&intervals),
            now: Time::ORIGIN,
            intervals,
            due: Vec::new(),
        }
    }

    fn tick(&mut self) {
        self.now = self.now.after(TICK.into());
        self.due.clear();
        self.agenda.take_due(self.now, &mut self.due);
        for job in self.due.iter().copied() {
            let deadline = self.now.after(self.intervals[job as usize]);
            self.agenda.insert(job, deadline, self.now);
        }
    }
}

fn intervals(jobs: u64, interval: fn(u64) -> Duration) -> Vec<Span> {
    (0..jobs).map(|job| interval(job).into()).collect()
}

/// An agenda on which each job is due one interval after the origin.
fn filled(intervals: &[Span]) -> Agenda {
    let mut agenda = Agenda::new(Grid::new(Time::ORIGIN, TICK.into()));
    for (job, interval) in intervals.iter().enumerate() {
        agenda.insert(job as JobIndex, Time::ORIGIN.after(*interval), Time::ORIGIN);
    }
    agenda
}
