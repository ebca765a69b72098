//! A socket that is bound while the process lives, and a file whose name says whose socket counts.
//!
//! ```text
//! lock/owner-4711-1767225600000000000-0    an empty file, the only one of its kind
//! lock/4711-1767225600000000000-0          the socket of the process 4711
//! ```
//!
//! The kernel closes the socket when its process ends in any way. To connect to it then fails, in every container that
//! shares the file system. A socket can't be taken over, so each process binds one of its own, with a name that is
//! never used again.
//!
//! To become the owner, a process renames the file from the dead owner's name to its own. Of several processes that
//! try, one finds the old name. The file is never deleted. It comes into being together with the folder `lock`, which
//! is renamed from another name: that fails where `lock` is there already.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::in_use_by;
use crate::ledger::dir::store::naming;

/// The address of a socket has at most 103 bytes on macOS, and 107 on Linux.
const LONGEST_ADDRESS: usize = 103;

/// How often a process looks again after another one was faster, or renamed the file while the folder was read.
const ATTEMPTS: u32 = 100;

/// The name of nobody.
const NOBODY: &str = "0";

#[derive(Debug)]
pub(crate) struct InUse {
    /// `None` once it is closed.
    socket: Option<UnixDatagram>,
    path: PathBuf,
}

impl InUse {
    /// Marks the directory as in use by this process, until the value is dropped or the process ends.
    pub(crate) fn mark(directory: &Path) -> io::Result<InUse> {
        let lock = directory.join("lock");
        let about = |error| naming("can't lock the ledger's directory", directory, error);
        create_lock(directory, &lock).map_err(about)?;
        let mut mine = None;
        for _ in 0..ATTEMPTS {
            let Some(owner) = owner(&lock).map_err(about)? else {
                thread::sleep(Duration::from_millis(1));
                continue;
            };
            if is_alive(&lock, &owner).map_err(about)? {
                let process = owner.split('-').next().unwrap_or_default();
                return Err(in_use_by(directory, process));
            }
            let (name, socket) = match mine.take() {
                Some(mine) => mine,
                None => InUse::bind(&lock).map_err(about)?,
            };
            match fs::rename(marker(&lock, &owner), marker(&lock, &name)) {
                Ok(()) => {
                    let _ = fs::remove_file(lock.join(owner));
                    return Ok(socket);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => mine = Some((name, socket)),
                Err(error) => return Err(about(error)),
            }
        }
        let message = format!(
            "the folder {} does not have exactly one file whose name begins with `owner-`: delete the folder while no \
             process uses the ledger",
            lock.display()
        );
        Err(io::Error::new(ErrorKind::InvalidData, message))
    }

    fn bind(lock: &Path) -> io::Result<(String, InUse)> {
        let name = unique_name();
        let folder = File::open(lock)?;
        let in_use = InUse {
            socket: Some(UnixDatagram::bind(address(&folder, lock, &name))?),
            path: lock.join(&name),
        };
        Ok((name, in_use))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.socket = None;
        let _ = fs::remove_file(&self.path);
    }
}

/// Creates the folder with the file of nobody, if it isn't there.
fn create_lock(directory: &Path, lock: &Path) -> io::Result<()> {
    if lock.is_dir() {
        return Ok(());
    }
    let beside = directory.join(format!("lock-{}", unique_name()));
    fs::create_dir(&beside)?;
    let created = File::create(marker(&beside, NOBODY)).and_then(|_| fs::rename(&beside, lock));
    if created.is_err() {
        let _ = fs::remove_dir_all(&beside);
    }
    if lock.is_dir() { Ok(()) } else { created }
}

/// Whose name the file has. `None` if the file was renamed while the folder was read.
fn owner(lock: &Path) -> io::Result<Option<String>> {
    let mut owners = Vec::new();
    for entry in fs::read_dir(lock)? {
        let name = entry?.file_name();
        owners.extend(
            name.to_str()
                .and_then(|name| name.strip_prefix("owner-"))
                .map(String::from),
        );
    }
    Ok(owners.pop().filter(|_| owners.is_empty()))
}

fn marker(lock: &Path, owner: &str) -> PathBuf {
    lock.join(format!("owner-{owner}"))
}

/// Whether the process that bound the socket has it still.
fn is_alive(lock: &Path, owner: &str) -> io::Result<bool> {
    if owner == NOBODY {
        return Ok(false);
    }
    let folder = File::open(lock)?;
    match UnixDatagram::unbound()?.connect(address(&folder, lock, owner)) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The path of a socket in the folder. Linux has a shorter way to it if it is too long for an address.
fn address(folder: &File, lock: &Path, name: &str) -> PathBuf {
    let path = lock.join(name);
    if cfg!(target_os = "linux") && path.as_os_str().as_bytes().len() > LONGEST_ADDRESS {
        return PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()));
    }
    path
}

fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}-{number}", std::process::id(), since_1970.as_nanos())
}

#[cfg(test)]
mod tests;
