//! Child processes with a time limit.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::measurement::{Outcome, Record};

/// Runs a command whose last line of output is a record. If the command takes longer than `limit`, it is killed.
pub fn record(command: &mut Command, limit: Duration) -> Outcome {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return Outcome::Failed(format!("{error}: {command:?}")),
    };
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Outcome::Failed("no output to read".into());
    };
    let complaint = thread::spawn(move || read(stderr));
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // The receiver may have given up.
        let _ = sender.send(read(stdout));
    });
    // The end of the output is the end of the child. Polling the child would disturb the measurement.
    let output = receiver.recv_timeout(limit);
    if output.is_err() {
        // The child may have ended by itself at this moment.
        let _ = child.kill();
    }
    let status = child.wait();
    match (output, status) {
        (Err(RecvTimeoutError::Timeout), _) => Outcome::DidNotFinish,
        (Ok(output), Ok(status)) if status.success() => parse(&output),
        (_, status) => {
            let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            Outcome::Failed(format!(
                "{status}: {}",
                last_lines(&complaint.join().unwrap_or_default())
            ))
        }
    }
}

fn read(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    // The output before an error is shown.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn parse(output: &str) -> Outcome {
    let line = output.lines().next_back().unwrap_or_default();
    match serde_json::from_str::<Record>(line) {
        Ok(record) => Outcome::Done(record),
        Err(error) => Outcome::Failed(format!("{error}: {line}")),
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
