//! Connections that are cut, replies that are lost, a server that crashes.

use std::time::{Duration, SystemTime};

use atevery::ledger::{Claim, Claimed, Entry, Lease, Ledger};
use atevery_postgres::Postgres;
use futures::executor::block_on;

use crate::postgres::{Server, shared};
use crate::support::proxy::Proxy;

const JOB: &str = "bill";
const LENGTH: Duration = Duration::from_secs(30);

#[test]
fn claim_whose_reply_was_lost_is_granted_again_with_the_same_token() {
    let (ledger, proxy) = behind_a_proxy();
    let claim = Claim::new(JOB, SystemTime::now(), "a", LENGTH);
    proxy.lose_reply();
    block_on(ledger.claim(&claim)).unwrap_err();
    let last = block_on(ledger.last(JOB)).unwrap().expect("the claim took place");
    assert_eq!(granted(&ledger, &claim).token(), last.token());
    let of_another = Claim::new(JOB, claim.slot(), "b", LENGTH);
    assert_eq!(block_on(ledger.claim(&of_another)).unwrap(), Claimed::Taken);
}

#[test]
fn end_whose_reply_was_lost_can_be_repeated() {
    let (ledger, proxy) = behind_a_proxy();
    let lease = granted(&ledger, &Claim::new(JOB, SystemTime::now(), "a", LENGTH));
    proxy.lose_reply();
    block_on(ledger.finish(&lease, true)).unwrap_err();
    block_on(ledger.finish(&lease, true)).unwrap();
    assert_eq!(
        block_on(ledger.last(JOB)).unwrap(),
        Some(Entry::new(lease.slot(), 1, true))
    );
}

#[test]
fn ledger_reconnects_after_a_cut() {
    let (ledger, proxy) = behind_a_proxy();
    let lease = granted(&ledger, &Claim::new(JOB, SystemTime::now(), "a", LENGTH));
    for _ in 0..3 {
        proxy.cut();
        assert!(eventually(|| block_on(ledger.renew(&lease))));
    }
}

#[test]
fn rows_outlast_a_crash_of_the_server() {
    let mut server = Server::start();
    let database = server.database();
    let ledger = Postgres::new(database.reconnecting(server.port()));
    block_on(ledger.migrate()).unwrap();
    let slot = SystemTime::now();
    let mut lease = granted(&ledger, &Claim::new(JOB, slot, "a", LENGTH));
    for (token, signal) in [(1, "QUIT"), (2, "INT")] {
        server.stop(signal);
        block_on(ledger.renew(&lease)).unwrap_err();
        block_on(ledger.last(JOB)).unwrap_err();
        server.run();
        assert!(eventually(|| block_on(ledger.renew(&lease))));
        let last = block_on(ledger.last(JOB)).unwrap().unwrap();
        assert_eq!((last.token(), last.is_finished()), (token, false));
        block_on(ledger.finish(&lease, true)).unwrap();
        let next = Claim::new(JOB, slot + Duration::from_millis(token), "b", LENGTH);
        lease = granted(&ledger, &next);
        assert_eq!(lease.token(), token + 1);
    }
}

fn behind_a_proxy() -> (Postgres, Proxy) {
    let database = shared().database();
    let proxy = Proxy::to(shared().port());
    let ledger = Postgres::new(database.reconnecting(proxy.port()));
    block_on(ledger.migrate()).unwrap();
    (ledger, proxy)
}

fn granted(ledger: &Postgres, claim: &Claim) -> Lease {
    match block_on(ledger.claim(claim)).unwrap() {
        Claimed::Yes(lease) => lease,
        other => panic!("{other:?}"),
    }
}

/// The result of the first try that is no error. Several calls may meet the lost connection before its client knows.
fn eventually<T>(mut call: impl FnMut() -> std::io::Result<T>) -> T {
    for _ in 0..500 {
        if let Ok(result) = call() {
            return result;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    call().unwrap()
}
