//! The state word of a job: a single atomic word decides whether a run may begin, and on which thread.
//!
//! ```text
//!          offer            begin             end
//!   idle ---------> offered -------> running -------> idle
//!                      |                               ^
//!                      +----------- withdraw ----------+
//! ```
//!
//! Each offer carries an offer id, which is new for each turn of the loop or of a worker that makes offers. A task with
//! a withdrawn offer therefore can't begin the run of a later offer. The thread that returns the state word to idle
//! reads the deferred requests (`Deferred`) in the same atomic step. If the run had to wait, this step also stores the
//! run's end instant in the bits of the offer id.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::Time;

const OFFERED: u64 = 1;
const RUNNING: u64 = 1 << 1;
/// The job came due while it was busy: insert the job into the agenda again at the end of the run.
const DUE: u64 = 1 << 2;
/// A stop waits for the end of the run.
const WATCHED: u64 = 1 << 3;
const REMOVED: u64 = 1 << 4;
/// The run in progress is cancelled and should end.
const CANCELLED: u64 = 1 << 5;
/// No run begins, except a triggered run.
const PAUSED: u64 = 1 << 6;
/// A run is wanted now, whatever the scheduled time.
const TRIGGERED: u64 = 1 << 7;
/// The interval was changed while the job was busy: apply the interval at the end of the run.
const CHANGED: u64 = 1 << 8;
/// The job is idle, and the last run had waited. The bits of the offer id hold the instant at which the run ended.
const WAITED: u64 = 1 << 9;
/// The triggered run begins at a tick, not at once: it was triggered inside a run of the same job, or was refused.
const AT_TICK: u64 = 1 << 10;
/// The run in progress was told that it has reached its time limit.
const TIME_IS_UP: u64 = 1 << 11;
/// The run in progress has held its thread for too long, and was counted.
const HELD_THREAD: u64 = 1 << 12;
/// The number of measured runs after which it is forgotten that the job holds its thread. Zero if that is not known.
/// The number counts down at the end of each measured run.
const HOLDER: u64 = 0b1_1111 << HOLDER_SHIFT;
const HOLDER_SHIFT: u32 = 13;
/// A job that has held its thread is known for it until this many measured runs in a row were short.
const SHORT_RUNS: u64 = 16;
/// The run in progress has said when the next run is scheduled, or that it was the last.
const CHOSEN: u64 = 1 << 18;
/// The run in progress has said that it was the last: the job removes itself at the end of the run.
const LAST: u64 = 1 << 19;
/// The run in progress is cancelled, and its future is dropped as soon as it waits.
const ENDS_AT_WAIT: u64 = 1 << 20;
/// The last run that has ended by itself has failed.
const FAILED: u64 = 1 << 21;
/// The flags of a trigger.
const TRIGGER: u64 = TRIGGERED | AT_TICK;
/// The bits of the job, not of a run. They stay when a run ends.
const LASTING: u64 = REMOVED | PAUSED | TRIGGER | HOLDER | FAILED;
const OFFER_ID_SHIFT: u32 = 22;

/// Identifies the offers of one turn of the loop or of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OfferId(u64);

impl OfferId {
    /// The id of no offer.
    pub(crate) const NONE: OfferId = OfferId(0);
    /// Later than every offer.
    pub(crate) const LAST: OfferId = OfferId(u64::MAX);

    pub(crate) const fn new(number: u64) -> OfferId {
        OfferId(number << OFFER_ID_SHIFT)
    }
}

#[derive(Debug, Default)]
pub(crate) struct RunState(AtomicU64);

/// The result of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    Taken,
    /// The job is already offered or running. The end of that run will report `DUE`.
    Busy,
    /// The job was removed or is paused.
    Closed,
}

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    Due,
    Triggered,
}

/// The requests that came up while the job was busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deferred(u64);

impl Deferred {
    pub(crate) fn nothing(self) -> bool {
        self.0 & (DUE | WATCHED | REMOVED | TRIGGERED | CHANGED | LAST) == 0
    }

