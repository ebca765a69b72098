//! A graceful shutdown on Tokio. At Ctrl-C or SIGTERM, jobs have a grace period, then the stop cancels their runs. The
//! report names the jobs.
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
    // Dropping the runtime would wait for its blocking threads, and so for the run of `backup`.
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

/// Takes long, but checks the token between two parts, so the run ends by itself within the grace period.
async fn upload(shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        sleep(SECOND / 10).await;
    }
    println!("upload: put aside, to be resumed");
}

/// Never becomes ready. At the end of the grace period, the stop cancels the run at this await.
async fn poll() {
    std::future::pending::<()>().await;
}

/// Blocks its thread and never checks [`Run::is_cancelled`](atevery::Run::is_cancelled), so nothing can cancel the run.
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
