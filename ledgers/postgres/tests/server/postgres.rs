//! A server of the tests, and databases on it: a schema for each ledger.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::{io, thread};

use atevery_postgres::Reconnect;
use futures::executor::block_on;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls};

use crate::support::server::{Process, accepts, free_port, fresh_directory, is_installed, wait_for};

/// Drives the connections.
static TOKIO: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

pub(crate) struct Server {
    port: u16,
    directory: PathBuf,
    process: Option<Process>,
}

/// The server of most tests. Nobody drops it: its keeper ends it with the process.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

impl Server {
    pub(crate) fn start() -> Server {
        let directory = fresh_directory("postgres");
        if let Some((user, group)) = other_user() {
            chown(&directory, Some(user), Some(group)).unwrap();
        }
        let mut initdb = as_user(&program("initdb"));
        initdb.arg("-D").arg(directory.join("data"));
        initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let output = initdb.current_dir("/").output().unwrap();
        assert!(output.status.success(), "initdb: {output:?}");
        let mut server = Server {
            port: free_port(),
            directory,
            process: None,
        };
        server.run();
        server
    }

    /// Starts the server, after a [`stop`](Self::stop) again.
    pub(crate) fn run(&mut self) {
        let mut command = Command::new("env");
        if let Some((user, group)) = other_user() {
            command = Command::new("setpriv");
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".into(),
            ]);
        }
        command
            .arg(program("postgres"))
            .arg("-D")
            .arg(self.directory.join("data"));
        command.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-c",
            "max_connections=300",
        ]);
        // Tests end the server, not the machine.
        command.args(["-c", "fsync=off"]);
        command
            .arg("-c")
            .arg(format!("unix_socket_directories={}", self.directory.display()));
        let log = self.directory.with_extension("log");
        self.process = Some(Process::start(&command, &self.directory, &log));
        wait_for("PostgreSQL", &log, || {
            accepts(self.port) && connect(self.port, "public").is_ok()
        });
    }

    /// Ends the server with the signal: `INT` is a shutdown, `QUIT` is like a crash.
    pub(crate) fn stop(&mut self, signal: &str) {
        if let Some(process) = self.process.take() {
            process.end(signal);
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A schema without tables.
    pub(crate) fn database(&self) -> Database {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let schema = format!("ledger_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let client = connect(self.port, "public").unwrap();
        block_on(client.batch_execute(&format!("CREATE SCHEMA {schema}"))).unwrap();
        Database {
            port: self.port,
            schema,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop("INT");
        let _ = fs::remove_dir_all(&self.directory);
        let _ = fs::remove_file(self.directory.with_extension("log"));
    }
}

pub(crate) struct Database {
    port: u16,
    schema: String,
}

impl Database {
    pub(crate) fn client(&self) -> Client {
        connect(self.port, &self.schema).unwrap()
    }

    pub(crate) fn config(&self) -> Config {
        config(self.port, &self.schema)
    }

    /// A client that reconnects, through the port of a proxy.
    pub(crate) fn reconnecting(&self, port: u16) -> Reconnect {
        let schema = self.schema.clone();
        Reconnect::new(move || {
            let schema = schema.clone();
            // The caller may be on any thread.
            async move { TOKIO.spawn(open(port, schema)).await.unwrap() }
        })
    }
}

fn connect(port: u16, schema: &str) -> io::Result<Client> {
    let opened = TOKIO.spawn(open(port, schema.into()));
    thread::scope(|scope| scope.spawn(|| TOKIO.block_on(opened)).join())
        .unwrap()
        .unwrap()
}

async fn open(port: u16, schema: String) -> io::Result<Client> {
    let (client, connection) = config(port, &schema).connect(NoTls).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(client)
}

fn config(port: u16, schema: &str) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user("postgres").dbname("postgres");
    config.options(format!("-c search_path={schema},pg_catalog"));
    config
}

/// PostgreSQL refuses to run as root. The user and the group that Debian's package makes for it.
fn other_user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line.unwrap_or_else(|| missing()).split(':').skip(2);
    let mut id = || fields.next().unwrap().parse().unwrap();
    Some((id(), id()))
}

fn as_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = other_user() {
        command.uid(user).gid(group);
    }
    command
}

/// A program of the newest version that is installed.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin").join(name))
        .filter(|program| program.exists())
        .collect();
    versions.sort();
    let program = versions.pop().unwrap_or_else(|| name.into());
    if !is_installed(&program) {
        missing();
    }
    program
}

fn missing() -> ! {
    panic!(
        "these tests need PostgreSQL, which is not installed: `apt-get install postgresql` or `bash .ci/run ledgers`"
    )
}