    /// The offer id of the run or offer that has ended.
    pub(crate) fn offer_id(self) -> OfferId {
        offer_id_of(self.0)
    }

    /// Whether a run is due, or may be due.
    pub(crate) fn due(self) -> bool {
        self.0 & (DUE | TRIGGERED | CHANGED) != 0
    }

    pub(crate) fn changed(self) -> bool {
        self.0 & CHANGED != 0
    }

    pub(crate) fn watched(self) -> bool {
        self.0 & WATCHED != 0
    }

    pub(crate) fn removed(self) -> bool {
        self.0 & REMOVED != 0
    }

    /// Whether the run has said when the next run is scheduled.
    pub(crate) fn has_chosen_next(self) -> bool {
        self.0 & CHOSEN != 0
    }

    /// Whether the run has said that it was the last.
    pub(crate) fn last(self) -> bool {
        self.0 & LAST != 0
    }
}

/// The flags of a job at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    pub(crate) fn is_running(self) -> bool {
        self.0 & RUNNING != 0
    }

    /// Whether the interval was changed while the run was on offer or in progress.
    pub(crate) fn is_changed(self) -> bool {
        self.0 & CHANGED != 0
    }

    /// Whether a run is on offer or in progress.
    pub(crate) fn is_busy(self) -> bool {
        is_busy(self.0)
    }

    /// Whether a run is on offer and has not begun.
    pub(crate) fn is_offered(self) -> bool {
        self.0 & OFFERED != 0
    }

    /// The offer id of the run on offer or in progress.
    pub(crate) fn offer_id(self) -> OfferId {
        offer_id_of(self.0)
    }

    /// Whether the job is idle, and its last run had waited and ended at exactly `now`.
    pub(crate) fn has_ended_at(self, now: Time) -> bool {
        self.0 & !LASTING == waited_until(now)
    }

    pub(crate) fn is_offered_under(self, offer_id: OfferId) -> bool {
        offered(self.0, offer_id)
    }

    pub(crate) fn is_cancelled(self) -> bool {
        self.0 & CANCELLED != 0
    }

    /// Whether the run in progress was told that it has reached its time limit.
    pub(crate) fn is_told_time_is_up(self) -> bool {
        self.0 & TIME_IS_UP != 0
    }

    /// Whether the run in progress has said when the next run is scheduled, or that it was the last.
    pub(crate) fn has_chosen_next(self) -> bool {
        self.0 & CHOSEN != 0
    }

    /// Whether the run in progress has said that it was the last.
    pub(crate) fn is_last(self) -> bool {
        self.0 & LAST != 0
    }

    /// Whether the future of the run in progress is to be dropped.
    pub(crate) fn ends_at_wait(self) -> bool {
        self.0 & ENDS_AT_WAIT != 0
    }

    /// Whether the job is known to hold its thread.
    pub(crate) fn holds_thread(self) -> bool {
        self.0 & HOLDER != 0
    }

    /// Whether the last run that has ended by itself has failed.
    pub(crate) fn has_failed(self) -> bool {
        self.0 & FAILED != 0
    }

    pub(crate) fn is_paused(self) -> bool {
        self.0 & PAUSED != 0
    }

    pub(crate) fn is_triggered(self) -> bool {
        self.0 & TRIGGERED != 0
    }

    /// Whether the job is triggered, and does not wait for a tick.
    pub(crate) fn is_triggered_at_once(self) -> bool {
        self.0 & (TRIGGERED | AT_TICK) == TRIGGERED
    }

    pub(crate) fn is_removed(self) -> bool {
        self.0 & REMOVED != 0
    }
}

/// Steps of a run: offer, begin, end.
impl RunState {
    /// Offers a run under `offer_id`. Only a caller with the same id can begin the run.
    pub(crate) fn offer(&self, offer_id: OfferId) -> Offer {
        let word = self.update(|word| {
            let next = if is_busy(word) {
                word | DUE
            } else {
                offer_id.0 | OFFERED | word & LASTING
            };
            (!is_closed(word)).then_some(next)
        });
        match word {
            None => Offer::Closed,
            Some(word) if is_busy(word) => Offer::Busy,
            Some(_) => Offer::Taken,
        }
    }

