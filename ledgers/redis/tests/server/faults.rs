//! Connections that are cut, replies that are lost, a server that crashes.

use std::io;
use std::time::{Duration, SystemTime};

use atevery::ledger::{Claim, Claimed, Entry, Lease, Ledger};
use atevery_redis::Redis;
use redis::aio::ConnectionManager;

use crate::redis_server::{Server, TOKIO, manager, shared, unique_prefix};
use crate::support::proxy::Proxy;

const JOB: &str = "bill";
const LENGTH: Duration = Duration::from_secs(30);

#[test]
fn claim_whose_reply_was_lost_is_granted_again_with_the_same_token() {
    TOKIO.block_on(async {
        let (ledger, proxy) = behind_a_proxy().await;
        let claim = Claim::new(JOB, SystemTime::now(), "a", LENGTH);
        proxy.lose_reply();
        ledger.claim(&claim).await.unwrap_err();
        let lease = granted(&ledger, &claim).await;
        assert_eq!(lease.token(), 1);
        let of_another = Claim::new(JOB, claim.slot(), "b", LENGTH);
        assert_eq!(ledger.claim(&of_another).await.unwrap(), Claimed::Taken);
    });
}

#[test]
fn end_whose_reply_was_lost_can_be_repeated() {
    TOKIO.block_on(async {
        let (ledger, proxy) = behind_a_proxy().await;
        let lease = granted(&ledger, &Claim::new(JOB, SystemTime::now(), "a", LENGTH)).await;
        proxy.lose_reply();
        ledger.finish(&lease, true).await.unwrap_err();
        eventually(async || ledger.finish(&lease, true).await).await;
        assert_eq!(ledger.last(JOB).await.unwrap(), Some(Entry::new(lease.slot(), 1, true)));
    });
}

#[test]
fn ledger_reconnects_after_a_cut() {
    TOKIO.block_on(async {
        let (ledger, proxy) = behind_a_proxy().await;
        let lease = granted(&ledger, &Claim::new(JOB, SystemTime::now(), "a", LENGTH)).await;
        for _ in 0..3 {
            proxy.cut();
            assert!(eventually(async || ledger.renew(&lease).await).await);
        }
    });
}

#[test]
fn rows_outlast_a_crash_of_the_server() {
    let mut server = Server::start("always");
    let ledger = Redis::new(TOKIO.block_on(manager(server.port())));
    let slot = SystemTime::now();
    let mut lease = TOKIO.block_on(granted(&ledger, &Claim::new(JOB, slot, "a", LENGTH)));
    for (token, signal) in [(1, "KILL"), (2, "TERM")] {
        server.stop(signal);
        TOKIO.block_on(ledger.renew(&lease)).unwrap_err();
        server.run();
        TOKIO.block_on(async {
            assert!(eventually(async || ledger.renew(&lease).await).await);
            let last = ledger.last(JOB).await.unwrap().unwrap();
            assert_eq!((last.token(), last.is_finished()), (token, false));
            ledger.finish(&lease, true).await.unwrap();
            let next = Claim::new(JOB, slot + Duration::from_millis(token), "b", LENGTH);
            lease = granted(&ledger, &next).await;
            assert_eq!(lease.token(), token + 1);
        });
    }
}

/// The script is loaded before, so that the next reply is that of a step.
async fn behind_a_proxy() -> (Redis<ConnectionManager>, Proxy) {
    let proxy = Proxy::to(shared().port());
    let ledger = Redis::new(manager(proxy.port()).await).prefix(unique_prefix());
    assert_eq!(ledger.last(JOB).await.unwrap(), None);
    (ledger, proxy)
}

async fn granted(ledger: &Redis<ConnectionManager>, claim: &Claim) -> Lease {
    match eventually(async || ledger.claim(claim).await).await {
        Claimed::Yes(lease) => lease,
        other => panic!("{other:?}"),
    }
}

/// The result of the first try that is no error. Several calls may meet the lost connection before its client knows.
async fn eventually<T>(call: impl AsyncFn() -> io::Result<T>) -> T {
    for _ in 0..500 {
        if let Ok(result) = call().await {
            return result;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    call().await.unwrap()
}
