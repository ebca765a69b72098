//! Sessions that ask for the same slots.

use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use atevery::ledger::{Claim, Claimed, Ledger};
use futures::executor::block_on;

use crate::ledger;
use crate::postgres::shared;

const SESSIONS: usize = 8;
const SLOTS: u64 = 200;

#[test]
fn eight_sessions_get_each_of_200_slots_once() {
    let database = shared().database();
    let ledgers = [(); SESSIONS].map(|()| ledger(&database));
    let first = SystemTime::now() - Duration::from_secs(SLOTS);
    let barrier = Barrier::new(SESSIONS);
    let granted = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for (session, ledger) in ledgers.iter().enumerate() {
            let (barrier, granted) = (&barrier, &granted);
            scope.spawn(move || {
                for slot in 0..SLOTS {
                    let time = first + Duration::from_secs(slot);
                    let claim = Claim::new("race", time, format!("session {session}"), Duration::from_secs(30));
                    // All at the same slot, so that each is fought for. No panic, which would leave the others waiting.
                    barrier.wait();
                    match block_on(ledger.claim(&claim)) {
                        Ok(Claimed::Taken) => {}
                        Ok(Claimed::Yes(lease)) => {
                            let end = block_on(ledger.finish(&lease, true));
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
