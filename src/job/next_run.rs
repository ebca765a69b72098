//! A run that says when the next run is scheduled, or that it was the last.

use std::time::{Duration, Instant};

use crate::job::cell::JobCell;
use crate::job::config::Host;
use crate::job::instance::Instances;
use crate::job::run::Run;
use crate::time::Time;

/// Methods by which a run sets its job's next run. The last call before the end of the run holds, however the run ends.
/// After the end of the run, the methods do nothing.
impl Run {
    /// Schedules the job's next run `delay` after the last tick before this call. The schedule goes on from there: each
    /// further run follows one interval later. If `delay` is shorter than a tick, it counts as one tick.
    ///
    /// A later [`Job::set_interval`](crate::Job::set_interval) takes the place of the choice. With a
    /// [`fixed_delay`](crate::JobBuilder::fixed_delay), the interval does not count from the end of this run. With
    /// [`Allow`](crate::Allow), a run that is about to begin comes first, and the schedule goes on from that run.
    ///
    /// The timeline shows a job with an interval of 60 s. Its first run calls `next_in` with 80 s.
    ///
    /// ```text
    /// s     0    20    40    60    80    100   120   140   160   180   200
    /// run   #                      #                 #                 #
    ///       next_in(80 s)
    /// ```
    ///
    /// A token is renewed when 80 % of its life are over. The service says how long it lives:
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// async fn new_token() -> Result<Duration, std::io::Error> {
    ///     Ok(Duration::from_secs(300))
    /// }
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(10)).run(async |run: Run| {
    ///     let life = new_token().await?; // after an error, the job tries again in 10 s
    ///     run.next_in(life.mul_f64(0.8));
    ///     Ok::<(), std::io::Error>(())
    /// })?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(240));
    /// assert_eq!(job.runs(), 2);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn next_in(&self, delay: Duration) {
        if let Some(host) = self.host() {
            let delay = delay.max(host.resolution());
            self.schedule_next(&*host, host.last_tick().after(delay.into()));
        }
    }

    /// Like [`next_in`](Run::next_in), at this instant. If the instant has passed, the job is due at the next tick
    /// after the end of this run. An instant beyond the range of the clock means never.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let opens = scheduler.now() + Duration::from_secs(90);
    /// let job = scheduler.every(Duration::from_secs(10)).run(move |run: Run| {
    ///     if run.number() == 0 {
    ///         run.next_at(opens);
    ///     }
    /// })?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(90));
    /// assert_eq!(job.runs(), 2);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn next_at(&self, instant: Instant) {
        if let Some(host) = self.host() {
            self.schedule_next(&*host, host.clock().time_of(instant));
        }
    }

    /// Makes this run the job's last: when this run has ended, the job removes itself, and emits the event
    /// [`Removed`](crate::EventKind::Removed).
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Run, Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let scheduler = Scheduler::new(time.clone());
    /// let job = scheduler.every(Duration::from_secs(1)).name("poll until done").run(|run: Run| {
    ///     if run.number() == 3 {
    ///         run.last();
    ///     }
    /// })?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(10));
    /// assert_eq!(job.runs(), 4);
    /// assert!(scheduler.jobs().is_empty());
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn last(&self) {
        let is_last = true;
        let job = &self.instance.job;
        job.schedule_next(Time::NEVER, || {
            self.instance.state().choose_next(self.offer_id, is_last)
        });
    }

    fn schedule_next(&self, host: &dyn Host, scheduled: Time) {
        let is_last = false;
        let job = &self.instance.job;
        job.schedule_next(scheduled, || self.instance.state().choose_next(self.offer_id, is_last));
        host.reschedule(job);
    }
}

impl JobCell {
    /// Schedules the next run, as long as `note_choice` returns true: the run in progress has not ended. If a run is on
    /// offer, it begins first, and the schedule goes on from there.
    fn schedule_next(&self, next: Time, note_choice: impl Fn() -> bool) {
        let _alone = self.lock_if_shared();
        loop {
            // Read before the choice is noted: after the end of the run, the exchange would fail.
            let scheduled = self.scheduled();
            if !note_choice() || self.instances().is_some_and(Instances::is_one_on_offer) {
                return;
            }
            if self.exchange_scheduled(scheduled, next) {
                break;
            }
        }
        if let Some(rules) = self.rules() {
            // If the run in progress was cancelled for the next run, the next run may now be due later.
            rules.note_replacement();
        }
    }

    /// Whether a run in progress has said that it was the last.
    pub(super) fn is_in_last_run(&self) -> bool {
        let is_last = |instances: &Instances| instances.all().iter().any(|instance| instance.state.load().is_last());
        self.state.load().is_last() || self.instances().is_some_and(is_last)
    }
}
