//! Runs that are told to end, and stops that are waited for within a run.

mod cancelled;
mod stop_in_future;
mod stop_in_hook;
mod stop_in_run;
mod stops_in_runs;
mod waiters;

use std::sync::mpsc;
use std::thread;

use atevery::runtime::Spawner;
use atevery::{JobBuilder, Run};

use crate::support::{Later, SECOND, World, later, ms, put, take};

/// A job whose run takes `takes_ms`, and puts its `Run` into the returned slot.
fn lending_its_run(world: &World, builder: JobBuilder, takes_ms: u64) -> Later<Run> {
    let slot = later();
    let (own, clock) = (slot.clone(), world.time.clone());
    let target = move |run: Run| {
        put(&own, run);
        clock.sleep(ms(takes_ms))
    };
    builder.run(target).unwrap();
    slot
}

/// Notes when the run is told to end, in a task of its own.
fn note_cancelled(world: &World, run: &Run, what: &'static str) {
    let (cancelled, log) = (run.cancelled(), world.log.clone());
    let task = async move {
        cancelled.await;
        log.note(what);
    };
    world.time.spawn(Box::pin(task)).unwrap();
}

/// A world with a run in progress that takes `takes_ms`.
fn with_run(takes_ms: u64) -> (World, Run) {
    let world = World::new();
    let slot = lending_its_run(&world, world.every(10_000).name("a"), takes_ms);
    world.start();
    let run = take(&slot);
    (world, run)
}

/// Does the work on a thread of its own, and panics if the work takes too long.
pub(crate) fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(SECOND * 20).expect("it returns")
}
