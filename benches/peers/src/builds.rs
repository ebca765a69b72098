//! The dependencies of each peer, and the time to build it from nothing.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::table::{Table, figure};

const FILE: &str = "builds.json";

/// The name in the table, and the one line in the `[dependencies]` of an empty program.
const DEPENDENCIES: &[(&str, &str)] = &[
    (
        "atevery, no features",
        r#"atevery = { path = "ATEVERY", default-features = false }"#,
    ),
    ("atevery, `macros`", r#"atevery = { path = "ATEVERY" }"#),
    (
        "atevery, `standalone`",
        r#"atevery = { path = "ATEVERY", default-features = false, features = ["standalone"] }"#,
    ),
    (
        "atevery, `tokio`",
        r#"atevery = { path = "ATEVERY", default-features = false, features = ["tokio"] }"#,
    ),
    (
        "atevery, `smol`",
        r#"atevery = { path = "ATEVERY", default-features = false, features = ["smol"] }"#,
    ),
    (
        "atevery, `async-std`",
        r#"atevery = { path = "ATEVERY", default-features = false, features = ["async-std"] }"#,
    ),
    (
        "tokio",
        r#"tokio = { version = "1", features = ["rt-multi-thread", "time"] }"#,
    ),
    ("smol", r#"smol = "2""#),
    ("async-std", r#"async-std = { version = "1", features = ["unstable"] }"#),
    ("tokio_schedule", r#"tokio_schedule = "0.3""#),
    ("clokwerk", r#"clokwerk = "0.4""#),
    ("delay_timer", r#"delay_timer = "0.11""#),
    ("tokio-cron-scheduler", r#"tokio-cron-scheduler = "0.15""#),
];

#[derive(Debug, Serialize, Deserialize)]
struct Build {
    name: String,
    packages: usize,
    seconds: f64,
}

/// Builds a program for each peer, in a directory of its own, and keeps the figures in `directory`.
pub fn measure(directory: &Path) -> Result<(), Error> {
    let scratch = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/builds");
    let mut builds = Vec::new();
    fs::create_dir_all(directory)?;
    for (name, dependency) in DEPENDENCIES {
        let build = build(name, dependency, &scratch)?;
        eprintln!("{name}: {} crates, {:.1} s", build.packages, build.seconds);
        builds.push(build);
        // Written after each build, because the builds take long and may be interrupted.
        fs::write(directory.join(FILE), serde_json::to_string(&builds)?)?;
    }
    Ok(())
}

/// The figures that an earlier run has left in `directory`.
pub fn table(directory: &Path) -> Result<Option<Table>, Error> {
    let path = directory.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let builds: Vec<Build> = serde_json::from_str(&fs::read_to_string(path)?)?;
    let mut table = Table::new(["depends on", "crates", "seconds"]);
    for build in builds {
        table.row(&build.name, vec![build.packages.to_string(), figure(build.seconds)]);
    }
    Ok(Some(table))
}

fn build(name: &str, dependency: &str, scratch: &Path) -> Result<Build, Error> {
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    write_program(dependency, scratch)?;
    cargo(scratch, &["fetch", "--quiet"])?;
    let tree = cargo(
        scratch,
        &["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"],
    )?;
    let begin = Instant::now();
    cargo(scratch, &["build", "--quiet", "--release"])?;
    Ok(Build {
        name: name.to_owned(),
        packages: packages(&tree),
        seconds: begin.elapsed().as_secs_f64(),
    })
}

fn write_program(dependency: &str, scratch: &Path) -> Result<(), Error> {
    let atevery = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut manifest = String::from("[package]\nname = \"program\"\nedition = \"2024\"\n\n[dependencies]\n");
    writeln!(manifest, "{}", dependency.replace("ATEVERY", atevery))?;
    writeln!(manifest, "\n[workspace]")?;
    fs::create_dir_all(scratch.join("src"))?;
    fs::write(scratch.join("Cargo.toml"), manifest)?;
    fs::write(scratch.join("src/main.rs"), "fn main() {}\n")?;
    Ok(())
}

fn cargo(scratch: &Path, arguments: &[&str]) -> Result<String, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(scratch);
    // A target directory of its own, so that the build starts from nothing.
    command.env("CARGO_TARGET_DIR", scratch.join("target"));
    let output = command.output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}

/// Without the program and without the peer itself.
fn packages(tree: &str) -> usize {
    let mut packages: Vec<&str> = tree.lines().filter_map(|line| line.split(" (").next()).collect();
    packages.sort_unstable();
    packages.dedup();
    packages.len().saturating_sub(2)
}
