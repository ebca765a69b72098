use std::sync::Barrier;

use super::*;

#[test]
fn second_mark_is_refused_until_the_first_is_gone() {
    let directory = directory("second");
    let first = InUse::mark(&directory.0).unwrap();
    let error = InUse::mark(&directory.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    drop(first);
    drop(InUse::mark(&directory.0).unwrap());
    assert_eq!(files(&directory.0).len(), 1);
}

/// The kernel leaves a socket's file behind when it closes the socket of a killed process.
#[test]
fn socket_of_a_killed_process_is_removed() {
    let directory = directory("killed");
    let mut killed = InUse::mark(&directory.0).unwrap();
    killed.socket = None;
    assert_eq!(files(&directory.0).len(), 2);
    let next = InUse::mark(&directory.0).unwrap();
    assert_eq!(files(&directory.0).len(), 2);
    assert!(next.path.exists());
    std::mem::forget(killed);
}

#[test]
fn one_of_many_marks_a_directory() {
    let directory = directory("race");
    for _ in 0..100 {
        let barrier = Barrier::new(8);
        let marks: Vec<_> = thread::scope(|scope| {
            let threads = [(); 8].map(|()| {
                scope.spawn(|| {
                    barrier.wait();
                    InUse::mark(&directory.0)
                })
            });
            threads.map(|thread| thread.join().unwrap()).into()
        });
        assert_eq!(marks.iter().filter(|mark| mark.is_ok()).count(), 1, "{marks:?}");
        for error in marks.iter().filter_map(|mark| mark.as_ref().err()) {
            assert_eq!(error.kind(), ErrorKind::ResourceBusy, "{error}");
        }
        // The owner is killed, and the next one finds a dead socket.
        for mut mark in marks.into_iter().flatten() {
            mark.socket = None;
            std::mem::forget(mark);
        }
    }
}

#[test]
fn long_path_can_be_marked() {
    let directory = directory("long");
    let deep = directory.0.join("d".repeat(200)).join("e".repeat(200));
    fs::create_dir_all(&deep).unwrap();
    if cfg!(target_os = "linux") {
        let _first = InUse::mark(&deep).unwrap();
        assert_eq!(InUse::mark(&deep).unwrap_err().kind(), ErrorKind::ResourceBusy);
    }
}

#[test]
fn damaged_folder_is_named() {
    let directory = directory("folder");
    fs::create_dir(directory.0.join("lock")).unwrap();
    let error = InUse::mark(&directory.0).unwrap_err();
    assert!(error.to_string().contains("lock"), "{error}");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join("lock")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn directory(name: &str) -> Temporary {
    let path = std::env::temp_dir().join(format!("atevery-lock-{name}-{}", std::process::id()));
    fs::create_dir(&path).unwrap();
    Temporary(path)
}

struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
