//! The engines that run the jobs: `atevery` on each runtime, and the peers.

mod async_std_interval;
mod atevery;
mod clokwerk;
mod delay_timer;
mod limit_live;
mod smol_timer;
mod tokio_cron_scheduler;
mod tokio_host;
mod tokio_interval;
mod tokio_schedule;

use tokio::runtime::Handle;

use crate::Error;
use crate::engines::tokio_host::Flavor;
use crate::work::Work;

/// An engine that runs jobs.
pub trait Engine {
    /// Registers all jobs, and starts running them.
    fn start(&mut self, work: &Work) -> Result<(), Error>;

    /// Stops the engine. When the call returns, no job runs any more.
    fn stop(&mut self) -> Result<(), Error>;

    /// The Tokio runtime of the engine, if there is one.
    fn tokio(&self) -> Option<&Handle> {
        None
    }
}

/// An engine as the plan knows it.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether the first due time of a job can be set. Otherwise the engine chooses the time.
    pub has_phases: bool,
    /// The loop of the same runtime that spawns a task for each job, for `atevery`.
    pub rival: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// This library.
    Atevery,
    /// The floor, which no scheduler can undercut.
    Floor,
    /// A runtime's own interval, in a task for each job.
    Loop,
    /// A library of schedules.
    Library,
    /// A library in Python.
    Python,
}

/// All engines, in the order of the tables.
pub const ALL: &[Known] = &[
    known("limit-live", Kind::Floor, true, None),
    known("atevery-tokio-sync", Kind::Atevery, true, Some("tokio-interval")),
    known("atevery-tokio", Kind::Atevery, true, Some("tokio-interval")),
    known("atevery-tokio-ct", Kind::Atevery, true, Some("tokio-interval-ct")),
    known("atevery-smol", Kind::Atevery, true, Some("smol-timer")),
    known("atevery-async-std", Kind::Atevery, true, Some("async-std")),
    known("tokio-interval", Kind::Loop, true, None),
    known("tokio-interval-ct", Kind::Loop, true, None),
    known("smol-timer", Kind::Loop, true, None),
    known("async-std", Kind::Loop, true, None),
    known("tokio_schedule", Kind::Library, false, None),
    known("clokwerk", Kind::Library, false, None),
    known("delay_timer", Kind::Library, false, None),
    known("tokio-cron-scheduler", Kind::Library, false, None),
    known("python-atevery", Kind::Python, false, None),
    known("python-apscheduler", Kind::Python, false, None),
];

const fn known(name: &'static str, kind: Kind, has_phases: bool, rival: Option<&'static str>) -> Known {
    Known {
        name,
        kind,
        has_phases,
        rival,
    }
}

pub fn find(name: &str) -> Result<&'static Known, Error> {
    let known = ALL.iter().find(|known| known.name == name);
    known.ok_or_else(|| format!("there is no engine {name}").into())
}

/// Makes the engine of this name, ready to take jobs. Its runtime is running already.
pub fn make(name: &str) -> Result<Box<dyn Engine>, Error> {
    Ok(match name {
        "limit-live" => Box::new(limit_live::LimitLive::default()),
        "atevery-tokio-sync" => Box::new(atevery::tokio(Flavor::MultiThread, atevery::Targets::Sync)?),
        "atevery-tokio" => Box::new(atevery::tokio(Flavor::MultiThread, atevery::Targets::Async)?),
        "atevery-tokio-ct" => Box::new(atevery::tokio(Flavor::CurrentThread, atevery::Targets::Async)?),
        "atevery-smol" => Box::new(atevery::smol()),
        "atevery-async-std" => Box::new(atevery::async_std()),
        "tokio-interval" => Box::new(tokio_interval::TokioInterval::new(Flavor::MultiThread)?),
        "tokio-interval-ct" => Box::new(tokio_interval::TokioInterval::new(Flavor::CurrentThread)?),
        "smol-timer" => Box::new(smol_timer::SmolTimer::default()),
        "async-std" => Box::new(async_std_interval::AsyncStdInterval::default()),
        "tokio_schedule" => Box::new(tokio_schedule::TokioSchedule::new()?),
        "clokwerk" => Box::new(clokwerk::Clokwerk::default()),
        "delay_timer" => Box::new(delay_timer::Delay::new()?),
        "tokio-cron-scheduler" => Box::new(tokio_cron_scheduler::Cron::new()?),
        _ => return Err(format!("{name} isn't run by this program").into()),
    })
}
