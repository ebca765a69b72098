//! The next run of a schedule by a calendar.

use super::instant::Time;
use super::wall::{Clocks, WallTime};

/// The next run of a job by a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextSlot {
    /// [`NO_SLOT`] for a run that the calendar did not ask for. `NEVER` if the calendar has no further slot.
    pub(crate) slot: WallTime,
    pub(crate) scheduled: Time,
}

/// Stands for no slot.
pub(crate) const NO_SLOT: WallTime = WallTime::from_nanos(i64::MIN);

impl NextSlot {
    /// The run at `slot`.
    pub(crate) fn at(slot: WallTime, clocks: Clocks) -> NextSlot {
        NextSlot {
            slot,
            scheduled: clocks.time_of(slot),
        }
    }

    /// The run that was asked for at `scheduled`.
    pub(crate) fn without_slot(scheduled: Time) -> NextSlot {
        NextSlot {
            slot: NO_SLOT,
            scheduled,
        }
    }

    /// Whether the calendar asked for the run.
    pub(crate) fn has_slot(self) -> bool {
        self.slot != NO_SLOT && self.slot != WallTime::NEVER
    }
}
