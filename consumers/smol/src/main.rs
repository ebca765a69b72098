use std::time::Duration;

use atevery::runtime::Smol;
use atevery::{Error, Scheduler};

fn main() -> Result<(), Error> {
    smol::block_on(run())
}

async fn run() -> Result<(), Error> {
    let scheduler = Scheduler::new(Smol);
    let beat = scheduler.every(Duration::from_millis(50)).run(|| async {})?;
    scheduler.start()?;

    smol::Timer::after(Duration::from_secs(1)).await;
    let report = scheduler.stop().timeout(Duration::from_secs(5)).await;

    assert!(report.is_clean(), "{report:?}");
    assert!(beat.runs() >= 5, "only {} runs in a second", beat.runs());
    println!("ok: {} runs", beat.runs());
    Ok(())
}
