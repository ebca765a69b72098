//! Changes of a job, from outside or from inside a job.

use crate::play::Player;
use crate::scenario::Change;
use crate::trace::What;

impl Player {
    pub(super) fn change(&self, index: usize, change: Change) {
        let jobs = self.0.jobs.lock().unwrap().clone();
        if jobs.is_empty() {
            return;
        }
        let job = &jobs[index % jobs.len()];
        match change {
            Change::Pause => job.pause(),
            Change::Resume => job.resume(),
            Change::Trigger => job.trigger(),
            Change::Cancel => job.cancel(),
            Change::SetInterval(interval) => match job.set_interval(interval) {
                Ok(()) => {}
                Err(error) if error.is_interval_too_short() => self.note(What::TooShort),
                Err(error) if error.is_invalid_option() => self.note(What::InvalidOption),
                Err(error) => panic!("setting an interval: {error}"),
            },
        }
    }
}
