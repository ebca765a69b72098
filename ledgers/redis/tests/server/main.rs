//! The ledger on a real server. It must be installed; see the README.

mod faults;
mod races;
mod redis_server;
mod smol_runtime;
#[path = "../../../support/mod.rs"]
mod support;

use atevery::ledger::Ledger;
use atevery::testing::ledger_conformance;
use atevery::testing::ledger_conformance::Store;
use atevery_redis::Redis;
use redis::aio::ConnectionManager;

use redis_server::{TOKIO, manager, shared, unique_prefix};

ledger_conformance!(on_the_servers_clock, on_the_servers_clock());

/// Connections wait for replies with Tokio's timers.
fn on_the_servers_clock() -> Store {
    Store::new(ledger()).block_on(|future| TOKIO.block_on(future))
}

/// A ledger without rows.
fn ledger() -> Redis<ConnectionManager> {
    Redis::new(TOKIO.block_on(manager(shared().port()))).prefix(unique_prefix())
}

#[test]
fn key_that_is_no_row_is_an_error_and_stays() {
    let prefix = unique_prefix();
    TOKIO.block_on(async {
        let mut connection = manager(shared().port()).await;
        let ledger = Redis::new(connection.clone()).prefix(&prefix);
        let mut set = redis::cmd("SET");
        set.arg(format!("{prefix}text")).arg("x");
        set.query_async::<()>(&mut connection).await.unwrap();
        let error = ledger.last("text").await.unwrap_err();
        assert!(error.to_string().contains("WRONGTYPE"), "{error}");
        for (job, field, value) in [("part", "token", "1"), ("wrong", "seconds", "x")] {
            let key = format!("{prefix}{job}");
            let mut set = redis::cmd("HSET");
            set.arg(&key);
            if job == "wrong" {
                for name in ["nanoseconds", "token", "state", "holder", "until"] {
                    set.arg(name).arg("1");
                }
            }
            set.arg(field)
                .arg(value)
                .query_async::<()>(&mut connection)
                .await
                .unwrap();
            let error = ledger.last(job).await.unwrap_err();
            assert!(error.to_string().contains(&key), "{error}");
        }
    });
}

/// A restart and `SCRIPT FLUSH` empty the server's cache of scripts.
#[test]
fn script_is_loaded_again() {
    TOKIO.block_on(async {
        let mut connection = manager(shared().port()).await;
        let ledger = Redis::new(connection.clone()).prefix(unique_prefix());
        for _ in 0..2 {
            assert_eq!(ledger.last("bill").await.unwrap(), None);
            redis::cmd("SCRIPT")
                .arg("FLUSH")
                .query_async::<()>(&mut connection)
                .await
                .unwrap();
        }
    });
}
