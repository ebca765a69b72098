//! Fetches the memory of a job before it is needed.

use std::hint::black_box;
use std::sync::Arc;

use crate::job::cell::JobCell;

/// Reads a word of each cache line of a job that an offer and a run will use. Jobs lie all over the memory. The
/// processor fetches the lines of plain reads in a row at the same time, while each atomic step waits for the step
/// before.
///
/// Safe code cannot read the target. `prefetch` therefore reads the last word of the statistics, which lies right
/// before the target, and the first word of the `next` job, which mostly lies right behind.
pub(crate) fn prefetch(job: &Arc<JobCell>, next: Option<&Arc<JobCell>>) {
    black_box((Arc::strong_count(job), job.scheduled(), job.stats.last_word()));
    black_box(next.map(Arc::strong_count));
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;
    use crate::job::stats::AtomicRunStats;

    #[test]
    fn the_last_word_of_the_statistics_lies_right_before_the_body() {
        type Cell = JobCell<[usize; 2]>;
        assert_eq!(
            AtomicRunStats::OFFSET_OF_LAST_WORD + size_of::<u32>(),
            size_of::<AtomicRunStats>()
        );
        assert_eq!(
            offset_of!(Cell, stats) + size_of::<AtomicRunStats>(),
            offset_of!(Cell, body)
        );
    }
}
