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
use crate::job::run_end::{JobResult, RunEnd};
use crate::sync::{Mutex, MutexGuard};
use crate::unwind::lock;

/// A function that can be a job, see [`JobBuilder::run`](crate::JobBuilder::run).
///
/// The trait is implemented for closures and functions of four shapes, each `Send + 'static`:
///
/// | shape | example |
/// | --- | --- |
/// | `FnMut() -> O` | `\|\| println!("tick")` |
/// | `FnMut() -> impl Future<Output = O> + Send` | `async \|\| sweep().await` |
/// | `FnMut(Run) -> O` | `\|run: Run\| println!("run {}", run.number())` |
/// | `FnMut(Run) -> impl Future<Output = O> + Send` | `async fn beat(run: Run) { .. }` |
///
/// `O` is `()` or `Result<(), E>`, where `E` converts into a boxed error. A job has one run at a time, so the function
/// may keep state. `Marker` distinguishes the shapes and is never written out.
///
/// An `async ||` closure can be a job if it captures nothing. If it captures a value, each future borrows from the
/// closure and can't outlive the call. In this case write `move || { let shared = shared.clone(); async move { .. } }`,
/// or pass the value as a state to [`run_with`](crate::JobBuilder::run_with).
///
/// A function that wants `&mut` state is registered with the state, by [`run_with`](crate::JobBuilder::run_with).
///
/// A closure that never returns, such as `|| panic!()`, has no output type. In this case write `|| -> () { panic!() }`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a job",
    label = "not a function that can be a job",
    note = "a job is a function or closure that takes nothing or a `Run`, is `Send + 'static`, and returns `()`, \
            `Result<(), E>` with an error that converts into `Box<dyn Error + Send + Sync>`, or a `Send` future of \
            either",
    note = "a function that wants `&mut` state, and an `async` closure that captures something, get a state: \
            `run_with(state, step)` with `async fn step(state: &mut S)`",
    note = "an `async` closure whose captured value is cheap to clone can be written `move || {{ let it = it.clone(); \
            async move {{ .. }} }}`",
    note = "a closure that takes the run says so: `|run: Run| ..`; one that never returns names its output: `|| -> () {{ .. }}`"
)]
pub trait Target<Marker>: Send + 'static {
    #[doc(hidden)]
    type Body: Body;

    #[doc(hidden)]
    fn into_body(self) -> Self::Body;
}

/// A function that can be a blocking job, see [`JobBuilder::run_blocking`](crate::JobBuilder::run_blocking).
///
/// The synchronous shapes of [`Target`]: `FnMut() -> O` and `FnMut(Run) -> O`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a blocking job",
    label = "not a synchronous function",
    note = "a blocking job is a function or closure that takes nothing or a `Run`, is `Send + 'static`, and returns `()` \
            or `Result<(), E>`; an async function is a job for `run`",
    note = "a function that wants `&mut` state is called by a closure that owns the state: `move || step(&mut state)`"
)]
pub trait BlockingTarget<Marker>: Target<Marker> {}

/// A function that several runs may call at once, see [`Allow`](crate::Allow).
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

/// The return type of a job: `()` or `Result<(), E>`.
#[diagnostic::on_unimplemented(
    message = "a job can't return `{Self}`",
    label = "neither `()` nor `Result<(), E>`",
    note = "a job returns `()`, or `Result<(), E>` with an error that converts into `Box<dyn Error + Send + Sync>`",
    note = "nobody receives another value: end the function with a `;`, or a `Result` with `.map(drop)`"
)]
pub trait Outcome {
    #[doc(hidden)]
    fn into_result(self) -> JobResult;
}

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

/// A target in the form in which the scheduler stores it.
pub trait Body: Send + Sync + 'static {
    /// Calls the target for a run, whose future may reuse `spare`. Call only as the holder of the state word, see
    /// [`Held`].
    fn call(&self, run: &RunContext<'_>, spare: &mut FutureBuf) -> CallResult;

    /// Drops the target and its captured values. Call only as the holder of the state word.
    fn clear(&self);

    /// Whether the target takes a [`Run`].
    fn takes_run(&self) -> bool;

    /// The job's name. By default, the type name of the target.
    fn name(&self) -> &str;

    /// The ticker, if the runs of the job are ticks. `dispatch/ticker.rs` knows its type.
    fn ticker(&self) -> Option<&(dyn Any + Send + Sync)> {
        None
    }
}

/// The future of a run of an asynchronous target.
pub(crate) type RunFuture = Pin<Box<dyn ReusableFuture>>;

/// The memory of an earlier run's future.
pub(crate) type FutureBuf = Option<RunFuture>;

/// The future of a run, and the memory for the future.
#[doc(hidden)]
pub trait ReusableFuture: Future<Output = RunEnd> + Send {
    /// Drops the finished future in place, so that the next future can [reuse](ReusableFuture::reuse) the memory.
    /// Returns false if this kind of future can't reuse memory. The caller then drops the whole allocation.
    fn clear(self: Pin<&mut Self>) -> bool {
        false
    }

