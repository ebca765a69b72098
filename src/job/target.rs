//! The shapes of function that can be a job.

use std::any::Any;
use std::error::Error;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, TryLockError};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::job::run::{Run, RunContext};
use crate::job::run_end::RunEnd;
use crate::sync::{Mutex, MutexGuard};
use crate::unwind::lock;

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

/// A function that several runs may call at once; see [`Allow`](crate::Allow).
///
/// The shapes of [`Target`] with `Fn + Sync` in place of `FnMut`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a job whose runs overlap",
    label = "not a function that several runs can call at once",
    note = "a job with `Allow` is a function or closure that is `Fn + Send + Sync + 'static`: it may not change what it \
            captured, except through a lock or an atomic"
)]
pub trait SharedTarget<Marker>: Target<Marker> {
    #[doc(hidden)]
    fn into_shared_body(self) -> Box<dyn Body>;
}

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
pub trait Body: Send + Sync + 'static {
    /// Calls the target for one run, whose future may take over `spare`. For whoever may run the job, see [`Held`].
    fn call(&self, run: &RunContext<'_>, spare: &mut FutureBuf) -> CallResult;

    /// Drops the target and what it captured. Likewise.
    fn clear(&self);

    /// Whether it looks at the [`Run`] it is called for.
    fn takes_run(&self) -> bool;

    /// The type name of the target unless one was given.
    fn name(&self) -> &str;
}

/// A run of an asynchronous target.
pub(crate) type RunFuture = Pin<Box<dyn ReusableFuture>>;

/// What is left of the future of an earlier run: its memory.
pub(crate) type FutureBuf = Option<RunFuture>;

/// The future of a run, and the memory that it lies in.
#[doc(hidden)]
pub trait ReusableFuture: Future<Output = RunEnd> + Send {
    /// Drops the future, which is over, where it is, so that another one may [take over](Running::reuse). False if this kind
    /// of future has no use for that, and is to be dropped as a whole.
    fn clear(self: Pin<&mut Self>) -> bool {
        false
    }

    /// Takes the future out of `next`, an `Option` of one, if it is of the same type as the one before.
    fn reuse(self: Pin<&mut Self>, _next: &mut dyn Any) -> bool {
        false
    }
}

/// What a call to a target came to.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub enum CallResult {
    /// It is done.
    Done(RunEnd),
    /// It goes on as a future.
    Future(RunFuture),
}

impl CallResult {
    /// Whether the run may end with a failure, or has.
    pub(crate) fn may_fail(&self) -> bool {
        match self {
            CallResult::Done(end) => end.is_failure(),
            CallResult::Future(_) => true,
        }
    }

    /// The end of a call that has no future. A future can't come from a blocking target, and is dropped.
    pub(crate) fn into_end(self) -> RunEnd {
        match self {
            CallResult::Done(end) => end,
            CallResult::Future(_) => RunEnd::Cancelled,
        }
    }
}

/// Tells the shapes of targets apart.
#[derive(Debug)]
pub struct Shape<const TAKES_RUN: bool, const IS_ASYNC: bool, Output>(PhantomData<Output>);

type Plain<O> = Shape<false, false, O>;
type Async<F> = Shape<false, true, F>;
type WithRun<O> = Shape<true, false, O>;
type AsyncWithRun<F> = Shape<true, true, F>;

impl Body for Box<dyn Body> {
    fn call(&self, run: &RunContext<'_>, spare: &mut FutureBuf) -> CallResult {
        (**self).call(run, spare)
    }

    fn clear(&self) {
        (**self).clear();
    }

    fn takes_run(&self) -> bool {
        (**self).takes_run()
    }

    fn name(&self) -> &str {
        (**self).name()
    }
}

/// A body with a name of its own. Most jobs have none, and no place for one.
pub(crate) struct Named<B> {
    name: Box<str>,
    body: B,
}

impl<B> Named<B> {
    pub(crate) fn new(name: Box<str>, body: B) -> Self {
        Named { name, body }
    }
}

impl<B: Body> Body for Named<B> {
    fn call(&self, run: &RunContext<'_>, spare: &mut FutureBuf) -> CallResult {
        self.body.call(run, spare)
    }

    fn clear(&self) {
        self.body.clear();
    }

    fn takes_run(&self) -> bool {
        self.body.takes_run()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// A target, until it is cleared.
///
/// Locked only by the holder of the job's state word, and so never waited for: the state word is who may run, the lock is how the
/// compiler knows.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub struct Held<F, Marker> {
    target: Mutex<Option<F>>,
    shape: PhantomData<fn() -> Marker>,
}

impl<F, Marker> Held<F, Marker> {
    fn new(target: F) -> Self {
        Held {
            target: Mutex::new(Some(target)),
            shape: PhantomData,
        }
    }

    fn target(&self) -> MutexGuard<'_, Option<F>> {
        match self.target.try_lock() {
            Ok(target) => target,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => unreachable!("one run at a time calls the target"),
        }
    }
}

/// A target that several runs call at once.
#[allow(missing_debug_implementations, reason = "users never see one")]
struct Shared<F, Marker> {
    target: Mutex<Option<Arc<F>>>,
    shape: PhantomData<fn() -> Marker>,
}

impl<F, Marker> Shared<F, Marker> {
    fn new(target: F) -> Self {
        Shared {
            target: Mutex::new(Some(Arc::new(target))),
            shape: PhantomData,
        }
    }
}

