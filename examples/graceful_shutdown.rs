//! A service that ends well, on Tokio: Ctrl-C or SIGTERM, then a grace period, then cancel, then a report by name.
//!
//! `cargo run --example graceful_shutdown`, then Ctrl-C or `kill`.

use std::error::Error;
use std::io;
use std::thread;
use std::time::Duration;

use atevery::runtime::Tokio;
use atevery::{Scheduler, StopReport};
use tokio::runtime::Runtime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const SECOND: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let report = runtime.block_on(serve())?;
    for job in report.finished() {
        println!("{}: came to its end", job.name());
    }
    for job in report.cancelled() {
        println!("{}: cancelled", job.name());
    }
    for job in report.still_running() {
        println!("{}: still running, left behind", job.name());
    }
    // A runtime that is dropped waits for its blocking threads, and so for the straggler.
    runtime.shutdown_background();
    Ok(())
}

async fn serve() -> Result<StopReport, Box<dyn Error>> {
    let shutdown = CancellationToken::new();
    let scheduler = Scheduler::new(Tokio::current());
    scheduler.every(SECOND / 2).name("beat").run(|| println!("beat"))?;
    let token = shutdown.clone();
    let upload = move || upload(token.clone());
    scheduler.every(SECOND).name("upload").run(upload)?;
    scheduler.every(SECOND).name("poll").run(poll)?;
    scheduler.every(SECOND).name("backup").run_blocking(backup)?;

    scheduler.start()?;
    println!("serving: end it by Ctrl-C or SIGTERM");
    asked_to_end().await?;

    println!("ending: a second to finish, then cancel, then wait for a second at most");
    shutdown.cancel();
    Ok(scheduler.stop().grace(SECOND).timeout(SECOND).await)
}

/// Long, but it looks at the token between two parts: it ends by itself within the grace period.
async fn upload(shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        sleep(SECOND / 10).await;
    }
    println!("upload: put aside, to be resumed");
}

/// Waits for something that doesn't come: it is cancelled at this await once the grace period is over.
async fn poll() {
    std::future::pending::<()>().await;
}

/// Blocks its thread, and never looks at [`Run::is_cancelled`](atevery::Run::is_cancelled): nothing can cancel it.
fn backup() {
    thread::sleep(60 * SECOND);
}

#[cfg(unix)]
async fn asked_to_end() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_end() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
