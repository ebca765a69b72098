//! The failures of a job, counted by kind.

use std::time::Duration;

use crate::job::event_kind::EventKind;
use crate::time::{Span, Time};

/// Observers are told at most once in this time that a job has held its thread.
const TELL_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Default)]
pub(crate) struct FailureStats {
    pub(crate) failures: u64,
    pub(crate) panics: u64,
    pub(crate) timeouts: u64,
    /// Number of runs in a row that have failed, up to now.
    pub(crate) consecutive: u64,
    pub(crate) cancelled: u64,
    pub(crate) retries: u64,
    pub(crate) missed: u64,
    pub(crate) refused: u64,
    /// Number of runs that held their thread for too long.
    pub(crate) held_thread: u64,
    /// When observers were last told that a run has held its thread.
    told_of_hold: Option<Time>,
    pub(crate) last_error: Option<Box<str>>,
}

impl FailureStats {
    /// Counts the failure, and keeps its text.
    pub(crate) fn note(&mut self, kind: &EventKind, error: Option<Box<str>>) {
        self.consecutive += u64::from(kind.is_failed_run());
        match kind {
            EventKind::Failed(_) => self.failures += 1,
            EventKind::Panicked(_) => self.panics += 1,
            EventKind::Retried(_) => self.retries += 1,
            EventKind::TimedOut => self.timeouts += 1,
            EventKind::Cancelled => self.cancelled += 1,
            EventKind::Refused => self.refused += 1,
            EventKind::Missed(count) => self.missed = self.missed.saturating_add(*count),
            EventKind::Started
            | EventKind::Finished
            | EventKind::Late(_)
            | EventKind::HeldThread(_)
            | EventKind::InvalidSchedule(_)
            | EventKind::Removed => {}
        }
        if error.is_some() {
            self.last_error = error;
        }
    }

    /// Notes that a run has held its thread for too long, and counts the run if it `is_new`. `now` is `None` if there
    /// is no observer. Returns whether the observers are to be told.
    pub(crate) fn note_held_thread(&mut self, is_new: bool, now: Option<Time>) -> bool {
        self.held_thread += u64::from(is_new);
        let Some(now) = now else { return false };
        let is_told = self
            .told_of_hold
            .is_some_and(|told| now.since(told) < Span::from(TELL_EVERY));
        if !is_told {
            self.told_of_hold = Some(now);
        }
        !is_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_kind() {
        let mut failure_stats = FailureStats::default();
        let kinds = [
            EventKind::TimedOut,
            EventKind::Cancelled,
            EventKind::Refused,
            EventKind::Missed(2),
        ];
        for kind in kinds.iter().chain(&kinds) {
            failure_stats.note(kind, None);
        }
        assert_eq!(
            (
                failure_stats.timeouts,
                failure_stats.cancelled,
                failure_stats.refused,
                failure_stats.missed
            ),
            (2, 2, 2, 4)
        );
    }

    #[test]
    fn runs_that_hold_their_thread_are_told_once_a_minute_and_all_are_counted() {
        let mut failure_stats = FailureStats::default();
        let second = |second: i64| Time::from_nanos(second * 1_000_000_000);
        for (is_new, now, is_told) in [
            (true, None, false),
            (true, Some(7), true),
            (false, Some(8), false),
            (true, Some(66), false),
            (true, Some(67), true),
            // The clock stepped back.
            (true, Some(5), false),
            (false, Some(200), true),
        ] {
            assert_eq!(
                failure_stats.note_held_thread(is_new, now.map(second)),
                is_told,
                "{now:?}"
            );
        }
        assert_eq!(failure_stats.held_thread, 5);
    }

    #[test]
    fn the_last_error_stays_until_the_next() {
        let mut failure_stats = FailureStats::default();
        failure_stats.note(&EventKind::Cancelled, Some("first".into()));
        failure_stats.note(&EventKind::Cancelled, None);
        assert_eq!(failure_stats.last_error.as_deref(), Some("first"));
        failure_stats.note(&EventKind::Cancelled, Some("second".into()));
        assert_eq!(failure_stats.last_error.as_deref(), Some("second"));
    }
}
