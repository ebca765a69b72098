//! A task with a `smol::Timer::interval_at` for each job, on smol's global executor.

use std::future::Future;
use std::time::{Duration, Instant};

use smol::stream::StreamExt;
use smol::{Task, Timer};

use super::Engine;
use crate::Error;
use crate::work::{AddAsyncJob, Waits, Work, add_async_jobs};

#[derive(Default)]
pub struct SmolTimer {
    tasks: Vec<Task<()>>,
}

impl Engine for SmolTimer {
    fn start(&mut self, work: &Work) -> Result<(), Error> {
        let mut tasks = Tasks {
            spawned: Vec::with_capacity(work.jobs),
            work: work.clone(),
        };
        add_async_jobs::<SmolWaits>(work, &mut tasks);
        self.tasks = tasks.spawned;
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        let tasks = std::mem::take(&mut self.tasks);
        smol::block_on(async {
            for task in tasks {
                task.cancel().await;
            }
        });
        Ok(())
    }
}

struct Tasks {
    spawned: Vec<Task<()>>,
    work: Work,
}

impl AddAsyncJob for Tasks {
    fn add<F>(&mut self, job: usize, run: impl Fn() -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = repeat(self.work.first(job), self.work.interval, run);
        self.spawned.push(smol::spawn(task));
    }
}

async fn repeat<F: Future<Output = ()>>(first: Instant, every: Duration, run: impl Fn() -> F) {
    let mut timer = Timer::interval_at(first, every);
    while timer.next().await.is_some() {
        run().await;
    }
}

pub struct SmolWaits;

impl Waits for SmolWaits {
    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        smol::future::yield_now()
    }
}
