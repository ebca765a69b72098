//! `cargo run --release`: measures `atevery` and its peers, and writes tables and plots.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, exit};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand, ValueEnum};
use peers::engines::{self, Kind};
use peers::measure::measure;
use peers::measurement::{Entry, Measurement, Outcome, Scenario};
use peers::plan::{Choice, Step, plan};
use peers::python::Python;
use peers::results::Results;
use peers::{Error, builds, process, report};

/// The same periodic work on atevery and on its alternatives.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Task>,

    /// A quick check that everything works: few jobs, many measurements at a time, no Python. Fails if an engine fails,
    /// or if runs of atevery are lost.
    #[arg(long)]
    short: bool,

    /// Only these engines.
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,

    /// Only these numbers of jobs, in every scenario.
    #[arg(long, value_delimiter = ',')]
    jobs: Vec<usize>,

    /// Only these scenarios.
    #[arg(long, value_delimiter = ',', value_enum)]
    scenario: Vec<Scenario>,

    /// How often each measurement is taken. Tables hold medians.
    #[arg(long, default_value_t = 3)]
    repeat: usize,

    /// Seconds for which jobs are watched.
    #[arg(long, default_value_t = 2)]
    window: u64,

    /// Seconds after which a process is killed.
    #[arg(long, default_value_t = 60)]
    limit: u64,

    /// Continues a run that was interrupted, with the same arguments.
    #[arg(long)]
    resume: bool,

    /// Where tables, plots and raw results go.
    #[arg(long, global = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/report"))]
    out: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Counts the dependencies of each peer, and builds the peer from nothing. Takes minutes.
    Builds,
    /// Writes tables and plots anew from the results of an earlier run.
    Render,
    /// Takes one measurement in this process.
    #[command(hide = true)]
    Measure { measurement: String },
}

fn main() -> Result<ExitCode, Error> {
    let arguments = Arguments::parse();
    match &arguments.command {
        Some(Task::Measure { measurement }) => take(measurement),
        Some(Task::Builds) => {
            builds::measure(&arguments.out)?;
            report::write(&arguments.out)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Task::Render) => {
            report::write(&arguments.out)?;
            Ok(ExitCode::SUCCESS)
        }
        None => run(&arguments),
    }
}

fn take(measurement: &str) -> Result<ExitCode, Error> {
    let record = measure(&serde_json::from_str(measurement)?, || None)?;
    println!("{}", serde_json::to_string(&record)?);
    exit(0); // Without the destructors of runtimes that are still at work.
}

fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    for name in &arguments.engines {
        engines::find(name)?;
    }
    let choice = choice(arguments);
    let steps = plan(&choice);
    let children = Children::prepare(arguments, &steps)?;
    let earlier = if arguments.resume {
        Results::load(&arguments.out)?
    } else {
        None
    };
    let mut results = earlier.unwrap_or_else(|| Results::new(&choice));
    if arguments.short {
        results.entries = all_at_once(&steps, &children);
    } else {
        one_by_one(&steps, &children, &mut results, &arguments.out)?;
    }
    results.save(&arguments.out)?;
    report::write(&arguments.out)?;
    println!("{}", arguments.out.join("report.md").display());
    let failures = results.failures();
    for failure in &failures {
        eprintln!("FAILED: {failure}");
    }
    let fails = arguments.short && !failures.is_empty();
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Measures round by round, so that other load on the machine affects all engines alike. Results are kept after each
/// measurement, because a run takes an hour. A measurement that did not finish once is not repeated.
fn one_by_one(steps: &[Step], children: &Children, results: &mut Results, out: &Path) -> Result<(), Error> {
    let rounds = steps.iter().map(|step| step.repeat).max().unwrap_or(0);
    let total: usize = steps.iter().map(|step| step.repeat).sum();
    let begin = Instant::now();
    for round in 0..rounds {
        for step in steps.iter().filter(|step| round < step.repeat) {
            let (taken, unfinished) = results.taken(&step.measurement);
            if taken > round || unfinished {
                continue;
            }
            let entry = children.measure(&step.measurement);
            let (seconds, done) = (begin.elapsed().as_secs(), results.entries.len() + 1);
            eprintln!("{seconds:>5} s  {done}/{total}  {entry}");
            results.entries.push(entry);
            results.save(out)?;
        }
    }
    Ok(())
}

/// Runs many measurements at a time for the quick check. They disturb each other, but figures do not matter there.
fn all_at_once(steps: &[Step], children: &Children) -> Vec<Entry> {
    const AT_ONCE: usize = 12;
    let entries = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(step) = steps.get(next.fetch_add(1, Ordering::Relaxed)) {
            let entry = children.measure(&step.measurement);
            eprintln!("{entry}");
            entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    entries.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn choice(arguments: &Arguments) -> Choice {
    let scenarios = match arguments.scenario.as_slice() {
        [] => Scenario::value_variants().to_vec(),
        named => named.to_vec(),
    };
    Choice {
        scenarios,
        engines: arguments.engines.clone(),
        jobs: arguments.jobs.clone(),
        repeat: if arguments.short { 1 } else { arguments.repeat },
        window: Duration::from_secs(arguments.window),
        short: arguments.short,
    }
}

/// Takes each measurement in a child process.
struct Children {
    this: PathBuf,
    python: Option<Python>,
    limit: Duration,
}

impl Children {
    fn prepare(arguments: &Arguments, steps: &[Step]) -> Result<Children, Error> {
        let this = std::env::current_exe()?;
        if steps
            .iter()
            .any(|step| step.measurement.scenario == Scenario::Allocations)
        {
            build_allocations()?;
        }
        let wants_python = steps.iter().any(|step| is_python(&step.measurement));
        let environment = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python");
        Ok(Children {
            this,
            python: wants_python.then(|| Python::find(&environment)),
            limit: Duration::from_secs(arguments.limit),
        })
    }

    fn measure(&self, measurement: &Measurement) -> Entry {
        Entry {
            measurement: measurement.clone(),
            outcome: self.outcome(measurement),
        }
    }

    fn outcome(&self, measurement: &Measurement) -> Outcome {
        if is_python(measurement) {
            let python = self.python.as_ref();
            return python.map_or(Outcome::DidNotFinish, |python| python.measure(measurement, self.limit));
        }
        let argument = match serde_json::to_string(measurement) {
            Ok(argument) => argument,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let mut command = if measurement.scenario == Scenario::Allocations {
            Command::new(self.this.with_file_name("allocations"))
        } else {
            let mut command = Command::new(&self.this);
            command.arg("measure");
            command
        };
        process::record(command.arg(argument), self.limit)
    }
}

fn is_python(measurement: &Measurement) -> bool {
    engines::find(&measurement.engine).is_ok_and(|known| known.kind == Kind::Python)
}

/// Builds the other binary, because `cargo run` builds only this binary.
fn build_allocations() -> Result<(), Error> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--bin", "allocations", "--manifest-path"]);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    if command.status()?.success() {
        Ok(())
    } else {
        Err("the binary that counts allocations can't be built".into())
    }
}
