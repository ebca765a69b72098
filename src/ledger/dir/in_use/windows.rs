//! A file that nobody else may open while the process has it open.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use super::in_use_by;
use crate::ledger::dir::store::naming;

const SHARING_VIOLATION: i32 = 32;

#[derive(Debug)]
pub(crate) struct InUse {
    _lock: File,
}

impl InUse {
    pub(crate) fn mark(directory: &Path) -> io::Result<InUse> {
        let (lock, owner) = (directory.join("lock"), directory.join("owner"));
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .share_mode(0)
            .open(&lock);
        match opened {
            Ok(file) => {
                fs::write(&owner, std::process::id().to_string())?;
                Ok(InUse { _lock: file })
            }
            Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => {
                let owner = fs::read_to_string(&owner).unwrap_or_else(|_| String::from("(unknown)"));
                Err(in_use_by(directory, &owner))
            }
            Err(error) => Err(naming("can't lock the ledger's file", &lock, error)),
        }
    }
}
