//! A process that writes to a directory is killed, again and again.
//!
//! `ATEVERY_LEDGER_KILLS` is how often: 100 times unless said.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::ledger::{Claim, Claimed, Dir, Entry, Ledger};
use futures::executor::block_on;

use crate::support::Temporary;

const JOB: &str = "killed";

/// A row that was acknowledged is there after the process was killed, and at most one step has gone further. The
/// directory can be opened at once.
#[test]
fn acknowledged_rows_outlast_a_kill() {
    let kills = env::var("ATEVERY_LEDGER_KILLS").map_or(100, |kills| kills.parse().expect("a number of kills"));
    let temporary = Temporary::new("kill");
    let mut last = Entry::new(UNIX_EPOCH, 0, true);
    let mut acknowledged_in_total = 0;
    for kill in 0..kills {
        let acknowledged = kill_a_writer(temporary.path(), kill);
        acknowledged_in_total += acknowledged.len();
        let found = Dir::new(temporary.path())
            .and_then(|ledger| block_on(ledger.last(JOB)))
            .unwrap_or_else(|error| panic!("after kill {kill}: {error}"));
        let expected = acknowledged.last().copied().unwrap_or(last);
        let found = found.unwrap_or(last);
        assert!(
            found == expected || found == step_after(expected),
            "kill {kill}: {found:?} after {expected:?} was acknowledged"
        );
        last = found;
    }
    assert!(
        acknowledged_in_total >= kills,
        "{acknowledged_in_total} steps in {kills} processes"
    );
}

/// Starts a process that writes, and kills it after some of its steps. Returns the rows that it acknowledged.
fn kill_a_writer(path: &Path, kill: usize) -> Vec<Entry> {
    let mut child = start(path);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged: Vec<Entry> = Vec::new();
    // A few steps, then some time until the middle of another one.
    let steps = 1 + kill % 5;
    while acknowledged.len() < steps {
        let line = lines.next().expect("the process goes on").unwrap();
        acknowledged.extend(entry(&line));
    }
    thread::sleep(Duration::from_micros(kill as u64 * 7919 % 5000));
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| entry(&line)));
    acknowledged
}

fn start(path: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::writer", "--ignored", "--nocapture"])
        .env("ATEVERY_LEDGER", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A line of the writer. The last one may be cut off.
fn entry(line: &str) -> Option<Entry> {
    let (token, is_finished) = line.strip_prefix("acknowledged ")?.strip_suffix('.')?.split_once(' ')?;
    let token = token.parse().unwrap();
    Some(Entry::new(slot(token), token, is_finished.parse().unwrap()))
}

/// The writer claims a slot and finishes it, one after the other.
fn step_after(entry: Entry) -> Entry {
    if entry.is_finished() {
        Entry::new(slot(entry.token() + 1), entry.token() + 1, false)
    } else {
        Entry::new(entry.slot(), entry.token(), true)
    }
}

fn slot(token: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(token)
}

#[test]
#[ignore = "a process that another test starts and kills"]
fn writer() {
    let ledger = Dir::new(env::var_os("ATEVERY_LEDGER").unwrap()).unwrap();
    let last = block_on(ledger.last(JOB)).unwrap();
    let mut token = last.map_or(1, |last| last.token() + u64::from(last.is_finished()));
    loop {
        // A slot that a process before left unfinished is claimed again by the same holder, with the same token.
        let claim = Claim::new(JOB, slot(token), "writer", Duration::ZERO);
        let Claimed::Yes(lease) = block_on(ledger.claim(&claim)).unwrap() else {
            panic!("nobody else writes");
        };
        assert_eq!(lease.token(), token);
        println!("acknowledged {token} false.");
        block_on(ledger.finish(&lease, true)).unwrap();
        println!("acknowledged {token} true.");
        token += 1;
    }
}
