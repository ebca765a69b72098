//! What a row keeps.

use std::time::{Duration, UNIX_EPOCH};

use super::Store;
use super::scene::{JOB, LONG, Scene, by};
use crate::ledger::{Claim, Entry};

/// The token grows by one with each claim that is granted, however the runs end.
pub fn token_grows(store: Store) {
    let scene = Scene::new(store);
    for token in 1..=50 {
        let lease = scene.granted_with(token, &by("a", scene.slot(100 - token)));
        scene.taken(&by("b", scene.slot(100 - token)));
        scene.finish(&lease, token % 3 != 0);
        assert_eq!(
            scene.last(JOB),
            Some(Entry::new(scene.slot(100 - token), token, token % 3 != 0))
        );
    }
}

/// Rows of different jobs are apart, and names may have any characters.
pub fn names(store: Store) {
    let scene = Scene::new(store);
    let long = "long".repeat(250);
    let longer = format!("{long}!");
    let names = [
        "",
        " ",
        "bill",
        "Bill",
        "BILL",
        "bill ",
        " bill",
        "b\u{ed}ll",
        "bi\u{301}ll",
        "..",
        "/",
        "a",
        "a/b",
        "a\\b",
        "a\\0b",
        "a\0b",
        "a\nb",
        "'; drop",
        "\"",
        "{a}",
        "%",
        "%41",
        "*",
        "\u{1f680}",
        &long,
        &longer,
    ];
    for (ago, name) in names.iter().enumerate() {
        let claim = Claim::new(*name, scene.slot(ago as u64), *name, LONG);
        let lease = scene.granted_with(1, &claim);
        scene.granted_with(1, &claim);
        assert!(scene.renew(&lease), "{name:?}");
        scene.taken(&Claim::new(*name, scene.slot(ago as u64), "another", LONG));
    }
    for (ago, name) in names.iter().enumerate() {
        assert_eq!(
            scene.last(name),
            Some(Entry::new(scene.slot(ago as u64), 1, false)),
            "{name:?}"
        );
    }
}

/// A slot is kept to the nanosecond.
pub fn nanoseconds(store: Store) {
    let scene = Scene::new(store);
    // Stores with a clock of microseconds round this down.
    let slot = UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    let lease = scene.granted(&by("a", slot));
    assert_eq!(lease.slot(), slot);
    assert_eq!(scene.last(JOB), Some(Entry::new(slot, 1, false)));
    scene.finish(&lease, true);
    scene.taken(&by("b", slot));
    scene.taken(&by("b", slot - Duration::from_nanos(100)));
    scene.granted_with(2, &by("b", slot + Duration::from_nanos(100)));
}

/// Slots may lie before 1970.
pub fn old_slots(store: Store) {
    let scene = Scene::new(store);
    let slot = UNIX_EPOCH - Duration::new(1_000_000, 500_000_000);
    let lease = scene.granted(&by("a", slot));
    scene.finish(&lease, true);
    assert_eq!(scene.last(JOB), Some(Entry::new(slot, 1, true)));
    scene.taken(&by("b", slot - Duration::from_millis(100)));
    scene.granted_with(2, &by("b", slot + Duration::from_millis(100)));
}

/// A row stays, however old it is.
pub fn never_deleted(store: Store) {
    let Some(scene) = Scene::with_clock(store) else { return };
    let slot = scene.slot(0);
    let lease = scene.granted(&by("a", slot));
    scene.finish(&lease, true);
    scene.set(slot + Duration::from_secs(20 * 365 * 86_400));
    assert_eq!(scene.last(JOB), Some(Entry::new(slot, 1, true)));
    scene.taken(&by("b", slot));
    scene.granted_with(2, &by("b", scene.now()));
}
