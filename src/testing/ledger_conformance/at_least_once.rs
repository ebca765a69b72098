//! Claims of a slot that another holder left unfinished.

use super::Store;
use super::scene::{JOB, Scene, by};
use crate::ledger::{Claim, Entry};

/// Another holder takes the slot once the lease is over.
pub fn after_the_lease(store: Store) {
    let scene = Scene::new(store);
    let slot = scene.slot(10);
    scene.granted(&Claim::new(JOB, slot, "a", scene.short()));
    scene.pass(scene.short());
    let lease = scene.granted_with(2, &by("b", slot).at_least_once());
    scene.finish(&lease, true);
    assert_eq!(scene.last(JOB), Some(Entry::new(slot, 2, true)));
}

/// A slot that was given back is taken at once, by its former holder too.
pub fn after_the_return(store: Store) {
    let scene = Scene::new(store);
    let mut lease = scene.granted(&by("a", scene.slot(10)));
    for (token, holder) in [(2, "b"), (3, "b"), (4, "a")] {
        scene.finish(&lease, false);
        lease = scene.granted_with(token, &by(holder, scene.slot(10)).at_least_once());
    }
}

/// A claim waits while the lease lasts.
pub fn during_the_lease(store: Store) {
    let scene = Scene::new(store);
    scene.granted(&by("a", scene.slot(10)).at_least_once());
    assert!(!scene.held(&by("b", scene.slot(10)).at_least_once()).is_zero());
}

/// Without the option, nobody takes the slot when the lease is over.
pub fn only_if_asked_for(store: Store) {
    let scene = Scene::new(store);
    let slot = scene.slot(10);
    scene.granted(&Claim::new(JOB, slot, "a", scene.short()).at_least_once());
    scene.pass(scene.short());
    scene.taken(&by("b", slot));
    scene.granted_with(2, &by("b", slot).at_least_once());
}

/// A holder that lost its slot can neither renew nor end the other's run.
pub fn former_holder(store: Store) {
    let scene = Scene::new(store);
    let slot = scene.slot(10);
    let former = scene.granted(&Claim::new(JOB, slot, "a", scene.short()));
    scene.pass(scene.short());
    scene.granted(&by("b", slot).at_least_once());
    assert!(!scene.renew(&former));
    for done in [false, true] {
        scene.finish(&former, done);
        assert_eq!(scene.last(JOB), Some(Entry::new(slot, 2, false)));
        scene.held(&by("a", slot).at_least_once());
    }
}
