use std::time::Duration;

use atevery::Scheduler;
use atevery::testing::VirtualTime;

struct Session;

async fn refresh(_session: &mut Session) {}

fn step(_session: &mut Session) {}

fn main() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let every = || scheduler.every(Duration::from_secs(1));
    let _ = every().run(refresh);
    let _ = every().run_blocking(step);
    let _ = every().run(|| 5);
    let _ = every().run(5);
}
