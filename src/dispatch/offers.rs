//! What one turn of the loop, or of a lane, hands out: which of the jobs that came up get a run, and in which batches.

use std::sync::Arc;

use crate::dispatch::group::Group;
use crate::dispatch::queue::{Batch, Queue};
use crate::job::cell::{JobCell, JobInstance};
use crate::job::instance::{Instance, Instances};
use crate::job::rules::{OverlapState, Rules};
use crate::job::state::{Offer, OfferId};
use crate::time::Agenda;
use crate::time::JobIndex;
use crate::time::Time;

pub(crate) struct Handout {
    pub(crate) now: Time,
    /// When the tick was served at which jobs have come up. It may be a while since.
    pub(crate) tick: Time,
    pub(crate) is_on_tick: bool,
    pub(crate) batch_size: usize,
    offer_id: OfferId,
    jobs: Vec<JobInstance>,
    /// Some of them wait in the queue.
    has_queued: bool,
    /// For the blocking pool; once they are queued, each is a batch.
    blocking: Vec<JobInstance>,
    pub(crate) blocking_batches: Vec<Arc<Batch>>,
    /// Due while a run is in progress that has to give way.
    pub(crate) overlapping: Vec<Arc<JobCell>>,
    /// Jobs that may have no run any more.
    pub(crate) exhausted: Vec<Arc<JobCell>>,
    /// Jobs that were removed while they were looked at: their targets are to be dropped.
    pub(crate) removed: Vec<Arc<JobCell>>,
    /// Jobs that were removed before. They are dropped with this, since code of a user's may be dropped with them.
    pub(crate) gone: Vec<Arc<JobCell>>,
}

/// A job that has come up.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    index: JobIndex,
    job: &'a Arc<JobCell>,
    rules: &'a Rules,
}

impl Handout {
    /// A handout under a offer id of its own. What is offered is collected in `jobs`, which is empty.
    pub(crate) fn new(now: Time, offer_ids: &mut u64, jobs: Vec<JobInstance>) -> Handout {
        *offer_ids += 1;
        Handout {
            now,
            tick: now,
            is_on_tick: false,
            batch_size: 1,
            offer_id: OfferId::new(*offer_ids),
            jobs,
            has_queued: false,
            blocking: Vec::new(),
            blocking_batches: Vec::new(),
            overlapping: Vec::new(),
            exhausted: Vec::new(),
            removed: Vec::new(),
            gone: Vec::new(),
        }
    }

    /// The list in which jobs were collected, once it is empty.
    pub(crate) fn take_list(&mut self) -> Vec<JobInstance> {
        debug_assert!(self.jobs.is_empty(), "what was offered is handed out");
        std::mem::take(&mut self.jobs)
    }

    /// Offers the job a run if it is due, and lists it for the one after. The scheduled time moves only when the run begins; what
    /// is listed here may thus be early, which is set right when it comes up, but never late.
    ///
    /// A run that ended on the very instant of a tick counts as running then, as in the Python package.
    pub(crate) fn consider(&mut self, agenda: &mut Agenda, index: JobIndex, job: &Arc<JobCell>) {
        let due = job.due();
        if due > self.now || self.has_ended_just_now(job) {
            agenda.insert(index, due, self.now);
        } else if !job.needs_start() {
            self.offer_plainly(agenda, index, job);
        } else if let Some(rules) = job.rules() {
            self.consider_rules(agenda, Candidate { index, job, rules });
        } else {
            self.offer(agenda, index, job);
        }
    }

    /// What is left of an offer to most jobs there are: those that are not [timed](JobCell::needs_start).
    fn offer_plainly(&mut self, agenda: &mut Agenda, index: JobIndex, job: &Arc<JobCell>) {
        if job.state.offer(self.offer_id) != Offer::Taken {
            return;
        }
        match job.next_scheduled_if_due(self.now) {
            Some(next) => {
                agenda.insert(index, next, self.now);
                self.push(JobInstance::own(job));
            }
            None => self.take_back(agenda, index, &JobInstance::own(job)),
        }
    }

    fn has_ended_just_now(&self, job: &JobCell) -> bool {
        self.is_on_tick && job.state.load().has_ended_at(self.tick) && job.waits_for_end()
    }

