//! Decides which runs are timed.

use crate::job::cell::JobCell;

/// If many runs share a batch, a job's first run is timed, and then one run in this many. Reading the clock costs more
/// than the rest of a short run.
const ONE_IN: u64 = 16;

/// Decides whether the clock is read when a run begins and ends, if nothing else requires a reading.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sampling {
    /// Whether every run is timed. Tests compare the path of timed runs with the path of untimed runs.
    pub(crate) every_run: bool,
}

impl Sampling {
    /// Whether the next run of this job is timed, in a batch of `batch` runs.
    pub(crate) fn is_timed(self, job: &JobCell, batch: usize) -> bool {
        self.every_run || batch == 1 || job.needs_start() || is_sampled(job)
    }
}

/// The job's id shifts the sample, so that not all jobs of a tick are timed at the same tick.
fn is_sampled(job: &JobCell) -> bool {
    let runs = job.runs();
    runs == 0 || runs.wrapping_add(job.id.number()) % ONE_IN == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::cell::tests::job;
    use crate::time::Time;

    /// How many of the first 33 runs of a job, and then of 16 more, are timed.
    fn timed(sampling: Sampling, batch: usize) -> [usize; 2] {
        let job = job();
        [33, 16].map(|runs| {
            let is_timed = |_: &usize| {
                let is_timed = sampling.is_timed(&job, batch);
                job.begin_untimed(Time::NEVER);
                is_timed
            };
            (0..runs).filter(is_timed).count()
        })
    }

    #[test]
    fn the_first_run_is_timed_and_then_one_in_sixteen() {
        let [first, later] = timed(Sampling::default(), 64);
        assert!((3..=4).contains(&first) && later == 1, "{first} {later}");
    }

    #[test]
    fn every_run_is_timed_if_it_is_alone_or_if_all_are_to_be() {
        assert_eq!(timed(Sampling::default(), 1), [33, 16]);
        assert_eq!(timed(Sampling { every_run: true }, 64), [33, 16]);
    }
}
