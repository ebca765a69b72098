//! What is measured: the same cases for times, allocations and instructions.

pub(crate) mod agendas;
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
    /// The runs, or jobs, that one operation is about.
    pub(crate) items: u64,
    pub(crate) operation: Operation,
}

/// How to come to something that can be measured.
pub(crate) enum Operation {
    /// An operation that can be repeated in place, in a steady state.
    Again(Prepare<dyn FnMut()>),
    /// One that uses up what was prepared for it. It returns what is to be dropped afterwards.
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
    [ticks::all(), shapes::all(), handles::all(), agendas::all()]
        .into_iter()
        .flatten()
        .collect()
}

/// An operation whose buffers have grown to their size.
pub(crate) fn warmed_up(prepare: &dyn Fn() -> Box<dyn FnMut()>) -> Box<dyn FnMut()> {
    let mut operation = prepare();
    (0..3).for_each(|_| operation());
    operation
}

/// Intervals of whole ticks, from one tick to a minute, as many short ones as long ones by their order of magnitude.
fn mixed_interval(job: u64) -> Duration {
    const SPAN: f64 = 1_200.0;
    let hash = job.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let part = hash as f64 / u32::MAX as f64;
    TICK * SPAN.powf(part) as u32
}
