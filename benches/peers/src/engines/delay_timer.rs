//! `delay_timer`, on a Tokio runtime that the benchmark provides.

use std::future::Future;
use std::sync::Arc;

use delay_timer::prelude::{DelayTimer, DelayTimerBuilder, TaskBuilder};

use super::Engine;
use super::tokio_host::{Flavor, TokioHost, TokioWaits};
use crate::Error;
use crate::work::{AddAsyncJob, Work, add_async_jobs};

pub struct Delay {
    timer: DelayTimer,
    _host: TokioHost,
}

impl Delay {
    pub fn new() -> Result<Delay, Error> {
        let host = TokioHost::new(Flavor::MultiThread)?;
        let builder = DelayTimerBuilder::default();
        Ok(Delay {
            timer: builder
                .tokio_runtime_shared_by_custom(Arc::clone(&host.runtime))
                .build(),
            _host: host,
        })
    }
}

impl Engine for Delay {
    fn start(&mut self, work: &Work) -> Result<(), Error> {
        let mut jobs = Jobs {
            timer: &self.timer,
            seconds: work.interval.as_secs(),
        };
        add_async_jobs::<TokioWaits>(work, &mut jobs);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        self.timer.stop_delay_timer()?;
        Ok(())
    }
}

struct Jobs<'a> {
    timer: &'a DelayTimer,
    seconds: u64,
}

impl AddAsyncJob for Jobs<'_> {
    fn add<F>(&mut self, job: usize, run: impl Fn() -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut builder = TaskBuilder::default();
        builder
            .set_task_id(job as u64)
            .set_frequency_repeated_by_seconds(self.seconds);
        let task = builder.spawn_async_routine(run).expect("seconds are a frequency");
        self.timer.add_task(task).expect("the timer runs");
    }
}
