//! Metrics of jobs for Prometheus. The argument is the port; by default the system chooses a free port.
//!
//! ```text
//! cargo run --example prometheus --features metrics -- 9184
//! curl http://127.0.0.1:9184/metrics
//! ```

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use atevery::runtime::Tokio;
use atevery::{Run, Scheduler, StopReport};
use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("metrics at http://{}/metrics, until Ctrl-C", listener.local_addr()?);
    let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
    println!("{}", serve(listener, ctrl_c).await?);
    Ok(())
}

/// Runs the jobs, and serves their metrics, until `shutdown`.
async fn serve(
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<StopReport, Box<dyn Error>> {
    // Buckets of histograms. Without buckets the exporter would report quantiles, which cannot be summed over
    // processes.
    let bounds = [0.001, 0.01, 0.1, 1.0, 10.0];
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix(String::from("_seconds")), &bounds)?
        .install_recorder()?;

    let scheduler = Scheduler::new(Tokio::current());
    scheduler.every(Duration::from_millis(100)).name("beat").run(|| ())?;
    scheduler.every(Duration::from_millis(200)).name("fetch").run(fetch)?;
    scheduler
        .every(Duration::from_millis(500))
        .name("compress")
        .run_blocking(|| std::thread::sleep(Duration::from_millis(20)))?;
    // The exporter needs regular upkeep, which is a job too.
    let exporter = metrics.clone();
    scheduler
        .every(Duration::from_secs(5))
        .name("upkeep")
        .run(move || exporter.run_upkeep())?;
    scheduler.start()?;

    let pages = Router::new().route("/metrics", get(move || async move { metrics.render() }));
    axum::serve(listener, pages).with_graceful_shutdown(shutdown).await?;
    Ok(scheduler.stop().timeout(Duration::from_secs(5)).await)
}

/// Fails in every third run.
async fn fetch(run: Run) -> Result<(), String> {
    tokio::time::sleep(Duration::from_millis(5)).await;
    if run.number() % 3 == 1 {
        return Err(String::from("no answer"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Instant;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn scrape(address: SocketAddr) -> Result<String, Box<dyn Error>> {
        let mut connection = TcpStream::connect(address).await?;
        let request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        connection.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn what_prometheus_scrapes() -> Result<(), Box<dyn Error>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let scraping = async {
            let begin = Instant::now();
            loop {
                let page = scrape(address).await?;
                let missing = expected().into_iter().find(|text| !page.contains(text));
                match missing {
                    None => break,
                    Some(text) if begin.elapsed() > Duration::from_secs(30) => panic!("no {text} in {page}"),
                    Some(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
            drop(stop);
            Ok::<(), Box<dyn Error>>(())
        };
        let (report, scraped) = tokio::join!(serve(listener, async { drop(stopped.await) }), scraping);
        scraped?;
        assert!(report?.is_clean());
        Ok(())
    }

    fn expected() -> [&'static str; 10] {
        [
            "HTTP/1.1 200 OK",
            "# HELP atevery_runs_started_total Runs that have begun.",
            "# TYPE atevery_runs_started_total counter",
            "atevery_runs_started_total{job=\"beat\"} ",
            "atevery_runs_ended_total{job=\"fetch\",outcome=\"failed\"} ",
            "atevery_runs_ended_total{job=\"fetch\",outcome=\"finished\"} ",
            "# TYPE atevery_run_duration_seconds histogram",
            "atevery_run_duration_seconds_bucket{job=\"compress\",le=\"0.01\"} 0",
            "atevery_run_duration_seconds_sum{job=\"compress\"} 0.0",
            "atevery_run_lateness_seconds_count{job=\"upkeep\"} ",
        ]
    }
}
