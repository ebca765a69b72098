//! The ledger without Tokio's runtime: smol's streams, timers and executor.

use std::io;
use std::time::{Duration, SystemTime};

use atevery::ledger::{Claim, Claimed, Ledger};
use atevery_postgres::{Postgres, Reconnect};
use smol::net::TcpStream;
use tokio_postgres::NoTls;
use tokio_util::compat::FuturesAsyncReadCompatExt;

use crate::postgres::shared;

#[test]
fn smol_drives_the_connection() {
    let database = shared().database();
    let (config, port) = (database.config(), shared().port());
    let ledger = Postgres::new(Reconnect::new(move || {
        let config = config.clone();
        async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await?;
            let connected = config.connect_raw(stream.compat(), NoTls).await;
            let (client, connection) = connected.map_err(io::Error::other)?;
            smol::spawn(connection).detach();
            Ok(client)
        }
    }));
    smol::block_on(async {
        ledger.migrate().await.unwrap();
        let claim = Claim::new("bill", SystemTime::now(), "a", Duration::from_secs(30));
        let Claimed::Yes(lease) = ledger.claim(&claim).await.unwrap() else {
            panic!("nobody else claims");
        };
        assert!(ledger.renew(&lease).await.unwrap());
        ledger.finish(&lease, true).await.unwrap();
        assert_eq!(ledger.claim(&claim).await.unwrap(), Claimed::Taken);
    });
}
