//! The ledger without Tokio's runtime: smol's streams, timers and executor.

use std::io;

use atevery_postgres::{Postgres, Reconnect};
use smol::net::TcpStream;
use tokio_postgres::NoTls;
use tokio_util::compat::FuturesAsyncReadCompatExt;

use crate::postgres::shared;
use crate::support::checks::a_slot_is_run_and_taken;

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
        a_slot_is_run_and_taken(&ledger).await;
    });
}
