//! A library that declares jobs, with the strictest lints.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unreachable_pub)]

use std::sync::atomic::{AtomicU64, Ordering};

/// Number of runs and calls of [`sweep`].
pub static SWEPT: AtomicU64 = AtomicU64::new(0);

/// A job that users may also call.
#[every_job::every(crate = every_job, "1s", 1, tag = "library")]
pub fn sweep(count: u64) {
    SWEPT.fetch_add(count, Ordering::Relaxed);
}

mod deeper {
    use every_job::{MissedTicks, Run, every};

    #[every(crate = every_job, "1m", "fast", missed_ticks = MissedTicks::Skip)]
    #[every(crate = every_job, "1h", "slow", missed_ticks = MissedTicks::Skip)]
    async fn report(run: Run, name: &str) -> Result<(), std::fmt::Error> {
        std::future::ready(()).await;
        if run.is_cancelled() || name.is_empty() {
            Err(std::fmt::Error)
        } else {
            Ok(())
        }
    }

    #[every(crate = every_job, "1d", blocking, String::from("owned"), vec![1, 2])]
    fn compact(run: &Run, path: String, list: Vec<u8>) {
        assert!(!run.is_cancelled());
        drop((path, list));
    }
}
