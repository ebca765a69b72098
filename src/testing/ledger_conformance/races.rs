//! Claims from several threads at once.

use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use super::Store;
use super::scene::{JOB, Scene, by};
use crate::ledger::{Claim, Claimed, Entry, Lease};
use crate::testing::conformance::waiting::eventually;

const HOLDERS: usize = 8;

/// Eight holders ask for the same slots. Each slot is granted once, and the tokens are in order.
pub fn slots(store: Store) {
    const SLOTS: u64 = 50;
    let scene = Scene::new(store);
    let claims: Vec<Vec<Claim>> = (0..HOLDERS)
        .map(|holder| {
            let holder = format!("holder {holder}");
            (0..SLOTS).map(|slot| by(&holder, scene.slot(SLOTS - slot))).collect()
        })
        .collect();
    let granted = Mutex::new(Vec::new());
    at_once(&claims, |claims| {
        for claim in claims {
            if let Some(lease) = granted_or_taken(&scene, claim) {
                granted.lock().unwrap().push((lease.slot(), lease.token()));
                run(&scene, &lease);
            }
        }
    });
    let mut granted = granted.into_inner().unwrap();
    granted.sort_unstable();
    let expected: Vec<_> = (0..SLOTS).map(|slot| (scene.slot(SLOTS - slot), slot + 1)).collect();
    assert_eq!(granted, expected);
    assert_eq!(scene.last(JOB), Some(Entry::new(scene.slot(1), SLOTS, true)));
}

/// Eight holders ask for a slot that was given back. One gets it.
pub fn returned_slot(store: Store) {
    let scene = Scene::new(store);
    for ago in (1..=20).rev() {
        let first = scene.granted(&by("first", scene.slot(ago)));
        scene.finish(&first, false);
        let claims: Vec<Claim> = (0..HOLDERS)
            .map(|holder| by(&format!("holder {holder}"), scene.slot(ago)).at_least_once())
            .collect();
        let leases = Mutex::new(Vec::new());
        at_once(&claims, |claim| match scene.claim(claim) {
            Claimed::Yes(lease) => leases.lock().unwrap().push(lease),
            Claimed::Held { .. } => {}
            other => panic!("{other:?} for {claim:?}"),
        });
        let leases = leases.into_inner().unwrap();
        assert_eq!(leases.len(), 1, "{leases:?}");
        assert_eq!(leases[0].token(), first.token() + 1);
        scene.finish(&leases[0], true);
    }
}

/// Calls `act` with each of the items, on threads of their own that begin together.
fn at_once<T: Sync>(items: &[T], act: impl Fn(&T) + Sync) {
    let barrier = Barrier::new(items.len());
    thread::scope(|scope| {
        for item in items {
            let (barrier, act) = (&barrier, &act);
            scope.spawn(move || {
                barrier.wait();
                act(item);
            });
        }
    });
}

fn granted_or_taken(scene: &Scene, claim: &Claim) -> Option<Lease> {
    let mut granted = None;
    eventually("the lease before ends", || match scene.claim(claim) {
        Claimed::Yes(lease) => {
            granted = Some(lease);
            true
        }
        Claimed::Taken => true,
        Claimed::Held { .. } => false,
        other => panic!("{other:?} for {claim:?}"),
    });
    granted
}

/// A run that takes up to a millisecond.
fn run(scene: &Scene, lease: &Lease) {
    thread::sleep(Duration::from_micros(lease.token() % 7 * 100));
    scene.finish(lease, true);
}
