//! The work, in the form that engines accept: each job is a closure.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::measurement::{Body, Phase};
use crate::probe::Probe;

/// The length of a sleep, for jobs that sleep.
const NAP: Duration = Duration::from_millis(5);

/// Jobs to register.
#[derive(Clone)]
pub struct Work {
    pub jobs: usize,
    pub interval: Duration,
    pub phase: Phase,
    pub body: Body,
    /// When the first jobs are due.
    pub begin: Instant,
    /// Leaked, so that a job captures no more than a reference: counting references would cost more than the runs.
    pub probe: &'static Probe,
    pub resolution: Option<Duration>,
}

impl Work {
    /// When `job` is first due.
    pub fn first(&self, job: usize) -> Instant {
        self.begin + self.phase.of(job, self.interval)
    }

    pub fn is_clocked(&self) -> bool {
        self.body == Body::Clock
    }
}

impl Phase {
    /// How long after the first of all jobs this job is due.
    pub fn of(self, job: usize, interval: Duration) -> Duration {
        match self {
            Phase::Bunched => Duration::ZERO,
            // Fibonacci hashing spreads the jobs evenly over the interval, with neighbours far apart.
            Phase::Spread => {
                let hash = (job as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                Duration::from_nanos(hash % interval.as_nanos() as u64)
            }
        }
    }
}

/// An engine that takes synchronous functions.
pub trait AddJob {
    fn add(&mut self, job: usize, run: impl Fn() + Clone + Send + Sync + 'static);
}

/// Adds all jobs, each as a closure of its own type, as a user would write it.
pub fn add_jobs(work: &Work, engine: &mut impl AddJob) {
    for job in 0..work.jobs {
        let probe = work.probe;
        match work.body {
            Body::Count => engine.add(job, move || probe.count()),
            Body::Clock => engine.add(job, move || probe.clock(job)),
            Body::Sleep | Body::Yield => panic!("a synchronous job can't wait"),
        }
    }
}

/// An engine that takes asynchronous functions.
pub trait AddAsyncJob {
    fn add<F>(&mut self, job: usize, run: impl Fn() -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static;
}

/// The sleep and the yield of a runtime.
pub trait Waits {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static;
    fn yield_now() -> impl Future<Output = ()> + Send + 'static;
}

/// Adds all jobs. A job that does not wait is ready at its first poll.
pub fn add_async_jobs<W: Waits>(work: &Work, engine: &mut impl AddAsyncJob) {
    for job in 0..work.jobs {
        let probe = work.probe;
        match work.body {
            Body::Count => engine.add(job, move || async move { probe.count() }),
            Body::Clock => engine.add(job, move || async move { probe.clock(job) }),
            Body::Sleep => engine.add(job, move || async move {
                W::sleep(NAP).await;
                probe.count();
            }),
            Body::Yield => engine.add(job, move || async move {
                W::yield_now().await;
                probe.count();
            }),
        }
    }
}
