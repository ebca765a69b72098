//! What the rounds of an executor come to.

use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) time: Duration,
    pub(crate) rounds: u64,
    pub(crate) jobs: u64,
    pub(crate) runs: u64,
    pub(crate) stops: u64,
}

pub(crate) const TABLE: &str = "\
| executor | time | rounds | jobs | runs | stops | |
| --- | --- | --- | --- | --- | --- | --- |";

impl Summary {
    pub(crate) fn add(&mut self, round: &Summary) {
        self.time += round.time;
        self.rounds += round.rounds;
        self.jobs += round.jobs;
        self.runs += round.runs;
        self.stops += round.stops;
    }

    /// A line of the table.
    pub(crate) fn line(&self, executor: &str) -> String {
        let Summary {
            time,
            rounds,
            jobs,
            runs,
            stops,
        } = self;
        let seconds = time.as_secs();
        format!("| {executor} | {seconds} s | {rounds} | {jobs} | {runs} | {stops} | ok |")
    }
}
