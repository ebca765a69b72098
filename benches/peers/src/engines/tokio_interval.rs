//! A task with a `tokio::time::interval` for each job.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::Engine;
use super::tokio_host::{Flavor, TokioHost, TokioWaits};
use crate::Error;
use crate::work::{AddAsyncJob, Work, add_async_jobs};

pub struct TokioInterval {
    host: TokioHost,
    tasks: Vec<JoinHandle<()>>,
}

impl TokioInterval {
    pub fn new(flavor: Flavor) -> Result<TokioInterval, Error> {
        Ok(TokioInterval {
            host: TokioHost::new(flavor)?,
            tasks: Vec::new(),
        })
    }
}

impl Engine for TokioInterval {
    fn start(&mut self, work: &Work) -> Result<(), Error> {
        let work = work.clone();
        self.tasks = self.host.inside(async move {
            let mut tasks = Tasks {
                spawned: Vec::with_capacity(work.jobs),
                work: work.clone(),
            };
            add_async_jobs::<TokioWaits>(&work, &mut tasks);
            tasks.spawned
        })?;
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        let tasks = std::mem::take(&mut self.tasks);
        self.host.inside(async move {
            tasks.iter().for_each(JoinHandle::abort);
            for task in tasks {
                // The expected result is an error that says "cancelled".
                let _ = task.await;
            }
        })
    }

    fn tokio(&self) -> Option<&Handle> {
        Some(self.host.handle())
    }
}

struct Tasks {
    spawned: Vec<JoinHandle<()>>,
    work: Work,
}

impl AddAsyncJob for Tasks {
    fn add<F>(&mut self, job: usize, run: impl Fn() -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = repeat(self.work.first(job), self.work.interval, run);
        self.spawned.push(tokio::spawn(task));
    }
}

async fn repeat<F: Future<Output = ()>>(first: Instant, every: Duration, run: impl Fn() -> F) {
    let mut interval = tokio::time::interval_at(first.into(), every);
    loop {
        interval.tick().await;
        run().await;
    }
}
