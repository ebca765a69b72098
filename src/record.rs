//! What is remembered of a job's runs.

// What is remembered decides next to nothing, so that checkers of interleavings need not know.
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU32};
use std::time::Duration;

use crate::time::{Span, Time};

/// The upper bounds of the histogram's bars but the last, which has none.
pub(crate) const LATENESS_BOUNDS: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
];

/// Of how many runs the mean speaks at most: later ones count for more than those of long ago.
const MEAN_OF: u32 = 1 << 20;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) last_start: Time,
    /// Of the last run that has ended.
    last_duration: Span,
    mean_duration: f32,
    max_lateness: f32,
    lateness: [u32; LATENESS_BOUNDS.len() + 1],
}

impl Default for Record {
    fn default() -> Record {
        Record {
            last_start: Time::NEVER,
            last_duration: Span::ZERO,
            mean_duration: 0.0,
            max_lateness: 0.0,
            lateness: Default::default(),
        }
    }
}

impl Record {
    /// A run that was due at `due` has taken from `started` to `ended`.
    fn note_run(&mut self, due: Time, started: Time, ended: Time) {
        let lateness = started.since(due);
        // The clock may have stepped back meanwhile; by now it has not begun later than it has ended.
        self.last_start = started.min(ended);
        self.last_duration = ended.since(started);
        self.max_lateness = self.max_lateness.max(seconds(lateness));
        let bar = LATENESS_BOUNDS.partition_point(|bound| *bound <= lateness.into());
        self.lateness[bar] = self.lateness[bar].saturating_add(1);
        let weight = self.measured().clamp(1, MEAN_OF);
        self.mean_duration += (seconds(self.last_duration) - self.mean_duration) / weight as f32;
    }

    /// How long the last run took, if one has ended.
    pub(crate) fn last_duration(&self) -> Option<Duration> {
        (self.measured() > 0).then(|| self.last_duration.into())
    }

    /// How many runs were measured.
    pub(crate) fn measured(&self) -> u32 {
        self.lateness.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub(crate) fn lateness(&self) -> [u32; LATENESS_BOUNDS.len() + 1] {
        self.lateness
    }

    pub(crate) fn max_lateness(&self) -> Duration {
        duration(self.max_lateness)
    }

    pub(crate) fn mean_duration(&self) -> Option<Duration> {
        (self.measured() > 0).then(|| duration(self.mean_duration))
    }
}

/// The record of a job, of which there may be a million: it is kept small. One at a time writes to it, the holder of the job's
/// claim, or, if it allows several runs, of a lock. Who looks meanwhile may find figures of two runs.
#[derive(Debug)]
pub(crate) struct RecordCell {
    last_start: AtomicI64,
    last_duration: AtomicI64,
    /// The bits of a float, as the next.
    mean_duration: AtomicU32,
    max_lateness: AtomicU32,
    lateness: [AtomicU32; LATENESS_BOUNDS.len() + 1],
    /// When the last run ended that was known to have waited for something.
    end_of_wait: AtomicI64,
}

impl Default for RecordCell {
    fn default() -> RecordCell {
        let record = Record::default();
        RecordCell {
            last_start: AtomicI64::new(record.last_start.as_nanos()),
            last_duration: AtomicI64::new(record.last_duration.as_nanos()),
            mean_duration: AtomicU32::new(record.mean_duration.to_bits()),
            max_lateness: AtomicU32::new(record.max_lateness.to_bits()),
            lateness: record.lateness.map(AtomicU32::new),
            end_of_wait: AtomicI64::new(Time::NEVER.as_nanos()),
        }
    }
}

impl RecordCell {
    pub(crate) fn get(&self) -> Record {
        let [a, b, c, d] = &self.lateness;
        Record {
            last_start: Time::from_nanos(self.last_start.load(Relaxed)),
            last_duration: Span::from_nanos(self.last_duration.load(Relaxed)),
            mean_duration: f32::from_bits(self.mean_duration.load(Relaxed)),
            max_lateness: f32::from_bits(self.max_lateness.load(Relaxed)),
            lateness: [a, b, c, d].map(|count| count.load(Relaxed)),
        }
    }

