//! The options of a job builder that limit runs, or say what happens when they fail or overlap.

use std::time::Duration;

use crate::control::job_builder::JobBuilder;
use crate::control::overlap::OverlapPolicy;
use crate::job::group_name::IntoGroup;

/// Limits and behaviour of runs.
impl<Runs> JobBuilder<Runs> {
    /// Cancels a run that takes longer than `limit`: its future is dropped, and the run counts as [timed
    /// out](crate::EventKind::TimedOut). The limit covers a run with all its [attempts](JobBuilder::retry);
    /// [`attempt_timeout`](JobBuilder::attempt_timeout) limits each of them. The runtime's timer measures the limit,
    /// independently of ticks.
    ///
    /// Synchronous code can't be cancelled. When the time is up, [`Run::is_cancelled`](crate::Run::is_cancelled)
    /// returns true. A run that was told so counts as timed out when it ends, and so does a run that has taken longer.
    ///
    /// ```text
    /// ms    0         100       200       300
    /// run   #######   #######   ####      #######     timeout: 70 ms
    ///             \         \                   \ cancelled
    /// ```
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options.timeout = Some(limit);
        self
    }

    /// Limits each attempt of a run: an attempt that takes longer than `limit` has failed. Its future is dropped, and
    /// the run is [tried again](JobBuilder::retry). If no further attempt follows, also without a `retry`, the run has
    /// [failed](crate::EventKind::Failed) with an error that names the limit.
    ///
    /// [`timeout`](JobBuilder::timeout) limits the run with all its attempts and the waits between them. The timelines
    /// show both options for a job with a back-off of 20 ms, whose first attempt hangs.
    ///
    /// ```text
    /// ms    0         100       200
    /// run   #######                     timeout: 70 ms
    ///              \ timed out
    /// run   #######..######             attempt_timeout: 70 ms
    ///              \ failed, tried again
    /// ```
    ///
    /// Synchronous code can't be cancelled. When the time of its attempt is up,
    /// [`Run::is_cancelled`](crate::Run::is_cancelled) returns true. An attempt that was told so failed when it ends,
    /// and so did an attempt that has taken longer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let mut attempts = 0;
    /// let job = scheduler
    ///     .every(Duration::from_secs(60))
    ///     .attempt_timeout(Duration::from_secs(5))
    ///     .retry(|| [Duration::from_secs(1)])
    ///     .run(move || {
    ///         attempts += 1;
    ///         let hangs = attempts == 1;
    ///         async move {
    ///             if hangs {
    ///                 std::future::pending().await
    ///             }
    ///         }
    ///     })?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(10));
    /// assert_eq!((job.status().retries(), job.status().failures()), (1, 0));
    /// assert_eq!(job.status().last_error(), Some("the attempt exceeded its limit of 5s"));
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.options.attempt_timeout = Some(limit);
        self
    }

    /// Retries a run that fails or panics. `backoff` returns the waits before the further attempts. The run ends when
    /// an attempt succeeds or no wait is left.
    ///
    /// All attempts together are a single run: the next run waits for its end, and a stop cancels the run, even during
    /// a wait. The timers of runtimes are accurate to about a millisecond, so attempts don't fall on ticks.
    ///
    /// ```text
    /// ms    0         100       200       300       400
    /// run   #..#......#                   #           backoff: 20 ms, 60 ms
    ///     fails fails succeeds
    /// ```
    ///
    /// `backoff` may return any iterator of `Duration`, such as the iterators of the crate `backon`:
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    /// use backon::{BackoffBuilder, ExponentialBuilder};
    ///
    /// async fn renew_lease() -> Result<(), std::io::Error> {
    ///     Ok(())
    /// }
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler
    ///     .every(Duration::from_secs(10))
    ///     .retry(|| ExponentialBuilder::default().with_max_times(4).build())
    ///     .run(renew_lease)?;
    /// scheduler
    ///     .every(Duration::from_secs(10))
    ///     .retry(|| [Duration::from_millis(100), Duration::from_secs(1)])
    ///     .run(renew_lease)?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn retry<B>(mut self, backoff: impl Fn() -> B + Send + Sync + 'static) -> Self
    where
        B: IntoIterator<Item = Duration, IntoIter: Send + 'static>,
    {
        self.options.backoffs = Some(Box::new(move || Box::new(backoff().into_iter())));
        self
    }

    /// Sets what happens if the job is due while a run is in progress. By default, the job waits:
    /// [`Overlap::Wait`](crate::Overlap::Wait). [`Overlap::Skip`](crate::Overlap::Skip) drops what comes due during a
    /// run. [`Overlap::Replace`](crate::Overlap::Replace) cancels the run in progress. [`Allow`](crate::Allow) permits
    /// several runs at a time, and the target must then be `Fn + Sync`.
    pub fn on_overlap<P: OverlapPolicy>(self, policy: P) -> JobBuilder<P::Runs> {
        policy.apply(self)
    }

    /// Adds the job to a group, which limits how many runs of its jobs are in progress at once. `group` is a name, as
    /// given to [`Scheduler::group`](crate::Scheduler::group), or a name and a limit. If `group` contains a limit and
    /// the group does not exist, the call creates the group.
    ///
    /// If the group is full when a job is due, the job waits in the line of the group. The line is in the order of the
    /// ticks at which the jobs joined, then in the order of their due instants. When a run of the group has ended, the
    /// first job in the line runs. If a job has several runs to make up, it joins the line again for each run.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// scheduler.group("db", 4)?;
    /// scheduler.every(Duration::from_secs(60)).group("db").run(async || println!("vacuum"))?;
    /// scheduler.every(Duration::from_secs(60)).group(("mail", 1)).run(async || println!("digest"))?;
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn group(mut self, group: impl IntoGroup) -> Self {
        self.options.group = Some(group.into_group());
        self
    }
}
