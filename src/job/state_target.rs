//! The shapes of function that can be a job with a state.
//!
//! The future of an asynchronous run borrows the state across its awaits. Safe code can't store such a future beside
//! the state. Therefore each run takes the target and the state out of the job, and moves both into an outer future,
//! which owns them and awaits the inner future. When the outer future ends or is dropped, a guard gives them back.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::job::run::{Run, RunContext};
use crate::job::run_end::{JobResult, RunEnd};
use crate::job::target::{Body, CallResult, FutureBuf, Held, Outcome, future};

/// A function that can be a job with a state, see [`JobBuilder::run_with`](crate::JobBuilder::run_with).
///
/// The trait is implemented for closures and functions of four shapes, each `Send + 'static`:
///
/// | shape | example |
/// | --- | --- |
/// | `FnMut(&mut S, Run) -> O` | `\|count: &mut u64, run: Run\| *count += run.missed()` |
/// | `FnMut(&mut S, Run) -> impl Future<Output = O> + Send` | `async fn sweep(&mut self, run: Run) { .. }` |
/// | `FnMut(&mut S) -> O` | `Vec::<u8>::clear` |
/// | `FnMut(&mut S) -> impl Future<Output = O> + Send` | `async fn sweep(&mut self) { .. }` |
///
/// `O` is `()` or `Result<(), E>`, as for a [`Target`](crate::Target). The future may borrow from the state. `Marker`
/// distinguishes the shapes and is never written out.
///
/// A closure names the types of its parameters. An asynchronous closure is written `async |state: &mut S, run: Run|
/// ..`, and captures nothing: what it would capture belongs into the state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a job with a state of the type `{S}`",
    label = "not a function from `&mut {S}`, or `&mut {S}` and a `Run`, to `()` or `Result<(), E>`",
    note = "the job is a function or closure that takes `&mut` the state, or `&mut` the state and a `Run`, in this order; \
            it is `Send + 'static`, and returns `()`, `Result<(), E>` with an error that converts into \
            `Box<dyn Error + Send + Sync>`, or a `Send` future of either",
    note = "the job owns its state: pass the state itself, not a reference to it",
    note = "a closure names the types of its parameters: `|state: &mut {S}, run: Run| ..`, or with awaits \
            `async |state: &mut {S}, run: Run| ..`"
)]
pub trait StateTarget<S, Marker>: Send + 'static {
    #[doc(hidden)]
    type Body: Body;

    #[doc(hidden)]
    fn into_body(self, state: S) -> Self::Body;
}

/// A marker for the shapes of targets with a state. `Given` is what a run passes beside the state.
#[derive(Debug)]
pub struct StateShape<Given, const IS_ASYNC: bool, Output>(PhantomData<(Given, Output)>);

/// What a run passes beside the state: the [`Run`], or nothing.
#[doc(hidden)]
pub trait Given: Send + 'static {
    const TAKES_RUN: bool;

    fn of(run: &RunContext<'_>) -> Self;
}

impl Given for Run {
    const TAKES_RUN: bool = true;

    fn of(run: &RunContext<'_>) -> Run {
        run.to_run()
    }
}

impl Given for () {
    const TAKES_RUN: bool = false;

    fn of(_: &RunContext<'_>) {}
}

/// A synchronous function, for one lifetime of the borrow.
#[doc(hidden)]
pub trait Call<'a, S, G> {
    type Output;

    fn call(&mut self, state: &'a mut S, given: G) -> Self::Output;
}

/// A function that returns a future, for one lifetime of the borrow. The future may borrow from the state, so its type
/// depends on the lifetime.
#[doc(hidden)]
pub trait AsyncCall<'a, S, G> {
    type Future: Future<Output = Self::Output> + 'a;
    type Output;

