use std::io;
use std::path::Path;

#[derive(Debug)]
pub(crate) struct InUse;

impl InUse {
    pub(crate) fn mark(directory: &Path) -> io::Result<InUse> {
        let message = format!(
            "no ledger in {}: std can't tell on this platform whether another process uses a directory",
            directory.display()
        );
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
}
