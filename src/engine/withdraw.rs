//! Withdraws offers: the executor has refused them, or a stop ends the session.

use std::sync::Arc;

use crate::dispatch::batch::Batch;
use crate::engine::Engine;
use crate::engine::wakeups::Wakeups;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::event_kind::EventKind;
use crate::job::state::OfferId;

impl Engine {
    /// Withdraws the offers of a batch that the executor refused. The jobs run at the next tick, also those that were
    /// triggered: the executor would otherwise be asked without end.
    pub(crate) fn withdraw_refused(self: &Arc<Self>, batch: &Batch) {
        let mut wakeups = Wakeups::new(self);
        for run in &batch.jobs {
            if withdraw_silent(&mut wakeups, batch.offer_id, run) {
                run.job.state.postpone_trigger();
                wakeups.reschedule(&run.job);
                run.job.note_failure(&EventKind::Refused);
                self.report_refusal(&run.job, batch.offer_id);
            }
        }
    }

    /// Emits the first refusal since the job's last run, and only counts the others.
    fn report_refusal(&self, job: &Arc<JobCell>, offer_id: OfferId) {
        if !self.observers.is_enabled() {
            return;
        }
        if job.config.reported.refused(job.id) {
            self.emit(job, offer_id, None, self.now(), EventKind::Refused);
        } else {
            self.observers.count_refusal(job.name());
        }
    }

    /// Withdraws the offers of a batch, because the scheduler stops.
    pub(crate) fn withdraw_for_stop(self: &Arc<Self>, batch: &Batch) {
        let mut wakeups = Wakeups::new(self);
        for run in &batch.jobs {
            withdraw(&mut wakeups, batch.offer_id, run);
        }
    }
}

/// Withdraws an offer, unless its run has begun, and inserts the job for its next run.
pub(crate) fn withdraw(wakeups: &mut Wakeups<'_>, offer_id: OfferId, run: &JobInstance) {
    if withdraw_silent(wakeups, offer_id, run) {
        wakeups.reschedule(&run.job);
    }
}

/// Withdraws an offer, unless its run has begun. Returns whether the caller has to insert the job for its next run.
fn withdraw_silent(wakeups: &mut Wakeups<'_>, offer_id: OfferId, run: &JobInstance) -> bool {
    if !run.state().load().is_offered_under(offer_id) {
        return false;
    }
    let job = &run.job;
    let rules = job.rules();
    // Note the withdrawal before the state word becomes idle. Otherwise the loop might find an idle job without a run
    // left.
    rules.inspect(|rules| rules.note_withdrawal());
    let Some(deferred) = run.state().withdraw(offer_id) else {
        rules.inspect(|rules| rules.note_offer());
        return false;
    };
    // The job's own state word keeps the trigger.
    run.forget_trigger();
    if let Some(rules) = rules {
        job.note_no_offer();
        wakeups.release_permit(rules);
    }
    if deferred.removed() {
        job.clear_removed();
        return false;
    }
    if deferred.changed() {
        job.adopt_interval(wakeups.engine().now());
    }
    true
}
