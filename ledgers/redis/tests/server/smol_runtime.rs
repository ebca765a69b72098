//! The ledger on smol.

use std::time::{Duration, SystemTime};

use atevery::ledger::{Claim, Claimed, Ledger};
use atevery_redis::Redis;
use redis::Client;

use crate::redis_server::{shared, unique_prefix, url};

#[test]
fn smol_drives_the_connection() {
    let url = url(shared().port());
    smol::block_on(async {
        let client = Client::open(url).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        let ledger = Redis::new(connection).prefix(unique_prefix());
        let claim = Claim::new("bill", SystemTime::now(), "a", Duration::from_secs(30));
        let Claimed::Yes(lease) = ledger.claim(&claim).await.unwrap() else {
            panic!("nobody else claims");
        };
        assert!(ledger.renew(&lease).await.unwrap());
        ledger.finish(&lease, true).await.unwrap();
        assert_eq!(ledger.claim(&claim).await.unwrap(), Claimed::Taken);
    });
}
