//! What the script replies: a word, and what belongs to it.

use std::io;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use atevery::ledger::{Claim, Claimed, Entry, Lease};

use crate::times::Slot;

pub(crate) struct Reply(Vec<String>);

impl Reply {
    pub(crate) fn new(words: Vec<String>) -> Reply {
        Reply(words)
    }

    pub(crate) fn claimed(&self, claim: &Claim) -> io::Result<Claimed> {
        match self.word() {
            "yes" => {
                let lease = Lease::new(claim, self.number(1)?);
                if self.0.len() == 2 {
                    return Ok(Claimed::Yes(lease));
                }
                Ok(Claimed::Yes(lease.discarding(self.slot(2)?)))
            }
            "taken" => Ok(Claimed::Taken),
            "held" => Ok(Claimed::Held {
                wait: Duration::from_micros(self.number(1)?),
            }),
            "early" => Ok(Claimed::TooEarly {
                wait: Duration::from_nanos(self.number(1)?),
            }),
            _ => Err(self.foreign()),
        }
    }

    pub(crate) fn is_yes(&self) -> io::Result<bool> {
        match self.word() {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(self.foreign()),
        }
    }

    pub(crate) fn entry(&self) -> io::Result<Option<Entry>> {
        match self.word() {
            "none" => Ok(None),
            "yes" => {
                let is_finished = self.0.get(4).is_some_and(|state| state == "finished");
                Ok(Some(Entry::new(self.slot(2)?, self.number(1)?, is_finished)))
            }
            _ => Err(self.foreign()),
        }
    }

    fn word(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    fn number<N: FromStr>(&self, at: usize) -> io::Result<N> {
        let number = self.0.get(at).and_then(|word| word.parse().ok());
        number.ok_or_else(|| self.foreign())
    }

    fn slot(&self, at: usize) -> io::Result<SystemTime> {
        let slot = Slot {
            seconds: self.number(at)?,
            nanoseconds: self.number(at + 1)?,
        };
        slot.time().ok_or_else(|| self.foreign())
    }

    fn foreign(&self) -> io::Error {
        let message = format!("Redis: the ledger's script replied {:?}", self.0);
        io::Error::new(io::ErrorKind::InvalidData, message)
    }
}
