use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use atevery::ledger::{BoxFuture, Claim, Claimed, Dir, Entry, Lease, Ledger};

/// A path at which nothing is. What is there in the end is removed.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn new(name: &str) -> Temporary {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ledger-{name}-{}-{number}", process::id());
        Temporary(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A ledger in a directory that is removed with it.
pub(crate) struct InTemporary {
    ledger: Dir,
    _temporary: Temporary,
}

impl InTemporary {
    pub(crate) fn new(name: &str, open: impl FnOnce(PathBuf) -> io::Result<Dir>) -> InTemporary {
        let temporary = Temporary::new(name);
        InTemporary {
            ledger: open(temporary.path().into()).unwrap(),
            _temporary: temporary,
        }
    }
}

impl Ledger for InTemporary {
    fn last<'a>(&'a self, job: &'a str) -> BoxFuture<'a, io::Result<Option<Entry>>> {
        self.ledger.last(job)
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, io::Result<Claimed>> {
        self.ledger.claim(claim)
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, io::Result<bool>> {
        self.ledger.renew(lease)
    }

    fn finish<'a>(&'a self, lease: &'a Lease, done: bool) -> BoxFuture<'a, io::Result<()>> {
        self.ledger.finish(lease, done)
    }
}
