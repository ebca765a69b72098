//! A cache whose texts expire. A background job removes expired texts, on the runtime of the program.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use atevery::runtime::Runtime;
use atevery::{FirstRun, Run, Scheduler, StopReport};

pub struct Cache {
    entries: Arc<Entries>,
    lifetime: Duration,
    /// The only handle: when the cache is dropped, the job ends.
    scheduler: Scheduler,
}

impl Cache {
    /// Keeps each text for `lifetime`, and sweeps four times per lifetime.
    pub fn new(lifetime: Duration, runtime: impl Runtime) -> Result<Cache, atevery::Error> {
        let entries = Arc::new(Entries::default());
        let scheduler = Scheduler::new(runtime);
        let swept = Arc::clone(&entries);
        scheduler
            .every(lifetime / 4)
            .name("cache: sweep")
            .first_run(FirstRun::AfterInterval)
            .run(move |run: Run| swept.sweep(run.started()))?;
        scheduler.start()?;
        Ok(Cache {
            entries,
            lifetime,
            scheduler,
        })
    }

    pub fn insert(&self, key: &str, value: &str) {
        let expires = self.scheduler.now() + self.lifetime;
        self.entries.lock().insert(key.to_owned(), (expires, value.to_owned()));
    }

    pub fn get(&self, key: &str) -> Option<String> {
        let now = self.scheduler.now();
        let entries = self.entries.lock();
        let (_, value) = entries.get(key).filter(|(expires, _)| now < *expires)?;
        Some(value.clone())
    }

    /// The number of texts in memory, expired ones included.
    pub fn len(&self) -> usize {
        self.entries.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the sweeps, and waits for a sweep in progress.
    pub async fn close(self) -> StopReport {
        self.scheduler.stop().timeout(Duration::from_secs(1)).await
    }
}

#[derive(Default)]
struct Entries(Mutex<HashMap<String, (Instant, String)>>);

impl Entries {
    fn sweep(&self, now: Instant) {
        self.lock().retain(|_, (expires, _)| now < *expires);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use atevery::testing::VirtualTime;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_text_expires_after_its_lifetime_and_is_swept_soon_after() {
        let time = VirtualTime::new();
        let cache = Cache::new(HOUR, time.clone()).unwrap();
        time.advance(HOUR / 3);
        cache.insert("greeting", "hello");
        time.advance(HOUR - Duration::from_nanos(1));
        assert_eq!(cache.get("greeting").as_deref(), Some("hello"));
        time.advance(Duration::from_nanos(1));
        assert_eq!((cache.get("greeting"), cache.len()), (None, 1));
        time.advance(HOUR / 4);
        assert!(cache.is_empty());
        assert!(time.block_on(cache.close()).is_clean());
    }

    #[test]
    fn a_dropped_cache_leaves_nothing_on_the_runtime() {
        let time = VirtualTime::new();
        let cache = Cache::new(HOUR, time.clone()).unwrap();
        time.advance(HOUR);
        let entries = Arc::downgrade(&cache.entries);
        drop(cache);
        time.run_until_stalled();
        assert_eq!(time.tasks(), 0);
        assert!(entries.upgrade().is_none());
    }
}
