//! The shapes of function that can be a job.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use pin_project_lite::pin_project;

use crate::run::{Begun, Run};

/// A function that can be a job; see [`JobBuilder::run`](crate::JobBuilder::run).
///
/// It is implemented for closures and functions of four shapes, each `Send + 'static`:
///
/// | shape | example |
/// | --- | --- |
/// | `FnMut() -> O` | `\|\| println!("tick")` |
/// | `FnMut() -> impl Future<Output = O> + Send` | `async \|\| sweep().await` |
/// | `FnMut(Run) -> O` | `\|run: Run\| println!("run {}", run.number())` |
/// | `FnMut(Run) -> impl Future<Output = O> + Send` | `async fn beat(run: Run) { .. }` |
///
/// where `O` is `()` or `Result<(), E>`, with an `E` that converts into a boxed error. A job has one run at a time, so
/// the function may keep state. `Marker` tells the shapes apart and is never written out.
///
/// An `async ||` closure can be a job as long as it captures nothing: one that does lends what it holds to its futures,
/// and such a future can't outlive the call. Write `move || { let shared = shared.clone(); async move { .. } }`.
///
/// A closure that never returns, `|| panic!()`, has no output type to go by: write `|| -> () { panic!() }`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a job",
    label = "not a function that can be a job",
    note = "a job is a function or closure that takes nothing or a `Run`, is `Send + 'static`, and returns `()`, \
            `Result<(), E>` with an error that converts into `Box<dyn Error + Send + Sync>`, or a `Send` future of \
            either",
    note = "an `async` closure that captures something is written `move || {{ let it = it.clone(); async move {{ .. }} }}`",
    note = "a closure that takes the run says so: `|run: Run| ..`; one that never returns names its output: `|| -> () {{ .. }}`"
)]
pub trait Target<Marker>: Send + 'static {
    #[doc(hidden)]
    type Body: Body;

    #[doc(hidden)]
    fn into_body(self) -> Self::Body;
}

/// A function that can be a blocking job; see [`JobBuilder::run_blocking`](crate::JobBuilder::run_blocking).
///
/// The synchronous shapes of [`Target`]: `FnMut() -> O` and `FnMut(Run) -> O`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a blocking job",
    label = "not a synchronous function",
    note = "a blocking job is a function or closure that takes nothing or a `Run`, is `Send + 'static`, and returns `()` \
            or `Result<(), E>`; an async function is a job for `run`"
)]
pub trait BlockingTarget<Marker>: Target<Marker> {}

/// What a job may return: `()` or a `Result<(), E>`.
#[diagnostic::on_unimplemented(
    message = "a job can't return `{Self}`",
    label = "neither `()` nor `Result<(), E>`",
    note = "a job returns `()`, or `Result<(), E>` with an error that converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait Outcome {
    #[doc(hidden)]
    fn into_result(self) -> JobResult;
}

/// How a run ended by itself.
pub(crate) type JobResult = Result<(), Box<dyn Error + Send + Sync>>;

impl Outcome for () {
    fn into_result(self) -> JobResult {
        Ok(())
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> Outcome for Result<(), E> {
    fn into_result(self) -> JobResult {
        self.map_err(Into::into)
    }
}

/// A target in the form in which the scheduler keeps it.
pub trait Body: Send + 'static {
    /// Calls the target for one run.
    fn call(&mut self, run: &Begun<'_>) -> Step;

    /// Drops the target and what it captured.
    fn clear(&mut self);

    /// Whether it looks at the [`Run`] it is called for.
    fn takes_run(&self) -> bool;
}

/// What a call to a target came to.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub enum Step {
    /// It is done.
    Done(JobResult),
    /// It goes on as a future.
    Future(BoxFuture<'static, JobResult>),
}

/// Tells the shapes of targets apart.
#[derive(Debug)]
pub struct Shape<const TAKES_RUN: bool, const IS_ASYNC: bool, Output>(std::marker::PhantomData<Output>);

type Plain<O> = Shape<false, false, O>;
type Async<F> = Shape<false, true, F>;
type WithRun<O> = Shape<true, false, O>;
type AsyncWithRun<F> = Shape<true, true, F>;

/// A target, until it is cleared.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub struct Held<F, Marker> {
    target: Option<F>,
    shape: std::marker::PhantomData<fn() -> Marker>,
}

impl<F, Marker> Held<F, Marker> {
    fn new(target: F) -> Self {
        Held {
            target: Some(target),
            shape: std::marker::PhantomData,
        }
    }
}

macro_rules! shape {
    ($takes_run:literal, $marker:ident<$output:ident>: FnMut($($run:ident)?), $bound:path, |$call:ident, $begun:ident| $step:expr) => {
        impl<F, $output> Target<$marker<$output>> for F
        where
            F: FnMut($($run)?) -> $output + Send + 'static,
            $output: $bound + 'static,
        {
            type Body = Held<F, $marker<$output>>;

            fn into_body(self) -> Self::Body {
                Held::new(self)
            }
        }

        impl<F, $output> Body for Held<F, $marker<$output>>
        where
            F: FnMut($($run)?) -> $output + Send + 'static,
            $output: $bound + 'static,
        {
            fn call(&mut self, $begun: &Begun<'_>) -> Step {
                match &mut self.target {
                    Some($call) => $step,
                    None => Step::Done(Ok(())),
                }
            }

            fn clear(&mut self) {
                self.target = None;
            }

            fn takes_run(&self) -> bool {
                $takes_run
            }
        }
    };
}

/// A future of an [`Outcome`] that can be sent between threads.
#[doc(hidden)]
pub trait OutcomeFuture: Future<Output: Outcome> + Send {}
impl<F: Future<Output: Outcome> + Send> OutcomeFuture for F {}

shape!(false, Plain<O>: FnMut(), Outcome, |call, _begun| Step::Done(call().into_result()));
shape!(true, WithRun<O>: FnMut(Run), Outcome, |call, begun| Step::Done(call(begun.to_run()).into_result()));
shape!(false, Async<Fut>: FnMut(), OutcomeFuture, |call, _begun| future(call()));
shape!(true, AsyncWithRun<Fut>: FnMut(Run), OutcomeFuture, |call, begun| future(call(begun.to_run())));

impl<F: Target<Plain<O>>, O> BlockingTarget<Plain<O>> for F {}
impl<F: Target<WithRun<O>>, O> BlockingTarget<WithRun<O>> for F {}

fn future<Fut: OutcomeFuture + 'static>(future: Fut) -> Step {
    Step::Future(Box::pin(IntoResult { future }))
}

pin_project! {
    /// Maps a future's outcome to a result, without the second copy of the future that an `async` block would hold.
    struct IntoResult<Fut> {
        #[pin]
        future: Fut,
    }
}

impl<Fut: Future<Output: Outcome>> Future for IntoResult<Fut> {
    type Output = JobResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<JobResult> {
        self.project().future.poll(cx).map(Outcome::into_result)
    }
}
