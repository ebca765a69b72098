//! What the engine does about a run: it begins, fails or is refused, ends.

use std::sync::Arc;

use crate::dispatch::queue::Batch;
use crate::engine::Engine;
use crate::exec::retry::Attempts;
use crate::exec::time_limit::TimeLimit;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::config::Host;
use crate::job::current_run::{enter, enter_hook};
use crate::job::event_kind::EventKind;
use crate::job::handle::Job;
use crate::job::rules::{Backoff, Rules};
use crate::job::run::{RunContext, RunInfo};
use crate::job::run_end::RunEnd;
use crate::job::state::{Begin, Deferred, OfferId};
use crate::job::target::{CallResult, FutureBuf, RunFuture};
use crate::observe::event::Event;
use crate::time::Time;
use crate::unwind::{catch, lock, quietly};

/// Batches.
impl Engine {
    pub(crate) fn finish_batch(&self, batch: &Batch) {
        lock(&self.queue).finish(batch);
    }

    /// Takes back what is on offer in a batch that the executor would not take.
    pub(crate) fn take_back(&self, batch: &Batch) {
        for job in &batch.jobs {
            if self.withdraw(batch.offer_id, job) {
                job.job.note_failure(&EventKind::Refused);
                self.emit(&job.job, batch.offer_id, None, self.now(), EventKind::Refused);
            }
        }
    }

    /// Takes back what is on offer in a batch, since the scheduler stops.
    pub(crate) fn retract(&self, batch: &Batch) {
        for job in &batch.jobs {
            self.withdraw(batch.offer_id, job);
        }
    }

    /// Takes back an offer, unless its run has begun; the job is listed for the next tick.
    fn withdraw(&self, offer_id: OfferId, job: &JobInstance) -> bool {
        if !job.state().load().is_offered_under(offer_id) {
            return false;
        }
        let owner = &job.job;
        let rules = owner.rules();
        // Before the state word is idle: the loop must not find an idle job without a run left.
        rules.inspect(|rules| rules.note_withdrawal());
        let Some(deferred) = job.state().withdraw(offer_id) else {
            rules.inspect(|rules| rules.note_offer());
            return false;
        };
        // The job itself remembers that it was triggered.
        job.forget_trigger();
        if let Some(rules) = rules {
            owner.note_no_offer();
            self.leave_group(rules);
        }
        if deferred.removed() {
            owner.clear_removed();
            return false;
        }
        if deferred.changed() {
            owner.adopt_interval(self.now());
        }
        self.list_again(owner);
        true
    }

    fn leave_group(&self, rules: &Rules) {
        if rules.group.as_ref().is_some_and(|group| group.leave()) {
            self.tell_free_place();
        }
    }
}

/// A run begins.
impl Engine {
    /// Begins the run that was offered to `batch`, if it still is. Returns it if it goes on as a future, which may take over
    /// `spare`.
    pub(crate) fn begin_run(
        self: &Arc<Self>,
        batch: &Batch,
        job: &JobInstance,
        spare: &mut FutureBuf,
    ) -> Option<(RunInfo, RunFuture)> {
        let Some(how) = job.state().begin(batch.offer_id) else {
            self.withdraw(batch.offer_id, job);
            return None;
        };
        if how == Begin::Due && !self.is_measured(batch, &job.job) {
            return self.run_unmeasured(batch, job, spare);
        }
        let info = self.begin(batch, job, how);
        let step = match job.job.rules() {
            None => self.call(job, &info, spare),
            Some(rules) => self.call_by_rules(job, &info, rules, spare),
        };
        match step {
            CallResult::Future(future) => Some((info, future)),
            CallResult::Done(end) => {
                self.settle(job, &info, end, None);
                None
            }
        }
    }

    /// Whether anybody may ask when a run that is due begins.
    fn is_measured(&self, batch: &Batch, job: &JobCell) -> bool {
        job.needs_start() || self.observers.is_enabled() || batch.jobs.len() == 1 || job.is_sampled()
    }

    /// What is left of a run's beginning and end when nobody looks, and it has no rules: most runs there are.
    fn run_unmeasured(&self, batch: &Batch, job: &JobInstance, spare: &mut FutureBuf) -> Option<(RunInfo, RunFuture)> {
        let info = job.job.begin_unmeasured();
        if batch.is_cancelled() {
            // The cancellation came before the state word, and so missed this run.
            job.state().cancel(batch.offer_id);
        }
        match self.call(job, &info, spare) {
            CallResult::Future(future) => return Some((info, future)),
            CallResult::Done(RunEnd::Finished) => self.release(job, false, None),
            CallResult::Done(end) => self.settle(job, &info, end, None),
        }
        None
    }

