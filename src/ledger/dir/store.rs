//! The files of the rows. All of this runs on the ledger's thread.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::names::file_name;
use super::row_file;
use crate::ledger::rule::Row;

/// A file that is longer is not a row.
const LONGEST: u64 = 1 << 20;

/// Creates the directory of a ledger.
pub(super) fn create(path: &Path) -> io::Result<()> {
    let about = |error| naming("can't create the ledger's directory", path, error);
    if !path.is_dir() {
        fs::create_dir_all(path).map_err(about)?;
        if let Some(parent) = path.parent() {
            Disk::Real.sync_directory(parent).map_err(about)?;
        }
    }
    Ok(())
}

pub(super) struct Store {
    disk: Disk,
    directory: PathBuf,
}

impl Store {
    pub(super) fn new(disk: Disk, directory: PathBuf) -> Store {
        Store { disk, directory }
    }

    /// Reads the row of the job, if there is one. Reading each time costs little beside a sync, and a file that was
    /// restored is used at once.
    pub(super) fn load(&self, job: &str) -> io::Result<Option<Row>> {
        let path = self.path(job);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(naming("can't read the ledger's file", &path, error)),
        };
        let mut bytes = Vec::new();
        file.take(LONGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| naming("can't read the ledger's file", &path, error))?;
        row_file::read(job, &bytes).map(Some).map_err(|wrong| {
            let message = format!(
                "the ledger's file {} {wrong}: restore it from a backup; or delete it to have the job {job:?} begin anew, \
                 with the token 1",
                path.display()
            );
            io::Error::new(ErrorKind::InvalidData, message)
        })
    }

    /// Replaces the row of the job. If this fails, the old row stays; or the new row is there, but may be lost in a
    /// crash of the machine.
    pub(super) fn save(&self, job: &str, row: &Row) -> io::Result<()> {
        let path = self.path(job);
        let text = row_file::write(job, row);
        if text.len() as u64 > LONGEST {
            let message = "the names of the job and its holder are too long for a ledger: a row has at most 1 MiB";
            return Err(io::Error::new(ErrorKind::InvalidInput, message));
        }
        let beside = beside(&path);
        let written = self
            .disk
            .write(&beside, text.as_bytes())
            .and_then(|()| self.disk.rename(&beside, &path));
        if let Err(error) = written {
            // What is left is overwritten by the next attempt.
            let _ = fs::remove_file(&beside);
            return Err(naming("can't write the ledger's file", &path, error));
        }
        self.disk
            .sync_directory(&self.directory)
            .map_err(|error| naming("can't sync the ledger's directory", &self.directory, error))
    }

    fn path(&self, job: &str) -> PathBuf {
        self.directory.join(format!("{}.row", file_name(job)))
    }
}

/// The file that is written before it takes the place of the other.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    PathBuf::from(name)
}

pub(super) fn naming(what: &str, path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.display()))
}

/// What changes files. Tests inject faults here.
pub(super) enum Disk {
    Real,
    #[cfg(test)]
    Faulty(faulty::Faults),
}

impl Disk {
    /// Creates or overwrites the file, and syncs its contents.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        self.pass("write", || fs::write(path, &bytes[..bytes.len() / 2]))?;
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        #[cfg(test)]
        self.pass("sync", || Ok(()))?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        #[cfg(test)]
        self.pass("rename", || Ok(()))?;
        fs::rename(from, to)
    }

    /// A rename lasts once its directory is synced.
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        #[cfg(test)]
        self.pass("sync directory", || Ok(()))?;
        // Windows opens no directory, and needs no sync of one.
        if cfg!(unix) {
            File::open(path)?.sync_all()
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod faulty;
#[cfg(test)]
mod tests;
