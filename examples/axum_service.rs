//! A web service on Tokio and axum: three jobs beside the requests, a page with the status of the jobs, and a clean
//! shutdown.
//!
//! ```sh
//! cargo run --example axum_service -- 8080          # a port, or 0 for any that is free
//! curl localhost:8080/jobs                          # a table; /jobs.json has the same as JSON
//! curl -X POST localhost:8080/jobs/report/trigger   # one run now
//! ```
//!
//! At Ctrl-C or SIGTERM, the service ends its requests, then stops its jobs, then prints the report of the stop.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use atevery::runtime::Tokio;
use atevery::{EventKind, FirstRun, Run, Scheduler, SchedulerStatus};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const SECOND: Duration = Duration::from_secs(1);
const SESSION: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let shop = Arc::new(Shop::default());
    let scheduler = schedule(&shop)?;
    scheduler.start()?;

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let ending = CancellationToken::new();
    let server =
        axum::serve(listener, pages(shop, &scheduler)).with_graceful_shutdown(ending.clone().cancelled_owned());
    let server = tokio::spawn(server.into_future());

    asked_to_end().await?;
    ending.cancel();
    // No new requests are accepted. Requests in progress have two seconds.
    let _ = timeout(2 * SECOND, server).await;
    let report = scheduler.stop().grace(2 * SECOND).timeout(SECOND).await;
    println!("{report}");
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// State that requests and jobs share. Jobs hold the shop, so the shop must not hold a `Scheduler`: the jobs would keep
/// their own scheduler alive.
#[derive(Default)]
struct Shop {
    prices: RwLock<Vec<u64>>,
    sessions: Mutex<HashMap<u64, Instant>>,
    calls: AtomicU64,
}

// The jobs.

fn schedule(shop: &Arc<Shop>) -> Result<Scheduler, atevery::Error> {
    let scheduler = Scheduler::builder(Tokio::current())
        .on_event(|event| {
            if !matches!(event.kind(), EventKind::Started | EventKind::Finished) {
                eprintln!("{event}");
            }
        })
        .build()?;

    let prices = Arc::clone(shop);
    scheduler
        .every(2 * SECOND)
        .name("prices")
        .retry(|| [SECOND / 10, SECOND / 2])
        .timeout(SECOND)
        .run(move || refresh_prices(prices.clone()))?;

    let sessions = Arc::clone(shop);
    scheduler
        .every(SECOND)
        .name("sessions")
        .jitter(SECOND / 5)
        .run(move || sweep_sessions(&sessions))?;

    let report = Arc::clone(shop);
    scheduler
        .every(3600 * SECOND)
        .name("report")
        .first_run(FirstRun::AfterInterval)
        .run_blocking(move |run: Run| write_report(&report, &run))?;

    Ok(scheduler)
}

/// Calls another service, which refuses every third call. The second attempt succeeds.
async fn refresh_prices(shop: Arc<Shop>) -> io::Result<()> {
    let call = shop.calls.fetch_add(1, Ordering::Relaxed);
    sleep(SECOND / 20).await;
    if call % 3 == 2 {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    *shop.prices.write().unwrap_or_else(PoisonError::into_inner) = vec![call, call + 5, call + 9];
    Ok(())
}

fn sweep_sessions(shop: &Shop) {
    let mut sessions = shop.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    sessions.retain(|_, since| since.elapsed() < SESSION);
}

/// Blocks a thread for a minute. When the service stops, the run sees the cancellation and ends early.
fn write_report(shop: &Shop, run: &Run) {
    let prices = shop.prices.read().unwrap_or_else(PoisonError::into_inner).len();
    for part in 0..600 {
        if run.is_cancelled() {
            println!("report on {prices} prices: put off after part {part}");
            return;
        }
        thread::sleep(SECOND / 10);
    }
}

// The pages.

#[derive(Clone)]
struct App {
    shop: Arc<Shop>,
    scheduler: Scheduler,
}

fn pages(shop: Arc<Shop>, scheduler: &Scheduler) -> Router {
    let scheduler = scheduler.clone();
    Router::new()
        .route("/", get(welcome))
        .route("/jobs", get(jobs))
        .route("/jobs.json", get(jobs_json))
        .route("/jobs/{name}/trigger", post(trigger))
        .with_state(App { shop, scheduler })
}

async fn welcome(State(app): State<App>) -> String {
    let mut sessions = app.shop.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    let next = sessions.keys().max().map_or(1, |last| last + 1);
    sessions.insert(next, Instant::now());
    let prices = app.shop.prices.read().unwrap_or_else(PoisonError::into_inner);
    format!("session {next}, {} of them open, prices {prices:?}\n", sessions.len())
}

async fn jobs(State(app): State<App>) -> String {
    format!("{}\n", app.scheduler.status())
}

async fn jobs_json(State(app): State<App>) -> Json<SchedulerStatus> {
    Json(app.scheduler.status())
}

async fn trigger(State(app): State<App>, Path(name): Path<String>) -> StatusCode {
    match app.scheduler.jobs().iter().find(|job| job.name() == name) {
        Some(job) => {
            job.trigger();
            StatusCode::ACCEPTED
        }
        None => StatusCode::NOT_FOUND,
    }
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
