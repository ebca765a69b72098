use std::future::ready;
use std::rc::Rc;
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Allow, Run, Scheduler, every};

async fn keeps_an_rc() {
    let count = Rc::new(1);
    ready(()).await;
    drop(count);
}

async fn keeps_an_rc_and_takes_the_run(_run: Run) -> Result<(), std::fmt::Error> {
    let count = Rc::new(1);
    ready(()).await;
    drop(count);
    Ok(())
}

#[every("2s")]
async fn registered() {
    let count = Rc::new(1);
    ready(()).await;
    drop(count);
}

fn main() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let every = || scheduler.every(Duration::from_secs(1));
    let _ = every().run(keeps_an_rc);
    let _ = every().run(keeps_an_rc_and_takes_the_run);
    let _ = every().on_overlap(Allow(2)).run(keeps_an_rc);
}
