//! Runs of each kind of target: alone at a tick, and as one of many.

use std::future::ready;
use std::hint::black_box;
use std::io;
use std::task::Poll;

use atevery::{JobBuilder, Run, Scheduler};
use futures::future::poll_fn;

use super::manual::Manual;
use super::{Case, TICK};

const MANY: u64 = 1_024;

/// Registers a job with one kind of target.
type Register = fn(JobBuilder);

const SHAPES: &[(&str, Register)] = &[
    ("sync", |job| done(job.run(|| ()))),
    ("sync with Run", |job| done(job.run(|run: Run| look_at(&run)))),
    ("async, ready", |job| done(job.run(|| ready(())))),
    ("async with Run", |job| done(job.run(async |run: Run| look_at(&run)))),
    ("async, yields once", |job| done(job.run(yield_once))),
    ("blocking", |job| done(job.run_blocking(|| ()))),
    ("failing", |job| done(job.run(fail))),
    ("panicking", |job| done(job.run(panic))),
];

pub(crate) fn all() -> Vec<Case> {
    let shapes = SHAPES
        .iter()
        .flat_map(|(name, register)| [1, MANY].map(|jobs| shape(name, *register, jobs)));
    shapes.collect()
}

fn shape(name: &str, register: Register, jobs: u64) -> Case {
    Case::again(format!("{name}, {jobs} due"), jobs, move || {
        // Panics are expected, and are silenced.
        std::panic::set_hook(Box::new(|_| ()));
        let time = Manual::new();
        let scheduler = Scheduler::new(time.clone());
        for _ in 0..jobs {
            register(scheduler.every(TICK));
        }
        scheduler.start().expect("it starts once");
        move || {
            time.advance(TICK);
            black_box(&scheduler);
        }
    })
}

fn done(registered: Result<atevery::Job, atevery::Error>) {
    registered.expect("a tick is long enough");
}

fn look_at(run: &Run) {
    black_box(run);
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn fail() -> Result<(), io::Error> {
    Err(io::ErrorKind::Other.into())
}

fn panic() {
    panic!("as expected");
}
