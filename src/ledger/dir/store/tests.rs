use std::time::{Duration, UNIX_EPOCH};

use super::faulty::Faults;
use super::*;
use crate::ledger::rule::State;

const STEPS: [&str; 4] = ["write", "sync", "rename", "sync directory"];

#[test]
fn row_is_synced_before_it_is_renamed() {
    let (store, faults, _temporary) = store("order");
    store.save("bill", &row(1)).unwrap();
    assert_eq!(faults.steps(), STEPS);
    assert_eq!(store.load("bill").unwrap(), Some(row(1)));
}

#[test]
fn old_row_stays_if_the_new_one_cannot_be_written() {
    let (store, faults, temporary) = store("full");
    store.save("bill", &row(1)).unwrap();
    for step in ["write", "sync", "rename"] {
        faults.fail(Some(step));
        let error = store.save("bill", &row(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(error.to_string().contains("job-bill.row"), "{error}");
        assert_eq!(store.load("bill").unwrap(), Some(row(1)), "{step} failed");
        assert_eq!(
            fs::read_dir(&temporary.0).unwrap().count(),
            1,
            "{step} left a file behind"
        );
    }
    faults.fail(None);
    store.save("bill", &row(2)).unwrap();
    assert_eq!(store.load("bill").unwrap(), Some(row(2)));
}

#[test]
fn row_that_may_be_lost_is_an_error() {
    let (store, faults, _temporary) = store("unsynced");
    faults.fail(Some("sync directory"));
    assert_eq!(store.save("bill", &row(1)).unwrap_err().kind(), ErrorKind::StorageFull);
}

#[test]
fn damaged_file_is_named_and_stays() {
    let (store, _, temporary) = store("damaged");
    let path = temporary.0.join("job-bill.row");
    for garbage in [&b""[..], b"garbage", &[0xff; 2 << 20]] {
        fs::write(&path, garbage).unwrap();
        let error = store.load("bill").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(fs::read(&path).unwrap(), garbage);
    }
    store.save("other", &row(1)).unwrap();
    assert_eq!(store.load("other").unwrap(), Some(row(1)));
}

#[test]
fn row_that_is_too_long_is_refused() {
    let (store, _, temporary) = store("long");
    let error = store.save(&"x".repeat(2 << 20), &row(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(fs::read_dir(&temporary.0).unwrap().count(), 0);
}

fn row(token: u64) -> Row {
    Row {
        slot: UNIX_EPOCH + Duration::from_secs(token),
        token,
        state: State::Finished,
    }
}

fn store(name: &str) -> (Store, Faults, Temporary) {
    let path = std::env::temp_dir().join(format!("atevery-store-{name}-{}", std::process::id()));
    fs::create_dir(&path).unwrap();
    let faults = Faults::default();
    (
        Store::new(Disk::Faulty(faults.clone()), path.clone()),
        faults,
        Temporary(path),
    )
}

struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
