//! The command line.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::executors;

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) executors: Vec<String>,
    /// How long each executor has its rounds.
    pub(crate) seconds: u64,
    /// The seed of the first round. The next round has the next seed.
    pub(crate) seed: u64,
}

impl Options {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            executors: executors::NAMES.map(str::to_owned).to_vec(),
            seconds: 8,
            seed: seed_of_the_moment(),
        };
        while let Some(name) = words.next() {
            let value = words.next().ok_or(format!("{name} needs a value"))?;
            options.set(&name, &value)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "--executors" if value == "all" => {}
            "--executors" => self.executors = value.split(',').map(known).collect::<Result<_, _>>()?,
            "--seconds" => self.seconds = number(name, value)?,
            "--seed" => self.seed = number(name, value)?,
            _ => return Err(format!("unknown option {name:?}")),
        }
        Ok(())
    }
}

fn known(name: &str) -> Result<String, String> {
    if executors::NAMES.contains(&name) {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "no executor {name:?}: take some of {}",
            executors::NAMES.join(",")
        ))
    }
}

fn number(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{name} is a number, not {value:?}"))
}

/// Small enough to be typed.
fn seed_of_the_moment() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_micros()) * 1_000
}
