//! What the end of a run does.

use super::Store;
use super::scene::{JOB, Scene, by};
use crate::ledger::{Claim, Entry};

/// A slot whose run has ended is finished.
pub fn finished(store: Store) {
    let scene = Scene::new(store);
    let lease = scene.granted(&by("a", scene.slot(10)));
    scene.finish(&lease, true);
    assert_eq!(scene.last(JOB), Some(Entry::new(scene.slot(10), 1, true)));
    scene.granted_with(2, &by("b", scene.slot(9)));
    assert_eq!(scene.last(JOB), Some(Entry::new(scene.slot(9), 2, false)));
}

/// A slot whose lease was given back stays unfinished, and is not granted again to anybody. The next one is free at
/// once.
pub fn given_back(store: Store) {
    let scene = Scene::new(store);
    let lease = scene.granted(&by("a", scene.slot(10)));
    scene.finish(&lease, false);
    assert_eq!(scene.last(JOB), Some(Entry::new(scene.slot(10), 1, false)));
    scene.taken(&by("b", scene.slot(10)));
    scene.taken(&by("a", scene.slot(10)));
    scene.granted_with(2, &by("b", scene.slot(9)));
}

/// To end a run twice is to end it once, and a finished slot stays finished.
pub fn twice(store: Store) {
    let scene = Scene::new(store);
    let lease = scene.granted(&by("a", scene.slot(10)));
    for done in [false, false, true, true, false] {
        scene.finish(&lease, done);
    }
    assert_eq!(scene.last(JOB), Some(Entry::new(scene.slot(10), 1, true)));
    scene.taken(&by("b", scene.slot(10)).at_least_once());
    scene.granted_with(2, &by("b", scene.slot(9)));
}

/// A run that ends after its lease finishes its slot, if nobody has claimed since.
pub fn after_the_lease(store: Store) {
    let scene = Scene::new(store);
    let slot = scene.slot(10);
    let lease = scene.granted(&Claim::new(JOB, slot, "a", scene.short()));
    scene.pass(scene.short());
    scene.finish(&lease, true);
    assert_eq!(scene.last(JOB), Some(Entry::new(slot, 1, true)));
    scene.taken(&by("b", slot).at_least_once());
}

/// The end of an old run does nothing to the run of a later claim.
pub fn of_an_old_run(store: Store) {
    let scene = Scene::new(store);
    let first = scene.granted(&by("a", scene.slot(10)));
    scene.finish(&first, false);
    let second = scene.granted(&by("b", scene.slot(9)));
    for done in [false, true] {
        scene.finish(&first, done);
        assert_eq!(scene.last(JOB), Some(Entry::new(scene.slot(9), 2, false)));
        scene.held(&by("c", scene.slot(8)));
        assert!(scene.renew(&second));
    }
}

/// The end of a run of an unknown job makes no row.
pub fn of_an_unknown_job(store: Store) {
    let scene = Scene::new(store);
    let lease = crate::ledger::Lease::new(&by("a", scene.slot(10)), 1);
    scene.finish(&lease, true);
    assert_eq!(scene.last(JOB), None);
}