    /// If the job is busy, the end of its run reports that a run is due. Returns whether the job is busy.
    pub(crate) fn note_due(&self) -> bool {
        self.update(|word| is_busy(word).then_some(word | DUE)).is_some()
    }

    /// Like `offer`, for an instance. `triggered` states whether the job is triggered. If the instance is busy, the end
    /// of its run reports that the job is due. A pause does not hold back a triggered run.
    pub(crate) fn offer_instance(&self, offer_id: OfferId, triggered: bool) -> bool {
        if triggered {
            let marked = self.update(|word| (is_busy(word) && word & REMOVED == 0).then_some(word | DUE));
            if marked.is_some() {
                return false;
            }
            self.trigger();
        }
        self.offer(offer_id) == Offer::Taken
    }

    /// Begins the run offered under `offer_id`. `None` if the offer was withdrawn, or the job was removed or paused.
    pub(crate) fn begin(&self, offer_id: OfferId) -> Option<Begin> {
        let word = self.update(|word| {
            let begins = offered(word, offer_id) && !is_closed(word);
            begins.then_some(word & !TRIGGER ^ (OFFERED | RUNNING))
        })?;
        Some(if word & TRIGGERED != 0 {
            Begin::Triggered
        } else {
            Begin::Due
        })
    }

    /// Withdraws the offer made under `offer_id`, unless its run has begun.
    pub(crate) fn withdraw(&self, offer_id: OfferId) -> Option<Deferred> {
        self.update(|word| offered(word, offer_id).then_some(word & LASTING))
            .map(Deferred)
    }

    /// Ends the run in progress. If the run has `waited`, the word keeps this end instant. If the run has said that it
    /// was the last, no further run may begin.
    pub(crate) fn end(&self, waited: Option<Time>) -> Deferred {
        let mark = waited.map_or(0, waited_until);
        let removed = |word: u64| if word & LAST != 0 { REMOVED } else { 0 };
        let end = |word: u64| Some(word & LASTING | mark | removed(word));
        let word = self.update(end).unwrap_or_default();
        debug_assert!(word & RUNNING != 0, "only what has begun can end");
        Deferred(word)
    }

    /// Cancels the run that began under `offer_id`, if the run is still in progress.
    pub(crate) fn cancel(&self, offer_id: OfferId) -> bool {
        self.update(|word| running(word, offer_id).then_some(word | CANCELLED))
            .is_some()
    }

    /// Cancels the run that began under `offer_id`, if the run is still in progress. As soon as the run waits, its
    /// future is to be dropped.
    pub(crate) fn cancel_at_wait(&self, offer_id: OfferId) -> bool {
        self.update(|word| running(word, offer_id).then_some(word | CANCELLED | ENDS_AT_WAIT))
            .is_some()
    }

    /// Cancels the run in progress, whatever its offer id.
    pub(crate) fn cancel_current(&self) -> bool {
        self.update(|word| (word & RUNNING != 0).then_some(word | CANCELLED))
            .is_some()
    }

    /// Notes that the run that began under `offer_id` is told that it has reached its time limit.
    pub(crate) fn tell_time_is_up(&self, offer_id: OfferId) {
        self.update(|word| running(word, offer_id).then_some(word | TIME_IS_UP));
    }

    /// Notes that the run in progress has held its thread for too long. Returns whether this was not noted before.
    pub(crate) fn note_held_thread(&self) -> bool {
        self.update(|word| (word & HELD_THREAD == 0).then_some(word | HELD_THREAD))
            .is_some()
    }

    /// Notes that the run that began under `offer_id` has said when the next run is scheduled, or that it was the last.
    /// Returns whether the run is still in progress.
    pub(crate) fn choose_next(&self, offer_id: OfferId, is_last: bool) -> bool {
        let chosen = if is_last { CHOSEN | LAST } else { CHOSEN };
        self.update(|word| running(word, offer_id).then_some(word & !LAST | chosen))
            .is_some()
    }

