use std::time::Duration;

use atevery::Scheduler;
use atevery::testing::VirtualTime;

async fn fetch(hosts: &[String]) {
    println!("{}", hosts.len());
}

fn main() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let hosts = vec![String::from("a")];
    let _ = scheduler
        .every(Duration::from_secs(1))
        .run_with(0, async move |count: &mut u64| {
            *count += 1;
            fetch(&hosts).await;
        });
}
