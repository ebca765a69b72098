//! Starts, stops and restarts a scheduler on async-std. The example `tokio` does the same on Tokio.
//!
//! async-std is discontinued (RUSTSEC-2025-0052). The adapter is for programs that already use async-std.
//!
//! `cargo run --example async_std`

use std::error::Error;
use std::io;
use std::time::Duration;

use async_std::task::{block_on, sleep};
use atevery::Scheduler;
use atevery::runtime::AsyncStd;

const SECOND: Duration = Duration::from_secs(1);
const A_WHILE: Duration = Duration::from_millis(1600);

fn main() -> Result<(), Box<dyn Error>> {
    block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let scheduler = Scheduler::new(AsyncStd);
    let beat = scheduler.every(SECOND / 4).name("beat").run(|| println!("beat"))?;
    scheduler.every(SECOND).name("download").run(download)?;

    scheduler.start()?;
    sleep(A_WHILE).await;
    // Cancels the download in progress, and waits at most five seconds for its end.
    let report = scheduler.stop().timeout(SECOND * 5).await;
    println!("{report}, {} beats so far", beat.runs());

    // The job makes up no beats for the time in which the scheduler is stopped.
    sleep(SECOND).await;
    scheduler.start()?;
    sleep(A_WHILE).await;
    let report = scheduler.stop().await;
    println!("{report}, {} beats in all", beat.runs());
    Ok(())
}

/// The run fails, and the next run begins when it is due.
async fn download() -> io::Result<()> {
    println!("download begins");
    sleep(SECOND * 3 / 4).await;
    println!("download fails, and is tried again");
    Err(io::ErrorKind::ConnectionReset.into())
}
