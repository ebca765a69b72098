//! A server that a test starts. It ends when the test does, even if the test is killed.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Ends the server when a line with the signal comes. If the input ends without a line, the test is gone: then removes
/// the files too.
const KEEPER: &str = r#"
directory=$1 log=$2
shift 2
"$@" >"$log" 2>&1 & server=$!
exec 2>/dev/null
if read -r signal; then
    kill -"$signal" $server
    wait $server
else
    kill -INT $server
    wait $server
    rm -rf "$directory" "$log"
fi
"#;

pub(crate) struct Process(Child);

impl Process {
    /// Starts the command with a keeper. What it prints goes into `log`.
    pub(crate) fn start(command: &Command, directory: &Path, log: &Path) -> Process {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(directory).arg(log);
        keeper
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped());
        Process(keeper.spawn().expect("there is a shell"))
    }

    /// Ends the server with the signal, and waits for its end.
    pub(crate) fn end(mut self, signal: &str) {
        let mut input = self.0.stdin.take().unwrap();
        let _ = writeln!(input, "{signal}");
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A fresh directory that the tests' servers may use. They may run as another user, who can't enter every directory.
pub(crate) fn fresh_directory(name: &str) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("atevery-{name}-{}-{number}", std::process::id()));
    fs::create_dir(&path).unwrap();
    path
}

/// Waits until `is_ready` holds.
pub(crate) fn wait_for(what: &str, log: &Path, mut is_ready: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_ready() {
        if begin.elapsed() > Duration::from_secs(60) {
            let log = fs::read_to_string(log).unwrap_or_default();
            panic!("{what} did not come up within a minute: {log}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn accepts(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Whether the program can be run.
pub(crate) fn is_installed(program: &Path) -> bool {
    let version = Command::new(program).arg("--version").output();
    !version.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}
