#![doc = include_str!("../README.md")]

mod reply;
mod times;

use std::fmt;
use std::io;

use atevery::ledger::{BoxFuture, Claim, Claimed, Entry, Lease, Ledger};
use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, RedisError, Script, ServerErrorKind};

use crate::reply::Reply;
use crate::times::{Slot, length};

/// The prefix of the keys unless [`Redis::prefix`] says otherwise.
const PREFIX: &str = "atevery:ledger:";

const SCRIPT: &str = include_str!("ledger.lua");

/// A ledger on Redis: a hash for each job. Clones share the connection.
///
/// `C` is a connection of the crate `redis` that can be cloned, such as `ConnectionManager` or
/// `MultiplexedConnection`. A `ConnectionManager` connects again after a loss, a `MultiplexedConnection` doesn't.
///
/// # Errors
///
/// Each method of the ledger returns an error if the connection does, or if the key has something else than a row.
#[derive(Clone)]
pub struct Redis<C> {
    connection: C,
    prefix: String,
    script: Script,
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Redis<C> {
    /// Creates a ledger whose keys are `atevery:ledger:` and the name of the job.
    pub fn new(connection: C) -> Redis<C> {
        Redis {
            connection,
            prefix: PREFIX.into(),
            script: Script::new(SCRIPT),
        }
    }

    /// Sets what stands before the name of a job in its key.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Redis<C> {
        self.prefix = prefix.into();
        self
    }

    /// Runs a step of the script. `add` adds its arguments.
    async fn run(&self, step: &str, job: &str, add: impl Fn(&mut Cmd)) -> io::Result<Reply> {
        let key = format!("{}{job}", self.prefix);
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(&key).arg(step);
            add(&mut command);
            command
        };
        let mut connection = self.connection.clone();
        let replied = command("EVALSHA", self.script.get_hash())
            .query_async(&mut connection)
            .await;
        let replied = match replied {
            // The server keeps the script from now on, until it restarts.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", SCRIPT).query_async(&mut connection).await
            }
            replied => replied,
        };
        replied.map(Reply::new).map_err(told)
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Ledger for Redis<C> {
    fn last<'a>(&'a self, job: &'a str) -> BoxFuture<'a, io::Result<Option<Entry>>> {
        Box::pin(async move { self.run("last", job, |_| {}).await?.entry() })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, io::Result<Claimed>> {
        Box::pin(async move {
            let slot = Slot::new(claim.slot())?;
            let length = length(claim.length());
            let add = |command: &mut Cmd| {
                command.arg(slot.seconds).arg(slot.nanoseconds).arg(claim.holder());
                command.arg(length).arg(u8::from(claim.is_at_least_once()));
            };
            self.run("claim", claim.job(), add).await?.claimed(claim)
        })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(async move {
            let slot = Slot::new(lease.slot())?;
            let length = length(lease.length());
            let add = |command: &mut Cmd| {
                command.arg(slot.seconds).arg(slot.nanoseconds).arg(lease.holder());
                command.arg(length).arg(lease.token());
            };
            self.run("renew", lease.job(), add).await?.is_yes()
        })
    }

    fn finish<'a>(&'a self, lease: &'a Lease, done: bool) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            let slot = Slot::new(lease.slot())?;
            let add = |command: &mut Cmd| {
                command
                    .arg(slot.seconds)
                    .arg(slot.nanoseconds)
                    .arg(lease.token())
                    .arg(u8::from(done));
            };
            self.run("finish", lease.job(), add).await.map(drop)
        })
    }
}

fn told(error: RedisError) -> io::Error {
    let kind = if error.is_timeout() {
        io::ErrorKind::TimedOut
    } else if error.is_connection_refusal() || error.is_connection_dropped() {
        io::ErrorKind::NotConnected
    } else {
        io::ErrorKind::Other
    };
    io::Error::new(kind, format!("Redis: {error}"))
}

impl<C> fmt::Debug for Redis<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
