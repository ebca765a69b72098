use std::time::Duration;

use atevery::runtime::Tokio;
use atevery::{Error, Scheduler};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let scheduler = Scheduler::new(Tokio::current());
    let beat = scheduler.every(Duration::from_millis(50)).run(|| async {})?;
    scheduler.start()?;

    tokio::time::sleep(Duration::from_secs(1)).await;
    let report = scheduler.stop().timeout(Duration::from_secs(5)).await;

    assert!(report.is_clean(), "{report:?}");
    assert!(beat.runs() >= 5, "only {} runs in a second", beat.runs());
    println!("ok: {} runs", beat.runs());
    Ok(())
}
