//! One seed, one trace, byte for byte: in one process and in another.

use std::fmt::Write;
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::scenario::Scenario;
use crate::{generate, play};

/// Set in the environment of the other process, which prints its traces between two marks.
const PRINT: &str = "ATEVERY_PRINT_TRACES";
const MARK: &str = "\n======\n";

#[test]
fn one_seed_one_trace() {
    let traces = traces();
    if std::env::var_os(PRINT).is_some() {
        print!("{MARK}{traces}{MARK}");
        return;
    }
    assert!(traces == self::traces(), "two plays in this process differ");
    let itself = std::env::current_exe().expect("the test knows where it is");
    let other = Command::new(itself)
        .args(["determinism::one_seed_one_trace", "--exact", "--nocapture"])
        .env(PRINT, "yes")
        .output()
        .expect("the test can be run again");
    let output = String::from_utf8(other.stdout).expect("traces are text");
    let printed = output.split(MARK).nth(1);
    assert!(printed == Some(traces.as_str()), "a play in another process differs");
}

fn traces() -> String {
    scenarios(300).iter().fold(String::new(), |mut text, scenario| {
        let seen = play::play(scenario);
        write!(text, "{scenario}{:?}\n{:#?}\n", seen.fates, seen.trace).expect("there is memory");
        text
    })
}

/// The same scenarios in each process.
pub(crate) fn scenarios(count: usize) -> Vec<Scenario> {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let strategy = generate::scenario();
    let mut next = || strategy.new_tree(&mut runner).expect("a scenario").current();
    (0..count).map(|_| next()).collect()
}
