//! Sessions that ask for the same slots.

use futures::executor::block_on;

use crate::ledger;
use crate::postgres::shared;
use crate::support::checks::each_slot_is_granted_once;

#[test]
fn eight_sessions_get_each_of_200_slots_once() {
    let database = shared().database();
    let ledgers = [(); 8].map(|()| ledger(&database));
    each_slot_is_granted_once(&ledgers, |claimed| block_on(claimed));
}