    /// Begins and does the first attempt of a run that blocks its thread, if it still is on offer.
    pub(crate) fn begin_blocking(
        &self,
        batch: &Batch,
        job: &JobInstance,
    ) -> Option<(RunInfo, RunEnd, Option<Backoff>)> {
        let Some(how) = job.state().begin(batch.offer_id) else {
            self.withdraw(batch.offer_id, job);
            return None;
        };
        let info = self.begin(batch, job, how);
        let end = self.call(job, &info, &mut None).into_end();
        let backoffs = job.job.rules().and_then(|rules| rules.backoffs.as_ref());
        match backoffs.filter(|_| end.is_failure()).map(|backoffs| catch(&**backoffs)) {
            Some(Ok(backoff)) => Some((info, end, Some(backoff))),
            Some(Err(payload)) => Some((info, RunEnd::Panicked(payload), None)),
            None => Some((info, end, None)),
        }
    }

    fn begin(&self, batch: &Batch, job: &JobInstance, how: Begin) -> RunInfo {
        let owner = &job.job;
        let triggered = job.take_jobs_trigger() || how == Begin::Triggered;
        let observed = self.observers.is_enabled();
        let started = (triggered || self.is_measured(batch, owner)).then(|| self.now());
        let triggered = triggered && !started.is_some_and(|started| owner.owes_a_run_at_the_end(started));
        let how = if triggered { Begin::Triggered } else { Begin::Due };
        let mut info = owner.begin(how, started);
        job.note_run(info.number);
        if batch.is_cancelled() {
            // The cancellation came before the state word, and so missed this run.
            job.state().cancel(batch.offer_id);
        }
        let clock_stepped_back = started.is_some_and(|started| started < batch.offered);
        if triggered || clock_stepped_back {
            // Its scheduled time is not what was foreseen when it was offered.
            self.list_again(owner);
        }
        if let Some(started) = started {
            self.announce(job, batch.offer_id, &mut info, started, observed);
        }
        info
    }

    /// Tells that a run has begun, and how late.
    fn announce(&self, job: &JobInstance, offer_id: OfferId, info: &mut RunInfo, started: Time, observed: bool) {
        let owner = &job.job;
        owner.note_start(started);
        let missed = owner.missed(info.due, started);
        if missed > 0 {
            owner.note_failure(&EventKind::Missed(missed));
        }
        if !observed {
            return;
        }
        let lateness = started.since(info.due);
        info.enter_span(owner.name(), lateness);
        let emit = |kind| self.emit(owner, offer_id, Some(info), started, kind);
        quietly(|| {
            info.span.in_scope(|| {
                if missed > 0 {
                    emit(EventKind::Missed(missed));
                }
                let by = lateness.into();
                if by > 2 * self.resolution {
                    emit(EventKind::Late(by));
                }
                emit(EventKind::Started);
            });
        });
    }

    /// Calls the target.
    pub(crate) fn call(&self, job: &JobInstance, info: &RunInfo, spare: &mut FutureBuf) -> CallResult {
        let begun = RunContext {
            clock: &self.clock,
            job,
            info,
        };
        let called = enter(job.run_key(), || {
            catch(|| info.span.in_scope(|| job.job.call(&begun, spare)))
        });
        called.unwrap_or_else(|payload| CallResult::Done(RunEnd::Panicked(payload)))
    }

    fn call_by_rules(
        self: &Arc<Self>,
        job: &JobInstance,
        info: &RunInfo,
        rules: &Rules,
        spare: &mut FutureBuf,
    ) -> CallResult {
        let mut step = self.call(job, info, spare);
        if let Some(backoffs) = rules.backoffs.as_ref().filter(|_| step.may_fail()) {
            step = match catch(&**backoffs) {
                Ok(backoff) => CallResult::Future(Box::pin(Attempts::after(self, job, info, step, backoff))),
                Err(payload) => {
                    quietly(|| info.span.in_scope(|| drop(step)));
                    CallResult::Done(RunEnd::Panicked(payload))
                }
            };
        }
        match (step, job.job.time_limit(info)) {
            (CallResult::Future(future), limit) if limit != Time::NEVER => {
                CallResult::Future(Box::pin(TimeLimit::new(self, limit, future)))
            }
            (step, _) => step,
        }
    }
}

/// A run ends.
impl Engine {
    /// Ends a run whose future is done, and makes room for the next. If it has `waited`, it has ended after that instant, which
    /// stands for its end where that isn't measured; likewise below.
    pub(crate) fn end_here(
        &self,
        job: &JobInstance,
        info: &RunInfo,
        mut future: RunFuture,
        end: RunEnd,
        waited: Option<Time>,
    ) -> FutureBuf {
        let vacated = catch(|| info.span.in_scope(|| future.as_mut().clear()));
        if let Ok(true) = vacated {
            self.settle(job, info, end, waited);
            return Some(future);
        }
        self.end(job, info, future, end.after_drop(vacated.map(|_| ())), waited);
        None
    }

