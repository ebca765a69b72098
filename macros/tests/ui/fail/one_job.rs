use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Allow, FirstRun, Run, Scheduler};

fn main() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let every = || scheduler.every(Duration::from_secs(1));
    let _ = every().on_overlap(2).ticks();
    let _ = every().on_overlap(Allow).ticks();
    let _ = every().attempt_timeout(5).first_run(FirstRun::Within(5)).run(|| ());
    let _ = every().run(|run: Run| run.next_in(5));
    let _ = every().run(|run: &Run| run.last());
    let _ = every().run(async || 5);
    let _ = every().run(every().ticks().unwrap());
    for _run in every().ticks().unwrap() {}
    let job = every().run(|| ()).unwrap();
    let guard = job.remove_on_drop();
    guard.remove_on_drop();
    scheduler.downgrade().every(Duration::from_secs(1));
}
