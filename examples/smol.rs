//! Starts, stops and restarts a scheduler on smol. The example `tokio` does the same on Tokio.
//!
//! `cargo run --example smol`

use std::error::Error;
use std::io;
use std::time::Duration;

use atevery::Scheduler;
use atevery::runtime::Smol;
use smol::Timer;

const SECOND: Duration = Duration::from_secs(1);
const A_WHILE: Duration = Duration::from_millis(1600);

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let scheduler = Scheduler::new(Smol);
    let beat = scheduler.every(SECOND / 4).name("beat").run(|| println!("beat"))?;
    scheduler.every(SECOND).name("download").run(download)?;

    scheduler.start()?;
    Timer::after(A_WHILE).await;
    // Cancels the download in progress, and waits at most five seconds for its end.
    let report = scheduler.stop().timeout(SECOND * 5).await;
    println!("{report}, {} beats so far", beat.runs());

    // The job makes up no beats for the time in which the scheduler is stopped.
    Timer::after(SECOND).await;
    scheduler.start()?;
    Timer::after(A_WHILE).await;
    let report = scheduler.stop().await;
    println!("{report}, {} beats in all", beat.runs());
    Ok(())
}

/// The run fails, and the next run begins when it is due.
async fn download() -> io::Result<()> {
    println!("download begins");
    Timer::after(SECOND * 3 / 4).await;
    println!("download fails, and is tried again");
    Err(io::ErrorKind::ConnectionReset.into())
}
