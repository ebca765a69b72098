//! A disk on which the step that a test chooses fails.

use std::io;
use std::sync::{Arc, Mutex};

use super::Disk;

#[derive(Clone, Default)]
pub(in super::super) struct Faults(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    steps: Vec<&'static str>,
    failing: Option<&'static str>,
}

impl Faults {
    pub(super) fn fail(&self, step: Option<&'static str>) {
        self.0.lock().unwrap().failing = step;
    }

    /// The steps since the last call.
    pub(super) fn steps(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap().steps)
    }
}

impl Disk {
    /// Notes the step. If it is the one that fails, calls `half` and returns the error of a full disk.
    pub(super) fn pass(&self, step: &'static str, half: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let Disk::Faulty(faults) = self else {
            return Ok(());
        };
        let mut state = faults.0.lock().unwrap();
        state.steps.push(step);
        if state.failing == Some(step) {
            half()?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}