    /// Requests `WATCHED` at the end of the run that began under `offer_id`, if the run is still in progress.
    pub(crate) fn watch(&self, offer_id: OfferId) -> bool {
        self.update(|word| running(word, offer_id).then_some(word | WATCHED))
            .is_some()
    }
}

/// Steps on the job: from any thread, at any time.
impl RunState {
    pub(crate) fn load(&self) -> Snapshot {
        Snapshot(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.load().is_running()
    }

    pub(crate) fn is_running_under(&self, offer_id: OfferId) -> bool {
        running(self.load().0, offer_id)
    }

    /// Prevents further runs. If the job is idle, returns true, and the caller must clear the job. Otherwise the end of
    /// the run must do so.
    pub(crate) fn remove(&self) -> bool {
        let before = self.0.fetch_or(REMOVED, Ordering::AcqRel);
        before & (REMOVED | OFFERED | RUNNING) == 0
    }

    pub(crate) fn pause(&self) {
        self.0.fetch_or(PAUSED, Ordering::AcqRel);
    }

    /// Ends the pause. Returns whether the job was paused.
    pub(crate) fn resume(&self) -> bool {
        self.0.fetch_and(!PAUSED, Ordering::AcqRel) & PAUSED != 0
    }

    /// Requests a run now, or after the run in progress. Until that run begins, a further trigger changes nothing.
    pub(crate) fn trigger(&self) {
        self.request(TRIGGERED);
    }

    /// Requests a run at the next tick, or at the tick after the run in progress.
    pub(crate) fn trigger_at_tick(&self) {
        self.request(TRIGGERED | AT_TICK);
    }

    fn request(&self, flags: u64) {
        self.update(|word| (word & TRIGGERED == 0).then_some(word | flags));
    }

    /// If the job is triggered, its run begins at the next tick, because the executor has refused the run.
    pub(crate) fn postpone_trigger(&self) {
        self.update(|word| (word & TRIGGERED != 0).then_some(word | AT_TICK));
    }

    pub(crate) fn take_trigger(&self) -> bool {
        self.0.fetch_and(!TRIGGER, Ordering::AcqRel) & TRIGGERED != 0
    }

    /// Notes that a measured run of the job has held its thread. From here on the job is known for it.
    pub(crate) fn note_holder(&self) {
        // The end of this run counts down too.
        let holder = (SHORT_RUNS + 1) << HOLDER_SHIFT;
        self.update(|word| Some(word & !HOLDER | holder));
    }

    /// Notes that a measured run of the job ends. After enough runs without a hold, the job is not known for holds any
    /// more.
    pub(crate) fn note_measured_end(&self) {
        if self.load().holds_thread() {
            self.update(|word| (word & HOLDER != 0).then(|| word - (1 << HOLDER_SHIFT)));
        }
    }

    /// Notes that a run has failed.
    pub(crate) fn note_failed_run(&self) {
        self.0.fetch_or(FAILED, Ordering::AcqRel);
    }

    /// Notes that a run has succeeded.
    pub(crate) fn forget_failed_run(&self) {
        self.0.fetch_and(!FAILED, Ordering::AcqRel);
    }

    /// If the job is busy, requests that the end of the run applies the interval. Returns whether the job is busy.
    pub(crate) fn change(&self) -> bool {
        self.update(|word| is_busy(word).then_some(word | CHANGED)).is_some()
    }

    /// Applies `change` to the word. Returns the old word, or `None` if `change` returned `None`. Updates and loads use
    /// `SeqCst`. They share a single order with the steps that mark a batch as cancelled and count listeners.
    fn update(&self, change: impl FnMut(u64) -> Option<u64>) -> Option<u64> {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, change).ok()
    }
}

