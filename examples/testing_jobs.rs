//! Tests of jobs without sleeping: the test moves the clock, and a day takes a millisecond.
//!
//! `cargo test --example testing_jobs` runs the tests, `cargo run --example testing_jobs` shows how long such a day
//! takes. The tests need the feature `testing`. Only `main` needs the feature `standalone`.
//!
//! Two rules make a job testable:
//!
//! - The caller creates the scheduler, so a test can create a scheduler on virtual time.
//! - If a job sleeps or reads a clock, the caller passes the clock, which is a [`Timer`].

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use atevery::runtime::{Standalone, Timer};
use atevery::testing::VirtualTime;
use atevery::{Job, Scheduler};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

// The code under test: an uploader, as in a real program.

/// Uploads a batch every hour. If an upload fails, tries again after 1, 5 and 25 minutes.
fn add_uploader(scheduler: &Scheduler, uploader: &Arc<Uploader>) -> Result<Job, atevery::Error> {
    let uploader = Arc::clone(uploader);
    scheduler
        .every(HOUR)
        .name("upload")
        .retry(|| [MINUTE, 5 * MINUTE, 25 * MINUTE])
        .run(move || {
            let uploader = Arc::clone(&uploader);
            async move { uploader.upload().await }
        })
}

struct Uploader {
    clock: Arc<dyn Timer>,
    began: Instant,
    /// The server refuses uploads for this long.
    server_is_back: Duration,
    uploaded: AtomicU64,
}

impl Uploader {
    fn new(clock: Arc<dyn Timer>, server_is_back: Duration) -> Arc<Uploader> {
        Arc::new(Uploader {
            began: clock.now(),
            clock,
            server_is_back,
            uploaded: AtomicU64::new(0),
        })
    }

    /// Takes ten seconds.
    async fn upload(&self) -> Result<(), ServerIsDown> {
        self.clock.sleep_until(self.clock.now() + 10 * SECOND).await;
        if self.clock.now() - self.began < self.server_is_back {
            return Err(ServerIsDown);
        }
        self.uploaded.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn uploaded(&self) -> u64 {
        self.uploaded.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct ServerIsDown;

impl fmt::Display for ServerIsDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server is down")
    }
}

impl Error for ServerIsDown {}

// The same job on virtual time, and on real threads.

fn main() -> Result<(), Box<dyn Error>> {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let uploader = Uploader::new(Arc::new(time.clone()), 8 * HOUR);
    add_uploader(&scheduler, &uploader)?;
    scheduler.start()?;
    let begin = Instant::now();
    time.advance(24 * HOUR);
    println!(
        "{} uploads in {:?}, which took {:?}",
        uploader.uploaded(),
        time.elapsed(),
        begin.elapsed()
    );
    println!("{}", scheduler.status());

    let runtime = Arc::new(Standalone::new());
    let scheduler = Scheduler::new(runtime.clone());
    add_uploader(&scheduler, &Uploader::new(runtime, Duration::ZERO))?;
    scheduler.start()?;
    println!("and for real, half a second of it: {}", {
        std::thread::sleep(SECOND / 2);
        scheduler.stop().blocking_wait()
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use atevery::{EventKind, JobState};

    use super::*;

    fn start(server_is_back: Duration) -> (VirtualTime, Scheduler, Job, Arc<Uploader>) {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let uploader = Uploader::new(Arc::new(time.clone()), server_is_back);
        let job = add_uploader(&scheduler, &uploader).expect("an hour is longer than a tick");
        scheduler.start().expect("it does not run yet");
        (time, scheduler, job, uploader)
    }

    #[test]
    fn uploads_every_hour_of_the_day() {
        let (time, _scheduler, job, uploader) = start(Duration::ZERO);
        time.advance(24 * HOUR);
        // From midnight to midnight. The last run has just begun.
        assert_eq!(job.runs(), 25);
        assert_eq!(uploader.uploaded(), 24);
        assert!(job.is_running());
    }

    #[test]
    fn a_server_that_was_down_for_a_minute_costs_one_retry() {
        let (time, _scheduler, job, uploader) = start(MINUTE);
        // 10 s, a minute's wait, and another 10 s.
        time.advance(MINUTE + 19 * SECOND);
        assert_eq!(uploader.uploaded(), 0);
        time.advance(SECOND);
        assert_eq!(uploader.uploaded(), 1);
        let status = job.status();
        assert_eq!((status.runs(), status.retries(), status.failures()), (1, 1, 0));
        assert_eq!(status.last_error(), Some("the server is down"));
    }

    #[test]
    fn attempts_follow_the_back_off_and_the_next_run_comes_on_time() {
        let time = VirtualTime::new();
        let attempts = Arc::new(Mutex::new(Vec::new()));
        let (clock, log) = (time.clone(), Arc::clone(&attempts));
        let scheduler = Scheduler::builder(time.clone())
            .on_event(move |event| {
                if matches!(event.kind(), EventKind::Retried(_) | EventKind::Failed(_)) {
                    log.lock()
                        .unwrap()
                        .push((event.kind().as_str(), clock.elapsed().as_secs()));
                }
            })
            .build()
            .unwrap();
        let uploader = Uploader::new(Arc::new(time.clone()), HOUR);
        let job = add_uploader(&scheduler, &uploader).unwrap();
        scheduler.start().unwrap();

        time.advance(HOUR - SECOND);
        // Each attempt takes 10 s; the waits between are 1, 5 and 25 minutes.
        let expected = [("retried", 10), ("retried", 80), ("retried", 390), ("failed", 1_900)];
        assert_eq!(*attempts.lock().unwrap(), expected);
        assert_eq!((job.status().failures(), job.status().state()), (1, JobState::Waiting));

        time.advance(11 * SECOND);
        assert_eq!((job.runs(), uploader.uploaded()), (2, 1));
    }

    #[test]
    fn a_stop_cancels_the_wait_for_the_next_attempt() {
        let (time, scheduler, job, _uploader) = start(HOUR);
        time.advance(30 * SECOND);
        let report = time.block_on(scheduler.stop());
        assert_eq!(report.cancelled(), [job]);
        assert_eq!(time.elapsed(), 30 * SECOND);
    }
}
