use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use crate::job::event_kind::EventKind;
use crate::job::handle::Job;
use crate::text::{OneLine, describe};

/// An event of a job. [`SchedulerBuilder::on_event`](crate::SchedulerBuilder::on_event) and
/// [`Scheduler::events`](crate::Scheduler::events) report events.
///
/// `Display` writes an event on one line. In the job's name and in the error's text, line breaks and other control
/// characters are escaped, for example as `\n` or `\u{1b}`.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, testing::VirtualTime};
///
/// let time = VirtualTime::new();
/// let scheduler = Scheduler::builder(time.clone()).on_event(|event| println!("{event}")).build()?;
/// scheduler.every(Duration::from_secs(1)).name("beat").run(|| Err("no pulse"))?;
/// scheduler.start()?;
/// time.advance(Duration::from_secs(1)); // beat: run 0 started, beat: run 0 failed after 0ns: no pulse, ...
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Event {
    pub(crate) job: Job,
    pub(crate) kind: EventKind,
    pub(crate) run: Option<u64>,
    pub(crate) scheduled: Option<Instant>,
    pub(crate) due: Option<Instant>,
    pub(crate) slot: Option<SystemTime>,
    pub(crate) instant: Instant,
    pub(crate) duration: Option<Duration>,
    pub(crate) consecutive_failures: u64,
}

impl Event {
    /// Returns the job of the event.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Returns what happened.
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// Returns the number of the run, or `None` if no run had begun.
    pub fn run(&self) -> Option<u64> {
        self.run
    }

    /// Returns the instant that the schedule gave for the run, see [`Run::scheduled`](crate::Run::scheduled). Returns
    /// `None` if the event does not concern a run.
    pub fn scheduled(&self) -> Option<Instant> {
        self.scheduled
    }

    /// Returns the instant from which the run could begin: [`scheduled`](Event::scheduled), delayed by the
    /// [jitter](crate::JobBuilder::jitter) if the job has a jitter.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Returns the slot of the run, see [`Run::slot`](crate::Run::slot).
    pub fn slot(&self) -> Option<SystemTime> {
        self.slot
    }

    /// Returns the instant of the event.
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// Returns how long the run took, or `None` if the run has not ended.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Returns how many runs in a row have failed, with the run of this event: they returned an error, panicked or
    /// timed out. Returns 0 if this event does not say that a run has failed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let time = VirtualTime::new();
    /// let alert = |event: &atevery::Event| {
    ///     if event.consecutive_failures() == 3 {
    ///         eprintln!("{} has failed three times in a row", event.job().name());
    ///     }
    /// };
    /// let scheduler = Scheduler::builder(time.clone()).on_event(alert).build()?;
    /// let job = scheduler.every(Duration::from_secs(1)).name("beat").run(|| Err("no pulse"))?;
    /// scheduler.start()?;
    /// time.advance(Duration::from_secs(5));
    /// assert_eq!(job.status().consecutive_failures(), 6);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn consecutive_failures(&self) -> u64 {
        self.consecutive_failures
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", OneLine(self.job.name()))?;
        if let Some(run) = self.run {
            write!(f, " run {run}")?;
        }
        write!(f, " {}", self.kind.as_str())?;
        if let Some(duration) = self.duration {
            write!(f, " after {duration:?}")?;
        }
        match &self.kind {
            EventKind::Failed(error) => write!(f, ": {}", OneLine(&describe(&**error))),
            EventKind::Panicked(message) | EventKind::Retried(message) | EventKind::InvalidSchedule(message) => {
                write!(f, ": {}", OneLine(message))
            }
            EventKind::Missed(count) => {
                let missed = if self.job.interval().is_some() {
                    "interval"
                } else {
                    "slot"
                };
                write!(f, " {count} {missed}{}", if *count == 1 { "" } else { "s" })
            }
            EventKind::Late(by) => write!(f, " by {by:?}"),
            EventKind::HeldThread(held) => write!(f, " for {held:?}"),
            _ => Ok(()),
        }
    }
}
