//! Which of the jobs that came up get a run, and what else is to be done about them.

use std::sync::Arc;

use crate::dispatch::batch::{Batch, OfferedAt};
use crate::dispatch::demand::Urgency;
use crate::dispatch::groups::Groups;
use crate::dispatch::queue::Queue;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::instance::{Instance, Instances};
use crate::job::rules::{OverlapState, Rules};
use crate::job::state::{Offer, OfferId};
use crate::time::{Agenda, JobIndex, Time};

/// The offers of one turn of the loop or of a worker, until they are in the queue.
pub(crate) struct Dispatch {
    pub(crate) now: Time,
    /// When the tick was served at which the jobs came up. That may be a while ago.
    pub(crate) tick: Time,
    pub(crate) is_on_tick: bool,
    pub(crate) batch_size: usize,
    offer_id: OfferId,
    jobs: Vec<JobInstance>,
    /// Blocking jobs. Each becomes a batch of its own.
    blocking: Vec<JobInstance>,
    /// Some of the offers wait in the queue.
    has_queued: bool,
    pub(crate) follow_up: FollowUp,
}

/// What is to be done about jobs without a lock.
#[derive(Default)]
pub(crate) struct FollowUp {
    /// Batches for the blocking pool.
    pub(crate) blocking: Vec<Arc<Batch>>,
    /// Jobs that are due while a run is in progress that has to give way.
    pub(crate) replaced: Vec<Arc<JobCell>>,
    /// Jobs that have no run left.
    pub(crate) exhausted: Vec<Arc<JobCell>>,
    /// Jobs that were removed while they were offered: their targets are to be dropped.
    pub(crate) removed: Vec<Arc<JobCell>>,
    /// Jobs that were removed before. They are dropped with this, since code of a user may be dropped with them.
    pub(crate) gone: Vec<Arc<JobCell>>,
}

impl FollowUp {
    pub(crate) fn is_empty(&self) -> bool {
        self.blocking.is_empty() && !self.may_block()
    }

    /// Whether to follow up calls code of a user (a target's destructor, a hook), which may block the thread.
    pub(crate) fn may_block(&self) -> bool {
        let lists = [&self.removed, &self.gone, &self.exhausted, &self.replaced];
        lists.into_iter().any(|jobs| !jobs.is_empty())
    }
}

impl Dispatch {
    /// Offers that are made under this id. They are collected in `jobs`, which is empty.
    pub(crate) fn new(now: Time, offer_id: OfferId, jobs: Vec<JobInstance>) -> Dispatch {
        Dispatch {
            now,
            tick: now,
            is_on_tick: false,
            batch_size: 1,
            offer_id,
            jobs,
            blocking: Vec::new(),
            has_queued: false,
            follow_up: FollowUp::default(),
        }
    }

    /// The list in which offers were collected, once it is empty.
    pub(crate) fn take_list(&mut self) -> Vec<JobInstance> {
        debug_assert!(self.jobs.is_empty(), "what was offered is in the queue");
        std::mem::take(&mut self.jobs)
    }

    #[inline]
    fn push(&mut self, offered: JobInstance) {
        let list = if offered.job.is_blocking() {
            &mut self.blocking
        } else {
            &mut self.jobs
        };
        list.push(offered);
    }

    /// How urgent it is that there are workers for the offers of a tick.
    pub(crate) fn urgency(&self, is_behind: bool) -> Urgency {
        if self.follow_up.may_block() {
            Urgency::MayBlock
        } else if is_behind || !self.follow_up.blocking.is_empty() {
            // Runs on the blocking pool begin after all others.
            Urgency::Behind
        } else {
            Urgency::Steady
        }
    }

    /// Whether the worker that asks has nothing to do but to run its batch.
    pub(crate) fn is_plain(&self) -> bool {
        !self.has_queued && self.follow_up.is_empty()
    }

    /// Makes batches of what was offered: the first is returned for the worker that asks, the others are queued. A stop finds all offers in
    /// the queue, so this is done before the core is unlocked.
    pub(crate) fn dispatch_first(&mut self, queue: &mut Queue) -> Arc<Batch> {
        let mut jobs = std::mem::take(&mut self.jobs);
        self.jobs = split_off(&mut jobs, self.batch_size);
        let batch = queue.dispatch(self.offered_at(), jobs);
        self.dispatch(queue);
        batch
    }

    /// Makes batches of what was offered, and queues them for the next idle workers.
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
        for job in self.blocking.drain(..) {
            self.follow_up.blocking.push(queue.dispatch(offered_at, vec![job]));
        }
    }

    fn offered_at(&self) -> OfferedAt {
        OfferedAt {
            offer_id: self.offer_id,
            now: self.now,
        }
    }
}

/// Splits off what is more than a batch.
fn split_off(jobs: &mut Vec<JobInstance>, batch_size: usize) -> Vec<JobInstance> {
    if jobs.len() > batch_size {
        jobs.split_off(batch_size)
    } else {
        Vec::new()
    }
}

/// Offers runs, and inserts the jobs into the agenda for their next ones.
pub(crate) struct Offering<'a> {
    pub(crate) agenda: &'a mut Agenda,
    pub(crate) groups: &'a mut Groups,
    pub(crate) dispatch: &'a mut Dispatch,
}

/// A job that has come up and has rules.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    job: &'a Arc<JobCell>,
    rules: &'a Rules,
}

