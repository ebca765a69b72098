//! An adapter for an executor that `atevery` does not know: one thread with a `LocalPool`, fed by a channel.
//!
//! `cargo run --example custom_runtime`

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use atevery::Scheduler;
use atevery::runtime::{BoxFuture, SpawnError, Spawner, Timer};
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use futures_timer::Delay;

/// The executor. A channel carries futures to the thread that runs the futures.
struct OneThread(UnboundedSender<BoxFuture<'static, ()>>);

impl OneThread {
    fn start() -> OneThread {
        let (sender, mut receiver) = unbounded();
        thread::spawn(move || {
            let mut pool = LocalPool::new();
            let spawner = pool.spawner();
            pool.run_until(async move {
                while let Some(future) = receiver.next().await {
                    spawner.spawn_local(future).expect("the pool runs");
                }
            });
        });
        OneThread(sender)
    }
}

// The adapter: two traits, three functions.

impl Spawner for OneThread {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.0.unbounded_send(future).map_err(|_| SpawnError::shutdown())
    }

    // Without this method, blocking work would hold up the only thread.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        let thread = thread::Builder::new().spawn(work);
        thread.map(drop).map_err(|_| SpawnError::shutdown())
    }
}

impl Timer for OneThread {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        Box::pin(Delay::new(deadline.saturating_duration_since(Instant::now())))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let scheduler = Scheduler::new(OneThread::start());
    let quarter = Duration::from_millis(250);
    scheduler.every(quarter).name("beat").run(|| println!("beat"))?;
    scheduler.every(quarter).name("nap").run_blocking(nap)?;
    scheduler.start()?;
    thread::sleep(Duration::from_millis(1200));

    let report = scheduler.stop().timeout(Duration::from_secs(1)).blocking_wait();
    println!("{report}");
    Ok(())
}

fn nap() {
    println!("nap begins");
    thread::sleep(Duration::from_millis(400));
    println!("nap ends");
}

// The conformance suite tests the adapter: `cargo test --example custom_runtime`.
#[cfg(test)]
use atevery::testing::conformance::{Host, conformance};
#[cfg(test)]
conformance!(one_thread, Host::new(OneThread::start()).single_threaded());
