//! Threads, runs and hooks that use a scheduler at random, on real executors. A checker follows each event.
//!
//! ```text
//! storm                                            8 s on each executor
//! storm --executors tokio-1,smol --seconds 3600    an hour on each of two
//! storm --executors smol --seed 7                  repeats the decisions of a round, but not their interleaving
//! ```
//!
//! The program prints a line of a Markdown table for each executor. At the first violation, it prints the seed of the
//! round and the last records, and ends.

mod actions;
mod body;
mod checker;
mod executors;
mod log;
mod observer;
mod options;
mod plan;
mod random;
mod record;
mod round;
mod scene;
mod stops;
mod summary;
mod weather;

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use options::Options;
use summary::{Summary, TABLE};

/// The round in progress.
static ROUND: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    end_at_a_panic();
    eprintln!("seed {}", options.seed);
    println!("{TABLE}");
    for executor in &options.executors {
        match storm(executor, &options) {
            Ok(summary) => println!("{}", summary.line(executor)),
            Err(error) => {
                eprintln!("no executor {executor}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}

/// Rounds on an executor until the time is up, one at least.
fn storm(executor: &str, options: &Options) -> std::io::Result<Summary> {
    let runtime = executors::runtime(executor)?;
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut all = Summary::default();
    for seed in options.seed.. {
        *log::lock(&ROUND) = format!("executor {executor}, seed {seed}");
        all.add(&round::play(executor, &runtime, seed));
        if Instant::now() >= end {
            break;
        }
    }
    Ok(all)
}

/// The panics of the runs unwind without a call of the hook. Any other panic is a fault, even if it is caught.
fn end_at_a_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        print(info);
        eprintln!("{}\nviolation: a panic", log::lock(&ROUND));
        std::process::exit(1);
    }));
}