    /// Ends a run whose future is done or to be dropped.
    pub(crate) fn end(&self, job: &JobInstance, info: &RunInfo, future: RunFuture, end: RunEnd, waited: Option<Time>) {
        let dropped = catch(|| info.span.in_scope(|| drop(future)));
        self.settle(job, info, end.after_drop(dropped), waited);
    }

    pub(crate) fn settle(&self, job: &JobInstance, info: &RunInfo, end: RunEnd, waited: Option<Time>) {
        if info.started.is_none() && matches!(end, RunEnd::Finished) {
            // Nobody looks: its job is not timed.
            return self.release(job, false, waited);
        }
        let owner = &job.job;
        let cancelled = matches!(end, RunEnd::Cancelled);
        let ended = self.report(job, info, end);
        if owner.rules().is_some_and(|rules| rules.fixed_delay) {
            owner.schedule_from_end(self.now());
        }
        self.release(job, cancelled, waited.map(|_| ended));
    }

    /// The job is idle again.
    fn release(&self, job: &JobInstance, cancelled: bool, waited: Option<Time>) {
        let deferred = job.state().end(waited);
        if !deferred.nothing() {
            self.after_end(job, deferred);
        }
        let owner = &job.job;
        if let Some(rules) = owner.rules() {
            self.after_end_by_rules(owner, rules);
        }
        self.cancel_listeners.wake(owner.id);
        if deferred.watched() {
            self.run_tracker.ended((owner.id, deferred.offer_id()), cancelled);
        }
    }

    #[cold]
    fn after_end(&self, job: &JobInstance, deferred: Deferred) {
        let owner = &job.job;
        if deferred.removed() {
            owner.clear_removed();
            return;
        }
        if deferred.changed() {
            owner.adopt_interval(self.now());
        }
        if deferred.due() {
            self.list_again(owner);
        }
    }

    fn after_end_by_rules(&self, job: &Arc<JobCell>, rules: &Rules) {
        self.leave_group(rules);
        if rules.are_over(job.runs(), job.next_start(self.now())) && job.is_idle() {
            self.retire(job);
        } else if rules.fixed_delay {
            self.list_again(job);
        }
    }

    /// Notes how a run has ended, and tells it. Returns when that was.
    fn report(&self, job: &JobInstance, info: &RunInfo, end: RunEnd) -> Time {
        let owner = &job.job;
        let times = info.started.map(|started| (started, self.now()));
        let mut kind = end.into_kind();
        let completed = matches!(kind, EventKind::Finished | EventKind::Failed(_));
        if completed && times.is_some_and(|(started, ended)| owner.is_too_long(started, ended)) {
            let late = std::mem::replace(&mut kind, EventKind::TimedOut);
            quietly(|| drop(late));
        }
        if let Some((started, ended)) = times {
            owner.note_run(info, started, ended);
        }
        if !matches!(kind, EventKind::Finished) {
            owner.note_failure(&kind);
        }
        let ended = times.map_or_else(|| self.now(), |(_, ended)| ended);
        let offer_id = job.state().load().offer_id();
        quietly(|| {
            info.span
                .in_scope(|| self.emit(owner, offer_id, Some(info), ended, kind))
        });
        ended
    }

    /// An attempt has failed, and there will be another.
    pub(crate) fn report_retry(&self, job: &JobInstance, info: &RunInfo, end: RunEnd) {
        let failure = end.into_kind();
        let message = failure.error_text().unwrap_or_default();
        quietly(|| drop(failure));
        let kind = EventKind::Retried(message.into());
        job.job.note_failure(&kind);
        self.emit(&job.job, job.state().load().offer_id(), Some(info), self.now(), kind);
    }

    /// Cancels the run of a job that is to give way to the next.
    pub(crate) fn cancel_current(&self, job: &Arc<JobCell>) {
        job.state.cancel_current();
        self.cancel_listeners.wake(job.id);
        if let Some(run) = job.rules().and_then(Rules::at_hand) {
            run.cancel(self);
        }
    }

    /// Tells those who want to know what has happened at `now`.
    pub(crate) fn emit(
        &self,
        job: &Arc<JobCell>,
        offer_id: OfferId,
        run: Option<&RunInfo>,
        now: Time,
        kind: EventKind,
    ) {
        if !self.observers.is_enabled() {
            // It may hold an error of a user's, whose destructor may panic.
            quietly(|| drop(kind));
            return;
        }
        let duration = run
            .filter(|_| kind.is_end())
            .and_then(|info| info.started)
            .map(|started| now.since(started).into());
        let event = Event {
            job: Job::new(Arc::clone(job)),
            run: run.map(|info| info.number),
            scheduled: run.map(|info| self.clock.instant_of(info.scheduled)),
            due: run.map(|info| self.clock.instant_of(info.due)),
            instant: self.clock.instant_of(now),
            duration,
            kind,
        };
        enter_hook((job.id, offer_id), || self.observers.emit(&event));
        quietly(|| drop(event));
    }
}
