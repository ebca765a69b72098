//! The failures of a job, counted by kind.

use crate::job::event_kind::EventKind;

#[derive(Debug, Clone, Default)]
pub(crate) struct FailureStats {
    pub(crate) failures: u64,
    pub(crate) panics: u64,
    pub(crate) timeouts: u64,
    pub(crate) cancelled: u64,
    pub(crate) retries: u64,
    pub(crate) missed: u64,
    pub(crate) refused: u64,
    pub(crate) last_error: Option<Box<str>>,
}

impl FailureStats {
    /// Counts the failure, and keeps its text.
    pub(crate) fn note(&mut self, kind: &EventKind, error: Option<Box<str>>) {
        match kind {
            EventKind::Failed(_) => self.failures += 1,
            EventKind::Panicked(_) => self.panics += 1,
            EventKind::Retried(_) => self.retries += 1,
            EventKind::TimedOut => self.timeouts += 1,
            EventKind::Cancelled => self.cancelled += 1,
            EventKind::Refused => self.refused += 1,
            EventKind::Missed(count) => self.missed = self.missed.saturating_add(*count),
            EventKind::Started | EventKind::Finished | EventKind::Late(_) | EventKind::Removed => {}
        }
        if error.is_some() {
            self.last_error = error;
        }
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
    fn the_last_error_stays_until_the_next() {
        let mut failure_stats = FailureStats::default();
        failure_stats.note(&EventKind::Cancelled, Some("first".into()));
        failure_stats.note(&EventKind::Cancelled, None);
        assert_eq!(failure_stats.last_error.as_deref(), Some("first"));
        failure_stats.note(&EventKind::Cancelled, Some("second".into()));
        assert_eq!(failure_stats.last_error.as_deref(), Some("second"));
    }
}
