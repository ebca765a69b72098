//! Eight replicas ask for the same ten slots, a second apart. Prints who ran which.
//!
//!     cargo run --example race -- redis://localhost/

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

use atevery::ledger::{Claim, Claimed, Ledger};
use atevery_redis::Redis;
use redis::aio::ConnectionManager;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(url) = std::env::args().nth(1) else {
        return Err("which server? For example: redis://localhost/".into());
    };
    let client = redis::Client::open(url)?;
    let first = SystemTime::now();
    let mut replicas = Vec::new();
    for number in 1..=8 {
        let ledger = Redis::new(ConnectionManager::new(client.clone()).await?);
        replicas.push(tokio::spawn(replica(format!("replica {number}"), ledger, first)));
    }
    for replica in replicas {
        replica.await??;
    }
    Ok(())
}

async fn replica(name: String, ledger: Redis<ConnectionManager>, first: SystemTime) -> io::Result<()> {
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
