//! What the expansion of `#[every]` names. Not public API: it changes with the attribute, in any release.

use std::time::Duration;

pub use std::module_path;

pub use inventory::submit;

use crate::error::Error;
use crate::job::{Job, JobBuilder};
use crate::run::Begun;
use crate::target::{BlockingTarget, Body, Step, Target};
pub use crate::{Registered, Run};

/// The interval of `#[every("2s")]`. The caller is tracked, so that the compiler's error points at the literal.
#[track_caller]
pub const fn literal(text: &str) -> Duration {
    match crate::parse_interval(text) {
        Ok(interval) => constant(interval),
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

/// What can be forwarded to a function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an argument of a job",
    label = "not `Clone + Send + 'static`",
    note = "an argument is cloned for each run, and a run may be on any thread: it has to be `Clone + Send + 'static`",
    note = "share what can't be cloned in an `Arc`, and use `Arc` where this is an `Rc`"
)]
pub trait Argument: Clone + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> Argument for T {}

/// The argument for one run.
pub fn argument<T: Argument>(argument: &T) -> T {
    argument.clone()
}

/// [`JobBuilder::run`] on a boxed target, so that a user's crate doesn't compile all that is behind it for each job anew.
pub fn run<M>(job: JobBuilder, target: impl Target<M>) -> Result<Job, Error> {
    run_boxed(job, Box::new(target.into_body()))
}

/// [`JobBuilder::run_blocking`], likewise.
pub fn run_blocking<M>(job: JobBuilder, target: impl BlockingTarget<M>) -> Result<Job, Error> {
    run_blocking_boxed(job, Box::new(target.into_body()))
}

fn run_boxed(job: JobBuilder, body: Box<dyn Body>) -> Result<Job, Error> {
    job.run(Boxed(body))
}

fn run_blocking_boxed(job: JobBuilder, body: Box<dyn Body>) -> Result<Job, Error> {
    job.run_blocking(Boxed(body))
}

struct Boxed(Box<dyn Body>);

impl Target<Boxed> for Boxed {
    type Body = Boxed;

    fn into_body(self) -> Boxed {
        self
    }
}

impl BlockingTarget<Boxed> for Boxed {}

impl Body for Boxed {
    fn call(&mut self, run: &Begun<'_>) -> Step {
        self.0.call(run)
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn takes_run(&self) -> bool {
        self.0.takes_run()
    }
}