    /// If the future in `next` has the same type as the earlier future, moves it into this memory. `next` must be an
    /// `Option` of a future.
    fn reuse(self: Pin<&mut Self>, _next: &mut dyn Any) -> bool {
        false
    }
}

/// The result of a call to a target.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub enum CallResult {
    /// The run is over.
    Done(RunEnd),
    /// The run continues as a future.
    Future(RunFuture),
}

impl CallResult {
    /// Whether the run has failed or may still fail.
    pub(crate) fn may_fail(&self) -> bool {
        match self {
            CallResult::Done(end) => end.is_failure(),
            CallResult::Future(_) => true,
        }
    }

    /// The end of a call without a future. A blocking target can't return a future. If a future exists, this function
    /// drops it.
    pub(crate) fn into_end(self) -> RunEnd {
        match self {
            CallResult::Done(end) => end,
            CallResult::Future(_) => RunEnd::Cancelled,
        }
    }
}

/// Markers for the shapes of targets.
#[derive(Debug)]
pub struct Shape<const TAKES_RUN: bool, const IS_ASYNC: bool, Output>(PhantomData<Output>);

type Plain<O> = Shape<false, false, O>;
type WithRun<O> = Shape<true, false, O>;

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

    fn ticker(&self) -> Option<&(dyn Any + Send + Sync)> {
        (**self).ticker()
    }
}

/// A body with an explicit name. Most jobs have no explicit name and need no memory for it.
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

    fn ticker(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.body.ticker()
    }
}

/// A target, until it is cleared.
///
/// Only the holder of the job's state word locks the mutex, so no thread ever waits for the lock. The state word
/// decides which thread may run the target. The mutex proves exclusive access to the compiler.
#[allow(missing_debug_implementations, reason = "users never see one")]
pub struct Held<F, Marker> {
    target: Mutex<Option<F>>,
    shape: PhantomData<fn() -> Marker>,
}

impl<F, Marker> Held<F, Marker> {
    pub(super) fn new(target: F) -> Self {
        Held {
            target: Mutex::new(Some(target)),
            shape: PhantomData,
        }
    }

    pub(super) fn target(&self) -> MutexGuard<'_, Option<F>> {
        match self.target.try_lock() {
            Ok(target) => target,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => unreachable!("one run at a time calls the target"),
        }
    }
}

/// A target that several runs may call at once.
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

