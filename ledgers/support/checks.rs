//! Checks of a ledger on a real server.

use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use atevery::ledger::{BoxFuture, Claim, Claimed, Ledger};

const SLOTS: u64 = 200;

/// Replicas ask for the same slots at once, each on a thread of its own. Each slot is granted once, with the next
/// token. `block_on` drives a future to its end.
pub(crate) fn each_slot_is_granted_once<L: Ledger>(
    ledgers: &[L],
    block_on: impl Fn(BoxFuture<'_, Option<String>>) -> Option<String> + Sync,
) {
    let first = SystemTime::now() - Duration::from_secs(SLOTS);
    let barrier = Barrier::new(ledgers.len());
    let granted = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for (replica, ledger) in ledgers.iter().enumerate() {
            let (barrier, granted, block_on) = (&barrier, &granted, &block_on);
            scope.spawn(move || {
                for slot in 0..SLOTS {
                    let time = first + Duration::from_secs(slot);
                    let claim = Claim::new("race", time, format!("replica {replica}"), Duration::from_secs(30));
                    // All at the same slot, so that each is fought for. No panic, which would leave the others waiting.
                    barrier.wait();
                    if let Some(answer) = block_on(Box::pin(run_slot(ledger, &claim))) {
                        granted.lock().unwrap().push((slot, answer));
                    }
                }
            });
        }
    });
    let granted = granted.into_inner().unwrap();
    let expected: Vec<_> = (0..SLOTS).map(|slot| (slot, format!("{}, Ok(())", slot + 1))).collect();
    assert_eq!(granted, expected);
}

/// Claims and finishes a slot. `None` if the slot is taken.
async fn run_slot(ledger: &impl Ledger, claim: &Claim) -> Option<String> {
    match ledger.claim(claim).await {
        Ok(Claimed::Taken) => None,
        Ok(Claimed::Yes(lease)) => {
            let end = ledger.finish(&lease, true).await;
            Some(format!("{:?}, {end:?}", lease.token()))
        }
        other => Some(format!("{other:?}")),
    }
}

/// A slot is claimed, renewed and finished, and then taken.
pub(crate) async fn a_slot_is_run_and_taken(ledger: &impl Ledger) {
    let claim = Claim::new("bill", SystemTime::now(), "a", Duration::from_secs(30));
    let Claimed::Yes(lease) = ledger.claim(&claim).await.unwrap() else {
        panic!("nobody else claims");
    };
    assert!(ledger.renew(&lease).await.unwrap());
    ledger.finish(&lease, true).await.unwrap();
    assert_eq!(ledger.claim(&claim).await.unwrap(), Claimed::Taken);
}
