//! `tokio-cron-scheduler`, with its repeated jobs.

use std::time::Duration;

use tokio_cron_scheduler::{Job, JobScheduler};

use super::Engine;
use super::tokio_host::{Flavor, TokioHost};
use crate::Error;
use crate::work::{AddJob, Work, add_jobs};

/// The smallest size of the channels: the crate's own default.
const CHANNEL: usize = 200;

pub struct Cron {
    host: TokioHost,
    scheduler: Option<JobScheduler>,
}

impl Cron {
    pub fn new() -> Result<Cron, Error> {
        Ok(Cron {
            host: TokioHost::new(Flavor::MultiThread)?,
            scheduler: None,
        })
    }
}

impl Engine for Cron {
    fn start(&mut self, work: &Work) -> Result<(), Error> {
        let work = work.clone();
        self.scheduler = Some(self.host.inside(start(work))??);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        if let Some(mut scheduler) = self.scheduler.take() {
            self.host.inside(async move { scheduler.shutdown().await })??;
        }
        Ok(())
    }
}

async fn start(work: Work) -> Result<JobScheduler, Error> {
    // Runs that do not fit into the channels are lost, so the channels are as large as a tick.
    let scheduler = JobScheduler::new_with_channel_size(work.jobs.max(CHANNEL)).await?;
    let mut jobs = Jobs {
        made: Vec::with_capacity(work.jobs),
        interval: work.interval,
    };
    add_jobs(&work, &mut jobs);
    for job in jobs.made {
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}

struct Jobs {
    made: Vec<Job>,
    interval: Duration,
}

impl AddJob for Jobs {
    fn add(&mut self, _job: usize, run: impl Fn() + Clone + Send + Sync + 'static) {
        let job = Job::new_repeated(self.interval, move |_id, _scheduler| run());
        self.made.push(job.expect("the interval is valid"));
    }
}
