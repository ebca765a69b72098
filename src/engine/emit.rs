//! Emits events to the observers.

use std::sync::Arc;

use crate::engine::Engine;
use crate::job::cell::JobCell;
use crate::job::current_run::enter;
use crate::job::event_kind::EventKind;
use crate::job::handle::Job;
use crate::job::run::RunInfo;
use crate::job::state::OfferId;
use crate::observe::event::Event;
use crate::time::Time;
use crate::unwind::quietly;

impl Engine {
    /// Emits an event that happened at `now`, if there is an observer.
    pub(crate) fn emit(
        &self,
        job: &Arc<JobCell>,
        offer_id: OfferId,
        run: Option<&RunInfo>,
        now: Time,
        kind: EventKind,
    ) {
        if !self.observers.is_enabled() {
            // The kind may hold an error of a user, whose destructor may panic.
            quietly(|| drop(kind));
            return;
        }
        let duration = run
            .filter(|_| kind.is_end())
            .and_then(|info| info.started)
            .map(|started| now.since(started).into());
        let consecutive_failures = match kind.is_failed_run() {
            true => job.config.consecutive_failures(job.id),
            false => 0,
        };
        let event = Event {
            job: Job::new(Arc::clone(job)),
            run: run.map(|info| info.number),
            scheduled: run.map(|info| self.clock.instant_of(info.scheduled)),
            due: run.map(|info| self.clock.instant_of(info.due)),
            slot: run.and_then(|info| info.slot(&self.clock)),
            instant: self.clock.instant_of(now),
            duration,
            consecutive_failures,
            kind,
        };
        let span = run.map(|info| &info.span);
        enter((job.id, offer_id), || {
            self.observers.emit(&event, span);
            quietly(|| drop(event));
        });
    }
}
