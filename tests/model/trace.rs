//! The events of a play, and how two traces are compared.

use std::collections::HashSet;
use std::fmt;

use crate::scenario::{Fate, Outcome};

/// Nanoseconds from the begin of the scenario. Wide enough that no sum of durations overflows.
pub(crate) type Nanos = i128;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub(crate) moment: Moment,
    pub(crate) what: What,
}

/// When an event happens. Events before and after an operation at the same instant have different moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment {
    /// Number of steps of the scenario that were done or begun.
    pub(crate) step: usize,
    pub(crate) at: Nanos,
}

/// A job has the number of its registration, and a stop the number of its first poll.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Begin {
        job: usize,
        number: u64,
        scheduled: Nanos,
        due: Nanos,
        started: Nanos,
        missed: u64,
    },
    /// A further attempt of a run.
    Attempt {
        job: usize,
        number: u64,
    },
    /// The end of an attempt.
    End {
        job: usize,
        number: u64,
        outcome: Outcome,
    },
    Cancelled {
        job: usize,
        number: u64,
    },
    TooShort,
    InvalidOption,
    Started(Answer),
    Stopped {
        stop: usize,
        finished: Vec<usize>,
        cancelled: Vec<usize>,
        still_running: Vec<usize>,
    },
    /// After each step.
    State {
        running: bool,
        jobs: Vec<usize>,
    },
    /// At the end, of each job.
    Sum {
        job: usize,
        runs: u64,
        running: bool,
    },
    /// At the end, of the executor.
    Left {
        tasks: usize,
        timers: usize,
    },
}

/// The result of `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    Fine,
    AlreadyStarted,
    Stopping,
    Spawn,
}

/// A play of the real scheduler.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) trace: Vec<Event>,
    /// The fate of the loop of each start.
    pub(crate) fates: Vec<Fate>,
    /// When a spawn was refused or lost.
    pub(crate) faults: HashSet<Nanos>,
}

/// Two traces that differ.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The number of events that are the same.
    pub(crate) first: usize,
    model: Vec<Event>,
    library: Vec<Event>,
}

/// Returns where the traces differ, if they do. Within a moment, runs must begin in the same order. The order of all
/// other events of a moment is left open.
pub(crate) fn compare(model: &[Event], library: &[Event]) -> Result<(), Difference> {
    let (model, library) = (normal(model), normal(library));
    let same = model.iter().zip(&library).take_while(|(one, other)| one == other);
    let first = same.count();
    if first == model.len() && first == library.len() {
        return Ok(());
    }
    Err(Difference { first, model, library })
}

fn normal(trace: &[Event]) -> Vec<Event> {
    let mut normal = trace.to_vec();
    for moment in normal.chunk_by_mut(|one, other| one.moment == other.moment) {
        moment.sort_by(|one, other| match (&one.what, &other.what) {
            (What::Begin { .. }, What::Begin { .. }) => std::cmp::Ordering::Equal,
            _ => one.cmp(other),
        });
    }
    normal
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first;
        let say = |trace: &[Event]| trace.get(first).map_or("nothing".to_owned(), Event::to_string);
        writeln!(f, "first difference:")?;
        writeln!(f, "  model:   {}\n  library: {}", say(&self.model), say(&self.library))?;
        writeln!(f, "\nmodel:\n{}", lines(&self.model, first))?;
        writeln!(f, "library:\n{}", lines(&self.library, first))
    }
}

/// The trace around the first difference, with a mark at the difference.
fn lines(trace: &[Event], first: usize) -> String {
    let begin = first.saturating_sub(40);
    let shown = trace.iter().enumerate().skip(begin).take(first - begin + 6);
    let left_out = if begin > 0 {
        format!("  ({begin} events)\n")
    } else {
        String::new()
    };
    let mark = |index| if index == first { ">" } else { " " };
    left_out
        + &shown
            .map(|(index, event)| format!("{} {event}\n", mark(index)))
            .collect::<String>()
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { moment, what } = self;
        let (sign, at) = (if moment.at < 0 { "-" } else { "" }, moment.at.unsigned_abs());
        let (millis, nanos) = (at / 1_000_000, at % 1_000_000);
        write!(f, "{:>3} {sign}{millis}.{nanos:06} ms  {what:?}", moment.step)
    }
}
