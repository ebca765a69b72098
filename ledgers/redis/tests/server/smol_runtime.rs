//! The ledger on smol.

use atevery_redis::Redis;
use redis::Client;

use crate::redis_server::{shared, unique_prefix, url};
use crate::support::checks::a_slot_is_run_and_taken;

#[test]
fn smol_drives_the_connection() {
    let url = url(shared().port());
    smol::block_on(async {
        let client = Client::open(url).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        let ledger = Redis::new(connection).prefix(unique_prefix());
        a_slot_is_run_and_taken(&ledger).await;
    });
}
