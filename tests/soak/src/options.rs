//! The command line.

use crate::host;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    WallClock,
    Virtual,
    Calendar,
    Heartbeat,
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) command: Command,
    pub(crate) runtime: String,
    pub(crate) seconds: u64,
    pub(crate) jobs: usize,
    pub(crate) runs: u64,
    pub(crate) days: u32,
}

impl Options {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut first = words.next();
        let command = match first.as_deref() {
            Some("virtual") => Command::Virtual,
            Some("calendar") => Command::Calendar,
            Some("heartbeat") => Command::Heartbeat,
            _ => Command::WallClock,
        };
        if command != Command::WallClock {
            first = words.next();
        }
        let mut options = Options::of(command);
        while let Some(name) = first {
            let value = words.next().ok_or(format!("{name} needs a value"))?;
            options.set(&name, value)?;
            first = words.next();
        }
        Ok(options)
    }

    fn of(command: Command) -> Options {
        let jobs = match command {
            Command::WallClock | Command::Calendar => 10_000,
            Command::Virtual => 1_000,
            Command::Heartbeat => 1_000_000,
        };
        Options {
            command,
            runtime: "tokio".to_owned(),
            seconds: 30,
            jobs,
            runs: 5_000_000,
            days: 365,
        }
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "--runtime" if host::NAMES.contains(&value.as_str()) => self.runtime = value,
            "--runtime" => return Err(format!("no runtime {value:?}: take one of {}", host::NAMES.join(", "))),
            "--seconds" => self.seconds = at_least(20, name, &value)?,
            "--jobs" => self.jobs = at_least(100, name, &value)?,
            "--days" => self.days = at_least(36, name, &value)?,
            "--runs" => self.runs = at_least(1, name, &value)?,
            _ => return Err(format!("unknown option {name:?}")),
        }
        Ok(())
    }
}

fn at_least<N: std::str::FromStr + PartialOrd + std::fmt::Display>(
    least: N,
    name: &str,
    value: &str,
) -> Result<N, String> {
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or(format!("{name} is a number from {least} on, not {value:?}"))
}
