//! Keeps other processes out of a directory. What says that a process is alive must end with it, even if it is killed,
//! and must not be taken for that of another process with the same id.

#[cfg(not(any(unix, windows)))]
mod other;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(not(any(unix, windows)))]
pub(super) use self::other::InUse;
#[cfg(unix)]
pub(super) use self::unix::InUse;
#[cfg(windows)]
pub(super) use self::windows::InUse;

/// The error for a directory that the process `owner` uses.
#[cfg(any(unix, windows))]
fn in_use_by(directory: &std::path::Path, owner: &str) -> std::io::Error {
    let directory = directory.display();
    let message = if owner == std::process::id().to_string() {
        format!(
            "the ledger's directory {directory} is open in this process (id {owner}): share a single `Dir` through an `Arc`"
        )
    } else {
        format!(
            "the ledger's directory {directory} is in use by the process with the id {owner}: end this process, or choose \
             another directory; several processes can share a ledger on PostgreSQL or Redis"
        )
    };
    std::io::Error::new(std::io::ErrorKind::ResourceBusy, message)
}
