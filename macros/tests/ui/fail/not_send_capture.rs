use std::cell::Cell;
use std::future::ready;
use std::rc::Rc;
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Allow, Scheduler};

async fn keeps_an_rc() {
    let count = Rc::new(1);
    ready(()).await;
    drop(count);
}

fn main() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let every = || scheduler.every(Duration::from_secs(1));
    let count = Rc::new(1);
    let _ = every().run(move || println!("{count}"));
    let count = Cell::new(1);
    let _ = every().on_overlap(Allow(2)).run(move || count.set(2));
    let _ = every().run(|| async { keeps_an_rc().await });
}
