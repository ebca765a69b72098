//! The jobs on virtual time, where months pass in minutes and every byte is counted.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use atevery::Scheduler;
use atevery::runtime::{Runtime, Timer};
use atevery::testing::VirtualTime;

use crate::findings::Findings;
use crate::load::{AHEAD, INTERVAL, Load, Mixture};
use crate::memory::live_bytes;
use crate::options::Options;

/// The clock moves by this much at a time, to an instant at which no run is in progress.
const STRIDE: u64 = 100;
const WARM_UP: u64 = 500;
const QUIET: Duration = Duration::from_millis(800);

pub(crate) fn run(options: &Options) -> Result<Findings, Box<dyn Error>> {
    let time = VirtualTime::new();
    let runtime: Arc<dyn Runtime> = Arc::new(time.clone());
    let scheduler = Scheduler::new(time.clone());
    let rounds = WARM_UP + options.runs.div_ceil(options.jobs as u64).next_multiple_of(STRIDE);
    let mixture = Mixture {
        jobs: options.jobs,
        blocking: 0,
        rounds,
    };
    let begin = Instant::now();
    let load = Load::register(&scheduler, &runtime, time.now() + AHEAD, &mixture)?;
    scheduler.start()?;
    time.advance(AHEAD + QUIET);
    pass(&time, WARM_UP);
    let before = live_bytes();
    pass(&time, rounds - 1 - WARM_UP);
    let growth = live_bytes() - before;

    let mut findings = Findings::default();
    findings.report("virtual time");
    findings.report(format!(
        "{} s in {:.1} s",
        time.elapsed().as_secs(),
        begin.elapsed().as_secs_f64()
    ));
    findings.report(format!("{} jobs", options.jobs));
    let report = time.block_on(scheduler.stop());
    findings.demand(
        report.cancelled().is_empty() && report.is_clean(),
        format!("the stop was not clean: {report}"),
    );
    load.demand_exact_counts(time.now(), &mut findings);
    load.demand_punctuality(&mut findings);
    findings.report(format!("{before} bytes, {growth:+} at the end"));
    findings.demand(growth == 0, format!("{growth} bytes more than after the warm-up"));
    Ok(findings)
}

fn pass(time: &VirtualTime, rounds: u64) {
    for stride in (0..rounds).step_by(STRIDE as usize) {
        time.advance(INTERVAL * u32::try_from(STRIDE.min(rounds - stride)).unwrap_or_default());
    }
}
