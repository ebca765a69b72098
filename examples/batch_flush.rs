//! A batch that is written every 5 s or at 1,000 items, whichever comes first. The last batch is written at the end.
//!
//! `cargo run --example batch_flush`
//!
//! The tests at the end run on virtual time: `cargo test --example batch_flush`

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atevery::runtime::Tokio;
use atevery::{FirstRun, Job, Scheduler, StopReport};

const MOST_ITEMS: usize = 1_000;
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Items that wait to be written together.
struct Batcher {
    items: Arc<Mutex<Vec<u64>>>,
    flush: Job,
    scheduler: Scheduler,
}

impl Batcher {
    /// Starts to write batches by `write`.
    fn start<Fut>(
        scheduler: Scheduler,
        write: impl Fn(Vec<u64>) -> Fut + Send + 'static,
    ) -> Result<Batcher, atevery::Error>
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        let items = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&items);
        let flush = scheduler
            .every(LONGEST_WAIT)
            .name("flush")
            .first_run(FirstRun::AfterInterval)
            .fixed_delay() // the wait counts from the last batch, however that came about
            .run(move || write(std::mem::take(&mut *lock(&taken))))?;
        scheduler.start()?;
        Ok(Batcher {
            items,
            flush,
            scheduler,
        })
    }

    fn push(&self, item: u64) {
        let mut items = lock(&self.items);
        items.push(item);
        if items.len() == MOST_ITEMS {
            // Further triggers before the run begins would change nothing.
            self.flush.trigger();
        }
    }

    /// Writes the last batch, and ends.
    async fn close(self) -> StopReport {
        self.flush.trigger();
        self.scheduler.stop().grace(Duration::from_secs(10)).await
    }
}

fn lock(items: &Mutex<Vec<u64>>) -> MutexGuard<'_, Vec<u64>> {
    items.lock().unwrap_or_else(PoisonError::into_inner)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let scheduler = Scheduler::new(Tokio::current());
    let write = async |batch: Vec<u64>| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        println!("wrote {} items", batch.len());
    };
    let batcher = Batcher::start(scheduler, write)?;
    for item in 0..4_500 {
        batcher.push(item);
        if item % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    println!("closing");
    println!("{}", batcher.close().await);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use atevery::testing::VirtualTime;

    type Batches = Arc<Mutex<Vec<(Duration, usize)>>>;

    /// A batcher, and when it has written how many items. A write takes 100 ms.
    fn batcher() -> (VirtualTime, Batcher, Batches) {
        let time = VirtualTime::new();
        let batches = Batches::default();
        let (noted, clock) = (Arc::clone(&batches), time.clone());
        let write = move |batch: Vec<u64>| {
            let (noted, clock) = (Arc::clone(&noted), clock.clone());
            async move {
                clock.sleep(Duration::from_millis(100)).await;
                noted.lock().unwrap().push((clock.elapsed(), batch.len()));
            }
        };
        let batcher = Batcher::start(Scheduler::new(time.clone()), write).unwrap();
        (time, batcher, batches)
    }

    fn taken(batches: &Batches) -> Vec<(u64, usize)> {
        let batches = std::mem::take(&mut *batches.lock().unwrap());
        batches
            .into_iter()
            .map(|(at, count)| (at.as_millis() as u64, count))
            .collect()
    }

    #[test]
    fn a_small_batch_waits_for_the_interval() {
        let (time, batcher, batches) = batcher();
        time.run_until_stalled();
        (0..7).for_each(|item| batcher.push(item));
        time.advance(Duration::from_secs(6));
        assert_eq!(taken(&batches), [(5_100, 7)]);
    }

    #[test]
    fn a_full_batch_does_not_wait() {
        let (time, batcher, batches) = batcher();
        time.advance(Duration::from_millis(1_234));
        (0..1_000).for_each(|item| batcher.push(item));
        time.advance(Duration::from_millis(100));
        assert_eq!(taken(&batches), [(1_334, 1_000)]);
        batcher.push(0);
        // 5 s after the end of the full batch, at the next tick.
        time.advance(Duration::from_millis(5_200));
        assert_eq!(taken(&batches), [(6_450, 1)]);
    }

    #[test]
    fn the_last_batch_is_written_and_no_item_is_lost() {
        let (time, batcher, batches) = batcher();
        time.run_until_stalled();
        (0..1_042).for_each(|item| batcher.push(item));
        let report = time.block_on(batcher.close());
        assert_eq!(report.finished().len(), 1);
        assert_eq!(taken(&batches), [(100, 1_042)]);
    }

    #[test]
    fn a_write_that_is_in_progress_at_the_end_is_followed_by_the_last() {
        let (time, batcher, batches) = batcher();
        time.run_until_stalled();
        (0..1_000).for_each(|item| batcher.push(item));
        time.advance(Duration::from_millis(50));
        (0..5).for_each(|item| batcher.push(item));
        time.block_on(batcher.close());
        assert_eq!(taken(&batches), [(100, 1_000), (200, 5)]);
    }
}
