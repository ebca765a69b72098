//! Runs functions periodically on the async runtime of your program, and stops them cleanly.
//!
//! ```no_run
//! use std::{io, time::Duration};
//! use atevery::{Scheduler, runtime::Tokio};
//!
//! async fn refresh_prices() -> io::Result<()> {
//!     Ok(())
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let scheduler = Scheduler::new(Tokio::current());
//!     scheduler.every(Duration::from_secs(10)).name("prices").run(refresh_prices)?;
//!     scheduler.every(Duration::from_secs(60)).name("sweep").run_blocking(|| println!("swept"))?;
//!     scheduler.start()?;
//!
//!     tokio::signal::ctrl_c().await?;
//!     let stop = scheduler.stop().grace(Duration::from_secs(5)).timeout(Duration::from_secs(1));
//!     println!("{}", stop.await); // for example: stopped: 0 finished, 1 cancelled (prices), 0 still running
//!     Ok(())
//! }
//! ```
//!
//! The example needs the feature `tokio`. It also needs the crate `tokio` with the features `macros`, `rt-multi-thread`
//! and `signal`.
//!
//! A [`Job`] is a function with an interval or a calendar. One execution of a job is a [`Run`]. A [`Scheduler`] divides
//! time into ticks of 50 ms, and a run begins at the first tick at which its job is due. The scheduler sleeps through
//! ticks at which no job is due. A job has at most one run in progress, unless [`JobBuilder::on_overlap`] allows more.
//! If a run fails or panics, the next run begins as scheduled.
//!
//! # Stop
//!
//! [`Scheduler::stop`] returns a [`Stop`]. A stop that is awaited cancels the runs in progress and waits for their end.
//! To cancel a run, the stop drops the future of the run. The code of the run ends at an `.await`. Synchronous code
//! cannot be cancelled: the stop waits for its end, or at most for the [`timeout`](Stop::timeout). With a
//! [`grace`](Stop::grace) period, runs may first end by themselves. The [`StopReport`] names the jobs whose runs ended,
//! were cancelled, or are still running.
//!
//! The jobs of a scheduler also end when the last [`Scheduler`] handle is dropped. Keep a handle for as long as the
//! jobs should run.
//!
//! # What to use for what
//!
//! | to | use |
//! | --- | --- |
//! | register a job | [`Scheduler::every`], [`JobBuilder`]; [`Target`], [`BlockingTarget`], [`SharedTarget`], [`StateTarget`] and [`Outcome`] say which functions can be jobs |
//! | keep a state between the runs of a job, without a lock | [`JobBuilder::run_with`] |
//! | do the runs yourself: in a `select!`, with borrowed state, without `Send` | [`JobBuilder::ticks`], [`Ticks`] |
//! | decide when a job runs | [`FirstRun`], [`MissedTicks`], [`parse_interval`] with [`ParseIntervalError`]; [`JobBuilder::jitter`], [`JobBuilder::times`], [`JobBuilder::until`], [`JobBuilder::fixed_delay`] |
//! | run a job by the wall clock | [`Scheduler::on`], [`Scheduler::cron`], [`Scheduler::daily`], [`JobBuilder::aligned`]; [`Calendar`], [`Cron`], [`Daily`] with [`IntoTimes`]; the page [`calendar`] |
//! | set ticks and defaults for all jobs | [`Scheduler::builder`], [`SchedulerBuilder`] |
//! | handle a job that is due during its own run | [`Overlap`], [`Allow`]; behind them [`OverlapPolicy`], [`OneAtATime`], [`Several`], [`HasOneRun`] |
//! | limit how long a run or an attempt takes, and try again | [`JobBuilder::timeout`], [`JobBuilder::attempt_timeout`], [`JobBuilder::retry`] |
//! | limit how many jobs run at once | [`Scheduler::group`], [`JobBuilder::group`], [`IntoGroup`], [`GroupName`] |
//! | look at the run from inside a job | [`Run`], [`Cancelled`] |
//! | let a run say when the next one comes, or that it was the last | [`Run::next_in`], [`Run::next_at`], [`Run::last`] |
//! | control a job later | [`Job`], [`JobId`]: trigger, pause, resume, set the interval or the calendar, cancel, remove; [`Job::upcoming`] foretells |
//! | tie a job to a value | [`Job::remove_on_drop`], [`JobGuard`] |
//! | wait for a job | [`Job::idle`] with [`Idle`], [`Job::removed`] with [`Removed`] |
//! | find jobs | [`Scheduler::jobs`], [`JobBuilder::tag`], [`Job::has_tag`] |
//! | stop a scheduler, or one job | [`Scheduler::stop`], [`Job::stop`]; [`Stop`], [`Stopping`], [`StopReport`] |
//! | hold a scheduler without keeping its jobs alive | [`WeakScheduler`] |
//! | observe | [`Scheduler::status`], [`SchedulerStatus`], [`SchedulerState`], [`JobStatus`], [`JobState`]; [`SchedulerBuilder::on_event`], [`Events`], [`Event`], [`EventKind`]; [`trace`], [`metrics`] |
//! | test jobs without sleeping | [`Scheduler::now`], [`testing::VirtualTime`] |
//! | choose a runtime, or write an adapter for another one | [`runtime`], [`testing::conformance`](mod@testing::conformance) |
//! | remember slots, and let one of several processes run a slot | [`ledger`], [`ledger::Ledger`]: [`ledger::Memory`], [`ledger::Dir`] |
//! | register functions by an attribute | [`every`], [`Registered`], [`start_background_tasks`], [`stop_background_tasks`] |
//! | handle an error | [`Error`] |
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `macros` (default) | [`#[every]`](every), [`start_background_tasks`], [`stop_background_tasks`] |
//! | `tokio` | [`runtime::Tokio`] |
//! | `smol` | [`runtime::Smol`] |
//! | `async-std` | [`runtime::AsyncStd`]; async-std is discontinued upstream |
//! | `async-executor` | [`runtime::AsyncIo`], for an executor that your program drives |
//! | `futures-timer` | [`runtime::FuturesSpawner`] and [`runtime::FuturesTimer`], for any `futures` executor |
//! | `standalone` | [`runtime::Standalone`], for programs without an async runtime |
//! | `tracing` | a span for each run, an event for each error, for the start and the stop of a scheduler, and a warning if a running scheduler is dropped, see [`trace`] |
//! | `metrics` | counters and histograms for each job, see [`metrics`] |
//! | `calendar` | [`Cron`] and [`Daily`]: cron expressions, times of the day, and time zones, see [`calendar`] |
//! | `serde` | `Serialize` for [`SchedulerStatus`] and [`JobStatus`] |
//! | `testing` | [`testing`]: a clock that tests move, and a test suite for adapters |
//!
//! Each runtime's feature adds only the crates of its own runtime.
//!
//! # In a library
//!
//! A library does not choose a runtime. It takes an `impl` [`Runtime`](runtime::Runtime) from its user, turns no
//! runtime's feature on, and leaves the default feature `macros` out:
//!
//! ```toml
//! [dependencies]
//! atevery = { version = "0.1", default-features = false }   # 11 crates; 17 with `macros`
//!
//! [dev-dependencies]
//! atevery = { version = "0.1", default-features = false, features = ["testing"] }
//! ```
//!
//! The user of the library depends on `atevery` too, and turns the feature of a runtime on:
//!
//! ```toml
//! [dependencies]
//! atevery = { version = "0.1", default-features = false, features = ["tokio"] }
//! ```
//!
//! Code of the library asks [`Scheduler::now`] for the time, and code inside a job asks [`Run::started`]. Both follow
//! the runtime's clock. A test passes a [`VirtualTime`](testing::VirtualTime), from the feature `testing`, and moves
//! the clock:
//!
//! ```
//! use std::time::{Duration, Instant};
//! use atevery::{Error, Scheduler, runtime::Runtime, testing::VirtualTime};
//!
//! pub struct Lease {
//!     scheduler: Scheduler,
//!     since: Instant,
//! }
//!
//! impl Lease {
//!     pub fn new(runtime: impl Runtime) -> Result<Lease, Error> {
//!         let scheduler = Scheduler::new(runtime);
//!         scheduler.every(Duration::from_secs(10)).name("renew").run(async || println!("renewed"))?;
//!         scheduler.start()?;
//!         Ok(Lease { since: scheduler.now(), scheduler })
//!     }
//!
//!     pub fn age(&self) -> Duration {
//!         self.scheduler.now() - self.since
//!     }
//! }
//!
//! let time = VirtualTime::new();
//! let lease = Lease::new(time.clone())?;
//! time.advance(Duration::from_secs(3600)); // 361 runs, and no waiting
//! assert_eq!(lease.age(), Duration::from_secs(3600));
//! # Ok::<(), atevery::Error>(())
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

