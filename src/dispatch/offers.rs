//! Decides which of the jobs that came up get a run, and which other actions follow.

use std::sync::Arc;

use crate::dispatch::batch::{Batch, OfferedAt};
use crate::dispatch::demand::Urgency;
use crate::dispatch::drain::Drain;
use crate::dispatch::groups::Groups;
use crate::dispatch::queue::Queue;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::config::RunPlace;
use crate::job::instance::{Instance, Instances};
use crate::job::rules::{OverlapState, Rules};
use crate::job::state::{Offer, OfferId};
use crate::time::{Agenda, Grid, JobIndex, Time};

/// The offers of one turn of the loop or of a worker, until they are in the queue.
pub(crate) struct Dispatch {
    pub(crate) now: Time,
    /// When the tick was served at which the jobs came up. A worker may offer the jobs long after.
    pub(crate) tick: Time,
    pub(crate) is_on_tick: bool,
    /// Whether the jobs came up between two ticks, since they were triggered or replace a run.
    pub(crate) is_between_ticks: bool,
    pub(crate) batch_size: usize,
    /// The ticks of the session.
    grid: Grid,
    offer_id: OfferId,
    jobs: Vec<JobInstance>,
    /// Jobs that no worker runs. Each becomes a batch of its own.
    outside: Vec<JobInstance>,
    /// Whether some of the offers wait in the queue.
    has_queued: bool,
    pub(crate) follow_up: FollowUp,
}

/// The actions that follow a dispatch and must not hold a lock.
#[derive(Default)]
pub(crate) struct FollowUp {
    /// Batches of one job each: for the blocking pool, and for the holders of `Ticks`.
    pub(crate) outside: Vec<Arc<Batch>>,
    /// Due jobs whose run in progress is to be replaced.
    pub(crate) replaced: Vec<Arc<JobCell>>,
    /// Jobs that have no run left.
    pub(crate) exhausted: Vec<Arc<JobCell>>,
    /// Jobs that were removed while they were on offer. Their targets are to be dropped.
    pub(crate) removed: Vec<Arc<JobCell>>,
    /// Jobs that were removed while they waited for a permit. Dropping such a job may call code of a user, so it is
    /// dropped here.
    pub(crate) gone: Vec<Arc<JobCell>>,
    /// Whether a job has left the drain without a run.
    pub(crate) has_left_drain: bool,
}

impl FollowUp {
    pub(crate) fn is_empty(&self) -> bool {
        self.outside.is_empty() && self.replaced.is_empty() && !self.has_left_drain && !self.may_block()
    }

    /// Whether the follow-up calls code of a user (a target's destructor, a hook), which may block the thread.
    pub(crate) fn may_block(&self) -> bool {
        let lists = [&self.removed, &self.gone, &self.exhausted];
        lists.into_iter().any(|jobs| !jobs.is_empty())
    }
}

impl Dispatch {
    /// Offers under this id. They are collected in `jobs`, which must be empty.
    pub(crate) fn new(now: Time, grid: Grid, offer_id: OfferId, jobs: Vec<JobInstance>) -> Dispatch {
        Dispatch {
            now,
            tick: now,
            is_on_tick: false,
            is_between_ticks: false,
            batch_size: 1,
            grid,
            offer_id,
            jobs,
            outside: Vec::new(),
            has_queued: false,
            follow_up: FollowUp::default(),
        }
    }

    /// The list in which offers were collected. Call once the list is empty.
    pub(crate) fn take_list(&mut self) -> Vec<JobInstance> {
        debug_assert!(self.jobs.is_empty(), "what was offered is in the queue");
        std::mem::take(&mut self.jobs)
    }

    #[inline]
    fn push(&mut self, offered: JobInstance) {
        let list = match offered.job.config.mode.place {
            RunPlace::Executor => &mut self.jobs,
            RunPlace::BlockingPool | RunPlace::Ticks => &mut self.outside,
        };
        list.push(offered);
    }

    /// How urgently the offers of a tick need workers.
    pub(crate) fn urgency(&self, is_behind: bool) -> Urgency {
        if self.follow_up.may_block() {
            Urgency::MayBlock
        } else if is_behind || !self.follow_up.outside.is_empty() {
            // Runs on the blocking pool begin after all others.
            Urgency::Behind
        } else {
            Urgency::Steady
        }
    }

