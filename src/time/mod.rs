//! Time as plain data: instants, the grid of ticks, policies, jitter, the parser of intervals, schedules by the wall
//! clock, and the agenda of due jobs.
//!
//! No file in this folder reads a clock, takes a lock or knows a task. The folder builds alone: benches and fuzz
//! targets include the folder with a single `#[path]`.

mod agenda;
mod calendar;
mod grid;
mod instant;
mod interval;
mod jitter;
mod schedule;
mod short;
mod slot;
mod wall;

pub(crate) use self::agenda::{Agenda, JobIndex};
pub use self::calendar::Calendar;
pub(crate) use self::calendar::{Aligned, utc};
#[cfg(feature = "calendar")]
pub(crate) use self::calendar::{
    Expression, Pattern, Period, Times, Zone as ZoneRules, next_slot, parse_time, parse_weekdays,
};
pub(crate) use self::grid::Grid;
pub(crate) use self::instant::{Origin, Span, Time};
pub use self::interval::{ParseIntervalError, parse_interval};
pub(crate) use self::jitter::{Jitter, mix, seed_of_text};
pub(crate) use self::schedule::RunStart;
pub use self::schedule::{FirstRun, MissedTicks};
#[cfg(feature = "macros")]
pub(crate) use self::short::is_endless;
pub(crate) use self::short::short;
pub(crate) use self::slot::{NO_SLOT, NextSlot};
pub(crate) use self::wall::{ClockChange, Clocks, WallOrigin, WallTime};
