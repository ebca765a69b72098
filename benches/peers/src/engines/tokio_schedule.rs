//! `tokio_schedule`: a task for each job. It uses the wall clock: jobs of one second are due at whole seconds.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_schedule::{Job, every};

use super::Engine;
use super::tokio_host::{Flavor, TokioHost, TokioWaits};
use crate::Error;
use crate::work::{AddAsyncJob, Work, add_async_jobs};

pub struct TokioSchedule {
    host: TokioHost,
    tasks: Vec<JoinHandle<()>>,
}

impl TokioSchedule {
    pub fn new() -> Result<TokioSchedule, Error> {
        Ok(TokioSchedule {
            host: TokioHost::new(Flavor::MultiThread)?,
            tasks: Vec::new(),
        })
    }
}

impl Engine for TokioSchedule {
    fn start(&mut self, work: &Work) -> Result<(), Error> {
        let work = work.clone();
        self.tasks = self.host.inside(async move {
            let mut tasks = Tasks {
                spawned: Vec::with_capacity(work.jobs),
                seconds: work.interval.as_secs() as u32,
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
}

struct Tasks {
    spawned: Vec<JoinHandle<()>>,
    seconds: u32,
}

impl AddAsyncJob for Tasks {
    fn add<F>(&mut self, _job: usize, run: impl Fn() -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // The crate's builder wants a period of 60 seconds as one minute.
        let task = match self.seconds {
            60 => tokio::spawn(every(1).minute().perform(run)),
            seconds => tokio::spawn(every(seconds).seconds().perform(run)),
        };
        self.spawned.push(task);
    }
}
