//! Virtual time with faults. Each fault leaves a note for the model: what the executor did, to which task, and when.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use atevery::runtime::{BoxFuture, SpawnError, Spawner, Timer};
use atevery::testing::VirtualTime;

use crate::scenario::Fate;

#[derive(Clone)]
pub(crate) struct Shaky {
    pub(crate) time: VirtualTime,
    faults: Arc<Mutex<Faults>>,
}

struct Faults {
    fate: Fate,
    /// The next so many spawns.
    spawns: usize,
    /// The next so many sleeps.
    early: usize,
    last_fate: Fate,
    instants: HashSet<Instant>,
}

impl Shaky {
    pub(crate) fn new(time: &VirtualTime) -> Shaky {
        Shaky {
            time: time.clone(),
            faults: Arc::new(Mutex::new(Faults {
                fate: Fate::Granted,
                spawns: 0,
                early: 0,
                last_fate: Fate::Granted,
                instants: HashSet::new(),
            })),
        }
    }

    pub(crate) fn set(&self, fate: Fate, spawns: usize) {
        let mut faults = self.faults.lock().unwrap();
        (faults.fate, faults.spawns) = (fate, spawns);
    }

    pub(crate) fn set_early(&self, sleeps: usize) {
        self.faults.lock().unwrap().early = sleeps;
    }

    /// The fate of the last spawn.
    pub(crate) fn last_fate(&self) -> Fate {
        self.faults.lock().unwrap().last_fate
    }

    /// When spawns were refused or lost.
    pub(crate) fn instants(&self) -> HashSet<Instant> {
        self.faults.lock().unwrap().instants.clone()
    }

    fn next_fate(&self) -> Fate {
        let mut faults = self.faults.lock().unwrap();
        let hit = faults.spawns > 0 && faults.fate != Fate::Granted;
        faults.spawns = faults.spawns.saturating_sub(1);
        faults.last_fate = if hit { faults.fate } else { Fate::Granted };
        if hit {
            faults.instants.insert(self.time.now());
        }
        faults.last_fate
    }

    fn is_early(&self) -> bool {
        let mut faults = self.faults.lock().unwrap();
        let early = faults.early > 0;
        faults.early = faults.early.saturating_sub(1);
        early
    }
}

impl Spawner for Shaky {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        match self.next_fate() {
            Fate::Granted => self.time.spawn(future),
            Fate::Refused => Err(SpawnError::shutdown()),
            Fate::Lost => {
                drop(future);
                Ok(())
            }
        }
    }
}

impl Timer for Shaky {
    fn now(&self) -> Instant {
        self.time.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let now = self.time.now();
        let early = deadline > now && self.is_early();
        self.time
            .sleep_until(if early { now + (deadline - now) / 2 } else { deadline })
    }

    fn wall(&self) -> SystemTime {
        self.time.wall()
    }
}
