//! Jobs that run every so often, on whatever async runtime the program has, and stop cleanly.
//!
//! ```
//! use std::time::Duration;
//! use atevery::{Scheduler, runtime::Standalone};
//!
//! # fn main() -> Result<(), atevery::Error> {
//! let scheduler = Scheduler::new(Standalone::new());
//! scheduler.every(Duration::from_millis(50)).name("beat").run(|| println!("still here"))?;
//! scheduler.every(Duration::from_secs(60)).name("sweep").run(async || println!("swept"))?;
//! scheduler.start()?;
//! std::thread::sleep(Duration::from_millis(200));
//! let report = scheduler.stop().timeout(Duration::from_secs(5)).blocking_wait();
//! println!("{report}");
//! # assert!(report.is_clean());
//! # Ok(())
//! # }
//! ```
//!
//! A [`Scheduler`] cuts time into ticks of 50 ms and wakes for those at which something is due. A job has one run at a
//! time; a late one catches up as its [`MissedTicks`] says; one that fails or panics runs again when it is due. A
//! [`Stop`] cancels, waits as long as it is told to, and [reports](StopReport) what it left behind.
//!
//! The runtime is the caller's choice, see [`runtime`]; each adapter has a feature of its own. Tests of jobs need no
//! sleeping: [`testing`] has a virtual clock.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private;
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod alarm;
mod batch;
mod bells;
mod canary;
mod cancelled;
mod cell;
mod claim;
mod clock;
#[cfg(doc)]
pub mod coming_from;
mod driver;
mod end;
mod engine;
mod error;
mod event;
mod event_kind;
mod events;
#[cfg(feature = "macros")]
mod global;
mod group;
mod groups;
mod handout;
mod id;
mod inside;
mod instance;
#[cfg(all(interleavings, test))]
#[path = "../interleavings/loom/mod.rs"]
mod interleavings;
mod job;
mod lane;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
mod observers;
mod options;
mod overlap;
mod panics;
mod parked;
mod places;
mod record;
#[cfg(feature = "macros")]
mod registry;
mod retry;
mod roster;
mod rules;
mod run;
mod runs;
pub mod runtime;
mod scheduler;
mod session;
mod span;
mod status;
mod stop;
mod stopping;
mod sync;
mod target;
mod terms;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod text;
mod time;
mod time_limit;
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub mod trace;
mod troubles;
mod waiters;
mod watch;

pub use crate::cancelled::Cancelled;
pub use crate::error::Error;
pub use crate::event::Event;
pub use crate::event_kind::EventKind;
pub use crate::events::Events;
#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
pub use crate::global::{start_background_tasks, stop_background_tasks};
pub use crate::group::{GroupName, IntoGroup};
pub use crate::id::JobId;
pub use crate::job::{Job, JobBuilder};
pub use crate::overlap::{Allow, OneAtATime, Overlap, OverlapPolicy, Several};
#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
#[doc(inline)]
pub use crate::registry::{Registered, every};
pub use crate::run::Run;
pub use crate::scheduler::{Scheduler, SchedulerBuilder, WeakScheduler};
pub use crate::status::{JobState, JobStatus, SchedulerState, SchedulerStatus};
pub use crate::stop::{Stop, StopReport};
pub use crate::stopping::Stopping;
pub use crate::target::{BlockingTarget, Outcome, SharedTarget, Target};
pub use crate::time::{FirstRun, MissedTicks};
pub use crate::time::{ParseIntervalError, parse_interval};
