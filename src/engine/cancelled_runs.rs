//! The cancelled runs whose futures are to be dropped, on their way to the reapers, the tasks that drop them.

use std::collections::VecDeque;

use crate::park::slot::CancelledRun;
use crate::sync::Mutex;
use crate::unwind::lock;

#[derive(Default)]
pub(crate) struct CancelledRuns(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    runs: VecDeque<CancelledRun>,
    /// Number of reapers that are about to take a run. A reaper that has a run does not count: the drop of the run's
    /// future may take long.
    idle_reapers: usize,
    /// How many idle reapers the executor has refused or dropped so far.
    dropped_reapers: u64,
}

/// The answer to a reaper that asks for a run.
pub(crate) enum Reaping {
    /// The reaper does not count as idle any more.
    Run(CancelledRun),
    /// More runs wait than this reaper can take now. The reaper first spawns another, which counts as idle.
    SpawnFirst,
    /// No run waits. The reaper does not count any more.
    Nothing,
}

impl CancelledRuns {
    /// Adds a run. Returns whether the caller has to spawn a reaper, which counts as idle from here on.
    pub(crate) fn push(&self, run: CancelledRun) -> bool {
        let mut waiting = lock(&self.0);
        waiting.runs.push_back(run);
        let needs_reaper = waiting.idle_reapers == 0;
        waiting.idle_reapers += usize::from(needs_reaper);
        needs_reaper
    }

    /// The next run for an idle reaper. If the reaper `wants_other`, it may have to spawn another reaper first, so that
    /// the runs behind this one need not wait for its destructors.
    pub(crate) fn reap(&self, wants_other: bool) -> Reaping {
        let mut waiting = lock(&self.0);
        if wants_other && waiting.runs.len() > 1 && waiting.idle_reapers == 1 {
            waiting.idle_reapers += 1;
            return Reaping::SpawnFirst;
        }
        waiting.idle_reapers -= 1;
        waiting.runs.pop_front().map_or(Reaping::Nothing, Reaping::Run)
    }

    /// Called when a reaper is about to take another run.
    pub(crate) fn add_idle_reaper(&self) {
        lock(&self.0).idle_reapers += 1;
    }

    /// Called when the executor has refused or dropped an idle reaper. Returns whether no idle reaper is left.
    pub(crate) fn drop_reaper(&self) -> bool {
        let mut waiting = lock(&self.0);
        waiting.dropped_reapers += 1;
        waiting.idle_reapers -= 1;
        waiting.idle_reapers == 0
    }

    pub(crate) fn dropped_reapers(&self) -> u64 {
        lock(&self.0).dropped_reapers
    }

    /// Takes a run that waits for a reaper.
    pub(crate) fn take(&self) -> Option<CancelledRun> {
        lock(&self.0).runs.pop_front()
    }
}