    /// Whether the asking worker only has to run its batch.
    pub(crate) fn is_plain(&self) -> bool {
        !self.has_queued && self.follow_up.is_empty()
    }

    /// Makes batches of the offers. Returns the first batch for the asking worker, and queues the others. Call before
    /// the core is unlocked, because a stop must find all offers in the queue.
    pub(crate) fn dispatch_first(&mut self, queue: &mut Queue) -> Arc<Batch> {
        let mut jobs = std::mem::take(&mut self.jobs);
        self.jobs = split_off(&mut jobs, self.batch_size);
        let batch = queue.dispatch(self.offered_at(), jobs);
        self.dispatch(queue);
        batch
    }

    /// Makes batches of the offers, and queues them for the next idle workers.
    pub(crate) fn dispatch(&mut self, queue: &mut Queue) {
        let offered_at = self.offered_at();
        let mut jobs = self.jobs.drain(..);
        while jobs.len() > 0 {
            let mut batch = queue.take_list();
            batch.extend(jobs.by_ref().take(self.batch_size));
            queue.push(offered_at, batch);
            self.has_queued = true;
        }
        drop(jobs);
        for job in self.outside.drain(..) {
            self.follow_up.outside.push(queue.dispatch_alone(offered_at, job));
        }
    }

    fn offered_at(&self) -> OfferedAt {
        OfferedAt {
            offer_id: self.offer_id,
            now: self.now,
            grid: self.grid,
        }
    }
}

/// Splits off the jobs that exceed one batch.
fn split_off(jobs: &mut Vec<JobInstance>, batch_size: usize) -> Vec<JobInstance> {
    if jobs.len() > batch_size {
        jobs.split_off(batch_size)
    } else {
        Vec::new()
    }
}

/// Offers runs, and inserts the jobs into the agenda for the runs after.
pub(crate) struct Offering<'a> {
    pub(crate) agenda: &'a mut Agenda,
    pub(crate) groups: &'a mut Groups,
    pub(crate) dispatch: &'a mut Dispatch,
    /// `Some` if the session drains.
    pub(crate) drain: Option<&'a mut Drain>,
}

/// A job that has come up and has rules.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    job: &'a Arc<JobCell>,
    rules: &'a Rules,
}

