//! How long a lease lasts, and how it is renewed.

use std::time::Duration;

use super::Store;
use super::scene::{JOB, LONG, Scene, by, of_length};
use crate::ledger::Claim;

/// A lease that nobody renews is over after its length.
pub fn over(store: Store) {
    let scene = Scene::new(store);
    let slot = scene.slot(10);
    let next = by("b", scene.slot(9));
    scene.granted(&Claim::new(JOB, slot, "a", scene.short()));
    scene.pass(scene.short());
    scene.granted_with(2, &next);
}

/// The wait that a refused claim is told is how long the lease lasts.
pub fn wait(store: Store) {
    let Some(scene) = Scene::with_clock(store) else { return };
    let next = by("b", scene.slot(9));
    scene.granted(&Claim::new(JOB, scene.slot(10), "a", Duration::from_secs(30)));
    scene.pass(Duration::from_secs(10));
    assert!(scene.held(&next) <= Duration::from_secs(20));
    scene.pass(Duration::from_secs(18));
    scene.pass(scene.held(&next));
    scene.granted(&next);
}

/// A renewal makes the lease as long as it says.
pub fn renewed(store: Store) {
    let scene = Scene::new(store);
    let length = Duration::from_secs(10);
    let lease = scene.granted(&Claim::new(JOB, scene.slot(10), "a", length));
    assert!(scene.renew(&of_length(&lease, LONG)));
    let wait = scene.held(&by("b", scene.slot(9)));
    assert!(wait > length && wait <= LONG, "{wait:?}");
}

/// A renewal counts from now, and can be repeated.
pub fn renewed_from_now(store: Store) {
    let Some(scene) = Scene::with_clock(store) else { return };
    let next = by("b", scene.slot(9));
    let lease = scene.granted(&Claim::new(JOB, scene.slot(10), "a", Duration::from_secs(30)));
    for _ in 0..10 {
        scene.pass(Duration::from_secs(20));
        assert!(scene.renew(&lease));
    }
    scene.pass(Duration::from_secs(29));
    scene.held(&next);
    scene.pass(Duration::from_secs(1));
    scene.granted(&next);
}

/// A lease that is over can't be renewed, even if nobody has claimed since.
pub fn renewed_too_late(store: Store) {
    let scene = Scene::new(store);
    let next = by("b", scene.slot(9));
    let lease = scene.granted(&Claim::new(JOB, scene.slot(10), "a", scene.short()));
    scene.pass(scene.short());
    assert!(!scene.renew(&of_length(&lease, LONG)));
    scene.granted(&next);
    assert!(!scene.renew(&lease));
}

/// A lease that was given back, or whose slot is finished, can't be renewed.
pub fn renewed_after_the_end(store: Store) {
    let scene = Scene::new(store);
    for (ago, done) in [(10, false), (9, true)] {
        let lease = scene.granted(&by("a", scene.slot(ago)));
        scene.finish(&lease, done);
        assert!(!scene.renew(&lease), "finished with {done}");
    }
    scene.granted(&by("b", scene.slot(8)));
}

/// Only the holder renews its lease, with the last token.
pub fn renewed_by_another(store: Store) {
    let scene = Scene::new(store);
    let first = scene.granted(&by("a", scene.slot(10)));
    assert!(!scene.renew(&crate::ledger::Lease::new(&by("b", scene.slot(10)), first.token())));
    scene.finish(&first, false);
    let second = scene.granted(&by("a", scene.slot(10)).at_least_once());
    assert!(!scene.renew(&first), "a lease that was given back");
    assert!(scene.renew(&second));
    let unknown = Claim::new("unknown", scene.slot(10), "a", LONG);
    assert!(!scene.renew(&crate::ledger::Lease::new(&unknown, 1)));
    assert_eq!(scene.last("unknown"), None);
}

/// A lease may have any length.
pub fn longest(store: Store) {
    let scene = Scene::new(store);
    let lease = scene.granted(&Claim::new(JOB, scene.slot(10), "a", Duration::MAX));
    assert!(scene.renew(&lease));
    assert!(scene.held(&by("b", scene.slot(9))) > LONG);
}
