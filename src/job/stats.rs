//! Statistics of a job's runs.

// No decision depends on the statistics. The interleaving checkers therefore need not know these atomics.
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::time::{Span, Time};

/// The upper bounds of the histogram's bars. The last bar has no upper bound.
pub(crate) const LATENESS_BOUNDS: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
];

/// The same in nanoseconds.
const LATENESS_BOUNDS_NANOS: [i64; LATENESS_BOUNDS.len()] = {
    let [a, b, c] = LATENESS_BOUNDS;
    [a.as_nanos() as i64, b.as_nanos() as i64, c.as_nanos() as i64]
};

/// The mean covers at most this number of runs: newer runs count for more than old runs.
const MEAN_OF: u32 = 1 << 20;

#[derive(Debug, Clone, Copy)]
pub(crate) struct RunStats {
    /// Of the last run that has ended.
    last_duration: Span,
    mean_duration: f32,
    max_lateness: Span,
    lateness: [u32; LATENESS_BOUNDS.len() + 1],
}

impl Default for RunStats {
    fn default() -> RunStats {
        RunStats {
            last_duration: Span::ZERO,
            mean_duration: 0.0,
            max_lateness: Span::ZERO,
            lateness: Default::default(),
        }
    }
}

impl RunStats {
    /// Records a run that was due at `due`, began at `started` and ended at `ended`.
    fn note_run(&mut self, due: Time, started: Time, ended: Time) {
        let lateness = started.since(due);
        self.last_duration = ended.since(started);
        self.max_lateness = self.max_lateness.max(lateness);
        let bar = LATENESS_BOUNDS_NANOS.partition_point(|bound| *bound <= lateness.as_nanos());
        self.lateness[bar] = self.lateness[bar].saturating_add(1);
        let weight = self.measured().clamp(1, MEAN_OF);
        self.mean_duration += (seconds(self.last_duration) - self.mean_duration) / weight as f32;
    }

    /// The duration of the last run. `None` if no run has ended.
    pub(crate) fn last_duration(&self) -> Option<Duration> {
        (self.measured() > 0).then(|| self.last_duration.into())
    }

    /// Number of timed runs.
    pub(crate) fn measured(&self) -> u32 {
        self.lateness.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub(crate) fn lateness(&self) -> [u32; LATENESS_BOUNDS.len() + 1] {
        self.lateness
    }

    pub(crate) fn max_lateness(&self) -> Duration {
        self.max_lateness.into()
    }

    pub(crate) fn mean_duration(&self) -> Option<Duration> {
        (self.measured() > 0).then(|| duration(self.mean_duration))
    }
}

/// The statistics of a job, kept small because a scheduler may hold a million jobs. Only one thread at a time writes:
/// the holder of the job's state word. If the job allows several runs at a time, the holder of `Instances::writing`
/// writes. A concurrent reader may see figures of two runs.
#[derive(Debug)]
#[repr(C)] // The last field lies last, see `last_word`.
pub(crate) struct AtomicRunStats {
    /// A `ShortSpan`.
    last_duration: AtomicU32,
    /// The bits of a float.
    mean_duration: AtomicU32,
    /// A `ShortSpan`.
    max_lateness: AtomicU32,
    lateness: [AtomicU32; LATENESS_BOUNDS.len() + 1],
}

impl Default for AtomicRunStats {
    fn default() -> AtomicRunStats {
        let stats = RunStats::default();
        AtomicRunStats {
            last_duration: AtomicU32::new(ShortSpan::from(stats.last_duration).0),
            mean_duration: AtomicU32::new(stats.mean_duration.to_bits()),
            max_lateness: AtomicU32::new(ShortSpan::from(stats.max_lateness).0),
            lateness: stats.lateness.map(AtomicU32::new),
        }
    }
}

impl AtomicRunStats {
    pub(crate) fn get(&self) -> RunStats {
        let [a, b, c, d] = &self.lateness;
        RunStats {
            last_duration: ShortSpan(self.last_duration.load(Relaxed)).into(),
            mean_duration: f32::from_bits(self.mean_duration.load(Relaxed)),
            max_lateness: ShortSpan(self.max_lateness.load(Relaxed)).into(),
            lateness: [a, b, c, d].map(|count| count.load(Relaxed)),
        }
    }

    #[cfg(test)]
    pub(crate) const OFFSET_OF_LAST_WORD: usize =
        std::mem::offset_of!(AtomicRunStats, lateness) + size_of::<[AtomicU32; LATENESS_BOUNDS.len()]>();

    /// The last word in the struct's memory.
    pub(crate) fn last_word(&self) -> u32 {
        let [.., last] = &self.lateness;
        last.load(Relaxed)
    }

    fn set(&self, stats: RunStats) {
        self.last_duration
            .store(ShortSpan::from(stats.last_duration).0, Relaxed);
        self.mean_duration.store(stats.mean_duration.to_bits(), Relaxed);
        self.max_lateness.store(ShortSpan::from(stats.max_lateness).0, Relaxed);
        for (count, new) in self.lateness.iter().zip(stats.lateness) {
            count.store(new, Relaxed);
        }
    }

