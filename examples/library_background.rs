//! A library with a background job, on the runtime of its user.
//!
//! `cargo run --example library_background`, and its tests on virtual time: `cargo test --example library_background`
//!
//! The module `cache` stands for the library. The library's `Cargo.toml` has `atevery` without the feature of a
//! runtime. A program that uses the library turns the feature of its runtime on.

use std::error::Error;
use std::time::Duration;

use atevery::runtime::{Smol, Tokio};
use cache::Cache;

/// The library. This module names no runtime.
mod cache {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::time::{Duration, Instant};

    use atevery::runtime::Runtime;
    use atevery::{Run, Scheduler, StopReport};

    /// Texts with a lifetime. A background job removes expired texts.
    ///
    /// Dropping the cache ends the sweeps, but does not wait for a sweep in progress. [`close`](Cache::close) waits.
    pub(crate) struct Cache {
        entries: Arc<Entries>,
        // The only handle. When the handle is dropped, the job ends.
        scheduler: Scheduler,
    }

    impl Cache {
        /// Creates a cache that keeps each text for `lifetime`, and sweeps four times per lifetime.
        ///
        /// `runtime` is the runtime of the program. [`atevery::runtime`] has adapters for the common runtimes.
        pub(crate) fn new(lifetime: Duration, runtime: impl Runtime) -> Result<Cache, atevery::Error> {
            let entries = Arc::new(Entries::default());
            let scheduler = Scheduler::new(runtime);
            // The job holds the entries. If the job held the cache, the cache would keep itself alive.
            let swept = Arc::clone(&entries);
            scheduler
                .every(lifetime / 4)
                .name("cache: sweep")
                .run(move |run: Run| swept.sweep(run.started(), lifetime))?;
            scheduler.start()?;
            Ok(Cache { entries, scheduler })
        }

        pub(crate) fn insert(&self, key: &str, value: &str) {
            // The clock of the runtime, so that a test can choose a virtual one.
            let entry = (self.scheduler.now(), value.to_owned());
            self.entries.lock().insert(key.to_owned(), entry);
        }

        pub(crate) fn len(&self) -> usize {
            self.entries.lock().len()
        }

        /// Ends the sweeps, waits for a sweep in progress, and reports how the sweep ended.
        pub(crate) async fn close(self) -> StopReport {
            self.scheduler.stop().timeout(Duration::from_secs(1)).await
        }
    }

    #[derive(Default)]
    struct Entries(Mutex<HashMap<String, (Instant, String)>>);

    impl Entries {
        fn sweep(&self, now: Instant, lifetime: Duration) {
            let mut entries = self.lock();
            let before = entries.len();
            entries.retain(|_, (since, _)| now < *since + lifetime);
            println!("  sweep: {} of {before} entries are gone", before - entries.len());
        }

        fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, String)>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    // Shows that an ended job holds no memory of the cache.
    impl Drop for Entries {
        fn drop(&mut self) {
            println!("  the cache's memory is free");
        }
    }
}

const LIFETIME: Duration = Duration::from_millis(400);

/// This program uses two runtimes, to show that the library works on both.
fn main() -> Result<(), Box<dyn Error>> {
    println!("on Tokio");
    tokio::runtime::Runtime::new()?.block_on(async {
        let cache = Cache::new(LIFETIME, Tokio::current())?;
        cache.insert("greeting", "hello");
        while cache.len() > 0 {
            tokio::time::sleep(LIFETIME / 8).await;
        }
        println!("closed: {}", cache.close().await);
        Ok::<(), atevery::Error>(())
    })?;

    println!("on smol");
    smol::block_on(async {
        let cache = Cache::new(LIFETIME, Smol)?;
        cache.insert("greeting", "hallo");
        while cache.len() > 0 {
            smol::Timer::after(LIFETIME / 8).await;
        }
        // Without `close`, the sweeps end too, but the program does not wait for the end.
        drop(cache);
        smol::Timer::after(LIFETIME).await;
        println!("dropped");
        Ok::<(), atevery::Error>(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use atevery::testing::VirtualTime;

    #[test]
    fn a_text_is_swept_within_a_quarter_of_its_lifetime() {
        let time = VirtualTime::new();
        let cache = Cache::new(LIFETIME, time.clone()).unwrap();
        time.advance(LIFETIME / 8);
        cache.insert("greeting", "hello");
        time.advance(LIFETIME - Duration::from_nanos(1));
        assert_eq!(cache.len(), 1);
        time.advance(LIFETIME / 4);
        assert_eq!(cache.len(), 0);
        assert!(time.block_on(cache.close()).is_clean());
    }

    #[test]
    fn a_dropped_cache_leaves_no_task() {
        let time = VirtualTime::new();
        let cache = Cache::new(LIFETIME, time.clone()).unwrap();
        time.advance(LIFETIME);
        drop(cache);
        time.run_until_stalled();
        assert_eq!(time.tasks(), 0);
    }
}
