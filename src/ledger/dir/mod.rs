//! A ledger in a directory. `names` names its files and `row_file` is their text, `store` writes them, and `in_use`
//! keeps other processes out.

mod in_use;
mod names;
mod row_file;
mod store;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use ::futures::channel::oneshot;
use ::futures::future::BoxFuture;

use self::in_use::InUse;
use self::store::{Disk, Store};
use super::claim::{Claim, Claimed, Entry, Lease};
use super::rule::{self, Row};
use super::traits::Ledger;
use crate::unwind::quietly;

/// A ledger in a directory, for the programs of one machine. It needs no server.
///
/// The directory has a file for each job, with a line for each value of the row. To change a row, the ledger writes a
/// new file beside the old one, syncs it, renames it, and syncs the directory. Then it answers. After a crash of the
/// process or of the machine, a row is therefore the old one or the new one, and an answer that was given holds.
///
/// A thread does this work, so no poll waits for a disk. The requests are carried out one after the other. A request
/// whose future was polled is carried out even if the future is dropped.
///
/// # One process
///
/// A directory serves one process at a time, and one `Dir`. Schedulers of the process share it through an `Arc`. The
/// directory is free again when the `Dir` is dropped, or when its process has ended in any way.
///
/// The directory must be on a file system of this machine. Where several machines mount a directory, each of them
/// takes the others for ended. On Unix the file system must support sockets.
///
/// # Errors
///
/// If a row can't be written, say because the disk is full, the old row stays. If a row can't be read, each step of
/// its job returns an error, which names the file, and nothing is written.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use atevery::ledger::{Claim, Claimed, Dir, Ledger};
///
/// # fn main() -> std::io::Result<()> {
/// # let state = std::env::temp_dir().join(format!("atevery-dir-{}", std::process::id()));
/// # futures::executor::block_on(async {
/// let ledger = Dir::new(&state)?;
/// let claim = Claim::new("backup", SystemTime::now(), "host-1", Duration::from_secs(30));
/// let Claimed::Yes(lease) = ledger.claim(&claim).await? else { panic!() };
/// ledger.finish(&lease, true).await?;
/// drop(ledger);
///
/// let after_a_restart = Dir::new(&state)?;
/// assert!(after_a_restart.last("backup").await?.is_some_and(|last| last.is_finished()));
/// # std::io::Result::Ok(())
/// # })?;
/// # std::fs::remove_dir_all(&state)
/// # }
/// ```
pub struct Dir {
    path: PathBuf,
    /// `None` while the ledger is dropped.
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

type Request = Box<dyn FnOnce(&Store) + Send>;

impl Dir {
    /// Opens the directory, and creates it if it is missing. This waits for the disk.
    ///
    /// # Errors
    ///
    /// - The kind is [`ResourceBusy`](io::ErrorKind::ResourceBusy) if another process, or another `Dir` of this
    ///   process, uses the directory. The error names the process.
    /// - The directory can't be created or written.
    pub fn new(path: impl AsRef<Path>) -> io::Result<Dir> {
        Dir::with_clock(path, SystemTime::now)
    }

    /// Opens the directory as [`new`](Self::new) does, on a clock of your own. The ledger's thread calls `clock` once
    /// for each step.
    pub fn with_clock(
        path: impl AsRef<Path>,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> io::Result<Dir> {
        // A relative path stays the same directory if the process changes its own.
        let path = std::path::absolute(path)?;
        store::create(&path)?;
        let in_use = InUse::mark(&path)?;
        let store = Store::new(Disk::Real, path.clone());
        let (requests, incoming) = mpsc::channel::<Request>();
        let thread = thread::Builder::new()
            .name(String::from("atevery-ledger"))
            .spawn(move || {
                // The directory is free when the last request has been carried out.
                let _in_use = in_use;
                for request in incoming {
                    quietly(|| request(&store));
                }
            })?;
        Ok(Dir {
            path,
            requests: Some(requests),
            thread: Some(thread),
            clock: Arc::new(clock),
        })
    }

    /// The directory, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has the thread do a step. `step` gets the row of the job and the time, and returns its answer and the new row,
    /// if there is one.
    async fn step<T: Send + 'static>(
        &self,
        job: &str,
        step: impl FnOnce(Option<&Row>, SystemTime) -> (T, Option<Row>) + Send + 'static,
    ) -> io::Result<T> {
        let (reply, answer) = oneshot::channel();
        let (job, clock) = (String::from(job), Arc::clone(&self.clock));
        let request: Request = Box::new(move |store| {
            let done = store.load(&job).and_then(|row| {
                let (answer, changed) = step(row.as_ref(), clock());
                changed.map_or(Ok(()), |row| store.save(&job, &row))?;
                Ok(answer)
            });
            // Nobody may be waiting any more.
            let _ = reply.send(done);
        });
        let is_sent = self
            .requests
            .as_ref()
            .is_some_and(|requests| requests.send(request).is_ok());
        match answer.await {
            Ok(done) if is_sent => done,
            _ => Err(io::Error::other(format!(
                "the clock of the ledger in {} panicked, or its thread is gone",
                self.path.display()
            ))),
        }
    }
}

impl Ledger for Dir {
    fn last<'a>(&'a self, job: &'a str) -> BoxFuture<'a, io::Result<Option<Entry>>> {
        Box::pin(self.step(job, |row, _| (row.map(Row::entry), None)))
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, io::Result<Claimed>> {
        let request = claim.clone();
        Box::pin(self.step(claim.job(), move |row, now| {
            let decision = rule::claim(row, &request, now);
            (decision.claimed, decision.row)
        }))
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, io::Result<bool>> {
        let request = lease.clone();
        Box::pin(self.step(lease.job(), move |row, now| {
            let renewed = row.and_then(|row| rule::renew(row, &request, now));
            (renewed.is_some(), renewed)
        }))
    }

    fn finish<'a>(&'a self, lease: &'a Lease, done: bool) -> BoxFuture<'a, io::Result<()>> {
        let request = lease.clone();
        Box::pin(self.step(lease.job(), move |row, _| {
            ((), row.and_then(|row| rule::finish(row, &request, done)))
        }))
    }
}

/// Waits until the thread has carried out all requests, and frees the directory.
impl Drop for Dir {
    fn drop(&mut self) {
        self.requests = None;
        let thread = self.thread.take();
        // A waker that the thread wakes may hold the last reference to the ledger.
        if let Some(thread) = thread.filter(|of_ledger| of_ledger.thread().id() != thread::current().id()) {
            // The thread catches panics.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Dir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dir").field("path", &self.path).finish_non_exhaustive()
    }
}