    /// Records a run that was due at `due`, began at `started` and ended at `ended`.
    pub(crate) fn note_run(&self, due: Time, started: Time, ended: Time) {
        let mut stats = self.get();
        stats.note_run(due, started, ended);
        self.set(stats);
    }
}

/// A span in four bytes. Up to a quarter of a second, the span is exact, in nanoseconds. A longer span keeps its first
/// eight or nine decimal digits, and the number of zeros after the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ShortSpan(u32);

impl ShortSpan {
    /// Number of bits for the digits. The other bits hold the number of zeros, at most eleven.
    const DIGITS: u32 = 28;
}

impl From<Span> for ShortSpan {
    fn from(span: Span) -> ShortSpan {
        let mut digits = span.as_nanos().unsigned_abs();
        let mut noughts = 0;
        while digits >> ShortSpan::DIGITS != 0 {
            digits /= 10;
            noughts += 1;
        }
        ShortSpan(noughts << ShortSpan::DIGITS | digits as u32)
    }
}

impl From<ShortSpan> for Span {
    fn from(ShortSpan(bits): ShortSpan) -> Span {
        let noughts = bits >> ShortSpan::DIGITS;
        let digits = bits & !(noughts << ShortSpan::DIGITS);
        Span::from_nanos(i64::from(digits)).times(10_i64.pow(noughts))
    }
}

/// The duration to seven digits: a float holds no more, and would show 450 ms as 449.999988 ms.
fn duration(seconds: f32) -> Duration {
    let nanos = (f64::from(seconds.max(0.0)) * 1e9) as u64;
    let unit = 10_u64.pow(nanos.checked_ilog10().unwrap_or_default().saturating_sub(6));
    Duration::from_nanos(nanos.saturating_add(unit / 2) / unit * unit)
}

fn seconds(span: Span) -> f32 {
    (span.as_nanos() as f64 / 1e9) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: i64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn runs_are_counted_by_their_lateness() {
        let mut stats = RunStats::default();
        for lateness in [0, 9, 10, 99, 100, 999, 1_000, 100_000] {
            stats.note_run(ms(0), ms(lateness), ms(lateness + 2));
        }
        assert_eq!(stats.lateness(), [2, 2, 2, 2]);
        assert_eq!(stats.max_lateness(), Duration::from_secs(100));
        assert_eq!(stats.measured(), 8);
    }

    #[test]
    fn the_mean_is_that_of_all_runs() {
        let mut stats = RunStats::default();
        for duration in [1, 2, 3, 6] {
            stats.note_run(ms(0), ms(0), ms(duration));
        }
        let mean = stats.mean_duration().unwrap();
        assert!(mean.abs_diff(Duration::from_millis(3)) < Duration::from_nanos(10));
        assert_eq!(stats.last_duration(), Some(Duration::from_millis(6)));
    }

    #[test]
    fn the_mean_has_seven_digits() {
        for nanos in [0, 7, 999, 450_000_000, 1_234_567, 8_400_000, 86_400_000_000_000] {
            let mut stats = RunStats::default();
            stats.note_run(ms(0), ms(0), Time::from_nanos(nanos));
            let expected = Duration::from_nanos(nanos.unsigned_abs());
            assert!(
                stats.mean_duration().unwrap().abs_diff(expected) <= Duration::from_nanos(1),
                "{nanos}"
            );
        }
    }

    #[test]
    fn a_run_in_which_the_clock_stepped_back_took_no_time() {
        let mut stats = RunStats::default();
        stats.note_run(ms(0), ms(6), ms(5));
        assert_eq!(stats.last_duration(), Some(Duration::ZERO));
    }

    #[test]
    fn a_job_without_runs_has_no_durations() {
        let stats = RunStats::default();
        assert_eq!((stats.last_duration(), stats.mean_duration()), (None, None));
    }

    #[test]
    fn a_short_span_is_exact_up_to_a_quarter_of_a_second_and_to_eight_digits_beyond() {
        let kept = |nanos| Span::from(ShortSpan::from(Span::from_nanos(nanos))).as_nanos();
        let exact = [0, 1, 250_000_000, 268_435_455, 268_435_460, 86_400_000_000_000];
        assert_eq!(exact.map(kept), exact);
        assert_eq!(kept(268_435_459), 268_435_450);
        assert_eq!(kept(2_684_354_559), 2_684_354_550);
        assert_eq!(kept(2_684_354_569), 2_684_354_500);
        assert_eq!(kept(i64::MAX), 92_233_720 * 10_i64.pow(11));
    }

    #[test]
    fn a_noted_run_is_read_back() {
        let stats = AtomicRunStats::default();
        stats.note_run(ms(0), ms(20), ms(50));
        stats.note_run(ms(100), ms(100), ms(110));
        let found = stats.get();
        assert_eq!(found.last_duration(), Some(Duration::from_millis(10)));
        assert_eq!(
            (found.lateness(), found.max_lateness()),
            ([1, 1, 0, 0], Duration::from_millis(20))
        );
        assert_eq!(found.mean_duration(), Some(Duration::from_millis(20)));
    }
}
