//! The jobs that came up at a tick and for which no offer has been made yet. When a job is due is decided in
//! `job/due.rs`.

use std::ops::Range;

use crate::dispatch::batch;
use crate::dispatch::job_table::JobTable;
use crate::dispatch::triggered::Triggered;
use crate::job::cell::JobCell;
use crate::time::{Agenda, JobIndex, Time};

#[derive(Default)]
pub(crate) struct Due {
    tick: Option<TickServed>,
    jobs: Vec<JobIndex>,
    /// How many of `jobs` have been taken, from the front.
    taken: usize,
    /// Blocking jobs, which come after all others.
    blocking: Vec<JobIndex>,
    batch_size: usize,
}

/// The tick whose jobs are dispatched.
#[derive(Clone, Copy)]
pub(crate) struct TickServed {
    pub(crate) now: Time,
    /// Whether the tick was served exactly at its instant.
    pub(crate) is_on_tick: bool,
    /// Whether the loop has woken between two ticks, for triggered jobs alone.
    pub(crate) is_between_ticks: bool,
}

impl Due {
    pub(crate) fn tick(&self) -> Option<TickServed> {
        self.tick
    }

    pub(crate) fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// How many batches are left.
    pub(crate) fn batches(&self) -> usize {
        let left = self.jobs.len() - self.taken + self.blocking.len();
        left.div_ceil(self.batch_size.max(1))
    }

    /// Whether a job is left that is not blocking.
    pub(crate) fn has_left(&self) -> bool {
        self.taken < self.jobs.len()
    }

    /// Adds the jobs that are due by `now`, and those that were triggered, behind the jobs that are left. Takes the
    /// triggered jobs.
    pub(crate) fn refill(&mut self, agenda: &mut Agenda, triggered: &mut Triggered, jobs: &JobTable, now: Time) {
        self.forget_taken();
        let left = self.jobs.len();
        let is_between_ticks = !agenda.take_due(now, &mut self.jobs) && left == 0;
        if !triggered.is_empty() {
            triggered.take(&mut self.jobs, |job| {
                jobs.get(job).is_some_and(|job| job.runs_before_tick())
            });
            self.jobs[left..].sort_unstable();
            self.jobs.dedup();
        }
        if !self.jobs.is_empty() {
            self.batch_size = batch::size(self.jobs.len());
            self.tick = Some(TickServed {
                now,
                is_on_tick: agenda.is_on_tick(now),
                is_between_ticks,
            });
        }
    }

    /// Takes the next batch. Returns its places in the list of jobs.
    pub(crate) fn take_batch(&mut self) -> Range<usize> {
        let begin = self.taken;
        self.taken = self.jobs.len().min(begin + self.batch_size);
        begin..self.taken
    }

    /// Skips the jobs of a batch that `keeps` refuses.
    pub(crate) fn skip(&mut self, batch: Range<usize>, keeps: impl Fn(JobIndex) -> bool) {
        for job in &mut self.jobs[batch] {
            if !keeps(*job) {
                *job = JobCell::UNREGISTERED;
            }
        }
    }

    /// The job at this place in the list.
    pub(crate) fn job(&self, place: usize) -> JobIndex {
        self.jobs[place]
    }

    /// Postpones a blocking job until no other job is left.
    pub(crate) fn postpone(&mut self, job: JobIndex) {
        self.blocking.push(job);
    }

    /// Takes the blocking jobs, once no other job is left.
    pub(crate) fn take_blocking(&mut self) -> Vec<JobIndex> {
        if self.has_left() {
            return Vec::new();
        }
        std::mem::take(&mut self.blocking)
    }

    pub(crate) fn renumber(&mut self, renumbered: &[Option<JobIndex>]) {
        self.forget_taken();
        for list in [&mut self.jobs, &mut self.blocking] {
            *list = list.iter().filter_map(|job| renumbered[*job as usize]).collect();
        }
    }

    fn forget_taken(&mut self) {
        self.jobs.drain(..self.taken);
        self.taken = 0;
    }
}