impl Offering<'_> {
    /// Offers the job a run if it is due, and inserts it for the run after. The scheduled time moves only when the run begins. An entry
    /// of the agenda may thus be early, which is set right when it comes up, but never late.
    ///
    /// A run that ended on the very instant of a tick counts as running then, as in the Python package.
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

    fn has_ended_on_tick(&self, job: &JobCell) -> bool {
        self.dispatch.is_on_tick && job.state.load().has_ended_at(self.dispatch.tick) && job.waits_for_end()
    }

    #[inline(never)]
    fn try_offer_by_rules(&mut self, candidate: Candidate<'_>) {
        if self.is_exhausted(candidate) {
            return;
        }
        let Candidate { job, rules } = candidate;
        let due = job.due();
        if due > self.dispatch.now {
            // The job was triggered after its last instant.
            self.insert(job, due);
            return;
        }
        // A triggered run waits its turn from this tick on.
        let since = if due == Time::EARLIEST { self.dispatch.tick } else { due };
        if self.has_run_to_replace(candidate, since) {
            return;
        }
        match &rules.group {
            Some(permits) => self.groups.enqueue(permits, self.dispatch.tick, since, job),
            None => self.offer_by_rules(candidate),
        }
    }

    /// Whether a run is in progress that has to give way first. The job comes up again at the next tick, if that run has not begun, or could
    /// not be cancelled, at this one.
    fn has_run_to_replace(&mut self, Candidate { job, rules }: Candidate<'_>, due: Time) -> bool {
        let snapshot = job.state.load();
        let gives_way = matches!(rules.overlap, OverlapState::Replace(_)) && snapshot.is_busy();
        if gives_way {
            self.insert(job, due);
            if snapshot.is_running() {
                self.dispatch.follow_up.replaced.push(Arc::clone(job));
            }
        }
        gives_way
    }

    /// Offers runs to the jobs that get a permit of their group.
    pub(crate) fn admit(&mut self, is_registered: impl Fn(&JobCell) -> bool) {
        let mut group = 0;
        while let Some(job) = self.groups.admit_next(&mut group) {
            if is_registered(&job) {
                self.try_offer_admitted(&job);
            } else {
                job.rules().map(Rules::release_permit);
                self.dispatch.follow_up.gone.push(job);
            }
        }
    }

    /// Offers a run to a job that holds a permit.
    fn try_offer_admitted(&mut self, job: &Arc<JobCell>) {
        let due = job.due();
        let Some(rules) = job.rules() else { return };
        let candidate = Candidate { job, rules };
        if due > self.dispatch.now {
            self.insert(job, due);
            rules.release_permit();
        } else if self.is_exhausted(candidate) {
            rules.release_permit();
        } else {
            self.offer_by_rules(candidate);
        }
    }

    /// Offers a run for which another had to give way.
    pub(crate) fn offer_again(&mut self, job: &Arc<JobCell>) {
        let due = job.due();
        if due > self.dispatch.now {
            return;
        }
        if let Some(rules) = job.rules() {
            match &rules.group {
                Some(permits) => self.groups.enqueue(permits, self.dispatch.tick, due, job),
                None => self.offer_by_rules(Candidate { job, rules }),
            }
        }
    }

    /// Whether the job may have no run any more. A trigger that comes too late is forgotten. A run that was due in time and is late still
    /// runs.
    fn is_exhausted(&mut self, Candidate { job, rules }: Candidate<'_>) -> bool {
        let now = self.dispatch.now;
        if rules.is_past_end(now) && !job.is_offered() {
            job.state.take_trigger();
        }
        let is_exhausted = rules.is_exhausted(job.next_start(now));
        if is_exhausted && job.is_idle() {
            self.dispatch.follow_up.exhausted.push(Arc::clone(job));
        }
        is_exhausted
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

    /// Offers a run under the job's own state word, or under that of another instance. There is one offer at a time: the scheduled
    /// time moves, and the trigger is taken, only when the run begins.
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

    /// Inserts a job for the run after the one that was offered, and dispatches that.
    ///
    /// False if no run is due any more: since the job was looked at, a late run may have begun, moved the scheduled time and ended.
    /// Then the offer is withdrawn.
    #[inline]
    fn confirm(&mut self, job: &JobCell, run: impl Fn() -> JobInstance) -> bool {
        let Some(next) = job.next_due(self.dispatch.now) else {
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
    use crate::time::{Grid, Span};

    /// As if a late run had begun, moved the scheduled time and ended since the job was looked at.
    #[test]
    fn an_offer_that_is_not_due_any_more_is_withdrawn() {
        let mut agenda = Agenda::new(Grid::new(Time::ORIGIN, Span::from_nanos(50)));
        let mut dispatch = Dispatch::new(Time::ORIGIN, OfferId::new(1), Vec::new());
        let job = job();
        job.set_index(0);
        job.set_scheduled(Time::from_nanos(100));
        let mut offering = Offering {
            agenda: &mut agenda,
            groups: &mut Groups::default(),
            dispatch: &mut dispatch,
        };
        assert!(offering.offer(&job) == Offer::Closed);
        assert!(dispatch.jobs.is_empty() && job.is_idle());
        assert_eq!(agenda.next_wake(), Some(Time::from_nanos(100)));
    }
}
