//! Runs that are too long or too large for a test: no growth of memory, no drift, no lost run.
//!
//! ```text
//! soak --runtime tokio --seconds 3600 --jobs 10000    an hour on a runtime
//! soak virtual --runs 100000000 --jobs 1000           the same jobs on virtual time
//! soak calendar --days 365 --jobs 10000             jobs by the calendar in 40 zones on virtual time
//! soak heartbeat --jobs 1000000                       all due at one tick on Tokio, beside a 1 ms heartbeat
//! ```
//!
//! Each command prints a line of a Markdown table. Violations are printed to standard error, and set the exit code.

mod calendar;
mod findings;
mod heartbeat;
mod host;
mod load;
mod memory;
mod options;
mod record;
mod virtual_time;
mod wall_clock;

use std::process::ExitCode;

use findings::Findings;
use options::{Command, Options};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    load::silence_its_panics();
    let outcome = match options.command {
        Command::WallClock => wall_clock::run(&options),
        Command::Virtual => virtual_time::run(&options),
        Command::Calendar => calendar::run(&options),
        Command::Heartbeat => heartbeat::run(&options),
    };
    match outcome {
        Ok(findings) => conclude(&findings),
        Err(error) => {
            eprintln!("could not run: {error}");
            ExitCode::from(2)
        }
    }
}

fn conclude(findings: &Findings) -> ExitCode {
    println!("{findings}");
    for violation in findings.violations() {
        eprintln!("violation: {violation}");
    }
    if findings.violations().is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
