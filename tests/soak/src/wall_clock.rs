//! The jobs on a runtime, in real time.

use std::error::Error;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use atevery::Scheduler;

use crate::findings::Findings;
use crate::host;
use crate::load::{AHEAD, INTERVAL, Load, Mixture, millis};
use crate::memory::live_bytes;
use crate::options::Options;

/// The heap may grow by this much between the warm-up and the end. Threads of a pool come and go, and the tables of a
/// runtime vary in size. After a late tick with more due jobs than ever before, a list of the loop and the memory for
/// sorting it may double. With 10,000 jobs, this is 64 KiB each. A leak of one byte in each run would exceed the limit
/// in half a minute.
const BOUND: i64 = 192 * 1024;

/// The memory that runtimes keep without any scheduler: about 100 KiB.
const KEPT: i64 = 512 * 1024;

/// In each second, the jobs are done by this time.
const QUIET: Duration = Duration::from_millis(800);
const PATIENCE: u32 = 10;
const BLOCKING: usize = 8;

pub(crate) fn run(options: &Options) -> Result<Findings, Box<dyn Error>> {
    let runtime = host::runtime(&options.runtime)?;
    let scheduler = Scheduler::new(Arc::clone(&runtime));
    let base = Instant::now() + INTERVAL + AHEAD;
    let mixture = Mixture {
        jobs: options.jobs,
        blocking: BLOCKING,
        rounds: options.seconds,
    };
    let load = Load::register(&scheduler, &runtime, base, &mixture)?;
    let start = (base - AHEAD).checked_duration_since(Instant::now());
    thread::sleep(start.ok_or("registering the jobs took longer than a second")?);
    scheduler.start()?;

    let mut findings = Findings::default();
    findings.report(options.runtime.as_str());
    findings.report(format!("{} s", options.seconds));
    findings.report(format!("{} jobs", options.jobs));
    let live = watch(&load, base, options);
    let end = stop(&scheduler, &load, base, options.seconds, &mut findings);
    load.demand_exact_counts(end, &mut findings);
    load.demand_punctuality(&mut findings);
    demand_no_growth(&live, &mut findings);
    drop((load, scheduler));
    demand_freed(&mut findings);
    Ok(findings)
}

/// Bytes in use, at each quiet moment after the warm-up.
fn watch(load: &Load, base: Instant, options: &Options) -> Vec<i64> {
    let warm_up = (options.seconds / 5).min(60);
    let mut live = Vec::with_capacity(usize::try_from(options.seconds).unwrap_or_default());
    for second in 0..options.seconds - 1 {
        let now = sleep_until_quiet(base, second);
        if second >= warm_up && load.is_quiet(now) {
            live.push(live_bytes());
        }
        if second % 600 == 599 {
            eprintln!(
                "{}: {} s, {} runs, {} bytes",
                options.runtime,
                second + 1,
                load.runs(),
                live_bytes()
            );
        }
    }
    live
}

/// Stops at a moment at which no run is in progress and all due runs have ended. Returns this moment.
fn stop(scheduler: &Scheduler, load: &Load, base: Instant, seconds: u64, findings: &mut Findings) -> Instant {
    let mut end = sleep_until_quiet(base, seconds - 1);
    for second in (seconds..).take(PATIENCE as usize) {
        if load.is_quiet(end) {
            break;
        }
        end = sleep_until_quiet(base, second);
    }
    findings.demand(load.is_quiet(end), "it never became quiet at the end");
    let begin = Instant::now();
    let report = scheduler.stop().timeout(INTERVAL).blocking_wait();
    let duration = begin.elapsed();
    findings.demand(
        report.finished().is_empty() && report.cancelled().is_empty() && report.is_clean(),
        format!("the stop was not clean: {report}"),
    );
    findings.demand(duration < INTERVAL, format!("the stop took {duration:?}"));
    let runs = load.runs();
    thread::sleep(2 * INTERVAL);
    findings.demand(load.runs() == runs, "jobs ran after the stop");
    findings.report(format!("stopped in {} ms", millis(duration)));
    end
}

fn sleep_until_quiet(base: Instant, second: u64) -> Instant {
    let quiet = base + Duration::from_secs(second) + QUIET;
    thread::sleep(quiet.saturating_duration_since(Instant::now()));
    Instant::now()
}

fn demand_no_growth(live: &[i64], findings: &mut Findings) {
    let part = (live.len() / 3).min(30);
    findings.demand(part > 0, format!("only {} quiet moments", live.len()));
    let (first, last) = (median(&live[..part]), median(&live[live.len() - part..]));
    findings.report(format!(
        "{first} bytes, {:+} at the end, {} quiet moments",
        last - first,
        live.len()
    ));
    findings.demand(
        last - first <= BOUND,
        format!("{} bytes more than after the warm-up", last - first),
    );
}

fn median(values: &[i64]) -> i64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Drops the last handle, and checks that the scheduler and its jobs are gone.
fn demand_freed(findings: &mut Findings) {
    let left = live_bytes();
    findings.report(format!("{left} bytes when dropped"));
    findings.demand(
        left <= KEPT,
        format!("{left} bytes are left when the scheduler is gone"),
    );
}
