use std::error::Error;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::end::describe;
use crate::job::Job;

/// Something that has happened to a job. [`SchedulerBuilder::on_event`](crate::SchedulerBuilder::on_event) and
/// [`Scheduler::events`](crate::Scheduler::events) tell of them.
///
/// `Display` writes it in one line, whatever the name of the job and the text of its error are: line breaks and other
/// characters that would confuse a log or a terminal are written as `\n` or `\u{1b}`.
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
    pub(crate) instant: Instant,
    pub(crate) duration: Option<Duration>,
}

/// What has happened.
///
/// A run that has [started](EventKind::Started) ends in exactly one way: it is finished, failed, panicked, timed out or
/// cancelled.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EventKind {
    /// A run has begun.
    Started,
    /// A run has ended well.
    Finished,
    /// A run has returned this error.
    Failed(Arc<dyn Error + Send + Sync>),
    /// A run has panicked, and said this.
    Panicked(Arc<str>),
    /// A run has taken longer than the job's [`timeout`](crate::JobBuilder::timeout).
    TimedOut,
    /// A run was cancelled: by a stop, by the run after it, or since the executor dropped it.
    Cancelled,
    /// An attempt has failed or panicked, and said this; the run goes on with another, see
    /// [`retry`](crate::JobBuilder::retry).
    Retried(Arc<str>),
    /// At this run so many intervals were dropped, see [`MissedTicks`](crate::MissedTicks).
    Missed(u64),
    /// A run has begun more than two ticks after it was due; by so much.
    Late(Duration),
    /// The job is off its scheduler: it was removed, or has done the last of its runs.
    Removed,
    /// The executor would not take a run, or dropped it before it had begun. It is tried again at the next tick.
    Refused,
}

impl Event {
    /// The job that it happened to.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// What has happened.
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// The number of the run, if one had begun.
    pub fn run(&self) -> Option<u64> {
        self.run
    }

    /// The instant that the schedule gave for the run, see [`Run::scheduled`](crate::Run::scheduled); `None` if the event
    /// is not about a run.
    pub fn scheduled(&self) -> Option<Instant> {
        self.scheduled
    }

    /// The instant from which the run might begin: [`scheduled`](Event::scheduled), put off by the
    /// [jitter](crate::JobBuilder::jitter) if the job has one.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// When it happened.
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// How long the run took, if it has ended.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }
}

impl EventKind {
    /// Whether this is the end of a run.
    pub fn is_end(&self) -> bool {
        match self {
            EventKind::Finished
            | EventKind::Failed(_)
            | EventKind::Panicked(_)
            | EventKind::TimedOut
            | EventKind::Cancelled => true,
            EventKind::Started
            | EventKind::Retried(_)
            | EventKind::Missed(_)
            | EventKind::Late(_)
            | EventKind::Removed
            | EventKind::Refused => false,
        }
    }

    /// What was said of what went wrong.
    pub(crate) fn error_text(&self) -> Option<Box<str>> {
        match self {
            EventKind::Failed(error) => Some(describe(&**error).into()),
            EventKind::Panicked(message) => Some(format!("panicked: {message}").into()),
            EventKind::Retried(message) => Some((**message).into()),
            EventKind::TimedOut => Some("timed out".into()),
            _ => None,
        }
    }

    /// In a word, as a label.
    pub fn as_str(&self) -> &'static str {
        match self {
            EventKind::Started => "started",
            EventKind::Finished => "finished",
            EventKind::Failed(_) => "failed",
            EventKind::Panicked(_) => "panicked",
            EventKind::TimedOut => "timed out",
            EventKind::Cancelled => "cancelled",
            EventKind::Retried(_) => "retried",
            EventKind::Missed(_) => "missed",
            EventKind::Late(_) => "late",
            EventKind::Removed => "removed",
            EventKind::Refused => "refused",
        }
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
            EventKind::Panicked(message) | EventKind::Retried(message) => write!(f, ": {}", OneLine(message)),
            EventKind::Missed(1) => write!(f, " 1 interval"),
            EventKind::Missed(count) => write!(f, " {count} intervals"),
            EventKind::Late(by) => write!(f, " by {by:?}"),
            _ => Ok(()),
        }
    }
}

/// A text of a user's on one line: what would break the line, move a terminal's cursor or turn the direction of writing
/// is escaped. Quotes and accents stay as they are.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_confusing(c) {
                write!(f, "{}", c.escape_default())
            } else {
                f.write_char(c)
            }
        })
    }
}

fn is_confusing(c: char) -> bool {
    let breaks_line = matches!(c, '\u{2028}' | '\u{2029}');
    let is_unseen = matches!(c, '\u{200b}' | '\u{feff}');
    let turns_direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || breaks_line || is_unseen || turns_direction
}
