//! A library that sweeps in the background, on the runtime that its user has.
//!
//! `cargo run --example library_background`
//!
//! `cache` is what the library would publish. Its `Cargo.toml` has `atevery` without any runtime's feature; the programs
//! that use it switch one on.

use std::error::Error;
use std::time::Duration;

use atevery::runtime::{Smol, Tokio};
use cache::Cache;

/// The library. Nothing in here knows of a runtime.
mod cache {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::time::{Duration, Instant};

    use atevery::runtime::Runtime;
    use atevery::{Scheduler, StopReport};

    /// Texts that are forgotten after a while, also if nobody asks for them.
    ///
    /// Dropping it ends the sweeps too, but doesn't wait for one that is in progress: that is dropped at its next await.
    /// [`close`](Cache::close) waits.
    pub(crate) struct Cache {
        entries: Arc<Entries>,
        // Its jobs end with its last handle, and this is the only one.
        scheduler: Scheduler,
    }

    impl Cache {
        /// A cache that keeps what it is given for `lifetime`, and sweeps four times as often.
        ///
        /// `runtime` is that of the program; [`atevery::runtime`] has one for each of the usual ones.
        pub(crate) fn new(lifetime: Duration, runtime: impl Runtime) -> Result<Cache, atevery::Error> {
            let entries = Arc::new(Entries::default());
            let scheduler = Scheduler::new(runtime);
            // The job holds the entries and not the cache, which would keep itself alive.
            let swept = Arc::clone(&entries);
            scheduler
                .every(lifetime / 4)
                .name("cache: sweep")
                .run(move || swept.sweep(lifetime))?;
            scheduler.start()?;
            Ok(Cache { entries, scheduler })
        }

        pub(crate) fn insert(&self, key: &str, value: &str) {
            let entry = (Instant::now(), value.to_owned());
            self.entries.lock().insert(key.to_owned(), entry);
        }

        pub(crate) fn len(&self) -> usize {
            self.entries.lock().len()
        }

        /// Ends the sweeps, waits for one that is in progress, and says what became of it.
        pub(crate) async fn close(self) -> StopReport {
            self.scheduler.stop().timeout(Duration::from_secs(1)).await
        }
    }

    #[derive(Default)]
    struct Entries(Mutex<HashMap<String, (Instant, String)>>);

    impl Entries {
        fn sweep(&self, lifetime: Duration) {
            let mut entries = self.lock();
            let before = entries.len();
            entries.retain(|_, (since, _)| since.elapsed() < lifetime);
            println!("  sweep: {} of {before} entries are gone", before - entries.len());
        }

        fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, String)>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    // For the eye: nothing is held any more by a job that has ended.
    impl Drop for Entries {
        fn drop(&mut self) {
            println!("  the cache's memory is free");
        }
    }
}

const LIFETIME: Duration = Duration::from_millis(400);

/// Programs have one runtime; this one has two, to show that the library doesn't mind.
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
        // Without `close` nobody waits, but it ends all the same.
        drop(cache);
        smol::Timer::after(LIFETIME).await;
        println!("dropped");
        Ok::<(), atevery::Error>(())
    })?;
    Ok(())
}
