//! Jobs by the calendar in 40 time zones on virtual time, day by day for a year. Each job must run at each of its slots.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use atevery::testing::VirtualTime;
use atevery::{Calendar, Cron, JobBuilder, Run, Scheduler};

use crate::findings::Findings;
use crate::memory::live_bytes;
use crate::options::Options;

/// 1 January 2026, 0:00:30 UTC: no slot is near.
const START: Duration = Duration::from_secs(1_767_225_630);
const DAY: Duration = Duration::from_secs(86_400);
const WARM_UP: u32 = 35;

const ZONES: [&str; 40] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Lagos",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Dhaka",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "UTC",
];

/// The schedule of a job: most run once a day, one in twenty each hour.
fn expression(number: usize) -> String {
    let minute = number / ZONES.len() / 20 % 2 * 30;
    match number / ZONES.len() % 20 {
        0 => format!("{minute} * * * *"),
        1 => format!("{minute} 9 * * mon-fri"),
        2 => format!("{minute} 0 L * *"),
        3 => format!("{minute} 2 * * sun"),
        hour => format!("{minute} {hour} * * *"),
    }
}

/// A job, as its runs see it.
struct Seen {
    cron: Cron,
    /// Number of runs that were for the slot after that of the run before.
    right: AtomicU64,
    /// Seconds since the epoch.
    last: AtomicI64,
}

impl Seen {
    fn note(&self, run: &Run) {
        let last = UNIX_EPOCH + Duration::from_secs(self.last.load(Ordering::Relaxed).unsigned_abs());
        let slot = run.slot();
        if slot == self.cron.next(last) && run.missed() == 0 {
            self.right.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(since) = slot.and_then(|slot| slot.duration_since(UNIX_EPOCH).ok()) {
            self.last.store(since.as_secs() as i64, Ordering::Relaxed);
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<Findings, Box<dyn Error>> {
    let start = UNIX_EPOCH + START;
    let time = VirtualTime::at(start);
    let scheduler = Scheduler::new(time.clone());
    let seen = (0..options.jobs)
        .map(|number| register(&scheduler, number))
        .collect::<Result<Vec<_>, _>>()?;
    let more = bytes_beside_interval(&Scheduler::new(time.clone()));
    let begin = Instant::now();
    scheduler.start()?;
    let days = options.days;
    time.advance(DAY * WARM_UP);
    let before = live_bytes();
    time.advance(DAY * (days - WARM_UP));
    let growth = live_bytes() - before;

    let mut findings = Findings::default();
    findings.report(format!("{days} days in {:.1} s", begin.elapsed().as_secs_f64()));
    findings.report(format!("{} jobs in {} zones", options.jobs, ZONES.len()));
    demand_every_slot(&scheduler, &seen, start, start + DAY * days, &mut findings);
    findings.report(format!(
        "{more:+} bytes a job beside an interval, {growth:+} in all at the end"
    ));
    findings.demand(more <= 100, format!("{more} bytes a job more than with an interval"));
    // The lists of due jobs grow with the busiest tick of the year.
    findings.demand(
        growth < options.jobs as i64,
        format!("{growth} bytes more than after {WARM_UP} days"),
    );
    let report = time.block_on(scheduler.stop());
    findings.demand(report.is_clean(), format!("the stop was not clean: {report}"));
    Ok(findings)
}

fn register(scheduler: &Scheduler, number: usize) -> Result<Arc<Seen>, atevery::Error> {
    let (expression, zone) = (expression(number), ZONES[number % ZONES.len()]);
    let seen = Arc::new(Seen {
        cron: expression.parse::<Cron>()?.zone(zone)?,
        right: AtomicU64::new(0),
        last: AtomicI64::new(START.as_secs() as i64),
    });
    let target = Arc::clone(&seen);
    scheduler
        .cron(&expression)
        .zone(zone)
        .run(move |run: Run| target.note(&run))?;
    Ok(seen)
}

/// How many bytes a daily job takes more than one with an interval, in 40 zones.
fn bytes_beside_interval(scheduler: &Scheduler) -> i64 {
    const JOBS: usize = 100_000;
    let bytes = |builder: &dyn Fn(usize) -> JobBuilder| {
        let before = live_bytes();
        let jobs: Vec<_> = (0..JOBS)
            .map(|job| builder(job).run(|| ()).expect("the schedule is right"))
            .collect();
        let bytes = (live_bytes() - before) / JOBS as i64;
        jobs.iter().for_each(|job| job.remove());
        bytes
    };
    let interval = bytes(&|_| scheduler.every(DAY));
    bytes(&|job| scheduler.daily("03:00").zone(ZONES[job % ZONES.len()])) - interval
}

/// Demands that each job has run at each slot from `start` to `end`, in order.
fn demand_every_slot(
    scheduler: &Scheduler,
    seen: &[Arc<Seen>],
    start: SystemTime,
    end: SystemTime,
    findings: &mut Findings,
) {
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    let mut runs = 0;
    for (job, seen) in scheduler.jobs().iter().zip(seen) {
        let count = || {
            let slots = std::iter::successors(seen.cron.next(start), |slot| seen.cron.next(*slot));
            slots.take_while(|slot| *slot <= end).count() as u64
        };
        let expected = *expected.entry(seen.cron.to_string()).or_insert_with(count);
        let (begun, right) = (job.runs(), seen.right.load(Ordering::Relaxed));
        findings.demand(
            (begun, right) == (expected, expected),
            format!(
                "{}: {expected} slots, {begun} runs, {right} of them in order",
                seen.cron
            ),
        );
        runs += begun;
    }
    findings.report(format!("{runs} runs, each at its slot"));
}
