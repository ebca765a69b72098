use std::time::Duration;

use atevery::runtime::Smol;
use atevery::{Error, Scheduler};
use consumer_library::Cache;

fn main() -> Result<(), Error> {
    smol::block_on(run())
}

async fn run() -> Result<(), Error> {
    let scheduler = Scheduler::new(Smol);
    let beat = scheduler.every(Duration::from_millis(50)).run(|| async {})?;
    scheduler.start()?;
    let cache = Cache::new(Duration::from_millis(400), Smol)?;
    cache.insert("greeting", "hello");
    assert_eq!(cache.get("greeting").as_deref(), Some("hello"));

    smol::Timer::after(Duration::from_secs(1)).await;
    let report = scheduler.stop().timeout(Duration::from_secs(5)).await;

    assert!(cache.is_empty() && cache.close().await.is_clean());
    assert!(report.is_clean(), "{report:?}");
    assert!(beat.runs() >= 5, "only {} runs in a second", beat.runs());
    println!("ok: {} runs", beat.runs());
    Ok(())
}
