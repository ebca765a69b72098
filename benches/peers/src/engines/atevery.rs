//! `atevery`, with its default settings, on each runtime.

use std::future::Future;
use std::sync::mpsc::channel;
use std::time::Duration;

use ::atevery::runtime::{AsyncStd, Runtime, Smol, Tokio};
use ::atevery::{FirstRun, JobBuilder, Run, Scheduler};
use tokio::runtime::Handle;

use super::Engine;
use super::async_std_interval::AsyncStdWaits;
use super::smol_timer::SmolWaits;
use super::tokio_host::{Flavor, TokioHost, TokioWaits};
use crate::Error;
use crate::probe::Grid;
use crate::work::{AddAsyncJob, AddJob, Waits, Work, add_async_jobs, add_jobs};

/// The default length of a tick.
const TICK: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targets {
    Sync,
    Async,
}

pub struct Atevery<R, W> {
    runtime: R,
    host: Option<TokioHost>,
    targets: Targets,
    scheduler: Option<Scheduler>,
    waits: std::marker::PhantomData<W>,
}

pub fn tokio(flavor: Flavor, targets: Targets) -> Result<Atevery<Tokio, TokioWaits>, Error> {
    let host = TokioHost::new(flavor)?;
    let runtime = Tokio::from(host.handle().clone());
    Ok(Atevery::new(runtime, Some(host), targets))
}

pub fn smol() -> Atevery<Smol, SmolWaits> {
    Atevery::new(Smol, None, Targets::Async)
}

pub fn async_std() -> Atevery<AsyncStd, AsyncStdWaits> {
    Atevery::new(AsyncStd, None, Targets::Async)
}

impl<R, W> Atevery<R, W> {
    fn new(runtime: R, host: Option<TokioHost>, targets: Targets) -> Self {
        Atevery {
            runtime,
            host,
            targets,
            scheduler: None,
            waits: std::marker::PhantomData,
        }
    }
}

impl<R: Runtime + Clone, W: Waits> Engine for Atevery<R, W> {
    fn start(&mut self, work: &Work) -> Result<(), Error> {
        let builder = Scheduler::builder(self.runtime.clone());
        let scheduler = match work.resolution {
            Some(tick) => builder.resolution(tick).build()?,
            None => builder.build()?,
        };
        let mut jobs = Jobs {
            scheduler: &scheduler,
            work,
        };
        match self.targets {
            Targets::Sync => add_jobs(work, &mut jobs),
            Targets::Async => add_async_jobs::<W>(work, &mut jobs),
        }
        if work.is_clocked() {
            start_and_find_grid(&scheduler, work)?;
        } else {
            scheduler.start()?;
        }
        self.scheduler = Some(scheduler);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        let Some(scheduler) = self.scheduler.take() else {
            return Ok(());
        };
        let report = scheduler.stop().blocking_wait();
        if report.is_clean() {
            Ok(())
        } else {
            Err(format!("not a clean stop: {report}").into())
        }
    }

    fn tokio(&self) -> Option<&Handle> {
        self.host.as_ref().map(TokioHost::handle)
    }
}

struct Jobs<'a> {
    scheduler: &'a Scheduler,
    work: &'a Work,
}

impl Jobs<'_> {
    fn every(&self, job: usize) -> JobBuilder {
        let first = FirstRun::At(self.work.first(job));
        self.scheduler.every(self.work.interval).first_run(first)
    }
}

impl AddJob for Jobs<'_> {
    fn add(&mut self, job: usize, run: impl Fn() + Clone + Send + Sync + 'static) {
        self.every(job).run(run).expect("the interval is long enough");
    }
}

impl AddAsyncJob for Jobs<'_> {
    fn add<F>(&mut self, job: usize, run: impl Fn() -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.every(job).run(run).expect("the interval is long enough");
    }
}

/// Ticks are counted from the start. The first run of a job that is due at once is scheduled at that instant.
fn start_and_find_grid(scheduler: &Scheduler, work: &Work) -> Result<(), Error> {
    let (sender, receiver) = channel();
    let day = Duration::from_secs(86_400);
    scheduler.every(day).run(move |run: Run| {
        // The channel is used once, because there is no second run.
        let _ = sender.send(run.scheduled());
    })?;
    scheduler.start()?;
    work.probe.set_grid(Grid {
        origin: receiver.recv()?,
        step: work.resolution.unwrap_or(TICK),
    });
    Ok(())
}
