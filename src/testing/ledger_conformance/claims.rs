//! Which claims are granted, and which are refused.

use std::time::Duration;

use super::Store;
use super::scene::{JOB, LONG, Scene, by};
use crate::ledger::{Claim, Claimed, Entry};

/// The first claim of a job is granted, and its row is there.
pub fn first(store: Store) {
    let scene = Scene::new(store);
    assert_eq!(scene.last(JOB), None);
    let lease = scene.granted_with(1, &by("a", scene.slot(10)));
    assert_eq!((lease.job(), lease.holder()), (JOB, "a"));
    assert_eq!((lease.slot(), lease.length()), (scene.slot(10), LONG));
    assert_eq!(lease.discarded(), None);
    assert_eq!(scene.last(JOB), Some(Entry::new(scene.slot(10), 1, false)));
}

/// A slot is granted to a single holder, during its run and after it.
pub fn once(store: Store) {
    let scene = Scene::new(store);
    let lease = scene.granted(&by("a", scene.slot(10)));
    scene.taken(&by("b", scene.slot(10)));
    scene.finish(&lease, true);
    scene.taken(&by("b", scene.slot(10)));
    scene.taken(&by("b", scene.slot(10)).at_least_once());
    scene.taken(&by("a", scene.slot(10)));
}

/// A slot before the last one is never granted.
pub fn earlier(store: Store) {
    let scene = Scene::new(store);
    let lease = scene.granted(&by("a", scene.slot(10)));
    scene.taken(&by("a", scene.slot(11)));
    scene.taken(&by("b", scene.slot(11)).at_least_once());
    scene.finish(&lease, false);
    scene.taken(&by("b", scene.slot(11)).at_least_once());
    let lease = scene.granted(&by("a", scene.slot(9)));
    scene.finish(&lease, true);
    scene.taken(&by("b", scene.slot(10)));
}

/// A later slot waits for the end of a lease, and no longer.
pub fn later(store: Store) {
    let scene = Scene::new(store);
    let lease = scene.granted(&by("a", scene.slot(10)));
    for holder in ["a", "b"] {
        let wait = scene.held(&by(holder, scene.slot(9)));
        assert!(!wait.is_zero() && wait <= LONG, "{wait:?}");
    }
    scene.held(&by("b", scene.slot(9)).at_least_once());
    scene.finish(&lease, true);
    scene.granted_with(2, &by("b", scene.slot(9)));
}

/// A claim that is refused leaves the row as it was.
pub fn refused(store: Store) {
    let scene = Scene::new(store);
    let lease = scene.granted(&by("a", scene.slot(10)));
    let before = scene.last(JOB);
    scene.taken(&by("b", scene.slot(10)));
    scene.taken(&by("b", scene.slot(11)));
    scene.held(&by("b", scene.slot(9)));
    let ahead = Claim::new(JOB, scene.now() + LONG, "b", LONG);
    assert!(matches!(scene.claim(&ahead), Claimed::TooEarly { .. }));
    assert_eq!(scene.last(JOB), before);
    assert!(scene.renew(&lease));
}

/// A future that was never polled has done nothing.
pub fn unpolled(store: Store) {
    let scene = Scene::new(store);
    drop(scene.store().ledger().claim(&by("a", scene.slot(10))));
    assert_eq!(scene.last(JOB), None);
}

/// A lease of no length only records the slot.
pub fn without_a_lease(store: Store) {
    let scene = Scene::new(store);
    let recorded = Claim::new(JOB, scene.slot(10), "a", Duration::ZERO);
    let lease = scene.granted(&recorded);
    assert_eq!(scene.last(JOB), Some(Entry::new(scene.slot(10), 1, false)));
    scene.taken(&Claim::new(JOB, scene.slot(10), "b", Duration::ZERO));
    scene.finish(&lease, true);
    assert_eq!(scene.last(JOB), Some(Entry::new(scene.slot(10), 1, true)));
    scene.granted_with(2, &Claim::new(JOB, scene.slot(9), "b", Duration::ZERO));
    scene.granted_with(3, &by("c", scene.slot(8)));
}

/// The holder that asks for its slot again gets the same token: the first reply may be lost.
pub fn again(store: Store) {
    let scene = Scene::new(store);
    let short = Claim::new(JOB, scene.slot(10), "a", scene.short());
    scene.granted_with(1, &short);
    scene.pass(scene.short());
    scene.granted_with(1, &short);
    let lease = scene.granted_with(1, &by("a", scene.slot(10)).at_least_once());
    assert!(scene.renew(&lease));
    scene.taken(&by("b", scene.slot(10)));
    scene.held(&by("b", scene.slot(9)));
    scene.finish(&lease, true);
    scene.granted_with(2, &by("b", scene.slot(9)));
}
