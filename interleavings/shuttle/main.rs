//! The whole scheduler on an executor of several threads, in thousands of random interleavings.
//!
//! `INTERLEAVINGS=100000` looks at so many of each scenario. What fails prints a schedule, which `shuttle::replay` repeats.

mod control;
mod stops;
mod world;

use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// Of each scenario, unless the environment says otherwise.
const INTERLEAVINGS: usize = 1_000;

/// Runs a scenario in random interleavings: half of them take any thread at each step, the others let threads run and
/// interrupt them at few moments, which is how rare faults come about.
fn explore(scenario: fn()) {
    let wanted = std::env::var("INTERLEAVINGS").map_or(INTERLEAVINGS, |text| text.parse().expect("a number"));
    let begin = Instant::now();
    run(RandomScheduler::new(wanted.div_ceil(2)), scenario);
    for interruptions in [2, 4] {
        run(PctScheduler::new(interruptions, wanted.div_ceil(4)), scenario);
    }
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    println!("{name}: {wanted} interleavings in {:.1?}", begin.elapsed());
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn()) {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(scenario);
}
