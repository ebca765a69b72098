//! Eight sessions ask for the same ten slots, a second apart. Prints who ran which.
//!
//!     cargo run --example race -- "host=localhost user=postgres"

use std::io;
use std::time::{Duration, SystemTime};

use atevery::ledger::{Claim, Claimed, Ledger};
use atevery_postgres::{Postgres, Reconnect};
use tokio_postgres::NoTls;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> io::Result<()> {
    let Some(database) = std::env::args().nth(1) else {
        return Err(io::Error::other(
            "which database? For example: \"host=localhost user=postgres\"",
        ));
    };
    let first = SystemTime::now();
    ledger(&database).migrate().await?;
    let replicas: Vec<_> = (1..=8)
        .map(|number| tokio::spawn(replica(format!("replica {number}"), ledger(&database), first)))
        .collect();
    for replica in replicas {
        replica.await??;
    }
    Ok(())
}

fn ledger(database: &str) -> Postgres {
    let database = String::from(database);
    Postgres::new(Reconnect::new(move || {
        let database = database.clone();
        async move {
            let (client, connection) = tokio_postgres::connect(&database, NoTls)
                .await
                .map_err(io::Error::other)?;
            tokio::spawn(connection);
            Ok(client)
        }
    }))
}

async fn replica(name: String, ledger: Postgres, first: SystemTime) -> io::Result<()> {
    for second in 0..10 {
        let slot = first + second * SECOND;
        tokio::time::sleep(slot.duration_since(SystemTime::now()).unwrap_or_default()).await;
        let claim = Claim::new("example", slot, name.as_str(), 10 * SECOND);
        if let Claimed::Yes(lease) = ledger.claim(&claim).await? {
            println!("{name} runs slot {second} with token {}", lease.token());
            ledger.finish(&lease, true).await?;
        }
    }
    Ok(())
}
