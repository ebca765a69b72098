//! Further attempts within a run, after an attempt has failed.

mod attempt_limit;
mod attempts;
mod control;
mod panics;
mod stops;

use atevery::{Job, JobBuilder, Run};

use crate::support::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sync,
    Async,
    Blocking,
}

const KINDS: [Kind; 3] = [Kind::Sync, Kind::Async, Kind::Blocking];

/// Registers a job whose attempts call `attempt` with their number.
fn register(
    builder: JobBuilder,
    kind: Kind,
    attempt: impl Fn(usize, Run) -> Result<(), String> + Send + 'static,
) -> Job {
    let mut count = 0;
    let mut attempt = move |run: Run| {
        count += 1;
        attempt(count - 1, run)
    };
    match kind {
        Kind::Sync => builder.run(attempt),
        Kind::Async => builder.run(move |run: Run| {
            let outcome = attempt(run);
            async move { outcome }
        }),
        Kind::Blocking => builder.run_blocking(attempt),
    }
    .unwrap()
}

/// Registers a job whose first `failures` attempts fail. Each attempt is noted.
fn failing(world: &World, builder: JobBuilder, kind: Kind, failures: usize) -> Job {
    let log = world.log.clone();
    register(builder, kind, move |attempt, _| {
        log.note("attempt");
        if attempt < failures {
            Err(format!("failure {attempt}"))
        } else {
            Ok(())
        }
    })
}