/// The word of an idle job whose last run had waited and ended at this instant. The instant is truncated: after about
/// an hour, another instant gives the same word. A collision may delay a run by one tick.
fn waited_until(ended: Time) -> u64 {
    (ended.as_nanos() as u64) << OFFER_ID_SHIFT | WAITED
}

/// Whether no run may begin.
fn is_closed(word: u64) -> bool {
    word & REMOVED != 0 || word & (PAUSED | TRIGGERED) == PAUSED
}

fn is_busy(word: u64) -> bool {
    word & (OFFERED | RUNNING) != 0
}

fn offer_id_of(word: u64) -> OfferId {
    OfferId(word >> OFFER_ID_SHIFT << OFFER_ID_SHIFT)
}

fn running(word: u64, offer_id: OfferId) -> bool {
    word & RUNNING != 0 && offer_id_of(word) == offer_id
}

fn offered(word: u64, offer_id: OfferId) -> bool {
    word & OFFERED != 0 && offer_id_of(word) == offer_id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time() {
        let state = RunState::default();
        let (first, second) = (OfferId::new(1), OfferId::new(2));
        assert_eq!(state.offer(first), Offer::Taken);
        assert_eq!(state.offer(second), Offer::Busy);
        assert_eq!(state.begin(second), None);
        assert_eq!(state.begin(first), Some(Begin::Due));
        assert_eq!(state.begin(first), None);
        assert!(state.is_running());
        assert!(state.end(None).due());
        assert_eq!(state.offer(second), Offer::Taken);
    }

    #[test]
    fn the_run_of_a_withdrawn_offer_can_not_begin() {
        let state = RunState::default();
        let (first, second) = (OfferId::new(1), OfferId::new(2));
        state.offer(first);
        assert_eq!(state.withdraw(second), None);
        assert!(state.withdraw(first).is_some_and(Deferred::nothing));
        state.offer(second);
        assert_eq!(state.begin(first), None);
        assert_eq!(state.begin(second), Some(Begin::Due));
        assert_eq!(state.withdraw(second), None);
    }

    #[test]
    fn a_watch_is_for_a_run_in_progress() {
        let state = RunState::default();
        let offer_id = OfferId::new(1);
        state.offer(offer_id);
        assert!(!state.watch(offer_id));
        state.begin(offer_id);
        assert!(!state.watch(OfferId::new(2)));
        assert!(state.watch(offer_id));
        assert!(state.end(None).watched());
        assert!(!state.watch(offer_id));
    }

    #[test]
    fn a_run_is_in_progress_under_its_own_offer_id() {
        let state = RunState::default();
        let offer_ids = [OfferId::new(1), OfferId::new(2)];
        let running = || offer_ids.map(|offer_id| state.is_running_under(offer_id));
        assert_eq!(running(), [false, false]);
        state.offer(offer_ids[0]);
        assert_eq!(running(), [false, false]);
        state.begin(offer_ids[0]);
        assert_eq!(running(), [true, false]);
        state.end(None);
        assert_eq!(running(), [false, false]);
    }

    #[test]
    fn a_removed_job_is_cleared_away_by_exactly_one() {
        let idle = RunState::default();
        assert!(idle.remove());
        assert!(!idle.remove());
        assert_eq!(idle.offer(OfferId::new(1)), Offer::Closed);

        let running = RunState::default();
        running.offer(OfferId::new(1));
        running.begin(OfferId::new(1));
        assert!(!running.remove());
        assert!(running.end(None).removed());

        let offered = RunState::default();
        offered.offer(OfferId::new(1));
        assert!(!offered.remove());
        assert_eq!(offered.begin(OfferId::new(1)), None);
        assert!(offered.withdraw(OfferId::new(1)).is_some_and(Deferred::removed));
    }

    #[test]
    fn what_is_paused_runs_only_if_it_is_triggered() {
        let state = RunState::default();
        let (first, second) = (OfferId::new(1), OfferId::new(2));
        state.offer(first);
        state.pause();
        assert_eq!(state.begin(first), None);
        state.withdraw(first);
        assert_eq!(state.offer(second), Offer::Closed);
        state.trigger();
        assert_eq!(state.offer(second), Offer::Taken);
        assert_eq!(state.begin(second), Some(Begin::Triggered));
        assert!(state.end(None).nothing());
        assert!(state.load().is_paused());
        assert_eq!(state.offer(first), Offer::Closed);
        assert!(state.resume());
        assert_eq!(state.offer(first), Offer::Taken);
    }

    #[test]
    fn what_is_triggered_in_a_run_is_due_at_its_end() {
        let state = RunState::default();
        let offer_id = OfferId::new(1);
        state.offer(offer_id);
        state.begin(offer_id);
        state.trigger();
        assert!(state.end(None).due());
        assert!(state.load().is_triggered());
    }

    #[test]
    fn a_trigger_says_whether_its_run_waits_for_a_tick() {
        type Trigger = fn(&RunState);
        for (trigger, at_once) in [(RunState::trigger as Trigger, true), (RunState::trigger_at_tick, false)] {
            let state = RunState::default();
            let told = || (state.load().is_triggered(), state.load().is_triggered_at_once());
            assert_eq!(told(), (false, false));
            state.offer(OfferId::new(1));
            state.begin(OfferId::new(1));
            trigger(&state);
            assert_eq!(told(), (true, at_once));
            assert!(state.end(None).due());
            assert_eq!(told(), (true, at_once), "the end keeps the trigger");
            state.offer(OfferId::new(2));
            assert!(state.withdraw(OfferId::new(2)).is_some());
            assert_eq!(told(), (true, at_once), "a withdrawal keeps the trigger");
            state.offer(OfferId::new(3));
            assert_eq!(state.begin(OfferId::new(3)), Some(Begin::Triggered));
            assert_eq!(told(), (false, false));
            state.trigger();
            assert_eq!(told(), (true, true), "nothing is left of the trigger before");
            assert!(state.take_trigger());
            assert_eq!(told(), (false, false));
        }
    }

    #[test]
    fn a_further_trigger_changes_nothing() {
        let triggers: [fn(&RunState); 2] = [RunState::trigger, RunState::trigger_at_tick];
        for first in triggers {
            for further in triggers {
                let [once, twice] = [(); 2].map(|()| RunState::default());
                first(&once);
                first(&twice);
                further(&twice);
                assert_eq!(once.load().0, twice.load().0);
            }
        }
    }

    #[test]
    fn a_triggered_run_that_was_refused_waits_for_a_tick() {
        let state = RunState::default();
        state.postpone_trigger();
        assert!(!state.load().is_triggered());
        state.trigger();
        state.postpone_trigger();
        let snapshot = state.load();
        assert!(snapshot.is_triggered() && !snapshot.is_triggered_at_once());
        assert!(state.take_trigger());
        state.trigger();
        assert!(state.load().is_triggered_at_once());
    }

    fn run(state: &RunState, change: impl FnOnce(&RunState)) -> Deferred {
        state.offer(OfferId::new(1));
        state.begin(OfferId::new(1));
        change(state);
        state.note_measured_end();
        state.end(None)
    }

    #[test]
    fn a_job_is_known_to_hold_its_thread_until_16_measured_runs_in_a_row_were_short() {
        let state = RunState::default();
        run(&state, |_| ());
        assert!(!state.load().holds_thread());
        for short_runs in [0, 1, 15, 16] {
            assert!(run(&state, RunState::note_holder).nothing());
            for _ in 0..short_runs {
                assert!(state.load().holds_thread());
                run(&state, |_| ());
            }
            assert_eq!(state.load().holds_thread(), short_runs < 16, "{short_runs}");
        }
        run(&state, |_| ());
        assert_eq!(state.load().0, 0);
    }

    #[test]
    fn what_is_known_of_a_job_outlives_runs_offers_and_withdrawals() {
        let state = RunState::default();
        run(&state, RunState::note_holder);
        let (offer_id, ended) = (OfferId::new(2), Time::from_nanos(5));
        state.offer(offer_id);
        assert!(state.load().holds_thread() && state.load().offer_id() == offer_id);
        assert!(state.withdraw(offer_id).is_some());
        state.trigger();
        state.offer(offer_id);
        state.begin(offer_id);
        assert!(state.load().holds_thread() && state.is_running_under(offer_id));
        state.end(Some(ended));
        assert!(state.load().holds_thread() && state.load().has_ended_at(ended));
    }

    #[test]
    fn a_run_that_has_held_its_thread_is_noted_once() {
        let state = RunState::default();
        for _ in 0..2 {
            run(&state, |state| {
                assert!(state.note_held_thread());
                assert!(!state.note_held_thread());
            });
        }
    }

    #[test]
    fn a_cancelled_run_leaves_the_next_alone() {
        let state = RunState::default();
        let (first, second) = (OfferId::new(1), OfferId::new(2));
        state.offer(first);
        state.begin(first);
        assert!(!state.cancel(second));
        assert!(state.cancel(first));
        assert!(state.load().is_cancelled());
        state.end(None);
        state.offer(second);
        state.begin(second);
        assert!(!state.load().is_cancelled());
    }

    #[test]
    fn an_idle_state_shows_when_a_run_that_had_waited_has_ended() {
        let state = RunState::default();
        let [before, ended] = [0, 5].map(Time::from_nanos);
        let shows = || [before, ended].map(|instant| state.load().has_ended_at(instant));
        let run = |waited| {
            state.offer(OfferId::new(5));
            state.begin(OfferId::new(5));
            assert_eq!(shows(), [false, false]);
            state.end(waited);
        };
        assert_eq!(shows(), [false, false]);
        run(Some(ended));
        assert_eq!(shows(), [false, true]);
        state.pause();
        assert_eq!(shows(), [false, true]);
        state.resume();
        run(None);
        assert_eq!(shows(), [false, false]);
        run(Some(before));
        assert_eq!(shows(), [true, false]);
        for instant in [-5, 200 * 86_400_000_000_000].map(Time::from_nanos) {
            run(Some(instant));
            assert!(state.load().has_ended_at(instant));
            assert_eq!(shows(), [false, false]);
        }
    }

    #[test]
    fn a_change_is_for_the_holder_of_a_busy_job() {
        let state = RunState::default();
        assert!(!state.change());
        state.offer(OfferId::new(1));
        assert!(state.change());
        state.begin(OfferId::new(1));
        assert!(state.end(None).changed());
        assert!(!state.change());
    }

    #[test]
    fn the_end_reports_the_deferred_requests_and_no_others() {
        // Row: the request during the run, then the expected flags: nothing, due, changed, watched, removed.
        type Row = (fn(&RunState), (bool, bool, bool, bool, bool));
        let table: [Row; 7] = [
            (|_| (), (true, false, false, false, false)),
            (RunState::pause, (true, false, false, false, false)),
            (
                |state| assert_eq!(state.offer(OfferId::new(2)), Offer::Busy),
                (false, true, false, false, false),
            ),
            (RunState::trigger_at_tick, (false, true, false, false, false)),
            (|state| assert!(state.change()), (false, true, true, false, false)),
            (
                |state| assert!(state.watch(OfferId::new(1))),
                (false, false, false, true, false),
            ),
            (|state| assert!(!state.remove()), (false, false, false, false, true)),
        ];
        for (number, (come_up, expected)) in table.into_iter().enumerate() {
            let state = RunState::default();
            state.offer(OfferId::new(1));
            state.begin(OfferId::new(1));
            come_up(&state);
            let end = state.end(None);
            let told = (end.nothing(), end.due(), end.changed(), end.watched(), end.removed());
            assert_eq!(told, expected, "row {number}");
            assert_eq!(end.offer_id(), OfferId::new(1), "row {number}");
        }
    }

    #[test]
    fn a_request_made_twice_counts_once() {
        let offer_id = OfferId::new(1);
        let asked_twice = |ask: fn(&RunState)| {
            let state = RunState::default();
            state.offer(offer_id);
            state.begin(offer_id);
            ask(&state);
            ask(&state);
            state
        };
        assert!(
            asked_twice(|state| assert_eq!(state.offer(OfferId::new(2)), Offer::Busy))
                .end(None)
                .due()
        );
        assert!(asked_twice(|state| assert!(state.change())).end(None).changed());
        assert!(
            asked_twice(|state| assert!(state.watch(OfferId::new(1))))
                .end(None)
                .watched()
        );
        assert!(
            asked_twice(|state| assert!(state.cancel(OfferId::new(1))))
                .load()
                .is_cancelled()
        );
        assert!(
            asked_twice(|state| assert!(state.cancel_current()))
                .load()
                .is_cancelled()
        );
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "only what has begun can end")]
    fn what_has_not_begun_can_not_end() {
        RunState::default().end(None);
    }

    #[test]
    fn a_snapshot_shows_the_stage_and_the_flags_of_the_job() {
        let state = RunState::default();
        let stage = || {
            let snapshot = state.load();
            (snapshot.is_offered(), snapshot.is_running(), snapshot.is_busy())
        };
        let said = || {
            let snapshot = state.load();
            (snapshot.is_paused(), snapshot.is_triggered(), snapshot.is_removed())
        };
        assert_eq!(stage(), (false, false, false));
        assert_eq!(said(), (false, false, false));
        assert!(!state.is_running());
        state.offer(OfferId::new(1));
        assert_eq!(stage(), (true, false, true));
        assert_eq!(state.load().offer_id(), OfferId::new(1));
        state.begin(OfferId::new(1));
        assert_eq!(stage(), (false, true, true));
        assert_eq!(said(), (false, false, false));
        state.pause();
        assert_eq!(said(), (true, false, false));
        assert!(state.resume());
        assert!(!state.resume());
        state.trigger();
        assert_eq!(said(), (false, true, false));
        assert!(!state.resume());
        assert!(state.take_trigger());
        assert!(!state.take_trigger());
        state.remove();
        assert_eq!(said(), (false, false, true));
        assert!(!state.take_trigger());
    }

    #[test]
    fn taking_the_trigger_keeps_the_other_flags() {
        let state = RunState::default();
        state.pause();
        state.trigger();
        assert!(state.take_trigger());
        let snapshot = state.load();
        assert!(snapshot.is_paused() && !snapshot.is_triggered());
    }

    #[test]
    fn only_a_run_in_progress_can_be_cancelled() {
        let state = RunState::default();
        let offer_id = OfferId::new(1);
        assert!(!state.cancel_current());
        state.offer(offer_id);
        assert!(!state.cancel(offer_id) && !state.cancel_current());
        state.begin(offer_id);
        assert!(state.cancel_current());
        assert!(state.load().is_cancelled() && state.is_running());
    }

    #[test]
    fn an_instance_is_offered_only_when_idle_and_keeps_its_trigger() {
        let instance = RunState::default();
        let (first, second) = (OfferId::new(1), OfferId::new(2));
        assert!(instance.offer_instance(first, false));
        assert!(!instance.load().is_triggered());
        assert!(!instance.offer_instance(second, true));
        assert!(!instance.load().is_triggered());
        assert_eq!(instance.begin(first), Some(Begin::Due));
        // The instance was busy. The end of its run therefore reports that the job is due.
        assert!(instance.end(None).due());
        assert!(instance.offer_instance(second, true));
        assert_eq!(instance.begin(second), Some(Begin::Triggered));
        instance.end(None);
        instance.remove();
        assert!(!instance.offer_instance(first, false));
    }

    #[test]
    fn a_busy_instance_that_is_paused_reports_a_triggered_run_at_its_end() {
        let instance = RunState::default();
        assert!(instance.offer_instance(OfferId::new(1), false));
        instance.begin(OfferId::new(1));
        instance.pause();
        assert!(!instance.offer_instance(OfferId::new(2), true));
        assert!(instance.end(None).due());
    }
}
