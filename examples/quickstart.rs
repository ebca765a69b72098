//! Three jobs in a program without an async runtime. The program stops after four seconds, or at Ctrl-C.
//!
//! `cargo run --example quickstart`

use std::error::Error;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use async_io::Timer;
use atevery::runtime::Standalone;
use atevery::{Run, Scheduler};

const INTERVAL: Duration = Duration::from_millis(500);

fn main() -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let say = move |what: &str| println!("{:4.2} s  {what}", began.elapsed().as_secs_f64());

    let scheduler = Scheduler::new(Standalone::new());
    scheduler.every(INTERVAL).name("fast").run(move || say("fast"))?;
    let fast_async = move || async move { say("fast async") };
    scheduler.every(INTERVAL).name("fast async").run(fast_async)?;
    // A run takes twice the interval. Runs of the job never overlap, and other jobs do not wait.
    scheduler.every(INTERVAL).name("slow").run(move |run: Run| async move {
        say(&format!("slow: run {} begins", run.number()));
        Timer::after(2 * INTERVAL).await;
        say(&format!("slow: run {} ends", run.number()));
    })?;

    let (interrupt, interrupted) = mpsc::channel();
    ctrlc::set_handler(move || interrupt.send(()).unwrap_or_default())?;
    scheduler.start()?;
    let _ = interrupted.recv_timeout(Duration::from_secs(4));

    // Cancels the run of `slow` in progress, and waits for its end.
    let report = scheduler.stop().timeout(Duration::from_secs(5)).blocking_wait();
    say(&report.to_string());
    Ok(())
}
