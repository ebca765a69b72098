use std::time::Duration;

use atevery::every;

fn configured() -> Duration {
    Duration::from_secs(1)
}

#[every(configured())]
fn call() {}

fn main() {}
