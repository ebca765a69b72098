//! What is remembered of a job's runs.

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

/// There is one for each job, of which there may be a million: it is kept small.
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
    pub(crate) fn note_start(&mut self, started: Time) {
        self.last_start = started;
    }

    /// A run that was due at `due` has taken from `started` to `ended`.
    pub(crate) fn note_run(&mut self, due: Time, started: Time, ended: Time) {
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

    pub(crate) fn has_ended_at(&self, now: Time) -> bool {
        self.last_start != Time::NEVER && self.last_start.after(self.last_duration) == now
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
        assert!(record.has_ended_at(ms(6)));
    }

    #[test]
    fn a_run_in_which_the_clock_stepped_back_has_ended_when_it_did() {
        let mut record = Record::default();
        record.note_run(ms(0), ms(6), ms(5));
        assert!(record.has_ended_at(ms(5)));
        assert_eq!(record.last_duration(), Some(Duration::ZERO));
    }

    #[test]
    fn what_has_not_run_was_not_measured() {
        let mut record = Record::default();
        assert_eq!((record.last_duration(), record.mean_duration()), (None, None));
        assert!(!record.has_ended_at(Time::NEVER));
        record.note_run(ms(0), ms(0), ms(5));
        assert!(!record.has_ended_at(ms(4)));
    }
}
