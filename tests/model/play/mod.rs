//! Plays a scenario on the real scheduler, on virtual time, and records the trace.

mod attempts;
mod changes;
mod jobs;
mod ops;
mod stops;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Job, MissedTicks, Scheduler};

use crate::play::attempts::Attempts;
use crate::play::stops::WaitingStop;
use crate::scenario::{Policy, SEED, Scenario};
use crate::shaky::Shaky;
use crate::trace::{Event, Moment, Nanos, Seen, What};

/// The clock starts this long before the scenario, so that it can step back.
const BEFORE: Duration = Duration::from_secs(1_000);

pub(crate) fn play(scenario: &Scenario) -> Seen {
    let player = Player::new(scenario);
    for (index, step) in scenario.steps.iter().enumerate() {
        if !step.after.is_zero() {
            player.pass(step.after);
        }
        player.0.step.store(index + 1, Ordering::Relaxed);
        player.apply(step.op);
        player.note_state();
    }
    player.pass(scenario.resolution * 5);
    player.drop_scheduler();
    player.pass(scenario.resolution * 5);
    player.finish()
}

#[derive(Clone)]
struct Player(Arc<World>);

struct World {
    scenario: Scenario,
    time: VirtualTime,
    runtime: Shaky,
    begin: Instant,
    step: AtomicUsize,
    /// `Some` until the scheduler is dropped. Jobs hold no handle, because a handle would keep the scheduler alive.
    scheduler: Mutex<Option<Scheduler>>,
    jobs: Mutex<Vec<Job>>,
    /// By the number of the job.
    attempts: Mutex<HashMap<usize, Arc<Attempts>>>,
    /// The stops that wait.
    stops: Mutex<Vec<Arc<WaitingStop>>>,
    stops_so_far: Mutex<usize>,
    seen: Mutex<Seen>,
}

/// The passage of time.
impl Player {
    fn new(scenario: &Scenario) -> Player {
        let time = VirtualTime::new();
        time.advance(BEFORE);
        let runtime = Shaky::new(&time);
        let scheduler = Scheduler::builder(runtime.clone())
            .resolution(scenario.resolution)
            .seed(SEED)
            .missed_ticks(missed_ticks(scenario.policy))
            .build()
            .expect("the resolution is valid");
        Player(Arc::new(World {
            scenario: scenario.clone(),
            begin: time.now(),
            time,
            runtime,
            step: AtomicUsize::new(0),
            scheduler: Mutex::new(Some(scheduler)),
            jobs: Mutex::default(),
            attempts: Mutex::default(),
            stops: Mutex::default(),
            stops_so_far: Mutex::default(),
            seen: Mutex::default(),
        }))
    }

    /// Lets time pass until the executor has nothing left to do. If jobs block the thread, more time may pass.
    fn pass(&self, by: Duration) {
        let time = &self.0.time;
        let target = time.now() + by;
        loop {
            time.advance(target.saturating_duration_since(time.now()));
            time.run_until_stalled();
            if time.now() >= target {
                return;
            }
        }
    }

    fn nanos_of(&self, instant: Instant) -> Nanos {
        let begin = self.0.begin;
        let ahead = instant.saturating_duration_since(begin).as_nanos();
        let behind = begin.saturating_duration_since(instant).as_nanos();
        ahead as Nanos - behind as Nanos
    }

    fn note(&self, what: What) {
        let moment = Moment {
            step: self.0.step.load(Ordering::Relaxed),
            at: self.nanos_of(self.0.time.now()),
        };
        self.0.seen.lock().unwrap().trace.push(Event { moment, what });
    }

    fn note_state(&self) {
        let scheduler = self.scheduler();
        let jobs = self.indices(&scheduler.jobs());
        let running = scheduler.is_running();
        self.note(What::State { running, jobs });
    }

    /// The scheduler is gone. Nothing of it may be left on the executor.
    fn finish(self) -> Seen {
        for (job, handle) in self.0.jobs.lock().unwrap().iter().enumerate() {
            let (runs, running) = (handle.runs(), handle.is_running());
            self.note(What::Sum { job, runs, running });
        }
        let (tasks, timers) = (self.0.time.tasks(), self.0.time.timers());
        self.note(What::Left { tasks, timers });
        let mut seen = std::mem::take(&mut *self.0.seen.lock().unwrap());
        let faults = self.0.runtime.instants();
        seen.faults = faults.into_iter().map(|instant| self.nanos_of(instant)).collect();
        self.0.time.shut_down();
        seen
    }
}

fn missed_ticks(policy: Policy) -> MissedTicks {
    match policy {
        Policy::Burst => MissedTicks::Burst,
        Policy::Skip => MissedTicks::Skip,
        Policy::Delay => MissedTicks::Delay,
    }
}
