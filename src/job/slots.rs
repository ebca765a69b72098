//! The calendar of a job, as a part of its rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::job::id::JobId;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::{Calendar, Span, WallOrigin};
use crate::unwind::{Guarded, lock};

/// The calendar of one or more jobs. Jobs that share a configuration share the calendar.
pub(crate) struct Slots {
    calendar: Guarded<Arc<dyn Calendar>>,
    /// How late a run may begin. A run that would be later is dropped.
    pub(crate) late_at_most: Option<Span>,
    pub(super) origin: WallOrigin,
    /// Held while the slot and the scheduled time of a job are read or written.
    pub(super) pair: Mutex<()>,
    jobs: Mutex<OfSingleJobs>,
    /// Whether `jobs` has entries.
    some_differ: AtomicBool,
}

/// What differs between the jobs of one calendar. Most jobs have no entry.
#[derive(Default)]
struct OfSingleJobs {
    /// The calendars that were set later.
    calendars: BTreeMap<JobId, Arc<dyn Calendar>>,
    /// Why the calendar of a job gave no slot.
    faults: BTreeMap<JobId, Arc<str>>,
    /// How many slots were dropped for being too late since the last run.
    dropped: BTreeMap<JobId, u64>,
}

impl Slots {
    pub(crate) fn new(calendar: Guarded<Arc<dyn Calendar>>, late_at_most: Option<Span>, origin: WallOrigin) -> Slots {
        Slots {
            calendar,
            late_at_most,
            origin,
            pair: Mutex::new(()),
            jobs: Mutex::default(),
            some_differ: AtomicBool::new(false),
        }
    }

    pub(super) fn calendar_of(&self, job: JobId) -> Guarded<Arc<dyn Calendar>> {
        if self.some_differ.load(Ordering::Relaxed) {
            if let Some(own) = lock(&self.jobs).calendars.get(&job) {
                return Guarded::new(Arc::clone(own));
            }
        }
        Guarded::new(Arc::clone(&*self.calendar))
    }

    /// Gives a single job its own calendar. Returns the calendar that it had of its own.
    pub(super) fn replace_calendar(
        &self,
        job: JobId,
        calendar: Arc<dyn Calendar>,
    ) -> Option<Guarded<Arc<dyn Calendar>>> {
        let old = self.differ(|jobs| jobs.calendars.insert(job, calendar));
        old.map(Guarded::new)
    }

    /// Notes why the job's calendar gave no slot.
    pub(super) fn note_fault(&self, job: JobId, fault: String) {
        self.differ(|jobs| jobs.faults.insert(job, fault.into()));
    }

    fn differ<T>(&self, change: impl FnOnce(&mut OfSingleJobs) -> T) -> T {
        // The code that drops the job sees this store, because the drop happens after every use of the job.
        self.some_differ.store(true, Ordering::Relaxed);
        change(&mut lock(&self.jobs))
    }

    /// Notes that slots were dropped, because they are too late.
    pub(crate) fn note_dropped(&self, job: JobId, slots: u64) {
        self.differ(|jobs| *jobs.dropped.entry(job).or_default() += slots);
    }

    /// The number of slots that were dropped since the last run.
    pub(super) fn dropped(&self, job: JobId) -> u64 {
        if !self.some_differ.load(Ordering::Relaxed) {
            return 0;
        }
        lock(&self.jobs).dropped.get(&job).copied().unwrap_or_default()
    }

    /// Forgets the slots that were dropped: the run that begins reports them.
    pub(super) fn forget_dropped(&self, job: JobId) {
        if self.some_differ.load(Ordering::Relaxed) {
            lock(&self.jobs).dropped.remove(&job);
        }
    }

    /// Takes the reason why the job's calendar gave no slot.
    pub(crate) fn take_fault(&self, job: JobId) -> Option<Arc<str>> {
        if !self.some_differ.load(Ordering::Relaxed) {
            return None;
        }
        lock(&self.jobs).faults.remove(&job)
    }

    /// Forgets a job that is gone.
    pub(crate) fn forget(&self, job: JobId) {
        if self.some_differ.load(Ordering::Relaxed) {
            let mut jobs = lock(&self.jobs);
            jobs.faults.remove(&job);
            jobs.dropped.remove(&job);
            let calendar = jobs.calendars.remove(&job).map(Guarded::new);
            drop(jobs);
            drop(calendar);
        }
    }
}
