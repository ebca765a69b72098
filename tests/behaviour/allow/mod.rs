//! Several runs of a job at a time.

mod each_run;
mod ending;
mod number;
mod refusals;
mod threads;

use std::sync::{Arc, Mutex};

use atevery::runtime::BoxFuture;
use atevery::testing::VirtualTime;
use atevery::{Allow, JobBuilder, Run, Several};

use crate::support::{Log, World, ms};

fn allowing(world: &World, interval_ms: u64, runs: usize) -> JobBuilder<Several> {
    world.every(interval_ms).name("a").on_overlap(Allow(runs))
}

/// The number of runs at once.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Arc<Mutex<(usize, usize)>>);

pub(crate) struct Entered(Gauge);

impl Gauge {
    pub(crate) fn enter(&self) -> Entered {
        let mut counts = self.0.lock().unwrap();
        counts.0 += 1;
        counts.1 = counts.1.max(counts.0);
        Entered(self.clone())
    }

    pub(crate) fn now(&self) -> usize {
        self.0.lock().unwrap().0
    }

    pub(crate) fn peak(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().0 -= 1;
    }
}

/// A target. Each run notes its number, and takes as long as `duration_ms` returns for this number.
fn taking(
    log: &Log,
    time: &VirtualTime,
    duration_ms: impl Fn(u64) -> u64 + Send + Sync + 'static,
) -> impl Fn(Run) -> BoxFuture<'static, ()> + Send + Sync + 'static {
    let (log, time) = (log.clone(), time.clone());
    move |run: Run| {
        log.note(run.number().to_string());
        time.sleep(ms(duration_ms(run.number())))
    }
}