impl Offering<'_> {
    /// If the job is due, offers a run and inserts the job for the run after. The scheduled time advances only when the
    /// run begins. An entry of the agenda may therefore be early, but never late. If an early entry comes up, it is
    /// inserted again.
    ///
    /// A run that ended exactly at the instant of a tick counts as running at that tick, as in the Python package. A
    /// triggered run follows such a run at once.
    pub(crate) fn try_offer(&mut self, index: JobIndex, job: &Arc<JobCell>) {
        let due = job.due();
        if due > self.dispatch.now || self.has_ended_on_tick(job) {
            self.agenda.insert(index, due, self.dispatch.now);
        } else if let Some(rules) = job.rules() {
            self.try_offer_by_rules(Candidate { job, rules });
        } else {
            self.offer(job);
        }
    }

    /// Since when a job waits its turn. A triggered job waits from this tick on.
    fn waits_since(&self, due: Time) -> Time {
        if due == Time::EARLIEST { self.dispatch.tick } else { due }
    }

    fn has_ended_on_tick(&self, job: &JobCell) -> bool {
        if !self.dispatch.is_on_tick {
            return false;
        }
        let state = job.state.load();
        state.has_ended_at(self.dispatch.tick) && job.waits_for_end() && !state.is_triggered_at_once()
    }

    #[inline(never)]
    fn try_offer_by_rules(&mut self, candidate: Candidate<'_>) {
        let Candidate { job, rules } = candidate;
        let is_cleared = self.clear_late_trigger(candidate);
        let has_left_drain = is_cleared && self.leave_drain(job);
        if self.is_exhausted(candidate) || has_left_drain {
            return;
        }
        let due = job.due();
        // A replacement does not wait for a tick, whatever asked for it.
        let waits_for_tick = is_cleared && self.dispatch.is_between_ticks && !rules.is_replacement_due();
        if due > self.dispatch.now || waits_for_tick || self.is_triggered_since_tick(job) {
            self.insert(job, due);
            return;
        }
        let since = self.waits_since(due);
        if self.has_run_to_replace(candidate, since) {
            return;
        }
        match &rules.group {
            // The job does not wait in line for itself: after a run, it comes up at a tick.
            Some(_) if job.note_due() => {}
            Some(permits) => {
                if due == Time::EARLIEST {
                    self.insert_for_end(candidate);
                }
                self.groups.enqueue(permits, self.dispatch.tick, since, job);
            }
            None => self.offer_by_rules(candidate),
        }
    }

    /// Whether the job triggered itself in a run that has begun since this tick was served. The job then comes up at the
    /// next tick. It may be in the list of this tick twice: because it was due, and because another run triggered it.
    fn is_triggered_since_tick(&self, job: &JobCell) -> bool {
        let state = job.state.load();
        let has_begun = (self.dispatch.tick..=self.dispatch.now).contains(&job.last_start());
        state.is_triggered() && !state.is_triggered_at_once() && has_begun
    }

    /// Whether a run is on offer or in progress that has to be replaced first. If so, the job comes up again at the end
    /// of that run, and at the next tick: the old run may not have begun yet.
    fn has_run_to_replace(&mut self, Candidate { job, rules }: Candidate<'_>, due: Time) -> bool {
        let snapshot = job.state.load();
        let gives_way = matches!(rules.overlap, OverlapState::Replace(_)) && snapshot.is_busy();
        if gives_way {
            self.insert(job, due);
            if snapshot.is_running() {
                self.dispatch.follow_up.replaced.push(Arc::clone(job));
            }
        } else {
            rules.note_replacement();
        }
        gives_way
    }

    /// Offers runs to the jobs that get a permit of their group.
    pub(crate) fn admit(&mut self, is_registered: impl Fn(&JobCell) -> bool) {
        let mut group = 0;
        while let Some(job) = self.groups.admit_next(&mut group) {
            if is_registered(&job) && self.admits(&job) {
                self.try_offer_admitted(&job);
            } else {
                job.rules().map(Rules::release_permit);
                self.dispatch.follow_up.gone.push(job);
            }
        }
    }

    /// Offers a run to a job that holds a permit.
    fn try_offer_admitted(&mut self, job: &Arc<JobCell>) {
        let Some(rules) = job.rules() else { return };
        let candidate = Candidate { job, rules };
        let is_cleared = self.clear_late_trigger(candidate);
        let has_left_drain = is_cleared && self.leave_drain(job);
        let due = job.due();
        // Without its trigger, a job that has come due since the last tick waits for the next one.
        let waits_for_tick = is_cleared && due > self.dispatch.grid.last_tick(self.dispatch.now);
        if due > self.dispatch.now {
            self.insert(job, due);
            rules.release_permit();
        } else if self.is_exhausted(candidate) || has_left_drain {
            rules.release_permit();
        } else if waits_for_tick {
            self.insert(job, due);
            rules.release_permit();
        } else {
            self.offer_by_rules(candidate);
        }
    }

    /// A triggered job waits for a permit. If it still waits when its end passes, its trigger asks for no run, and the
    /// job may have to be removed.
    fn insert_for_end(&mut self, Candidate { job, rules }: Candidate<'_>) {
        let removal = rules.removal();
        if removal != Time::NEVER {
            self.insert(job, removal);
        }
    }

    /// Clears a trigger after the job's end. A late run that was due before the end still begins at its tick, but not
    /// in a drain.
    fn clear_late_trigger(&self, Candidate { job, rules }: Candidate<'_>) -> bool {
        rules.is_past_end(self.dispatch.now) && !job.is_offered() && job.state.take_trigger()
    }

    /// Whether the job may have no further run.
    fn is_exhausted(&mut self, Candidate { job, rules }: Candidate<'_>) -> bool {
        let is_exhausted = rules.is_exhausted(job.next_start(self.dispatch.now)) || job.is_past_last_slot();
        if is_exhausted && job.is_idle() {
            self.dispatch.follow_up.exhausted.push(Arc::clone(job));
        }
        is_exhausted
    }

    /// Whether a run may be offered to this job.
    pub(crate) fn admits(&self, job: &JobCell) -> bool {
        self.drain.as_ref().is_none_or(|drain| drain.admits(job))
    }

    /// Removes a job from the drain, because its trigger was cleared. Returns whether the session drains.
    fn leave_drain(&mut self, job: &JobCell) -> bool {
        let Some(drain) = &mut self.drain else { return false };
        drain.remove(job.index());
        self.dispatch.follow_up.has_left_drain = true;
        true
    }

    fn offer_by_rules(&mut self, candidate: Candidate<'_>) {
        let Candidate { job, rules } = candidate;
        let is_taken = match &rules.overlap {
            OverlapState::Allow(instances) => self.offer_one(job, instances),
            _ => self.offer(job) == Offer::Taken,
        };
        if is_taken {
            rules.note_offer();
        } else {
            rules.release_permit();
        }
    }

    #[inline(always)]
    fn offer(&mut self, job: &Arc<JobCell>) -> Offer {
        let offer = job.state.offer(self.dispatch.offer_id);
        if offer == Offer::Taken && !self.confirm(job, || JobInstance::own(job)) {
            return Offer::Closed;
        }
        offer
    }

    /// Offers a run under the job's own state word, or under the state word of an instance. A job has one offer at a
    /// time, because the scheduled time and the trigger change only when the run begins.
    fn offer_one(&mut self, job: &Arc<JobCell>, instances: &Instances) -> bool {
        if instances.is_one_on_offer() {
            self.insert(job, job.due());
            return false;
        }
        let is_taken = match self.offer(job) {
            Offer::Taken => true,
            Offer::Busy => self.offer_instance(job, instances),
            Offer::Closed => false,
        };
        instances.note_on_offer(is_taken);
        is_taken
    }

    fn offer_instance(&mut self, job: &Arc<JobCell>, instances: &Instances) -> bool {
        let triggered = job.state.load().is_triggered();
        let offer_id = self.dispatch.offer_id;
        let is_taken = |instance: &Arc<Instance>| instance.state.offer_instance(offer_id, triggered);
        let instance = instances.all().into_iter().find(is_taken);
        let Some(instance) = instance.or_else(|| instances.add(&job.state).filter(is_taken)) else {
            return false;
        };
        self.confirm(job, || JobInstance::of(job, Arc::clone(&instance)))
    }

    /// Dispatches the offered run, and inserts the job for the run after.
    ///
    /// Returns `false` if no run is due any more, and withdraws the offer. Since the due time was read, a late run may
    /// have begun, advanced the scheduled time and ended.
    #[inline]
    fn confirm(&mut self, job: &JobCell, run: impl Fn() -> JobInstance) -> bool {
        let Some(next) = job.next_due(self.dispatch.now, &self.dispatch.grid) else {
            self.withdraw(&run());
            return false;
        };
        self.insert(job, next);
        self.dispatch.push(run());
        true
    }

    #[cold]
    fn withdraw(&mut self, offered: &JobInstance) {
        let Some(deferred) = offered.state().withdraw(self.dispatch.offer_id) else {
            return;
        };
        let job = &offered.job;
        if deferred.removed() {
            self.dispatch.follow_up.removed.push(Arc::clone(job));
        }
        if deferred.changed() {
            job.adopt_interval(self.dispatch.now);
        }
        self.insert(job, job.due());
    }

    fn insert(&mut self, job: &JobCell, due: Time) {
        self.agenda.insert(job.index(), due, self.dispatch.now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::cell::tests::job;
    use crate::time::Span;

    /// As if a late run had begun, advanced the scheduled time and ended since the due time was read.
    #[test]
    fn an_offer_that_is_not_due_any_more_is_withdrawn() {
        let grid = Grid::new(Time::ORIGIN, Span::from_nanos(50));
        let mut agenda = Agenda::new(grid);
        let mut dispatch = Dispatch::new(Time::ORIGIN, grid, OfferId::new(1), Vec::new());
        let job = job();
        job.set_index(0);
        job.set_scheduled(Time::from_nanos(100));
        let mut offering = Offering {
            agenda: &mut agenda,
            groups: &mut Groups::default(),
            dispatch: &mut dispatch,
            drain: None,
        };
        assert!(offering.offer(&job) == Offer::Closed);
        assert!(dispatch.jobs.is_empty() && job.is_idle());
        assert_eq!(agenda.next_wake(), Some(Time::from_nanos(100)));
    }
}
