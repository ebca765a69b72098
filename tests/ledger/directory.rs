//! What is special about a ledger in a directory.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::ledger::{Claim, Claimed, Dir, Entry, Lease, Ledger};
use futures::executor::block_on;

use crate::support::Temporary;

const LENGTH: Duration = Duration::from_secs(30);

#[test]
fn row_outlasts_its_ledger() {
    let temporary = Temporary::new("lasts");
    let ledger = Dir::new(temporary.path()).unwrap();
    let lease = granted(&ledger, &claim("bill", 1));
    drop(ledger);
    let ledger = Dir::new(temporary.path()).unwrap();
    assert_eq!(
        block_on(ledger.last("bill")).unwrap(),
        Some(Entry::new(at(1), 1, false))
    );
    assert!(block_on(ledger.renew(&lease)).unwrap());
    block_on(ledger.finish(&lease, true)).unwrap();
    assert_eq!(granted(&ledger, &claim("bill", 2)).token(), 2);
}

#[test]
fn second_ledger_of_the_process_is_refused() {
    let temporary = Temporary::new("twice");
    let ledger = Dir::new(temporary.path()).unwrap();
    let error = Dir::new(temporary.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    assert!(error.to_string().contains("open in this process"), "{error}");
    assert!(
        error.to_string().contains(temporary.path().to_str().unwrap()),
        "{error}"
    );
    drop(ledger);
    Dir::new(temporary.path()).unwrap();
}

#[test]
fn second_process_is_refused_and_told_the_first() {
    let temporary = Temporary::new("processes");
    let ledger = Dir::new(temporary.path()).unwrap();
    let error = open_in_a_process(temporary.path());
    assert!(error.contains("in use by the process"), "{error}");
    assert!(error.contains(&std::process::id().to_string()), "{error}");
    drop(ledger);
    assert!(open_in_a_process(temporary.path()).contains("opened"));
}

/// Opens a ledger in another process. Returns what that process printed.
fn open_in_a_process(path: &Path) -> String {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "directory::in_another_process", "--ignored", "--nocapture"])
        .env("ATEVERY_LEDGER", path)
        .output()
        .unwrap();
    String::from_utf8_lossy(&child.stdout).into_owned()
}

#[test]
#[ignore = "a process that another test starts"]
fn in_another_process() {
    match Dir::new(std::env::var_os("ATEVERY_LEDGER").unwrap()) {
        Ok(_) => println!("opened"),
        Err(error) => println!("{error}"),
    }
}

#[test]
fn damaged_file_is_named_and_kept() {
    let temporary = Temporary::new("damaged");
    let ledger = Dir::new(temporary.path()).unwrap();
    let lease = granted(&ledger, &claim("bill", 1));
    let file = temporary.path().join("job-bill.row");
    fs::write(&file, "garbage").unwrap();
    let next = claim("bill", 2);
    let errors: [io::Error; 4] = [
        block_on(ledger.last("bill")).unwrap_err(),
        block_on(ledger.claim(&next)).unwrap_err(),
        block_on(ledger.renew(&lease)).unwrap_err(),
        block_on(ledger.finish(&lease, true)).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"garbage");
    granted(&ledger, &claim("other", 1));
}

/// What is left of a write that a crash cut off is overwritten.
#[test]
fn half_a_file_beside_a_row_does_no_harm() {
    let temporary = Temporary::new("half");
    let ledger = Dir::new(temporary.path()).unwrap();
    fs::write(temporary.path().join("job-bill.row.new"), "atevery-led").unwrap();
    granted(&ledger, &claim("bill", 1));
    assert_eq!(
        block_on(ledger.last("bill")).unwrap(),
        Some(Entry::new(at(1), 1, false))
    );
}

#[test]
fn directory_that_cannot_be_created_is_named() {
    let temporary = Temporary::new("file");
    fs::write(temporary.path(), "a file").unwrap();
    let path = temporary.path().join("state");
    let error = Dir::new(&path).unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    fs::remove_file(temporary.path()).unwrap();
}

/// The first poll hands the request over, and does not wait for the disk.
#[test]
fn request_is_carried_out_although_its_future_is_dropped() {
    let temporary = Temporary::new("dropped");
    let ledger = Dir::new(temporary.path()).unwrap();
    for slot in 1..=20 {
        let claim = Claim::new("bill", at(slot), "a", Duration::ZERO);
        let mut future = ledger.claim(&claim);
        let _ = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    drop(ledger);
    let ledger = Dir::new(temporary.path()).unwrap();
    assert_eq!(
        block_on(ledger.last("bill")).unwrap(),
        Some(Entry::new(at(20), 20, false))
    );
}

/// A scheduler may be dropped by a task that the ledger's thread wakes.
#[test]
fn ledger_may_be_dropped_on_its_own_thread() {
    struct LastReference(Mutex<Option<Dir>>, mpsc::Sender<()>);

    impl Wake for LastReference {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
            self.1.send(()).unwrap();
        }
    }

    let temporary = Temporary::new("own");
    let (go, may_go) = mpsc::channel::<()>();
    let may_go = Mutex::new(may_go);
    let ledger = Dir::with_clock(temporary.path(), move || {
        may_go.lock().unwrap().recv().unwrap();
        SystemTime::now()
    });
    let (dropped, is_dropped) = mpsc::channel();
    let waker = Arc::new(LastReference(Mutex::new(None), dropped));
    let ledger = ledger.unwrap();
    let mut future = ledger.last("bill");
    assert!(
        future
            .as_mut()
            .poll(&mut Context::from_waker(&Waker::from(Arc::clone(&waker))))
            .is_pending()
    );
    // What the future would have received is lost. The waker is still called.
    std::mem::forget(future);
    *waker.0.lock().unwrap() = Some(ledger);
    go.send(()).unwrap();
    is_dropped
        .recv_timeout(Duration::from_secs(30))
        .expect("the drop of the ledger returns");
}

#[test]
fn panic_of_the_clock_is_an_error() {
    let temporary = Temporary::new("panic");
    let ledger = Dir::with_clock(temporary.path(), || panic!("no time")).unwrap();
    let error = block_on(ledger.claim(&claim("bill", 1))).unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert!(block_on(ledger.last("bill")).is_err());
}

/// A disk of 64 KiB, which root can mount.
#[cfg(target_os = "linux")]
#[test]
fn old_rows_stay_on_a_full_disk() {
    let temporary = Temporary::new("full");
    fs::create_dir_all(temporary.path()).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(temporary.path())
        .output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        println!("skipped: no small file system can be mounted");
        return;
    }
    let _mounted = Mounted(temporary.path());
    let ledger = Dir::new(temporary.path()).unwrap();
    let lease = granted(&ledger, &claim("bill", 1));
    let filler = temporary.path().join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    let error = block_on(ledger.finish(&lease, true)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    assert!(error.to_string().contains("job-bill.row"), "{error}");
    assert_eq!(
        block_on(ledger.last("bill")).unwrap(),
        Some(Entry::new(at(1), 1, false))
    );
    fs::remove_file(&filler).unwrap();
    block_on(ledger.finish(&lease, true)).unwrap();
}

#[cfg(target_os = "linux")]
struct Mounted<'a>(&'a Path);

#[cfg(target_os = "linux")]
impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Lazily, since files may be open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

fn granted(ledger: &Dir, claim: &Claim) -> Lease {
    match block_on(ledger.claim(claim)).unwrap() {
        Claimed::Yes(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn claim(job: &str, slot: u64) -> Claim {
    Claim::new(job, at(slot), "a", LENGTH)
}

fn at(slot: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(slot)
}
