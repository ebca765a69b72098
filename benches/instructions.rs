//! Counts the instructions of the core. A change of one in a hundred shows, even on a busy machine.
//!
//! ```sh
//! cargo bench --bench instructions             # all; needs valgrind
//! cargo bench --bench instructions -- agenda   # those whose name contains a word
//! cargo bench --bench instructions -- --list   # names only
//! ```
//!
//! Each case runs in a process of its own under callgrind, which counts the instructions inside [`measured`]. The last
//! column is the change since the run before, if that run had the case.

mod cases;
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "its tests, and what the agenda alone doesn't need"
)]
#[path = "../src/time/mod.rs"]
mod time;

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cases::{Case, Operation};

/// More jobs take too long under valgrind, and show nothing new.
const MOST_ITEMS: u64 = 50_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--case", name] => {
            run(find(name)?);
            Ok(())
        }
        words if words.contains(&"--bench") => compare(words),
        _ => check(),
    }
}

fn cases() -> Vec<Case> {
    let mut cases = cases::all();
    cases.retain(|case| case.items <= MOST_ITEMS);
    cases
}

fn find(name: &str) -> Result<Case, Box<dyn Error>> {
    let mut cases = cases().into_iter();
    cases
        .find(|case| case.name == name)
        .ok_or_else(|| format!("there is no case {name}").into())
}

/// For `cargo test --benches`: runs every case once, without valgrind.
fn check() -> Result<(), Box<dyn Error>> {
    cases().into_iter().for_each(run);
    Ok(())
}

fn run(case: Case) {
    match &case.operation {
        Operation::Again(prepare) => measured(&mut *cases::warmed_up(prepare)),
        Operation::Once(prepare) => drop(measured(prepare())),
    }
}

/// Callgrind counts only inside this function, so the function must keep its name and must not be inlined.
#[inline(never)]
fn measured<T>(operation: impl FnOnce() -> T) -> T {
    operation()
}

fn compare(words: &[&str]) -> Result<(), Box<dyn Error>> {
    let (options, words): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with("--"));
    let wanted = |case: &Case| words.is_empty() || words.iter().any(|word| case.name.contains(word));
    let file = file()?;
    let mut counts = load(&file);
    for case in cases().into_iter().filter(wanted) {
        if options.contains(&"--list") {
            println!("{case}");
            continue;
        }
        let count = count(&case)?;
        let each = count as f64 / case.items as f64;
        let change = counts
            .insert(case.name.clone(), count)
            .map(|before| count as f64 / before as f64 - 1.0);
        let change = change
            .map(|change| format!("{:+.2}%", change * 100.0))
            .unwrap_or_default();
        println!("{:<50} {count:>12} {each:>12.1} each {change:>10}", case.name);
    }
    save(&file, &counts)
}

fn count(case: &Case) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--toggle-collect=*instructions::measured*",
        ])
        .arg(env::current_exe()?)
        .args(["--case", &case.name])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    match collected {
        Some((_, count)) if output.status.success() => Ok(count.trim().parse()?),
        _ => Err(format!("{case}: {}\n{text}", output.status).into()),
    }
}

/// The counts of earlier runs, in a file beside the program.
fn file() -> Result<PathBuf, Box<dyn Error>> {
    Ok(env::current_exe()?.with_file_name("instructions.txt"))
}

fn load(file: &Path) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    lines
        .filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?)))
        .collect()
}

fn save(file: &Path, counts: &BTreeMap<String, u64>) -> Result<(), Box<dyn Error>> {
    let lines = counts.iter().map(|(name, count)| format!("{name} {count}\n"));
    Ok(fs::write(file, lines.collect::<String>())?)
}
