//! The notes of a job's runs.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Lateness is compared over this many runs at the beginning and at the end. A single run on a busy machine would look
/// like drift.
const COMPARED: u64 = 5;

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) first: Instant,
    interval: Duration,
    /// The expected number of runs. A few more may follow while the end is awaited.
    rounds: u64,
    runs: AtomicU64,
    wrong_schedules: AtomicU64,
    early_runs: AtomicU64,
    /// In nanoseconds, like the other fields.
    worst_lateness: AtomicI64,
    least_at_first: AtomicI64,
    least_at_last: AtomicI64,
}

impl Record {
    /// The notes of a job that is due at `first` and every `interval` from there.
    pub(crate) fn new(first: Instant, interval: Duration, rounds: u64) -> Record {
        Record {
            first,
            interval,
            rounds,
            runs: AtomicU64::new(0),
            wrong_schedules: AtomicU64::new(0),
            early_runs: AtomicU64::new(0),
            worst_lateness: AtomicI64::new(0),
            least_at_first: AtomicI64::new(i64::MAX),
            least_at_last: AtomicI64::new(i64::MAX),
        }
    }

    /// Notes a run that begins at `now`.
    pub(crate) fn begin(&self, now: Instant) {
        let number = self.runs.fetch_add(1, Relaxed);
        let due = self.due(number);
        if now < due {
            self.early_runs.fetch_add(1, Relaxed);
        }
        let lateness = now.saturating_duration_since(due).as_nanos() as i64;
        self.worst_lateness.fetch_max(lateness, Relaxed);
        if number < COMPARED {
            self.least_at_first.fetch_min(lateness, Relaxed);
        }
        if number + COMPARED >= self.rounds {
            self.least_at_last.fetch_min(lateness, Relaxed);
        }
    }

    /// Checks the scheduler's values for the run that has begun last.
    pub(crate) fn compare(&self, number: u64, scheduled: Instant) {
        if number + 1 != self.runs() || scheduled != self.due(number) {
            self.wrong_schedules.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(Relaxed)
    }

    /// Number of runs that have come due by `now`.
    pub(crate) fn due_by(&self, now: Instant) -> u64 {
        let passed = now.checked_duration_since(self.first);
        passed.map_or(0, |passed| (passed.as_nanos() / self.interval.as_nanos()) as u64 + 1)
    }

    pub(crate) fn worst_lateness(&self) -> Duration {
        Duration::from_nanos(self.worst_lateness.load(Relaxed).unsigned_abs())
    }

    /// By how much the last run began earlier or later than whole intervals after the first run. `None` if there was no
    /// last run.
    pub(crate) fn drift(&self) -> Option<Duration> {
        let (first, last) = (self.least_at_first.load(Relaxed), self.least_at_last.load(Relaxed));
        (last != i64::MAX).then(|| Duration::from_nanos(last.abs_diff(first)))
    }

    pub(crate) fn wrong_schedules(&self) -> u64 {
        self.wrong_schedules.load(Relaxed)
    }

    pub(crate) fn early_runs(&self) -> u64 {
        self.early_runs.load(Relaxed)
    }

    fn due(&self, number: u64) -> Instant {
        self.first + Duration::from_nanos(self.interval.as_nanos() as u64 * number)
    }
}