    fn call(&mut self, state: &'a mut S, given: G) -> Self::Future;
}

/// Implements the calls with these parameters beside the state.
macro_rules! call {
    ($given:ty, ($($run:ident: $ty:ty)?)) => {
        impl<'a, F, S: 'a, O> Call<'a, S, $given> for F
        where
            F: FnMut(&'a mut S $(, $ty)?) -> O,
        {
            type Output = O;

            fn call(&mut self, state: &'a mut S, _given: $given) -> O {
                $(let $run = _given;)?
                self(state $(, $run)?)
            }
        }

        impl<'a, F, S: 'a, Fut> AsyncCall<'a, S, $given> for F
        where
            F: FnMut(&'a mut S $(, $ty)?) -> Fut,
            Fut: Future + 'a,
        {
            type Future = Fut;
            type Output = Fut::Output;

            fn call(&mut self, state: &'a mut S, _given: $given) -> Fut {
                $(let $run = _given;)?
                self(state $(, $run)?)
            }
        }
    };
}

call!((), ());
call!(Run, (run: Run));

/// A function of one of the shapes, without `Send`. [`StateTarget`] asks for this trait first and for the `Send` of the
/// body afterwards, so that the compiler names the value that can't be sent.
#[doc(hidden)]
pub trait StateCallable<S, G, const IS_ASYNC: bool, O> {
    type Body;

    fn into_body(self, state: S) -> Self::Body;
}

impl<F, S, G, O: Outcome> StateCallable<S, G, false, O> for F
where
    F: for<'a> Call<'a, S, G, Output = O>,
{
    type Body = Held<(F, S), StateShape<G, false, O>>;

    fn into_body(self, state: S) -> Self::Body {
        Held::new((self, state))
    }
}

impl<F, S, G> StateCallable<S, G, true, Borrowed> for F
where
    F: for<'a> AsyncCall<'a, S, G>,
{
    type Body = Lender<F, S, G>;

    fn into_body(self, state: S) -> Self::Body {
        Lender(Arc::new(Held::new(Box::new((self, state)))))
    }
}

impl<F, S, G, const IS_ASYNC: bool, O> StateTarget<S, StateShape<G, IS_ASYNC, O>> for F
where
    F: StateCallable<S, G, IS_ASYNC, O, Body: Body> + Send + 'static,
{
    type Body = F::Body;

    fn into_body(self, state: S) -> Self::Body {
        StateCallable::into_body(self, state)
    }
}

impl<F, S, G, O> Body for Held<(F, S), StateShape<G, false, O>>
where
    F: for<'a> Call<'a, S, G, Output = O> + Send + 'static,
    S: Send + 'static,
    G: Given,
    O: Outcome + 'static,
{
    fn call(&self, run: &RunContext<'_>, _: &mut FutureBuf) -> CallResult {
        let end = match &mut *self.target() {
            Some((target, state)) => target.call(state, G::of(run)).into_result().into(),
            None => RunEnd::Finished,
        };
        CallResult::Done(end)
    }

    fn clear(&self) {
        let target = self.target().take();
        drop(target);
    }

    fn takes_run(&self) -> bool {
        G::TAKES_RUN
    }

    fn name(&self) -> &str {
        std::any::type_name::<F>()
    }
}

/// The output of a future that borrows from the state. Its type depends on the lifetime of the borrow.
#[doc(hidden)]
#[derive(Debug)]
pub struct Borrowed;

/// The body of an asynchronous target. Between two runs it holds the target and the state, in a box, because each run
/// moves them.
#[doc(hidden)]
#[allow(missing_debug_implementations, reason = "users never see one")]
pub struct Lender<F, S, G>(Home<F, S, G>);

type Home<F, S, G> = Arc<Held<Box<(F, S)>, StateShape<G, true, Borrowed>>>;

/// The target and the state during a run. The drop gives them back.
struct Lent<F, S, G> {
    both: Option<Box<(F, S)>>,
    home: Home<F, S, G>,
}

impl<F, S, G> Lender<F, S, G> {
    /// Returns `None` if the target was cleared.
    fn lend(&self) -> Option<Lent<F, S, G>> {
        let both = self.0.target().take()?;
        Some(Lent {
            both: Some(both),
            home: Arc::clone(&self.0),
        })
    }
}

impl<F, S, G> Drop for Lent<F, S, G> {
    fn drop(&mut self) {
        *self.home.target() = self.both.take();
    }
}

/// Runs the target on the state that it was lent. However the run ends, the state goes back: also if this future is
/// dropped, and if the target panics.
async fn run_lent<F, S, G>(mut lent: Lent<F, S, G>, given: G) -> JobResult
where
    F: for<'a> AsyncCall<'a, S, G, Output: Outcome>,
{
    match lent.both.as_deref_mut() {
        Some((target, state)) => target.call(state, given).await.into_result(),
        None => Ok(()),
    }
}

impl<F, S, G> Body for Lender<F, S, G>
where
    F: for<'a> AsyncCall<'a, S, G, Future: Send, Output: Outcome> + Send + 'static,
    S: Send + 'static,
    G: Given,
{
    fn call(&self, run: &RunContext<'_>, spare: &mut FutureBuf) -> CallResult {
        match self.lend() {
            Some(lent) => future(run_lent(lent, G::of(run)), spare),
            None => CallResult::Done(RunEnd::Finished),
        }
    }

    fn clear(&self) {
        let both = self.0.target().take();
        drop(both);
    }

    fn takes_run(&self) -> bool {
        G::TAKES_RUN
    }

    fn name(&self) -> &str {
        std::any::type_name::<F>()
    }
}
