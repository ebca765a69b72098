//! Random scenarios, played on virtual time and compared with a model of the contract.
//!
//! `generate` makes a `scenario`: jobs, and timed operations on their scheduler. `play` plays the scenario, with the
//! executor and the timer of `shaky`, and records the `trace`. `model` computes the trace that should have happened, in
//! plain arithmetic. `bites` checks that the model refuses wrong traces. `determinism` checks that a scenario has one
//! trace. `paths` checks that untimed runs leave the same trace as timed runs, and `late` that inexact timers change
//! the tick of no run.
//!
//! ```sh
//! cargo test --test model                                          # 2,000 scenarios
//! PROPTEST_CASES=10000 cargo test --test model                     # as many as in CI
//! PROPTEST_CASES=1000000 cargo test --release --test model         # a long run
//! ```
//!
//! A scenario that fails is made small and printed with both traces. Its seed is kept in `regressions.txt` and tried
//! first from then on. If the generator changes, seeds mean other scenarios. A failure that must not be forgotten
//! therefore becomes a test of its own in `tests/behaviour`.
//!
//! To add an operation on a scheduler, add a variant of `scenario::Op`, a weight in `generate::op`, and an arm in both
//! `apply`s. To add an option of a job, add a field of `options::Options`, a value in `generate::options` and a call in
//! `Player::optional`. The model reads the option where it acts: a scheduled instant in `model/ticks.rs`, a beginning
//! or an end in `model/runs.rs`, a further attempt in `model/attempts.rs`, a permit in `model/groups.rs`, a stop in
//! `model/stops.rs`, the last runs before it in `model/drain.rs`. Cases that the contract leaves open go to `model/open.rs`.

mod bites;
mod determinism;
mod generate;
mod late;
mod model;
mod options;
mod paths;
mod play;
mod scenario;
mod shaky;
mod trace;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestError, TestRunner};

use crate::scenario::Scenario;

/// Number of scenarios, unless PROPTEST_CASES says otherwise.
const CASES: u32 = 2_000;

/// One scenario in this many is also tried with a crowd of jobs.
const CROWDS: u32 = 20;

#[test]
fn the_library_does_what_the_model_says() {
    compare(&generate::scenario(), config());
}

#[test]
fn crowds_do_what_the_model_says() {
    let config = config();
    let cases = config.cases / CROWDS;
    compare(&generate::crowded(), Config { cases, ..config });
}

fn compare(scenarios: &impl Strategy<Value = Scenario>, config: Config) {
    let mut runner = TestRunner::new(config);
    let (cases, failed) = (Cell::new(0), Cell::new(false));
    let outcome = runner.run(scenarios, |scenario| {
        cases.set(cases.get() + u32::from(!failed.get()));
        check(&scenario).map_err(|difference| {
            failed.set(true);
            TestCaseError::fail(difference)
        })
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Err(TestError::Fail(difference, scenario)) => {
            panic!(
                "scenario {} went wrong; the smallest like it:\n\n{scenario}\n{difference}",
                cases.get()
            );
        }
    }
}

fn config() -> Config {
    let default = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() {
        default.cases
    } else {
        CASES
    };
    Config {
        cases,
        max_shrink_iters: 10_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/model/regressions.txt"))),
        ..default
    }
}

fn check(scenario: &Scenario) -> Result<(), String> {
    let seen = caught(|| play::play(scenario), "the play")?;
    let verdict = caught(|| model::check(scenario, &seen), "the model")?;
    verdict.map_err(|difference| difference.to_string())
}

/// A panic counts as a difference, so that its scenario is made small too.
fn caught<T>(work: impl FnOnce() -> T, what: &str) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let message = payload.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| payload.downcast_ref::<&str>().copied());
        format!("{what} panicked: {}", message.unwrap_or("?"))
    })
}