// Top to bottom: each folder imports only from those below it, and from the files beside this one.
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

#[cfg(feature = "macros")]
mod register;

mod control;

mod exec;

mod engine;

mod dispatch;

mod observe;

mod park;

mod job;

mod clock;

pub mod runtime;

pub mod ledger;

#[cfg(all(feature = "calendar", doc))]
#[cfg_attr(docsrs, doc(cfg(feature = "calendar")))]
pub mod calendar;
#[cfg(all(feature = "calendar", not(doc)))]
mod calendar;

mod time;

#[cfg(doc)]
pub mod coming_from;
mod error;
#[cfg(all(interleavings, test))]
#[path = "../interleavings/loom/mod.rs"]
mod interleavings;
mod sync;
mod text;
mod unwind;

#[cfg(feature = "calendar")]
#[cfg_attr(docsrs, doc(cfg(feature = "calendar")))]
pub use crate::calendar::cron::Cron;
#[cfg(feature = "calendar")]
#[cfg_attr(docsrs, doc(cfg(feature = "calendar")))]
pub use crate::calendar::daily::{Daily, IntoTimes};
pub use crate::control::job_builder::JobBuilder;
pub use crate::control::job_guard::JobGuard;
pub use crate::control::overlap::{Allow, HasOneRun, OneAtATime, Overlap, OverlapPolicy, Several};
pub use crate::control::scheduler::{Scheduler, SchedulerBuilder, WeakScheduler};
pub use crate::control::stop::{Stop, StopReport};
pub use crate::control::stopping::Stopping;
pub use crate::error::Error;
pub use crate::exec::ticks::Ticks;
pub use crate::job::cancelled::Cancelled;
pub use crate::job::event_kind::EventKind;
pub use crate::job::group_name::{GroupName, IntoGroup};
pub use crate::job::handle::Job;
pub use crate::job::id::JobId;
pub use crate::job::idle::Idle;
pub use crate::job::removed::Removed;
pub use crate::job::run::Run;
pub use crate::job::state_target::StateTarget;
pub use crate::job::target::{BlockingTarget, Outcome, SharedTarget, Target};
pub use crate::observe::event::Event;
#[cfg(feature = "metrics")]
pub use crate::observe::metrics;
pub use crate::observe::status::{JobState, JobStatus, SchedulerState, SchedulerStatus};
pub use crate::observe::stream::Events;
pub use crate::observe::trace;
#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
pub use crate::register::background::{start_background_tasks, stop_background_tasks};
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use crate::register::private as __private;
#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
#[doc(inline)]
pub use crate::register::registry::{Registered, every};
#[cfg(all(feature = "calendar", feature = "macros"))]
#[doc(inline)]
pub use crate::register::registry::{cron, daily};
pub use crate::time::{Calendar, FirstRun, MissedTicks, ParseIntervalError, parse_interval};
