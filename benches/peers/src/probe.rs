//! The probe to which jobs report: a counter, and the start of each run in the lateness pass.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::measurement::Lateness;

/// Every job holds a reference to the probe.
pub struct Probe {
    runs: AtomicU64,
    clocks: Option<Clocks>,
}

/// This many jobs that read the clock are enough to see how late runs are.
const ENOUGH: usize = 1_000;

/// The jobs that read the clock, spread evenly over all jobs. If all jobs read the clock, the reading would be most of
/// their work.
#[derive(Debug, Clone, Copy)]
pub struct Clocked {
    jobs: usize,
    /// Every so many-th job, as a power of two.
    bits: u32,
}

impl Clocked {
    pub fn among(jobs: usize) -> Clocked {
        Clocked {
            jobs,
            bits: (jobs / ENOUGH).max(1).ilog2(),
        }
    }

    pub fn jobs(self) -> impl Iterator<Item = usize> {
        (0..self.jobs).step_by(1 << self.bits)
    }

    pub fn count(self) -> usize {
        self.jobs.div_ceil(1 << self.bits)
    }

    /// The job's number among those that read the clock.
    fn number(self, job: usize) -> Option<usize> {
        (job.trailing_zeros() >= self.bits).then_some(job >> self.bits)
    }
}

/// When the runs of the jobs that read the clock are due.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub begin: Instant,
    pub interval: Duration,
    /// How long after `begin` each job is first due. `None` if the engine chooses the time itself.
    pub phases: Option<Vec<Duration>>,
}

/// The grid of an engine that runs jobs at ticks: a run is late from its tick on.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    pub origin: Instant,
    pub step: Duration,
}

struct Clocks {
    clocked: Clocked,
    zero: Instant,
    schedule: Schedule,
    grid: OnceLock<Grid>,
    jobs: Vec<JobClock>,
    late: Vec<AtomicU64>,
    taken: AtomicUsize,
}

#[derive(Default)]
struct JobClock {
    first: AtomicU64,
    last: AtomicU64,
    runs: AtomicU64,
}

impl Probe {
    /// A probe that only counts.
    pub fn counting() -> Probe {
        Probe {
            runs: AtomicU64::new(0),
            clocks: None,
        }
    }

    /// A probe that also notes the starts of some jobs' runs, `rounds` for each job.
    pub fn clocking(clocked: Clocked, schedule: Schedule, rounds: usize) -> Probe {
        Probe {
            runs: AtomicU64::new(0),
            clocks: Some(Clocks {
                clocked,
                zero: Instant::now(),
                schedule,
                grid: OnceLock::new(),
                jobs: std::iter::repeat_with(JobClock::default)
                    .take(clocked.count())
                    .collect(),
                // Not zero, so that the pages are mapped before the first run.
                late: std::iter::repeat_with(|| AtomicU64::new(u64::MAX))
                    .take(clocked.count() * rounds)
                    .collect(),
                taken: AtomicUsize::new(0),
            }),
        }
    }

    /// A run that only counts.
    pub fn count(&self) {
        self.runs.fetch_add(1, Relaxed);
    }

    /// A run of `job` begins now.
    pub fn clock(&self, job: usize) {
        if let Some(clocks) = &self.clocks
            && let Some(number) = clocks.clocked.number(job)
        {
            clocks.take(number, Instant::now());
        }
        self.count();
    }

    pub fn set_grid(&self, grid: Grid) {
        if let Some(clocks) = &self.clocks {
            // Set once for each start, and there is one start.
            let _ = clocks.grid.set(grid);
        }
    }

    pub fn runs(&self) -> u64 {
        self.runs.load(Relaxed)
    }

    pub fn lateness(&self) -> Option<Lateness> {
        self.clocks.as_ref()?.lateness()
    }
}

impl Clocks {
    fn take(&self, job: usize, now: Instant) {
        let clock = &self.jobs[job];
        let nanos = self.nanos(now);
        let run = clock.runs.fetch_add(1, Relaxed);
        clock.last.store(nanos, Relaxed);
        if run == 0 {
            clock.first.store(nanos, Relaxed);
            return; // The first one meets cold caches, and is what the others of some engines are compared with.
        }
        let due = self.due(job, run);
        if let Some(late) = self.late.get(self.taken.fetch_add(1, Relaxed)) {
            late.store(nanos.saturating_sub(due), Relaxed);
        }
    }

    /// When the run was due: at its scheduled instant, or at the tick that serves it.
    fn due(&self, job: usize, run: u64) -> u64 {
        let elapsed = self.schedule.interval * u32::try_from(run).unwrap_or(u32::MAX);
        let Some(phases) = &self.schedule.phases else {
            return self.jobs[job].first.load(Relaxed) + elapsed.as_nanos() as u64;
        };
        let scheduled = self.nanos(self.schedule.begin + phases[job] + elapsed);
        let Some(grid) = self.grid.get() else { return scheduled };
        let (origin, step) = (self.nanos(grid.origin), grid.step.as_nanos() as u64);
        origin + scheduled.saturating_sub(origin).div_ceil(step) * step
    }

    fn lateness(&self) -> Option<Lateness> {
        let taken = self.taken.load(Relaxed).min(self.late.len());
        let mut late: Vec<u64> = self.late[..taken].iter().map(|nanos| nanos.load(Relaxed)).collect();
        late.sort_unstable();
        let at = |part: f64| {
            late.get(((late.len() as f64 * part) as usize).min(late.len() - 1))
                .copied()
        };
        let mut drifts: Vec<f64> = self.jobs.iter().filter_map(|job| self.drift(job)).collect();
        drifts.sort_unstable_by(f64::total_cmp);
        Some(Lateness {
            p50: *late.get(taken / 2)? as f64,
            p99: at(0.99)? as f64,
            max: *late.last()? as f64,
            drift: drifts.get(drifts.len() / 2).copied().unwrap_or(f64::NAN),
        })
    }

    fn drift(&self, job: &JobClock) -> Option<f64> {
        let intervals = job.runs.load(Relaxed).checked_sub(1).filter(|runs| *runs > 0)? as f64;
        let elapsed = job.last.load(Relaxed) as f64 - job.first.load(Relaxed) as f64;
        Some(elapsed / intervals - self.schedule.interval.as_nanos() as f64)
    }

    fn nanos(&self, instant: Instant) -> u64 {
        instant.saturating_duration_since(self.zero).as_nanos() as u64
    }
}
