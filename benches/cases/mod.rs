//! The cases that are measured: the same for times, allocations and instructions.

pub(crate) mod agendas;
pub(crate) mod calendars;
pub(crate) mod coming;
pub(crate) mod handles;
mod manual;
pub(crate) mod shapes;
pub(crate) mod ticks;

use std::any::Any;
use std::fmt;
use std::time::Duration;

/// The default tick.
pub(crate) const TICK: Duration = Duration::from_millis(50);

pub(crate) struct Case {
    pub(crate) name: String,
    /// The number of runs, or of jobs, in one operation.
    pub(crate) items: u64,
    pub(crate) operation: Operation,
}

/// How an operation to measure is prepared.
pub(crate) enum Operation {
    /// An operation that can be repeated in place, in a steady state.
    Again(Prepare<dyn FnMut()>),
    /// An operation that uses up its preparation. It returns values that are dropped after the measurement.
    Once(Prepare<dyn FnOnce() -> Box<dyn Any>>),
}

type Prepare<F> = Box<dyn Fn() -> Box<F> + Send + Sync>;

impl Case {
    fn again<F: FnMut() + 'static>(name: String, items: u64, prepare: impl Fn() -> F + Send + Sync + 'static) -> Case {
        let operation = Operation::Again(Box::new(move || Box::new(prepare())));
        Case { name, items, operation }
    }

    fn once<F: FnOnce() -> T + 'static, T: 'static>(
        name: String,
        items: u64,
        prepare: impl Fn() -> F + Send + Sync + 'static,
    ) -> Case {
        let operation = Operation::Once(Box::new(move || {
            let operation = prepare();
            Box::new(move || Box::new(operation()))
        }));
        Case { name, items, operation }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

#[allow(dead_code, reason = "one of the two benches asks for each group by itself")]
pub(crate) fn all() -> Vec<Case> {
    [
        ticks::all(),
        shapes::all(),
        handles::all(),
        coming::all(),
        agendas::all(),
        calendars::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An operation that has run before, so that its buffers have their final size.
pub(crate) fn warmed_up(prepare: &dyn Fn() -> Box<dyn FnMut()>) -> Box<dyn FnMut()> {
    let mut operation = prepare();
    (0..3).for_each(|_| operation());
    operation
}

/// Intervals of whole ticks, from one tick to a minute, with as many intervals of each order of magnitude.
fn mixed_interval(job: u64) -> Duration {
    const SPAN: f64 = 1_200.0;
    let hash = job.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let part = hash as f64 / u32::MAX as f64;
    TICK * SPAN.powf(part) as u32
}