    fn set(&self, record: Record) {
        self.last_start.store(record.last_start.as_nanos(), Relaxed);
        self.last_duration.store(record.last_duration.as_nanos(), Relaxed);
        self.mean_duration.store(record.mean_duration.to_bits(), Relaxed);
        self.max_lateness.store(record.max_lateness.to_bits(), Relaxed);
        for (count, new) in self.lateness.iter().zip(record.lateness) {
            count.store(new, Relaxed);
        }
    }

    pub(crate) fn note_start(&self, started: Time) {
        self.last_start.store(started.as_nanos(), Relaxed);
        self.note_end_of_wait(Time::NEVER);
    }

    /// A run that was due at `due` has taken from `started` to `ended`.
    pub(crate) fn note_run(&self, due: Time, started: Time, ended: Time) {
        let mut record = self.get();
        record.note_run(due, started, ended);
        self.set(record);
    }

    /// A run that had to wait for something has ended; never, if it hadn't.
    pub(crate) fn note_end_of_wait(&self, ended: Time) {
        self.end_of_wait.store(ended.as_nanos(), Relaxed);
    }

    /// Whether a run that had to wait has ended at this instant.
    pub(crate) fn has_ended_at(&self, now: Time) -> bool {
        self.end_of_wait.load(Relaxed) == now.as_nanos()
    }
}

fn duration(seconds: f32) -> Duration {
    Duration::try_from_secs_f32(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

fn seconds(span: Span) -> f32 {
    Duration::from(span).as_secs_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: i64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn runs_are_counted_by_their_lateness() {
        let mut record = Record::default();
        for lateness in [0, 9, 10, 99, 100, 999, 1_000, 100_000] {
            record.note_run(ms(0), ms(lateness), ms(lateness + 2));
        }
        assert_eq!(record.lateness(), [2, 2, 2, 2]);
        assert_eq!(record.max_lateness(), Duration::from_secs(100));
        assert_eq!(record.measured(), 8);
    }

    #[test]
    fn the_mean_is_that_of_all_runs() {
        let mut record = Record::default();
        for duration in [1, 2, 3, 6] {
            record.note_run(ms(0), ms(0), ms(duration));
        }
        let mean = record.mean_duration().unwrap();
        assert!(mean.abs_diff(Duration::from_millis(3)) < Duration::from_nanos(10));
        assert_eq!(record.last_duration(), Some(Duration::from_millis(6)));
    }

    #[test]
    fn a_run_in_which_the_clock_stepped_back_has_ended_when_it_did() {
        let mut record = Record::default();
        record.note_run(ms(0), ms(6), ms(5));
        assert_eq!(record.last_start, ms(5));
        assert_eq!(record.last_duration(), Some(Duration::ZERO));
    }

    #[test]
    fn what_has_not_run_was_not_measured() {
        let record = Record::default();
        assert_eq!((record.last_duration(), record.mean_duration()), (None, None));
    }

    #[test]
    fn only_a_run_that_has_waited_ends_at_an_instant() {
        let record = RecordCell::default();
        record.note_start(ms(1));
        record.note_run(ms(0), ms(1), ms(5));
        assert!(!record.has_ended_at(ms(5)));
        record.note_end_of_wait(ms(5));
        assert!(record.has_ended_at(ms(5)) && !record.has_ended_at(ms(4)));
        record.note_start(ms(6));
        assert!(!record.has_ended_at(ms(5)));
    }

    #[test]
    fn what_is_noted_is_there_again() {
        let record = RecordCell::default();
        record.note_run(ms(0), ms(20), ms(50));
        record.note_run(ms(100), ms(100), ms(110));
        let found = record.get();
        assert_eq!(
            (found.last_start, found.last_duration()),
            (ms(100), Some(Duration::from_millis(10)))
        );
        assert_eq!(
            (found.lateness(), found.max_lateness()),
            ([1, 1, 0, 0], Duration::from_millis(20))
        );
        assert_eq!(found.mean_duration(), Some(Duration::from_millis(20)));
    }
}
