//! Follows the wall clock, which may be set, and which goes on while the machine is suspended.
//!
//! The loop compares the wall clock with the monotonic clock when it wakes, and at least every 10 s while there is a job
//! by a calendar.

use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::loop_waker::Next;
use crate::engine::Engine;
use crate::job::cell::JobCell;
use crate::job::config::Host;
use crate::sync::atomic::Ordering;
use crate::unwind::lock;

/// How soon a change of the wall clock is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(10);

impl Engine {
    /// Notes that a job by a calendar was registered. The first one wakes the loop, which may sleep for longer than it
    /// may from here on.
    pub(super) fn calendar_job_came(&self) {
        if self.calendar_jobs.fetch_add(1, Ordering::Relaxed) == 0 {
            // What changed before is known to the new job.
            self.clock.take_change(self.clock.read());
            let waker = lock(&self.core).loop_waker();
            waker.inspect(|waker| waker.wake());
        }
    }

    pub(super) fn calendar_job_went(&self) {
        self.calendar_jobs.fetch_sub(1, Ordering::Relaxed);
    }

    fn has_calendar_jobs(&self) -> bool {
        self.calendar_jobs.load(Ordering::Relaxed) > 0
    }

    /// If the wall clock was set, schedules the jobs by a calendar anew.
    pub(crate) fn look_at_wall_clock(&self) {
        if !self.has_calendar_jobs() {
            return;
        }
        let clocks = self.clock.read();
        let Some((change, since)) = self.clock.take_change(clocks) else {
            return;
        };
        let all: Vec<Arc<JobCell>> = lock(&self.core).jobs.iter().map(Arc::clone).collect();
        for job in all {
            if let Some(by_calendar) = job.by_calendar(&self.clock) {
                by_calendar.follow_clock(clocks, change, since);
                self.reschedule(&job);
            }
        }
    }

    /// Schedules the jobs by a calendar that were overdue at the start: their next slot is later.
    pub(super) fn skip_passed_slots(&self, overdue: Vec<Arc<JobCell>>) {
        for job in overdue {
            if let Some(by_calendar) = job.by_calendar(&self.clock) {
                by_calendar.skip_passed();
                self.reschedule_silent(&job);
            }
        }
    }

    /// Inserts the job for its next run. The loop is not woken.
    fn reschedule_silent(&self, job: &JobCell) {
        let now = self.now();
        lock(&self.core).reschedule_silent(job, now);
    }

    /// When the loop looks again, if it would look at `next` without jobs by a calendar.
    pub(crate) fn in_time_for_wall_clock(&self, next: Next) -> Next {
        if !self.has_calendar_jobs() {
            return next;
        }
        let latest = self.now().after(LOOK_EVERY.into());
        match next {
            Next::SleepUntil(time) => Next::SleepUntil(time.min(latest)),
            Next::Wait => Next::SleepUntil(latest),
            Next::End => Next::End,
        }
    }
}
