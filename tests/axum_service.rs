//! The example `axum_service` as a user runs it: a process that answers requests, and then is asked to end.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than any step takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn serves_its_status_and_ends_cleanly() {
    let mut service = Service::start();

    let names = ["prices", "sessions", "report"];
    let table = service.request("GET /jobs");
    assert!(table.starts_with("HTTP/1.1 200"), "{table}");
    for name in names {
        assert!(table.lines().any(|line| line.starts_with(name)), "{name} in {table}");
    }
    assert!(table.contains("running: 3 jobs, "), "{table}");

    let refreshed = service.wait_for(|jobs| jobs[0]["runs"].as_u64() > Some(1));
    for (job, name) in refreshed.as_array().expect("a list of jobs").iter().zip(names) {
        assert_eq!(job["name"], name);
    }
    assert_eq!(refreshed[2]["runs"], 0, "{refreshed}");
    assert!(service.request("GET /").contains("session 1, 1 of them open"));

    assert!(
        service
            .request("POST /jobs/nothing/trigger")
            .starts_with("HTTP/1.1 404")
    );
    assert!(service.request("POST /jobs/report/trigger").starts_with("HTTP/1.1 202"));
    service.wait_for(|jobs| jobs[2]["state"] == "running");

    service.terminate();
    service.line(|line| line.starts_with("report on ") && line.contains(": put off after part "));
    service
        .line(|line| line.starts_with("stopped: ") && line.contains("report") && line.ends_with(", 0 still running"));
    assert!(service.ended().success());
}

/// The process. If it still runs at the end of the test, it is killed.
struct Service {
    process: Child,
    lines: Receiver<String>,
    address: String,
}

impl Service {
    fn start() -> Service {
        let mut process = Command::new(built_example())
            .arg("0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut service = Service {
            process,
            lines,
            address: String::new(),
        };
        let greeting = service.line(|line| line.starts_with("listening on http://"));
        service.address = greeting.replace("listening on http://", "");
        service
    }

    /// The whole answer: head and body.
    fn request(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// The jobs of `/jobs.json`, as soon as the condition holds.
    fn wait_for(&self, so: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            let answer = self.request("GET /jobs.json");
            let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
            let mut status: Value = serde_json::from_str(body).expect("JSON");
            let jobs = status["jobs"].take();
            if so(&jobs) {
                return jobs;
            }
            assert!(begin.elapsed() < PATIENCE, "{answer}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The next line of the output for which the condition holds.
    fn line(&self, so: impl Fn(&str) -> bool) -> String {
        let begin = Instant::now();
        let mut others = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) {
                Ok(line) if so(&line) => return line,
                Ok(line) => others.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("the line did not come, but {others:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("it has ended, and said {others:?}"),
            }
        }
    }

    fn terminate(&self) {
        let id = self.process.id().to_string();
        let kill = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(kill.expect("there is a `kill`").success());
    }

    fn ended(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("it can be asked") {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "it has not ended");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Builds the example in the target directory of this test. `cargo test --test` does not build examples.
fn built_example() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("a target directory");
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--example",
            "axum_service",
            "--message-format",
            "json",
        ])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .arg("--target-dir")
        .arg(target)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the example is built");
    let messages = String::from_utf8(output.stdout).expect("JSON");
    let artifacts = messages.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    artifacts
        .filter(|message: &Value| message["target"]["name"] == "axum_service")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("the example is an executable")
}
