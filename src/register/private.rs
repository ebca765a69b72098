//! The items that the expansions of the attributes refer to. Not public API: they change with the attribute, in any
//! release.

use std::time::Duration;

pub use std::module_path;

pub use inventory::submit;

use crate::control::job_builder::JobBuilder;
use crate::control::overlap::{OneAtATime, Several};
use crate::error::Error;
use crate::job::handle::Job;
pub use crate::job::run::Run;
use crate::job::target::{BlockingTarget, SharedTarget, Target};
pub use crate::register::registry::Registered;
pub use crate::register::schedule::Schedule;
#[cfg(feature = "calendar")]
use crate::time::{Expression, parse_time, parse_weekdays};

/// The interval of `#[every("2s")]`. `track_caller` makes the compiler's error point at the literal.
#[track_caller]
pub const fn literal(text: &str) -> Duration {
    match crate::parse_interval(text) {
        Ok(interval) => constant(interval),
        Err(error) => panic!("{}", error.message()),
    }
}

/// The duration of an option, such as `timeout = "30s"`.
#[track_caller]
pub const fn duration(text: &str) -> Duration {
    match crate::parse_interval(text) {
        Ok(duration) => duration,
        Err(error) => panic!("{}", error.message()),
    }
}

/// The interval of `#[every(INTERVAL)]`.
#[track_caller]
pub const fn constant(interval: Duration) -> Duration {
    assert!(
        interval.as_millis() >= 50,
        "the interval is shorter than 50 ms, a tick: write \"50ms\" or more"
    );
    interval
}

/// The expression of `#[cron("0 3 * * *")]`.
#[cfg(feature = "calendar")]
#[track_caller]
pub const fn expression(text: &'static str) -> &'static str {
    match Expression::parse(text) {
        Ok(_) => text,
        Err(error) => panic!("{}", error.about_cron(text).as_str()),
    }
}

/// A time of `#[daily("03:00")]`.
#[cfg(feature = "calendar")]
#[track_caller]
pub const fn time(text: &'static str) -> &'static str {
    match parse_time(text) {
        Ok(_) => text,
        Err(error) => panic!("{}", error.about_time(text).as_str()),
    }
}

/// The weekdays of `on = "mon-fri"`.
#[cfg(feature = "calendar")]
#[track_caller]
pub const fn on(text: &'static str) -> &'static str {
    match parse_weekdays(text) {
        Ok(_) => text,
        Err(error) => panic!("{}", error.about_weekdays(text).as_str()),
    }
}

/// The time zone of `zone = "Europe/Berlin"`. Whether there is such a zone is known at the registration.
#[cfg(feature = "calendar")]
#[track_caller]
pub const fn zone(name: &'static str) -> &'static str {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'/' | b'_' | b'-' | b'+')) {
        at += 1;
    }
    assert!(
        at == bytes.len() && at > 0,
        "a time zone is a name of the time zone database, such as \"Europe/Berlin\" or \"UTC\""
    );
    name
}

/// A value that can be forwarded to a function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an argument of a job",
    label = "not `Clone + Send + 'static`",
    note = "an argument is cloned for each run, and a run may be on any thread: it must be `Clone + Send + 'static`",
    note = "share what can't be cloned in an `Arc`, and use `Arc` where this is an `Rc`"
)]
pub trait Argument: Clone + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> Argument for T {}

/// The argument for a single run.
pub fn argument<T: Argument>(argument: &T) -> T {
    argument.clone()
}

/// [`JobBuilder::run`] on a boxed target. The box keeps the compile time of a user's crate short: the generic code
/// behind the call is not compiled again for each job.
pub fn run<M>(job: JobBuilder, target: impl Target<M>) -> Result<Job, Error> {
    job.register_boxed(Box::new(target.into_body()), false)
}

/// [`JobBuilder::run_blocking`] on a boxed target, for the same reason.
pub fn run_blocking<M>(job: JobBuilder, target: impl BlockingTarget<M>) -> Result<Job, Error> {
    job.register_boxed(Box::new(target.into_body()), true)
}

/// Like `run`, for a job with `on_overlap`. The option's value decides which targets are allowed.
pub fn run_overlapping<T, M, Runs>(job: JobBuilder<Runs>, target: T) -> Result<Job, Error>
where
    JobBuilder<Runs>: Register<T, M>,
{
    job.register(target, false)
}

/// Like `run_blocking`, for a job with `on_overlap`.
pub fn run_blocking_overlapping<T: BlockingTarget<M>, M, Runs>(job: JobBuilder<Runs>, target: T) -> Result<Job, Error>
where
    JobBuilder<Runs>: Register<T, M>,
{
    job.register(target, true)
}

/// A builder of a job that accepts this target.
#[diagnostic::on_unimplemented(
    message = "`{Target}` can't be a job with this `on_overlap`",
    label = "not a function that can be such a job"
)]
pub trait Register<Target, Marker> {
    fn register(self, target: Target, blocking: bool) -> Result<Job, Error>;
}

impl<T: Target<M>, M> Register<T, M> for JobBuilder<OneAtATime> {
    fn register(self, target: T, blocking: bool) -> Result<Job, Error> {
        self.register_boxed(Box::new(target.into_body()), blocking)
    }
}

impl<T: SharedTarget<M>, M> Register<T, M> for JobBuilder<Several> {
    fn register(self, target: T, blocking: bool) -> Result<Job, Error> {
        self.register_shared(target.into_shared_body(), blocking)
    }
}
