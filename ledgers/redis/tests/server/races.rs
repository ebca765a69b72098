//! Replicas that ask for the same slots.

use atevery_redis::Redis;

use crate::redis_server::{TOKIO, manager, shared, unique_prefix};
use crate::support::checks::each_slot_is_granted_once;

#[test]
fn eight_replicas_get_each_of_200_slots_once() {
    let prefix = unique_prefix();
    let ledgers = [(); 8].map(|()| Redis::new(TOKIO.block_on(manager(shared().port()))).prefix(&prefix));
    each_slot_is_granted_once(&ledgers, |claimed| TOKIO.block_on(claimed));
}