/// A function of one of the shapes, without a bound on what it captures and returns.
///
/// [`Target`] has a single implementation, which asks for this trait first and for `Send` afterwards. The compiler
/// therefore picks the shape without `Send`, and then names the value that can't be sent. If `Send` were a bound of
/// each shape, the compiler would only say that no shape fits.
#[doc(hidden)]
pub trait Callable<const TAKES_RUN: bool, const IS_ASYNC: bool, Output> {
    fn call(&mut self, run: &RunContext<'_>) -> Output;
}

/// A [`Callable`] that several runs may call at once.
#[doc(hidden)]
pub trait SharedCallable<const TAKES_RUN: bool, const IS_ASYNC: bool, Output>:
    Callable<TAKES_RUN, IS_ASYNC, Output>
{
    fn call_shared(&self, run: &RunContext<'_>) -> Output;
}

/// Implements one shape.
macro_rules! callable {
    ($takes_run:literal, $is_async:literal, ($($run:ident: $ty:ty)?), $($bound:tt)+) => {
        impl<F, O> Callable<$takes_run, $is_async, O> for F
        where
            F: FnMut($($ty)?) -> O,
            O: $($bound)+,
        {
            fn call(&mut self, _run: &RunContext<'_>) -> O {
                $(let $run = _run.to_run();)?
                self($($run)?)
            }
        }

        impl<F, O> SharedCallable<$takes_run, $is_async, O> for F
        where
            F: Fn($($ty)?) -> O,
            O: $($bound)+,
        {
            fn call_shared(&self, _run: &RunContext<'_>) -> O {
                $(let $run = _run.to_run();)?
                self($($run)?)
            }
        }
    };
}

callable!(false, false, (), Outcome);
callable!(true, false, (run: Run), Outcome);
callable!(false, true, (), Future<Output: Outcome>);
callable!(true, true, (run: Run), Future<Output: Outcome>);

/// What a call of a target of this shape leads to.
#[doc(hidden)]
pub trait Form<Output> {
    fn result(output: Output, spare: &mut FutureBuf) -> CallResult;
}

impl<const TAKES_RUN: bool, O: Outcome> Form<O> for Shape<TAKES_RUN, false, O> {
    fn result(output: O, _: &mut FutureBuf) -> CallResult {
        CallResult::Done(output.into_result().into())
    }
}

impl<const TAKES_RUN: bool, Fut> Form<Fut> for Shape<TAKES_RUN, true, Fut>
where
    Fut: Future<Output: Outcome> + Send + 'static,
{
    fn result(output: Fut, spare: &mut FutureBuf) -> CallResult {
        future(output, spare)
    }
}

impl<F, const TAKES_RUN: bool, const IS_ASYNC: bool, O> Target<Shape<TAKES_RUN, IS_ASYNC, O>> for F
where
    F: Callable<TAKES_RUN, IS_ASYNC, O> + Send + 'static,
    Shape<TAKES_RUN, IS_ASYNC, O>: Form<O>,
    O: 'static,
{
    type Body = Held<F, Shape<TAKES_RUN, IS_ASYNC, O>>;

    fn into_body(self) -> Self::Body {
        Held::new(self)
    }
}

impl<F, const TAKES_RUN: bool, const IS_ASYNC: bool, O> Body for Held<F, Shape<TAKES_RUN, IS_ASYNC, O>>
where
    F: Callable<TAKES_RUN, IS_ASYNC, O> + Send + 'static,
    Shape<TAKES_RUN, IS_ASYNC, O>: Form<O>,
    O: 'static,
{
    fn call(&self, run: &RunContext<'_>, spare: &mut FutureBuf) -> CallResult {
        match &mut *self.target() {
            Some(target) => Shape::<TAKES_RUN, IS_ASYNC, O>::result(target.call(run), spare),
            None => CallResult::Done(RunEnd::Finished),
        }
    }

    fn clear(&self) {
        let target = self.target().take();
        drop(target);
    }

    fn takes_run(&self) -> bool {
        TAKES_RUN
    }

    fn name(&self) -> &str {
        std::any::type_name::<F>()
    }
}

impl<F, const TAKES_RUN: bool, const IS_ASYNC: bool, O> SharedTarget<Shape<TAKES_RUN, IS_ASYNC, O>> for F
where
    F: SharedCallable<TAKES_RUN, IS_ASYNC, O> + Send + Sync + 'static,
    Shape<TAKES_RUN, IS_ASYNC, O>: Form<O>,
    O: 'static,
{
    fn into_shared_body(self) -> Box<dyn Body> {
        Box::new(Shared::<F, Shape<TAKES_RUN, IS_ASYNC, O>>::new(self))
    }
}

impl<F, const TAKES_RUN: bool, const IS_ASYNC: bool, O> Body for Shared<F, Shape<TAKES_RUN, IS_ASYNC, O>>
where
    F: SharedCallable<TAKES_RUN, IS_ASYNC, O> + Send + Sync + 'static,
    Shape<TAKES_RUN, IS_ASYNC, O>: Form<O>,
    O: 'static,
{
    fn call(&self, run: &RunContext<'_>, spare: &mut FutureBuf) -> CallResult {
        let target = lock(&self.target).clone();
        match target {
            Some(target) => Shape::<TAKES_RUN, IS_ASYNC, O>::result(target.call_shared(run), spare),
            None => CallResult::Done(RunEnd::Finished),
        }
    }

    fn clear(&self) {
        let target = lock(&self.target).take();
        drop(target);
    }

    fn takes_run(&self) -> bool {
        TAKES_RUN
    }

    fn name(&self) -> &str {
        std::any::type_name::<F>()
    }
}

impl<F: Target<Plain<O>>, O> BlockingTarget<Plain<O>> for F {}
impl<F: Target<WithRun<O>>, O> BlockingTarget<WithRun<O>> for F {}

pub(super) fn future<Fut: Future<Output: Outcome> + Send + 'static>(future: Fut, spare: &mut FutureBuf) -> CallResult {
    let mut next = Some(future);
    if let Some(mut buf) = spare.take() {
        if buf.as_mut().reuse(&mut next) {
            return CallResult::Future(buf);
        }
    }
    CallResult::Future(Box::pin(Buffered { future: next }))
}

pin_project! {
    /// The memory for the future of a run, and later for the next future. Maps the future's outcome to a `RunEnd`. An
    /// `async` block would do the same with a second copy of the future.
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

impl<Fut: Future<Output: Outcome> + Send + 'static> ReusableFuture for Buffered<Fut> {
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

    /// The future of a run, and its address.
    fn place(step: CallResult) -> (RunFuture, *const ()) {
        let CallResult::Future(run) = step else {
            panic!("there is no future")
        };
        let address = std::ptr::from_ref(&*run).cast();
        (run, address)
    }

    #[test]
    fn a_future_reuses_the_memory_of_a_future_of_its_type() {
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
    fn a_future_is_dropped_when_its_memory_is_cleared() {
        let shared = Arc::new(());
        let held = Arc::clone(&shared);
        let (mut run, _) = place(future(async move { drop(held) }, &mut None));
        assert_eq!(Arc::strong_count(&shared), 2);
        run.as_mut().clear();
        assert_eq!(Arc::strong_count(&shared), 1);
    }
}
