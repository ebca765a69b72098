use crate::control::job_builder::JobBuilder;
use crate::control::options::Overlaps;

/// The policy for a job that is due while a run is in progress.
///
/// The timelines show a job of 100 ms whose first run waits for 230 ms. `#` is a run, and the ticks are 50 ms apart.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Allow, Overlap, Scheduler, testing::VirtualTime};
///
/// let scheduler = Scheduler::new(VirtualTime::new());
/// scheduler.every(Duration::from_secs(1)).on_overlap(Overlap::Replace).run(std::future::pending::<()>)?;
/// scheduler.every(Duration::from_secs(1)).on_overlap(Allow(3)).run(std::future::pending::<()>)?;
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Overlap {
    /// The job waits for the end of the run in progress. The next run begins at the first tick after this end.
    /// [`MissedTicks`](crate::MissedTicks) decides whether the runs due in between are made up or dropped.
    ///
    /// ```text
    /// ms    0         100       200       300       400
    /// tick  |    |    |    |    |    |    |    |    |
    /// due   x         x         x         x         x
    /// run   #######################  #    #    #    #
    /// ```
    #[default]
    Wait,
    /// What comes due during a run is dropped, also under [`MissedTicks::Burst`](crate::MissedTicks::Burst). The next
    /// run is due at the job's next regular instant. [`Run::missed`](crate::Run::missed) of this run counts the dropped
    /// runs, and so does [`JobStatus::missed`](crate::JobStatus::missed). In the timeline, the run at 300 ms has missed
    /// the runs due at 100 ms and 200 ms.
    ///
    /// Runs that were overdue before the run began are not dropped: [`MissedTicks`](crate::MissedTicks) decides. A
    /// [triggered](crate::Job::trigger) run is not dropped either, and begins at the end of the run in progress.
    ///
    /// ```text
    /// ms    0         100       200       300       400
    /// tick  |    |    |    |    |    |    |    |    |
    /// due   x         x         x         x         x
    /// run   #######################       #         #
    /// ```
    Skip,
    /// The run in progress is cancelled, and the new run begins. Synchronous code can't be cancelled:
    /// [`Run::is_cancelled`](crate::Run::is_cancelled) returns true for the old run, and the new run begins at the
    /// first tick after its end.
    ///
    /// ```text
    /// ms    0         100       200       300       400
    /// tick  |    |    |    |    |    |    |    |    |
    /// due   x         x         x         x         x
    /// run   ##########
    ///                 #         #         #         #
    /// ```
    Replace,
}

impl Overlap {
    /// The same as [`Allow`], for code that looks for it here. `Allow` is a type of its own, because its target must be
    /// `Fn + Sync`.
    #[allow(non_snake_case, reason = "it reads like the other policies")]
    pub const fn Allow(runs: usize) -> Allow {
        Allow(runs)
    }
}

/// An [`on_overlap`](JobBuilder::on_overlap) policy: at most this number of runs of the job may be in progress at once.
/// If the number is reached, the job waits, as with [`Overlap::Wait`].
///
/// The target must be `Fn + Sync`, because several threads may call the target at once.
///
/// ```text
/// ms    0         100       200       300       400
/// tick  |    |    |    |    |    |    |    |    |
/// due   x         x         x         x         x
/// run   #######################       #         #
///                 #         #                             Allow(2)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Allow(pub usize);

/// A marker for [`JobBuilder`]: the job has one run at a time.
#[derive(Debug, Clone, Copy)]
pub struct OneAtATime;

/// A job that may have a state, see [`run_with`](JobBuilder::run_with): it has one run at a time.
#[diagnostic::on_unimplemented(
    message = "a job with `Allow` can't have a state",
    label = "several runs of the job would share the state",
    note = "without `Allow`, the job has one run at a time, and `run_with` hands each run the state",
    note = "with `Allow`, use `run`, and share the state between the runs: `let state = Arc::new(Mutex::new(state));` and \
            `.run(move || {{ let state = state.clone(); async move {{ .. }} }})`"
)]
pub trait HasOneRun: sealed::Sealed {}

impl HasOneRun for OneAtATime {}

/// A marker for [`JobBuilder`]: the job may have several runs at a time.
#[derive(Debug, Clone, Copy)]
pub struct Several;

/// The argument of [`on_overlap`](JobBuilder::on_overlap): an [`Overlap`] or [`Allow`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` says nothing about overlapping runs",
    label = "neither an `Overlap` nor an `Allow`",
    note = "write `Overlap::Wait`, `Overlap::Skip`, `Overlap::Replace`, or `Allow(3)` for three runs at a time"
)]
pub trait OverlapPolicy: sealed::Sealed {
    /// Whether the job has one run or several runs at a time.
    type Runs;

    #[doc(hidden)]
    fn apply<Runs>(self, job: JobBuilder<Runs>) -> JobBuilder<Self::Runs>;
}

impl OverlapPolicy for Overlap {
    type Runs = OneAtATime;

    fn apply<Runs>(self, job: JobBuilder<Runs>) -> JobBuilder<OneAtATime> {
        job.overlapping(match self {
            Overlap::Wait => Overlaps::Wait,
            Overlap::Skip => Overlaps::Skip,
            Overlap::Replace => Overlaps::Replace,
        })
    }
}

impl OverlapPolicy for Allow {
    type Runs = Several;

    fn apply<Runs>(self, job: JobBuilder<Runs>) -> JobBuilder<Several> {
        job.overlapping(Overlaps::Allow(self.0))
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Overlap {}
    impl Sealed for super::Allow {}
    impl Sealed for super::OneAtATime {}
}
