//! One measurement, in the process that is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::Error;
use crate::engines::{self, Known};
use crate::measurement::{Measurement, Phase, Record, Scenario};
use crate::probe::{Clocked, Probe, Schedule};
use crate::usage::{self, Usage};
use crate::work::Work;

/// The time that due runs may take before they count as lost.
const PATIENCE: Duration = Duration::from_secs(3);

/// Counts the allocations so far, in a process with the counting allocator.
pub type Allocations = fn() -> Option<u64>;

/// Starts the engine, watches the engine for the window, and stops it.
pub fn measure(measurement: &Measurement, allocations: Allocations) -> Result<Record, Error> {
    let known = engines::find(&measurement.engine)?;
    let mut engine = engines::make(&measurement.engine)?;
    let work = prepare(measurement, known);
    let before = usage::resident()?;

    let start = Instant::now();
    engine.start(&work)?;
    let register = start.elapsed();

    sleep_until(opening(measurement, &work, known));
    let gap = match (measurement.scenario, engine.tokio()) {
        (Scenario::Heartbeat, Some(handle)) => Some(heartbeat(handle)),
        _ => None,
    };
    let opened = Sample::take(work.probe, allocations)?;
    sleep(measurement.window);
    let closed = Sample::take(work.probe, allocations)?;
    let gap = gap.map(|gap| gap.load(Relaxed) as f64);
    let resident = usage::resident()?.saturating_sub(before);
    let lost = known.has_phases.then(|| wait_for_the_rest(&work, closed.at));

    let stop = Instant::now();
    engine.stop()?;
    Ok(Record {
        register: register.as_secs_f64(),
        stop: stop.elapsed().as_secs_f64(),
        due: due(measurement),
        lost,
        resident: resident as f64,
        peak: usage::peak()? as f64,
        lateness: work.probe.lateness(),
        gap,
        ..closed.since(&opened)
    })
}

fn prepare(measurement: &Measurement, known: &Known) -> Work {
    let Measurement {
        jobs,
        interval,
        phase,
        body,
        ..
    } = *measurement;
    let begin = Instant::now() + lead(measurement);
    let mut work = Work {
        jobs,
        interval,
        phase,
        body,
        begin,
        probe: Box::leak(Box::new(Probe::counting())),
        resolution: measurement.resolution,
    };
    if work.is_clocked() {
        let clocked = Clocked::among(jobs);
        let phases = clocked.jobs().map(|job| phase.of(job, interval)).collect();
        let schedule = Schedule {
            begin,
            interval,
            phases: known.has_phases.then_some(phases),
        };
        let rounds = measurement.window.as_secs() as usize + 5;
        work.probe = Box::leak(Box::new(Probe::clocking(clocked, schedule, rounds)));
    }
    work
}

/// The time to register the jobs, before the first job is due.
fn lead(measurement: &Measurement) -> Duration {
    if measurement.scenario == Scenario::Idle {
        return measurement.interval;
    }
    let clocks = if measurement.scenario == Scenario::Lateness {
        2
    } else {
        1
    };
    Duration::from_millis(300) + Duration::from_micros(3) * measurement.jobs as u32 * clocks
}

/// When the measurement begins: after every job has run once, half-way between the instants at which bunched jobs are
/// due.
fn opening(measurement: &Measurement, work: &Work, known: &Known) -> Instant {
    let now = Instant::now();
    if measurement.scenario == Scenario::Idle || !known.has_phases {
        return now + Duration::from_millis(1_500);
    }
    let rounds = match measurement.phase {
        Phase::Bunched => 0,
        Phase::Spread => 1,
    };
    let mut opening = work.begin + work.interval / 2 + work.interval * rounds;
    while opening < now {
        opening += work.interval;
    }
    opening
}

fn due(measurement: &Measurement) -> u64 {
    if measurement.scenario == Scenario::Idle {
        return 0;
    }
    let rounds = measurement.window.as_secs_f64() / measurement.interval.as_secs_f64();
    (measurement.jobs as f64 * rounds).round() as u64
}

/// The counts at an instant.
struct Sample {
    at: Instant,
    runs: u64,
    usage: Usage,
    allocations: Option<u64>,
}

impl Sample {
    fn take(probe: &Probe, allocations: Allocations) -> Result<Sample, Error> {
        Ok(Sample {
            at: Instant::now(),
            runs: probe.runs(),
            usage: usage::usage()?,
            allocations: allocations(),
        })
    }

    fn since(&self, earlier: &Sample) -> Record {
        // One switch is the sleep of the thread that measures.
        let switches = self.usage.voluntary_switches - earlier.usage.voluntary_switches - 1;
        let allocations = self.allocations.zip(earlier.allocations);
        Record {
            runs: self.runs - earlier.runs,
            cpu: (self.usage.cpu - earlier.usage.cpu).as_nanos() as f64,
            switches: switches.max(0) as f64 / (self.at - earlier.at).as_secs_f64(),
            allocations: allocations.map(|(now, then)| now - then),
            ..Record::default()
        }
    }
}

/// The number of runs due by `closed` that are still missing after a while.
fn wait_for_the_rest(work: &Work, closed: Instant) -> u64 {
    let due: u64 = (0..work.jobs).map(|job| runs_due(work, job, closed)).sum();
    let give_up = Instant::now() + PATIENCE;
    while work.probe.runs() < due && Instant::now() < give_up {
        sleep(Duration::from_millis(10));
    }
    due.saturating_sub(work.probe.runs())
}

fn runs_due(work: &Work, job: usize, by: Instant) -> u64 {
    match by.checked_duration_since(work.first(job)) {
        Some(elapsed) => (elapsed.as_nanos() / work.interval.as_nanos()) as u64 + 1,
        None => 0,
    }
}

/// A task that sleeps for 1 ms again and again, and keeps the longest time between two beats.
fn heartbeat(handle: &Handle) -> Arc<AtomicU64> {
    let longest = Arc::new(AtomicU64::new(0));
    let gap = Arc::clone(&longest);
    handle.spawn(async move {
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let now = Instant::now();
            gap.fetch_max((now - last).as_nanos() as u64, Relaxed);
            last = now;
        }
    });
    longest
}

fn sleep_until(instant: Instant) {
    sleep(instant.saturating_duration_since(Instant::now()));
}
