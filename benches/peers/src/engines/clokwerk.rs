//! `clokwerk`: a thread that asks every job at every tick. It uses the wall clock.

use std::time::Duration;

use clokwerk::{Interval, ScheduleHandle, Scheduler};

use super::Engine;
use crate::Error;
use crate::work::{AddJob, Work, add_jobs};

/// How often the thread asks: as often as `atevery` ticks.
const TICK: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct Clokwerk {
    handle: Option<ScheduleHandle>,
}

impl Engine for Clokwerk {
    fn start(&mut self, work: &Work) -> Result<(), Error> {
        let mut jobs = Jobs {
            scheduler: Scheduler::new(),
            interval: Interval::Seconds(work.interval.as_secs() as u32),
        };
        add_jobs(work, &mut jobs);
        self.handle = Some(jobs.scheduler.watch_thread(TICK));
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        if let Some(handle) = self.handle.take() {
            handle.stop();
        }
        Ok(())
    }
}

struct Jobs {
    scheduler: Scheduler,
    interval: Interval,
}

impl AddJob for Jobs {
    fn add(&mut self, _job: usize, run: impl Fn() + Clone + Send + Sync + 'static) {
        self.scheduler.every(self.interval).run(run);
    }
}