    fn consider_rules(&mut self, agenda: &mut Agenda, candidate: Candidate<'_>) {
        if self.is_exhausted(candidate) {
            return;
        }
        let due = candidate.job.due();
        if due > self.now {
            // It was triggered too late.
            agenda.insert(candidate.index, due, self.now);
            return;
        }
        // A run that was triggered waits its turn from now on.
        let since = if due == Time::EARLIEST { self.tick } else { due };
        if self.gives_way(agenda, candidate, since) {
            return;
        }
        match &candidate.rules.group {
            Some(group) => group.wait(self.tick, since, candidate.job),
            None => self.offer_by_rules(agenda, candidate),
        }
    }

    /// Whether there is a run that has to give way first. The job is looked at again at the next tick, if that run has not
    /// begun, or could not be cancelled, at this one.
    fn gives_way(&mut self, agenda: &mut Agenda, Candidate { index, job, rules }: Candidate<'_>, due: Time) -> bool {
        let snapshot = job.state.load();
        let gives_way = matches!(rules.overlap, OverlapState::Replace(_)) && snapshot.is_busy();
        if gives_way {
            agenda.insert(index, due, self.now);
            if snapshot.is_running() {
                self.overlapping.push(Arc::clone(job));
            }
        }
        gives_way
    }

    /// Likewise for a job that has a place in its group.
    pub(crate) fn consider_admitted(&mut self, agenda: &mut Agenda, group: &Group, job: &Arc<JobCell>) {
        let (index, due) = (job.index(), job.due());
        let Some(rules) = job.rules() else { return };
        let candidate = Candidate { index, job, rules };
        if due > self.now {
            agenda.insert(index, due, self.now);
            group.leave();
        } else if self.is_exhausted(candidate) {
            group.leave();
        } else {
            self.offer_by_rules(agenda, candidate);
        }
    }

    /// Offers a run for which another had to give way.
    pub(crate) fn offer_again(&mut self, agenda: &mut Agenda, job: &Arc<JobCell>) {
        let due = job.due();
        if due > self.now {
            return;
        }
        if let Some(rules) = job.rules() {
            let index = job.index();
            match &rules.group {
                Some(group) => group.wait(self.tick, due, job),
                None => self.offer_by_rules(agenda, Candidate { index, job, rules }),
            }
        }
    }

    /// Whether the job may have no run any more. A trigger is forgotten if it comes too late; what was due before and is late still runs.
    fn is_exhausted(&mut self, Candidate { job, rules, .. }: Candidate<'_>) -> bool {
        if rules.is_past_end(self.now) && !job.is_offered() {
            job.state.take_trigger();
        }
        let exhausted = rules.is_exhausted(job.next_start(self.now));
        if exhausted && job.is_idle() {
            self.exhausted.push(Arc::clone(job));
        }
        exhausted
    }

    fn offer(&mut self, agenda: &mut Agenda, index: JobIndex, job: &Arc<JobCell>) -> Offer {
        let offer = job.state.offer(self.offer_id);
        if offer == Offer::Taken && !self.confirm(agenda, index, JobInstance::own(job)) {
            return Offer::Closed;
        }
        offer
    }

    /// Lists a job for the run after the one that was offered, and hands that out.
    ///
    /// False if no run is due any more: one that was late may have begun, moved the scheduled time and ended since the job was looked
    /// at. Then the offer is taken back.
    fn confirm(&mut self, agenda: &mut Agenda, index: JobIndex, offered: JobInstance) -> bool {
        let job = &offered.job;
        if job.due() > self.now {
            self.take_back(agenda, index, &offered);
            return false;
        }
        agenda.insert(index, job.due_after(self.now), self.now);
        self.push(offered);
        true
    }

    #[cold]
    fn take_back(&mut self, agenda: &mut Agenda, index: JobIndex, offered: &JobInstance) {
        let Some(deferred) = offered.state().withdraw(self.offer_id) else {
            return;
        };
        let job = &offered.job;
        if deferred.removed() {
            self.removed.push(Arc::clone(job));
        }
        if deferred.changed() {
            job.adopt_interval(self.now);
        }
        agenda.insert(index, job.due(), self.now);
    }

    fn offer_by_rules(&mut self, agenda: &mut Agenda, candidate: Candidate<'_>) {
        let Candidate { index, job, rules } = candidate;
        let taken = match &rules.overlap {
            OverlapState::Allow(instances) => self.offer_one(agenda, candidate, instances),
            _ => self.offer(agenda, index, job) == Offer::Taken,
        };
        if taken {
            rules.note_offer();
        } else if let Some(group) = &rules.group {
            group.leave();
        }
    }

