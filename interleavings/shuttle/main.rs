//! The whole scheduler on an executor of several threads, in thousands of random interleavings.
//!
//! `INTERLEAVINGS=100000` runs each scenario in so many interleavings. A failure prints a schedule, which
//! `shuttle::replay` repeats.

mod control;
mod one_job;
mod stops;
mod ticks;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// Number of interleavings of each scenario, unless the environment says otherwise.
const INTERLEAVINGS: usize = 1_000;

/// Runs a scenario in random interleavings. Half of them take any thread at each step. The others let threads run and
/// interrupt them at few moments, because rare faults need few interruptions.
fn explore(scenario: fn()) {
    let wanted = std::env::var("INTERLEAVINGS").map_or(INTERLEAVINGS, |text| text.parse().expect("a number"));
    let seen = Seen::default();
    run(RandomScheduler::new(wanted.div_ceil(2)), scenario, &seen);
    for interruptions in [2, 4] {
        run(PctScheduler::new(interruptions, wanted.div_ceil(4)), scenario, &seen);
    }
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn(), Seen(seen): &Seen) {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    config.silence_warnings = true;
    let seen = Arc::clone(seen);
    Runner::new(scheduler, config).run(move || {
        seen.fetch_add(1, Ordering::Relaxed);
        scenario();
    });
}

/// Number of interleavings that were run: as many as wanted, or as many as it took to find a fault.
#[derive(Default)]
struct Seen(Arc<AtomicUsize>);

impl Drop for Seen {
    fn drop(&mut self) {
        let test = std::thread::current();
        let (name, seen) = (test.name().unwrap_or_default(), self.0.load(Ordering::Relaxed));
        println!("{name}: {seen} interleavings");
    }
}
