//! Jobs by a calendar.

mod clocks;
mod control;
mod faults;
mod missed;
mod options;
mod schedule;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::testing::VirtualTime;
use atevery::{Calendar, EventKind, Job, JobBuilder, Run, Scheduler};

use crate::support::ms;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// 1 March 2026, 12:00 UTC, a Sunday.
fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_772_366_400)
}

/// The slot of a run, and the number of slots that it has missed.
type Noted = (Option<SystemTime>, u64);

/// A scheduler on virtual time that starts at noon, and what its runs were.
#[derive(Clone)]
struct Office {
    time: VirtualTime,
    scheduler: Scheduler,
    runs: Arc<Mutex<Vec<Noted>>>,
    events: Arc<Mutex<Vec<EventKind>>>,
}

impl Office {
    fn new() -> Office {
        Office::at(noon())
    }

    fn at(wall: SystemTime) -> Office {
        let time = VirtualTime::at(wall);
        let events = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&events);
        let scheduler = Scheduler::builder(time.clone())
            .on_event(move |event| log.lock().unwrap().push(event.kind().clone()))
            .build()
            .unwrap();
        Office {
            time,
            scheduler,
            runs: Arc::default(),
            events,
        }
    }

    /// A target that notes its runs.
    fn noting(&self) -> impl Fn(Run) + Send + Sync + use<> {
        let runs = Arc::clone(&self.runs);
        move |run: Run| runs.lock().unwrap().push((run.slot(), run.missed()))
    }

    fn note(&self, builder: JobBuilder) -> Job {
        builder.name("job").run(self.noting()).unwrap()
    }

    fn start(&self) {
        self.scheduler.start().unwrap();
        self.time.run_until_stalled();
    }

    /// Lets the time pass, and returns the slots of the runs since the last call, in minutes from noon.
    fn slots_after(&self, span: Duration) -> Vec<i64> {
        self.time.advance(span);
        self.take_slots()
    }

    fn take_slots(&self) -> Vec<i64> {
        let runs = std::mem::take(&mut *self.runs.lock().unwrap());
        runs.into_iter()
            .map(|(slot, _)| minutes_from_noon(slot.expect("a slot")))
            .collect()
    }

    /// Lets the time pass, and returns the slots of the runs, and how many slots each has missed.
    fn missed_after(&self, span: Duration) -> Vec<(i64, u64)> {
        self.time.advance(span);
        let runs = std::mem::take(&mut *self.runs.lock().unwrap());
        let of = |(slot, missed): Noted| (minutes_from_noon(slot.expect("a slot")), missed);
        runs.into_iter().map(of).collect()
    }
}

fn minutes_from_noon(time: SystemTime) -> i64 {
    match time.duration_since(noon()) {
        Ok(since) => (since.as_secs() / 60) as i64,
        Err(error) => -((error.duration().as_secs() / 60) as i64),
    }
}

/// Slots at these minutes from noon: appointments, or a rhythm.
struct Minutes {
    slots: Vec<u64>,
    is_rhythm: bool,
}

impl Calendar for Minutes {
    fn next(&self, after: SystemTime) -> Option<SystemTime> {
        let slots = self.slots.iter().map(|minute| noon() + MINUTE * *minute as u32);
        slots.into_iter().find(|slot| *slot > after)
    }

    fn describe(&self) -> String {
        String::from("minutes")
    }

    fn is_rhythm(&self) -> bool {
        self.is_rhythm
    }
}

fn appointments(slots: &[u64]) -> Minutes {
    Minutes {
        slots: slots.to_vec(),
        is_rhythm: false,
    }
}
