//! All interleavings of a few steps, with the reorderings that processors may make. `loom` runs each model until it has
//! seen every interleaving.

mod bench;
mod engine;
mod groups;
mod instances;
mod listeners;
mod queue;
mod state;
mod wake_queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::job::cell::tests::job;
use crate::sync::atomic::{Fence, set_fence};
use crate::sync::offers::set_by_workers;
use crate::sync::thread;

/// Runs a model in each of its interleavings.
fn all(model: impl Fn() + Send + Sync + 'static) {
    explore(None, model);
}

/// Runs a model in each interleaving in which threads are interrupted at most `interruptions` times.
fn up_to(interruptions: usize, model: impl Fn() + Send + Sync + 'static) {
    explore(Some(interruptions), model);
}

fn explore(interruptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let model = Arc::new(model);
    for (fence, by_workers) in [
        (Fence::Before, false),
        (Fence::After, false),
        (Fence::Before, true),
        (Fence::After, true),
    ] {
        set_fence(fence);
        set_by_workers(by_workers);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = builder.preemption_bound.or(interruptions);
        builder.max_branches = 20_000;
        let (model, seen) = (Arc::clone(&model), Seen::default());
        let count = Arc::clone(&seen.0);
        builder.check(move || {
            count.fetch_add(1, Ordering::Relaxed);
            model();
        });
    }
}

/// Number of interleavings that were run: all of the model's, or as many as it took to find a fault.
#[derive(Default)]
struct Seen(Arc<AtomicU64>);

impl Drop for Seen {
    fn drop(&mut self) {
        let test = std::thread::current();
        let (name, seen) = (test.name().unwrap_or_default(), self.0.load(Ordering::Relaxed));
        println!("{name}: {seen} interleavings");
    }
}

/// Runs both at once.
fn both<A: 'static, B>(one: impl FnOnce() -> A + Send + 'static, other: impl FnOnce() -> B) -> (A, B) {
    let one = thread::spawn(one);
    let other = other();
    (one.join().unwrap(), other)
}

/// Runs all three at once.
fn three<A: 'static, B: 'static, C>(
    first: impl FnOnce() -> A + Send + 'static,
    second: impl FnOnce() -> B + Send + 'static,
    third: impl FnOnce() -> C,
) -> (A, B, C) {
    let first = thread::spawn(first);
    let (second, third) = both(second, third);
    (first.join().unwrap(), second, third)
}
