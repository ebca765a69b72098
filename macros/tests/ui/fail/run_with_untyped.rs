use std::time::Duration;

use atevery::Scheduler;
use atevery::testing::VirtualTime;

fn main() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let _ = scheduler.every(Duration::from_secs(1)).run_with(0, |count, _run| *count += 1);
}
