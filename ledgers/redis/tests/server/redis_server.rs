//! A server of the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::runtime::Runtime;

use crate::support::server::{Process, accepts, free_port, fresh_directory, is_installed, wait_for};

/// Drives the connections.
pub(crate) static TOKIO: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

pub(crate) struct Server {
    port: u16,
    directory: PathBuf,
    /// When the server syncs what it writes.
    syncs: &'static str,
    process: Option<Process>,
}

/// The server of most tests. Nobody drops it: its keeper ends it with the process.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start("no"))
}

impl Server {
    pub(crate) fn start(syncs: &'static str) -> Server {
        let mut server = Server {
            port: free_port(),
            directory: fresh_directory("redis"),
            syncs,
            process: None,
        };
        server.run();
        server
    }

    /// Starts the server, after a [`stop`](Self::stop) again.
    pub(crate) fn run(&mut self) {
        let program = Path::new("redis-server");
        assert!(
            is_installed(program),
            "these tests need Redis, which is not installed: `apt-get install redis-server` or `bash .ci/run ledgers`"
        );
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""]);
        command
            .args(["--appendonly", "yes", "--appendfsync", self.syncs, "--dir"])
            .arg(&self.directory);
        let log = self.directory.with_extension("log");
        self.process = Some(Process::start(&command, &self.directory, &log));
        wait_for("Redis", &log, || accepts(self.port) && answers(self.port));
    }

    /// Ends the server with the signal.
    pub(crate) fn stop(&mut self, signal: &str) {
        if let Some(process) = self.process.take() {
            process.end(signal);
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop("INT");
        let _ = fs::remove_dir_all(&self.directory);
        let _ = fs::remove_file(self.directory.with_extension("log"));
    }
}

/// Not while it loads its data.
fn answers(port: u16) -> bool {
    let client = Client::open(url(port)).unwrap();
    let connection = client.get_connection_with_timeout(Duration::from_secs(1));
    connection.is_ok_and(|mut connection| redis::cmd("PING").query::<String>(&mut connection).is_ok())
}

pub(crate) async fn manager(port: u16) -> ConnectionManager {
    let client = Client::open(url(port)).unwrap();
    // A machine whose disk is busy may need long for an answer.
    let config = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
    ConnectionManager::new_with_config(client, config).await.unwrap()
}

pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

pub(crate) fn unique_prefix() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("test {}:", NEXT.fetch_add(1, Ordering::Relaxed))
}
