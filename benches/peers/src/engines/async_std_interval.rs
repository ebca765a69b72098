//! A task with an `async_std::stream::interval` for each job.

use std::future::Future;
use std::time::{Duration, Instant};

use async_std::stream::{self, StreamExt};
use async_std::task::{self, JoinHandle};

use super::Engine;
use crate::Error;
use crate::work::{AddAsyncJob, Waits, Work, add_async_jobs};

#[derive(Default)]
pub struct AsyncStdInterval {
    tasks: Vec<JoinHandle<()>>,
}

impl Engine for AsyncStdInterval {
    fn start(&mut self, work: &Work) -> Result<(), Error> {
        let mut tasks = Tasks {
            spawned: Vec::with_capacity(work.jobs),
            work: work.clone(),
        };
        add_async_jobs::<AsyncStdWaits>(work, &mut tasks);
        self.tasks = tasks.spawned;
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        let tasks = std::mem::take(&mut self.tasks);
        task::block_on(async {
            for task in tasks {
                task.cancel().await;
            }
        });
        Ok(())
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
        self.spawned.push(task::spawn(task));
    }
}

async fn repeat<F: Future<Output = ()>>(first: Instant, every: Duration, run: impl Fn() -> F) {
    task::sleep(first.saturating_duration_since(Instant::now())).await;
    run().await;
    let mut interval = stream::interval(every);
    while interval.next().await.is_some() {
        run().await;
    }
}

pub struct AsyncStdWaits;

impl Waits for AsyncStdWaits {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        task::sleep(duration)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        task::yield_now()
    }
}