    /// Offers a run under the job's own state word or that of another instance. One offer at a time: the scheduled time moves, and the trigger
    /// is taken, only when its run begins.
    fn offer_one(&mut self, agenda: &mut Agenda, candidate: Candidate<'_>, instances: &Instances) -> bool {
        let Candidate { index, job, .. } = candidate;
        if instances.is_one_on_offer() {
            agenda.insert(index, job.due(), self.now);
            return false;
        }
        let taken = match self.offer(agenda, index, job) {
            Offer::Taken => true,
            Offer::Busy => self.offer_instance(agenda, candidate, instances),
            Offer::Closed => false,
        };
        instances.note_on_offer(taken);
        taken
    }

    fn offer_instance(
        &mut self,
        agenda: &mut Agenda,
        Candidate { index, job, .. }: Candidate<'_>,
        instances: &Instances,
    ) -> bool {
        let triggered = job.state.load().is_triggered();
        let offer_id = self.offer_id;
        let taken = |instance: &Arc<Instance>| instance.state.offer_instance(offer_id, triggered);
        let instance = instances.all().into_iter().find(taken);
        let Some(instance) = instance.or_else(|| instances.add(&job.state).filter(taken)) else {
            return false;
        };
        self.confirm(agenda, index, JobInstance::of(job, instance))
    }

    fn push(&mut self, offered: JobInstance) {
        let list = if offered.job.is_blocking() {
            &mut self.blocking
        } else {
            &mut self.jobs
        };
        list.push(offered);
    }

    /// Whether there is nothing to be done about it but to run what was offered to the lane that asks.
    pub(crate) fn is_plain(&self) -> bool {
        !self.has_queued && !self.needs_follow_up()
    }

    /// Whether more is to be done about jobs that came up than to run what was offered.
    pub(crate) fn needs_follow_up(&self) -> bool {
        self.has_blocking() || self.may_block()
    }

    /// Whether that calls users' code, destructors and hooks, which may block the thread.
    pub(crate) fn may_block(&self) -> bool {
        !self.removed.is_empty() || !self.gone.is_empty() || !self.exhausted.is_empty() || !self.overlapping.is_empty()
    }

    /// Whether there is something for the blocking pool.
    pub(crate) fn has_blocking(&self) -> bool {
        !self.blocking_batches.is_empty()
    }

    /// Hands out what was offered: a stop finds all that is on offer in the queue, so this is done before the engine's state
    /// is unlocked. Returns a batch for the lane that asks.
    pub(crate) fn hand_out(&mut self, queue: &mut Queue) -> Arc<Batch> {
        let offered_at = (self.offer_id, self.now);
        let mut jobs = std::mem::take(&mut self.jobs);
        self.jobs = split_off(&mut jobs, self.batch_size);
        let batch = queue.hand_out(offered_at, jobs);
        self.queue(queue);
        batch
    }

    /// Likewise, for the next free lanes.
    pub(crate) fn queue(&mut self, queue: &mut Queue) {
        let offered_at = (self.offer_id, self.now);
        let mut jobs = self.jobs.drain(..);
        while jobs.len() > 0 {
            let mut batch = queue.take_list();
            batch.extend(jobs.by_ref().take(self.batch_size));
            queue.push(offered_at, batch);
            self.has_queued = true;
        }
        drop(jobs);
        for job in self.blocking.drain(..) {
            self.blocking_batches.push(queue.hand_out(offered_at, vec![job]));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::cell::tests::job;
    use crate::time::Grid;
    use crate::time::Span;

    /// As if a late run had begun, moved the scheduled time and ended since the job was looked at.
    #[test]
    fn an_offer_that_is_not_due_any_more_is_taken_back() {
        let ways: [fn(&mut Handout, &mut Agenda, &Arc<JobCell>); 2] = [
            |handout, agenda, job| handout.offer_plainly(agenda, 0, job),
            |handout, agenda, job| assert!(handout.offer(agenda, 0, job) == Offer::Closed),
        ];
        for offer in ways {
            let mut agenda = Agenda::new(Grid::new(Time::ORIGIN, Span::from_nanos(50)));
            let mut handout = Handout::new(Time::ORIGIN, &mut 0, Vec::new());
            let job = job();
            job.set_scheduled(Time::from_nanos(100));
            offer(&mut handout, &mut agenda, &job);
            assert!(handout.jobs.is_empty() && job.is_idle());
            assert_eq!(agenda.next_wake(), Some(Time::from_nanos(100)));
        }
    }
}
