use crate::control::job_builder::JobBuilder;
use crate::control::options::Overlaps;

/// What becomes of a job that is due while a run of it is in progress.
///
/// The timelines show a job of 100 ms whose first run waits for 230 ms; `#` is a run, the ticks are 50 ms apart.
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
    /// It waits for the end of that run, and begins at the first tick after it. What is due meanwhile is made up or dropped
    /// as [`MissedTicks`](crate::MissedTicks) says.
    ///
    /// ```text
    /// ms    0         100       200       300       400
    /// tick  |    |    |    |    |    |    |    |    |
    /// due   x         x         x         x         x
    /// run   #######################  #    #    #    #
    /// ```
    #[default]
    Wait,
    /// That run is cancelled, and the new one begins. A run that can't be cancelled, being synchronous code, is told to
    /// end ([`Run::is_cancelled`](crate::Run::is_cancelled)) and the new one begins at the first tick after its end.
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

/// An [`on_overlap`](JobBuilder::on_overlap) policy: so many runs of the job may be in progress at once. When there are as
/// many it waits, as with [`Overlap::Wait`].
///
/// The target has to be `Fn + Sync`, since several threads may call it at once.
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

/// A builder of a job that has one run at a time.
#[derive(Debug, Clone, Copy)]
pub struct OneAtATime;

/// A builder of a job that may have several runs at a time.
#[derive(Debug, Clone, Copy)]
pub struct Several;

/// What [`on_overlap`](JobBuilder::on_overlap) takes: an [`Overlap`] or [`Allow`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` says nothing about overlapping runs",
    label = "neither an `Overlap` nor an `Allow`",
    note = "write `Overlap::Wait`, `Overlap::Replace`, or `Allow(3)` for three runs at a time"
)]
pub trait OverlapPolicy: sealed::Sealed {
    /// How many runs there may be at a time.
    type Runs;

    #[doc(hidden)]
    fn apply<Runs>(self, job: JobBuilder<Runs>) -> JobBuilder<Self::Runs>;
}

impl OverlapPolicy for Overlap {
    type Runs = OneAtATime;

    fn apply<Runs>(self, job: JobBuilder<Runs>) -> JobBuilder<OneAtATime> {
        job.overlapping(match self {
            Overlap::Wait => Overlaps::Wait,
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
}
