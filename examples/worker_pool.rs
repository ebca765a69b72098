//! Workers for the shards of a configuration that is reloaded while they run: shards are added and removed, their
//! intervals change, and no shard ever has two runs at a time.
//!
//! `cargo run --example worker_pool`
//!
//! The tests at the end reload at random on virtual time: `cargo test --example worker_pool`

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use atevery::runtime::Tokio;
use atevery::{Job, Scheduler, StopReport};
use futures::future::{BoxFuture, join_all};

/// A run of a worker that is cancelled is waited for at most this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// The shards, each with its interval and the version of its settings.
type Config = BTreeMap<String, Shard>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shard {
    interval: Duration,
    /// A worker keeps the settings that it was made with. A new version needs a new worker.
    version: u32,
}

/// Does the work of a shard.
type Work = fn(name: String, version: u32) -> BoxFuture<'static, ()>;

struct Pool {
    scheduler: Scheduler,
    work: Work,
    workers: BTreeMap<String, (Shard, Job)>,
}

impl Pool {
    fn new(scheduler: Scheduler, work: Work) -> Pool {
        Pool {
            scheduler,
            work,
            workers: BTreeMap::new(),
        }
    }

    /// Brings the workers in line with `config`.
    async fn reload(&mut self, config: &Config) -> Result<(), atevery::Error> {
        self.stop_outdated(config).await;
        for (name, shard) in config {
            match self.workers.get_mut(name) {
                None => self.add(name, *shard)?,
                Some((old, job)) => {
                    if old.interval != shard.interval {
                        job.set_interval(shard.interval)?;
                        *old = *shard;
                    }
                }
            }
        }
        Ok(())
    }

    /// Stops the workers of shards that are gone or have other settings. Once they are stopped, others can take their
    /// place: their last runs are over.
    async fn stop_outdated(&mut self, config: &Config) {
        let is_current =
            |name: &String, shard: &Shard| config.get(name).is_some_and(|new| new.version == shard.version);
        let workers = std::mem::take(&mut self.workers);
        let (current, outdated): (BTreeMap<_, _>, BTreeMap<_, _>) = workers
            .into_iter()
            .partition(|(name, (shard, _))| is_current(name, shard));
        self.workers = current;
        let stops = outdated
            .values()
            .map(|(_, job)| job.stop().timeout(PATIENCE).into_future());
        for report in join_all(stops).await {
            for job in report.still_running() {
                eprintln!("{} does not end", job.name());
            }
        }
    }

    fn add(&mut self, name: &str, shard: Shard) -> Result<(), atevery::Error> {
        let (work, shard_name) = (self.work, name.to_owned());
        let job = self
            .scheduler
            .every(shard.interval)
            .name(name)
            .run(move || work(shard_name.clone(), shard.version))?;
        self.workers.insert(name.to_owned(), (shard, job));
        Ok(())
    }

    async fn close(self) -> StopReport {
        self.scheduler.stop().timeout(PATIENCE).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    fn work(name: String, version: u32) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            println!("  {name}, version {version}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        })
    }
    let shard = |interval_ms, version| Shard {
        interval: Duration::from_millis(interval_ms),
        version,
    };
    let configs = [
        vec![("users", shard(300, 1)), ("orders", shard(300, 1))],
        vec![
            ("users", shard(150, 1)),
            ("orders", shard(300, 2)),
            ("prices", shard(300, 1)),
        ],
        vec![("prices", shard(300, 1))],
    ];
    let scheduler = Scheduler::new(Tokio::current());
    scheduler.start()?;
    let mut pool = Pool::new(scheduler, work);
    for config in configs {
        println!(
            "{}",
            config.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        );
        let config = config
            .into_iter()
            .map(|(name, shard)| (name.to_owned(), shard))
            .collect();
        pool.reload(&config).await?;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    println!("{}", pool.close().await);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use atevery::testing::VirtualTime;
    use std::cell::RefCell;

    thread_local! {
        static TIME: RefCell<Option<VirtualTime>> = const { RefCell::new(None) };
        /// The runs in progress, by name, with the version of their settings.
        static RUNNING: RefCell<BTreeMap<String, u32>> = const { RefCell::new(BTreeMap::new()) };
        static LAST: RefCell<BTreeMap<String, u32>> = const { RefCell::new(BTreeMap::new()) };
    }

    struct Running(String);

    impl Drop for Running {
        fn drop(&mut self) {
            RUNNING.with_borrow_mut(|running| running.remove(&self.0));
        }
    }

    /// Takes from 0 to 700 ms, and fails if another run of the shard is in progress.
    fn work(name: String, version: u32) -> BoxFuture<'static, ()> {
        let other = RUNNING.with_borrow_mut(|running| running.insert(name.clone(), version));
        assert_eq!(other, None, "{name} has two runs at a time");
        LAST.with_borrow_mut(|last| last.insert(name.clone(), version));
        let time = TIME.with_borrow(|time| time.clone()).unwrap();
        let length = Duration::from_millis(u64::from(version * 37 % 8) * 100);
        let running = Running(name);
        Box::pin(async move {
            time.sleep(length).await;
            drop(running);
        })
    }

    #[test]
    fn no_shard_has_two_runs_at_a_time_however_often_the_configuration_changes() {
        let time = VirtualTime::new();
        TIME.set(Some(time.clone()));
        let scheduler = Scheduler::new(time.clone());
        scheduler.start().unwrap();
        let mut pool = Pool::new(scheduler.clone(), work);
        for round in 0u32..500 {
            let shards = (0..8).filter(|shard| (round * 7 + shard * 5) % 3 != 0);
            let config: Config = shards
                .map(|shard| {
                    let interval = Duration::from_millis(u64::from(100 + (round + shard) % 5 * 50));
                    let version = (round + shard) / 4;
                    (format!("shard {shard}"), Shard { interval, version })
                })
                .collect();
            time.block_on(pool.reload(&config)).unwrap();
            time.advance(Duration::from_millis(u64::from(round % 9) * 100));
            let names: Vec<String> = config.keys().cloned().collect();
            let jobs = scheduler.jobs();
            let mut there: Vec<&str> = jobs.iter().map(Job::name).collect();
            there.sort_unstable();
            assert_eq!(there, names);
            assert!(jobs.iter().all(|job| job.status().panics() == 0));
        }
        time.block_on(pool.close());
        assert!(RUNNING.with_borrow(BTreeMap::is_empty));
    }

    #[test]
    fn a_worker_with_new_settings_takes_the_place_of_the_old() {
        let time = VirtualTime::new();
        TIME.set(Some(time.clone()));
        let scheduler = Scheduler::new(time.clone());
        scheduler.start().unwrap();
        let mut pool = Pool::new(scheduler, work);
        for version in 1..4 {
            let interval = Duration::from_secs(1);
            let config = Config::from([("users".to_owned(), Shard { interval, version })]);
            time.block_on(pool.reload(&config)).unwrap();
            time.advance(Duration::from_millis(1_100));
            assert_eq!(LAST.with_borrow(|last| last["users"]), version);
        }
    }
}
