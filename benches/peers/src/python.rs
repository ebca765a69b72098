//! The peers in Python, in a virtual environment of their own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::measurement::{Body, Measurement, Outcome, Phase, Scenario};
use crate::process;

const PACKAGES: [&str; 2] = ["atevery==0.1.2", "apscheduler==3.11.*"];

/// An interpreter with the packages, or the reason why there is none.
pub struct Python(Result<PathBuf, String>);

impl Python {
    pub fn find(directory: &Path) -> Python {
        Python(install(directory))
    }

    pub fn measure(&self, measurement: &Measurement, limit: Duration) -> Outcome {
        let python = match &self.0 {
            Ok(python) => python,
            Err(reason) => return Outcome::Skipped(reason.clone()),
        };
        let known = [Scenario::Load, Scenario::Lateness, Scenario::Idle].contains(&measurement.scenario)
            && measurement.phase == Phase::Bunched
            && [Body::Count, Body::Clock].contains(&measurement.body);
        if !known {
            return Outcome::Skipped("not measured in Python".into());
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/measure.py");
        let mut command = Command::new(python);
        command
            .arg(script)
            .arg(&measurement.engine)
            .arg(measurement.jobs.to_string())
            .arg(measurement.interval.as_secs_f64().to_string())
            .arg(measurement.window.as_secs_f64().to_string());
        if measurement.body == Body::Clock {
            command.arg("--clock");
        }
        process::record(&mut command, limit)
    }
}

fn install(directory: &Path) -> Result<PathBuf, String> {
    let python = directory.join("bin/python");
    if !has_packages(&python) {
        run(Command::new("python3").args(["-m", "venv"]).arg(directory))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(PACKAGES))?;
    }
    Ok(python)
}

fn has_packages(python: &Path) -> bool {
    run(Command::new(python).args(["-c", "import atevery, apscheduler"])).is_ok()
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{error}: {command:?}"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(complaint.lines().next_back().unwrap_or("failed").to_owned())
}
