use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::cell::JobCell;
use crate::engine::Engine;
use crate::job::Job;
use crate::time::Time;

/// One run of a job, as the job sees it.
///
/// A target that takes a `Run` gets one for each run:
///
/// ```
/// use std::time::Duration;
/// use atevery::{Run, Scheduler, testing::VirtualTime};
///
/// let scheduler = Scheduler::new(VirtualTime::new());
/// scheduler.every(Duration::from_secs(1)).run(|run: Run| {
///     println!("run {} of {}, {:?} late", run.number(), run.job().name(), run.started() - run.deadline());
/// })?;
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Clone)]
pub struct Run {
    job: Job,
    number: u64,
    deadline: Instant,
    started: Instant,
    missed: u64,
}

impl Run {
    /// The number of this run, counted from 0 for the life of the job.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// When it was due.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// When it began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// How many intervals were dropped at this run: the whole ones between [`deadline`](Run::deadline) and
    /// [`started`](Run::started) under [`Skip`](crate::MissedTicks::Skip) and [`Delay`](crate::MissedTicks::Delay), none
    /// under [`Burst`](crate::MissedTicks::Burst).
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Whether the scheduler wants this run to end.
    ///
    /// An asynchronous run need not look: it is dropped at its next await. Blocking code looks from time to time:
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler.every(Duration::from_secs(60)).run_blocking(|run: Run| {
    ///     for _file in 0..10_000 {
    ///         if run.is_cancelled() {
    ///             return;
    ///         }
    ///     }
    /// })?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.job.cell().is_cancelled(self.number)
    }

    /// The job that this is a run of.
    pub fn job(&self) -> Job {
        self.job.clone()
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("job", &self.job.name())
            .field("number", &self.number)
            .field("deadline", &self.deadline)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

/// A run that has begun: what a [`Run`] is made of, for those targets that take one.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub struct Begun<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) job: &'a Arc<JobCell>,
    pub(crate) number: u64,
    pub(crate) deadline: Time,
    pub(crate) started: Time,
}

impl Begun<'_> {
    pub(crate) fn to_run(&self) -> Run {
        Run {
            job: Job::new(Arc::clone(self.job)),
            number: self.number,
            deadline: self.engine.instant_of(self.deadline),
            started: self.engine.instant_of(self.started),
            missed: self.job.missed(self.deadline, self.started),
        }
    }
}
