//! Replicas that ask for the same slots.

use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use atevery::ledger::{Claim, Claimed, Ledger};
use atevery_redis::Redis;

use crate::redis_server::{TOKIO, manager, shared, unique_prefix};

const REPLICAS: usize = 8;
const SLOTS: u64 = 200;

#[test]
fn eight_replicas_get_each_of_200_slots_once() {
    let prefix = unique_prefix();
    let ledgers = [(); REPLICAS].map(|()| Redis::new(TOKIO.block_on(manager(shared().port()))).prefix(&prefix));
    let first = SystemTime::now() - Duration::from_secs(SLOTS);
    let barrier = Barrier::new(REPLICAS);
    let granted = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for (replica, ledger) in ledgers.iter().enumerate() {
            let (barrier, granted) = (&barrier, &granted);
            scope.spawn(move || {
                for slot in 0..SLOTS {
                    let time = first + Duration::from_secs(slot);
                    let claim = Claim::new("race", time, format!("replica {replica}"), Duration::from_secs(30));
                    // All at the same slot, so that each is fought for. No panic, which would leave the others waiting.
                    barrier.wait();
                    match TOKIO.block_on(ledger.claim(&claim)) {
                        Ok(Claimed::Taken) => {}
                        Ok(Claimed::Yes(lease)) => {
                            let end = TOKIO.block_on(ledger.finish(&lease, true));
                            granted
                                .lock()
                                .unwrap()
                                .push((slot, format!("{:?}, {end:?}", lease.token())));
                        }
                        other => granted.lock().unwrap().push((slot, format!("{other:?}"))),
                    }
                }
            });
        }
    });
    let granted = granted.into_inner().unwrap();
    let expected: Vec<_> = (0..SLOTS).map(|slot| (slot, format!("{}, Ok(())", slot + 1))).collect();
    assert_eq!(granted, expected);
}
