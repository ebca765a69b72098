//! Slots that are ahead of the store's clock.

use std::time::Duration;

use super::Store;
use super::scene::{JOB, LONG, Scene, by};
use crate::ledger::{Claim, Claimed, Entry};

const HOUR: Duration = Duration::from_secs(3600);

/// A slot that is well ahead can't be claimed, and makes no row.
pub fn too_early(store: Store) {
    let scene = Scene::new(store);
    let ahead = Duration::from_secs(60);
    for claim in [
        by("a", scene.now() + ahead),
        by("a", scene.now() + ahead).at_least_once(),
    ] {
        match scene.claim(&claim) {
            Claimed::TooEarly { wait } => assert!(!wait.is_zero() && wait <= ahead, "{wait:?}"),
            other => panic!("{other:?} for a slot {ahead:?} ahead"),
        }
    }
    assert_eq!(scene.last(JOB), None);
}

/// After the wait that it was told, the slot can be claimed.
pub fn wait(store: Store) {
    let Some(scene) = Scene::with_clock(store) else { return };
    let claim = by("a", scene.now() + HOUR);
    let Claimed::TooEarly { wait } = scene.claim(&claim) else {
        panic!("a slot an hour ahead was not too early");
    };
    scene.pass(wait);
    scene.granted(&claim);
}

/// A clock may be fast by a second.
pub fn nearly_there(store: Store) {
    let scene = Scene::new(store);
    scene.granted(&by("a", scene.now() + Duration::from_millis(500)));
}

/// If the store's clock was set back a little, no slot is granted again.
pub fn set_back_a_little(store: Store) {
    let Some(scene) = Scene::with_clock(store) else { return };
    let last = scene.now();
    let lease = scene.granted(&by("a", last));
    scene.finish(&lease, true);
    scene.set(last - (3 * HOUR - Duration::from_secs(60)));
    scene.taken(&by("b", scene.now()));
    assert_eq!(scene.last(JOB), Some(Entry::new(last, 1, true)));
}

/// A last slot that lies far ahead doesn't stop the job, not even if its lease lasts. The token grows.
pub fn set_back_far(store: Store) {
    let Some(scene) = Scene::with_clock(store) else { return };
    let mut token = 0;
    for finished in [true, false] {
        let last = scene.now();
        let claim = Claim::new(JOB, last, "a", 24 * LONG);
        let lease = scene.granted_with(token + 1, &claim);
        if finished {
            scene.finish(&lease, true);
        }
        scene.set(last - (3 * HOUR + Duration::from_secs(60)));
        let lease = scene.granted_with(token + 2, &by("b", scene.now()));
        assert_eq!(lease.discarded(), Some(last), "the slot that counts as none is told");
        assert_eq!(scene.last(JOB), Some(Entry::new(scene.now(), token + 2, false)));
        scene.finish(&lease, true);
        token += 2;
        scene.pass(HOUR);
    }
}
