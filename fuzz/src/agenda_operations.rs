//! Random operations on the agenda. Each result is compared with the results that the model allows.

use std::time::Duration;

use arbitrary::Arbitrary;

use crate::model::Model;
use crate::time::{Agenda, Grid, JobIndex, Span, Time};

/// Few jobs and short times, so that due times coincide.
const JOBS: JobIndex = 20;
const MOST_OPERATIONS: usize = 300;

#[derive(Debug, Arbitrary)]
pub struct Input {
    start: u16,
    resolution: u8,
    operations: Vec<Operation>,
}

#[derive(Debug, Arbitrary)]
enum Operation {
    Insert {
        job: u8,
        deadline: Deadline,
    },
    Remove {
        job: u8,
    },
    /// Keeps the jobs whose bit is set, and closes the gaps.
    Renumber {
        kept: u32,
    },
    TakeDue,
    Pass {
        nanos: u8,
    },
    PassToNextWake,
    JumpAhead {
        nanos: u32,
    },
    StepBack {
        nanos: u8,
    },
}

#[derive(Debug, Arbitrary)]
enum Deadline {
    /// From a little in the past to a little in the future.
    Near(i8),
    Any(i64),
    Never,
}

pub fn check(input: &Input) {
    let mut run = Run::new(input);
    for operation in input.operations.iter().take(MOST_OPERATIONS) {
        run.carry_out(operation);
    }
    run.drain();
}

struct Run {
    agenda: Agenda,
    model: Model,
    now: i64,
    /// The number of jobs that have an index.
    jobs: JobIndex,
}

impl Run {
    fn new(input: &Input) -> Run {
        let start = i64::from(input.start);
        let resolution = i64::from(input.resolution.max(1));
        let span = Span::from(Duration::from_nanos(resolution.unsigned_abs()));
        Run {
            agenda: Agenda::new(Grid::new(Time::from_nanos(start), span)),
            model: Model::new(start, resolution),
            now: start,
            jobs: 0,
        }
    }

    fn carry_out(&mut self, operation: &Operation) {
        match operation {
            Operation::Insert { job, deadline } => self.insert(JobIndex::from(*job) % JOBS, deadline),
            Operation::Remove { job } => self.remove(JobIndex::from(*job) % JOBS),
            Operation::Renumber { kept } => self.renumber(*kept),
            Operation::TakeDue => self.take_due(),
            Operation::Pass { nanos } => self.pass((*nanos).into()),
            Operation::JumpAhead { nanos } => self.pass((*nanos).into()),
            Operation::PassToNextWake => self.pass_to_next_wake(),
            Operation::StepBack { nanos } => {
                self.now -= i64::from(*nanos);
                self.model.step_back();
            }
        }
        self.model.check_next_wake(self.next_wake());
    }

    fn insert(&mut self, job: JobIndex, deadline: &Deadline) {
        let deadline = match deadline {
            Deadline::Near(nanos) => self.now.saturating_add((*nanos).into()),
            Deadline::Any(nanos) => *nanos,
            Deadline::Never => Time::NEVER.as_nanos(),
        };
        self.jobs = self.jobs.max(job + 1);
        self.agenda
            .insert(job, Time::from_nanos(deadline), Time::from_nanos(self.now));
        self.model.insert(job, deadline, self.now);
    }

    fn remove(&mut self, job: JobIndex) {
        self.agenda.remove(job);
        self.model.remove(job);
    }

    fn renumber(&mut self, kept: u32) {
        let mut numbers = 0..;
        let renumbered: Vec<Option<JobIndex>> = (0..self.jobs)
            .map(|job| (kept >> job & 1 == 1).then(|| numbers.next()).flatten())
            .collect();
        self.jobs = renumbered.iter().flatten().count() as JobIndex;
        self.agenda.renumber(&renumbered);
        self.model.renumber(&renumbered);
    }

    fn take_due(&mut self) {
        let before = JobIndex::MAX - 1;
        let mut due = vec![before];
        self.agenda.take_due(Time::from_nanos(self.now), &mut due);
        assert_eq!(due.remove(0), before, "what was in the list stays there");
        self.model.check_due(self.now, &due);
        if let Some(wake) = self.next_wake() {
            assert!(
                wake > self.now,
                "the loop would spin: at {} it wakes at {wake}",
                self.now
            );
        }
    }

    fn pass(&mut self, nanos: i64) {
        // No clock ever returns `NEVER`.
        self.now = self.now.saturating_add(nanos).min(Time::NEVER.as_nanos() - 1);
    }

    fn pass_to_next_wake(&mut self) {
        let wake = self.next_wake().filter(|wake| *wake < Time::NEVER.as_nanos());
        self.now = wake.map_or(self.now, |wake| wake.max(self.now));
    }

    fn next_wake(&self) -> Option<i64> {
        self.agenda.next_wake().map(Time::as_nanos)
    }

    /// After any operations, if the loop wakes at each wake time, all jobs come up. Only jobs that are due past the end
    /// of time may be left.
    fn drain(&mut self) {
        while self.next_wake().is_some_and(|wake| wake < Time::NEVER.as_nanos()) {
            self.pass_to_next_wake();
            self.take_due();
        }
        self.model.check_empty();
    }
}
