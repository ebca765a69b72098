//! Ticks at which many jobs are due, and ticks at which no job is due.

use std::time::Duration;

use atevery::{FirstRun, JobBuilder, Scheduler};

use super::manual::Manual;
use super::{Case, TICK, mixed_interval};

const SECOND: Duration = Duration::from_secs(1);

/// An interval that does not end during the measurement.
const SELDOM: Duration = Duration::from_secs(3_600 * 24 * 365 * 10);

pub(crate) fn all() -> Vec<Case> {
    let same = [1, 64, 1_000, 10_000, 100_000].map(same);
    let mixed = [1_000, 10_000, 100_000].map(mixed);
    let nothing = [1_000, 1_000_000].map(nothing_due);
    let midnight = [10_000, 1_000_000].map(midnight);
    same.into_iter().chain(mixed).chain(nothing).chain(midnight).collect()
}

/// All jobs are due at each tick.
fn same(jobs: u64) -> Case {
    Case::again(format!("tick, {jobs} due"), jobs, move || {
        let loaded = Loaded::new(jobs, FirstRun::Now, |_| TICK);
        move || loaded.tick()
    })
}

/// A second of jobs with intervals from a tick to a minute. Items are runs.
fn mixed(jobs: u64) -> Case {
    let runs: f64 = (0..jobs).map(|job| SECOND.div_duration_f64(mixed_interval(job))).sum();
    Case::again(
        format!("a second of {jobs} with mixed intervals"),
        runs as u64,
        move || {
            let loaded = Loaded::new(jobs, FirstRun::Now, mixed_interval);
            move || (0..SECOND.div_duration_f64(TICK) as u32).for_each(|_| loaded.tick())
        },
    )
}

/// The loop is woken, and looks for due jobs.
fn nothing_due(jobs: u64) -> Case {
    Case::again(format!("tick, none due of {jobs}"), 1, move || {
        let loaded = Loaded::new(jobs, FirstRun::AfterInterval, |_| SELDOM);
        move || loaded.tick()
    })
}

/// Daily jobs in 40 time zones, all due at midnight UTC.
fn midnight(jobs: u64) -> Case {
    Case::again(format!("midnight, {jobs} daily"), jobs, move || {
        let loaded = Loaded::of(jobs, |scheduler, job| {
            let zone = ZONES[job as usize % ZONES.len()];
            // The local time at midnight UTC, in the winter in which the clock starts.
            let time = format!("{:02}:{:02}", zone.1 / 60, zone.1 % 60);
            scheduler.daily(&time[..]).zone(zone.0)
        });
        loaded.advance(DAY - TICK);
        move || {
            loaded.advance(TICK);
            loaded.advance(DAY - TICK);
        }
    })
}

const DAY: Duration = Duration::from_secs(86_400);

/// Time zones that do not change their clocks, and their minutes from UTC, counted from the midnight before.
const ZONES: [(&str, u32); 40] = [
    ("UTC", 0),
    ("Africa/Abidjan", 0),
    ("Africa/Algiers", 60),
    ("Africa/Johannesburg", 120),
    ("Africa/Lagos", 60),
    ("Africa/Maputo", 120),
    ("Africa/Nairobi", 180),
    ("Africa/Tripoli", 120),
    ("Africa/Tunis", 60),
    ("America/Bogota", 1140),
    ("America/Caracas", 1200),
    ("America/Guayaquil", 1140),
    ("America/Jamaica", 1140),
    ("America/La_Paz", 1200),
    ("America/Lima", 1140),
    ("America/Manaus", 1200),
    ("America/Panama", 1140),
    ("America/Phoenix", 1020),
    ("America/Puerto_Rico", 1200),
    ("America/Regina", 1080),
    ("Asia/Baghdad", 180),
    ("Asia/Baku", 240),
    ("Asia/Bangkok", 420),
    ("Asia/Dhaka", 360),
    ("Asia/Dubai", 240),
    ("Asia/Ho_Chi_Minh", 420),
    ("Asia/Hong_Kong", 480),
    ("Asia/Jakarta", 420),
    ("Asia/Karachi", 300),
    ("Asia/Kathmandu", 345),
    ("Asia/Kolkata", 330),
    ("Asia/Manila", 480),
    ("Asia/Riyadh", 180),
    ("Asia/Seoul", 540),
    ("Asia/Singapore", 480),
    ("Asia/Tokyo", 540),
    ("Australia/Brisbane", 600),
    ("Europe/Istanbul", 180),
    ("Pacific/Guam", 600),
    ("Pacific/Honolulu", 840),
];

struct Loaded {
    time: Manual,
    scheduler: Scheduler,
}

impl Loaded {
    fn new(jobs: u64, first: FirstRun, interval: impl Fn(u64) -> Duration) -> Loaded {
        Loaded::of(jobs, |scheduler, job| scheduler.every(interval(job)).first_run(first))
    }

    fn of(jobs: u64, builder: impl Fn(&Scheduler, u64) -> JobBuilder) -> Loaded {
        let time = Manual::new();
        let scheduler = Scheduler::new(time.clone());
        for job in 0..jobs {
            builder(&scheduler, job).run(|| ()).expect("the schedule is right");
        }
        scheduler.start().expect("it starts once");
        time.advance(Duration::ZERO);
        Loaded { time, scheduler }
    }

    fn tick(&self) {
        self.advance(TICK);
    }

    fn advance(&self, by: Duration) {
        self.time.advance(by);
        // Without its last handle, the scheduler has no runs. A closure that calls this must hold both values.
        debug_assert!(self.scheduler.is_running());
    }
}