/// A future of an [`Outcome`] that can be sent between threads.
#[doc(hidden)]
pub trait OutcomeFuture: Future<Output: Outcome> + Send {}
impl<F: Future<Output: Outcome> + Send> OutcomeFuture for F {}

/// Implements one shape: as a target of which there is one run at a time, and as one of which there may be several.
macro_rules! shape {
    (
        $takes_run:literal, $marker:ident<$output:ident>: ($($run:ident)?), $bound:path,
        |$call:ident, $begun:ident, $spare:ident| $step:expr
    ) => {
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
            fn call(&self, $begun: &RunContext<'_>, $spare: &mut FutureBuf) -> CallResult {
                match &mut *self.target() {
                    Some($call) => $step,
                    None => CallResult::Done(RunEnd::Finished),
                }
            }

            fn clear(&self) {
                let target = self.target().take();
                drop(target);
            }

            fn takes_run(&self) -> bool {
                $takes_run
            }

            fn name(&self) -> &str {
                std::any::type_name::<F>()
            }
        }

        impl<F, $output> SharedTarget<$marker<$output>> for F
        where
            F: Fn($($run)?) -> $output + Send + Sync + 'static,
            $output: $bound + 'static,
        {
            fn into_shared_body(self) -> Box<dyn Body> {
                Box::new(Shared::<F, $marker<$output>>::new(self))
            }
        }

        impl<F, $output> Body for Shared<F, $marker<$output>>
        where
            F: Fn($($run)?) -> $output + Send + Sync + 'static,
            $output: $bound + 'static,
        {
            fn call(&self, $begun: &RunContext<'_>, $spare: &mut FutureBuf) -> CallResult {
                let target = lock(&self.target).clone();
                match target {
                    Some($call) => $step,
                    None => CallResult::Done(RunEnd::Finished),
                }
            }

            fn clear(&self) {
                let target = lock(&self.target).take();
                drop(target);
            }

            fn takes_run(&self) -> bool {
                $takes_run
            }

            fn name(&self) -> &str {
                std::any::type_name::<F>()
            }
        }
    };
}

shape!(false, Plain<O>: (), Outcome, |call, _begun, _spare| CallResult::Done(call().into_result().into()));
shape!(true, WithRun<O>: (Run), Outcome, |call, begun, _spare| CallResult::Done(call(begun.to_run()).into_result().into()));
shape!(false, Async<Fut>: (), OutcomeFuture, |call, _begun, spare| future(call(), spare));
shape!(true, AsyncWithRun<Fut>: (Run), OutcomeFuture, |call, begun, spare| future(call(begun.to_run()), spare));

impl<F: Target<Plain<O>>, O> BlockingTarget<Plain<O>> for F {}
impl<F: Target<WithRun<O>>, O> BlockingTarget<WithRun<O>> for F {}

fn future<Fut: OutcomeFuture + 'static>(future: Fut, spare: &mut FutureBuf) -> CallResult {
    let mut next = Some(future);
    if let Some(mut buf) = spare.take() {
        if buf.as_mut().reuse(&mut next) {
            return CallResult::Future(buf);
        }
    }
    CallResult::Future(Box::pin(Buffered { future: next }))
}

pin_project! {
    /// Where the future of a run lies, and later the next one's. Maps its outcome to the end of a run, without the second copy of
    /// the future that an `async` block would hold.
    struct Buffered<Fut> {
        #[pin]
        future: Option<Fut>,
    }
}

impl<Fut: Future<Output: Outcome>> Future for Buffered<Fut> {
    type Output = RunEnd;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RunEnd> {
        match self.project().future.as_pin_mut() {
            Some(future) => future.poll(cx).map(|outcome| outcome.into_result().into()),
            None => Poll::Ready(RunEnd::Finished),
        }
    }
}

impl<Fut: OutcomeFuture + 'static> ReusableFuture for Buffered<Fut> {
    fn clear(self: Pin<&mut Self>) -> bool {
        self.project().future.set(None);
        true
    }

    fn reuse(self: Pin<&mut Self>, next: &mut dyn Any) -> bool {
        let Some(next) = next.downcast_mut::<Option<Fut>>() else {
            return false;
        };
        self.project().future.set(next.take());
        true
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::task::Waker;

    use super::*;

    /// The future of a run, and where it lies.
    fn place(step: CallResult) -> (RunFuture, *const ()) {
        let CallResult::Future(run) = step else {
            panic!("there is no future")
        };
        let address = std::ptr::from_ref(&*run).cast();
        (run, address)
    }

    #[test]
    fn a_future_takes_over_the_memory_of_one_of_its_type() {
        let (mut first, before) = place(future(ready(()), &mut None));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(first.as_mut().poll(&mut cx), Poll::Ready(RunEnd::Finished)));
        assert!(first.as_mut().clear());
        let mut spare = Some(first);
        let (mut second, after) = place(future(ready(()), &mut spare));
        assert_eq!(before, after);
        assert!(spare.is_none());
        assert!(matches!(second.as_mut().poll(&mut cx), Poll::Ready(RunEnd::Finished)));
        assert!(second.as_mut().clear());
        let (mut other, _) = place(future(pending::<()>(), &mut Some(second)));
        assert!(other.as_mut().poll(&mut cx).is_pending());
    }

    #[test]
    fn a_future_is_dropped_when_its_place_is_vacated() {
        let shared = Arc::new(());
        let held = Arc::clone(&shared);
        let (mut run, _) = place(future(async move { drop(held) }, &mut None));
        assert_eq!(Arc::strong_count(&shared), 2);
        run.as_mut().clear();
        assert_eq!(Arc::strong_count(&shared), 1);
    }
}
