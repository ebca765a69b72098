//! A job by a calendar: the slot of its next run, and how it changes.
//!
//! The cell of the job holds the slot beside the scheduled time. A scheduled time without a slot belongs to a run that
//! the calendar did not ask for: `first_run`, `next_in` or `next_at` did. Which slot a run is for is decided in
//! `slot_plan.rs`.

use std::cell::Cell;
use std::sync::Arc;

use crate::clock::Clock;
use crate::job::cell::JobCell;
use crate::job::slots::Slots;
use crate::sync::atomic::Ordering;
use crate::text::payload_text;
use crate::time::{Calendar, ClockChange, Clocks, NO_SLOT, NextSlot, Span, Time, WallTime, short, utc};
use crate::unwind::{Guarded, catch, discard, lock};

/// A job by a calendar, and the clocks of its scheduler.
#[derive(Clone, Copy)]
pub(crate) struct ByCalendar<'a> {
    pub(super) job: &'a JobCell,
    pub(super) slots: &'a Slots,
    pub(super) clock: &'a Clock,
}

impl JobCell {
    fn slots(&self) -> Option<&Slots> {
        self.rules().and_then(|rules| rules.slots.as_ref())
    }

    pub(crate) fn has_calendar(&self) -> bool {
        self.slots().is_some()
    }

    /// `None` if the job has an interval.
    pub(crate) fn by_calendar<'a>(&'a self, clock: &'a Clock) -> Option<ByCalendar<'a>> {
        let slots = self.slots()?;
        Some(ByCalendar {
            job: self,
            slots,
            clock,
        })
    }

    /// The schedule in words: `2s`, `30 2 * * * Europe/Berlin`.
    pub(crate) fn describe_schedule(&self) -> String {
        let Some(slots) = self.slots() else {
            return short(self.span().into());
        };
        let calendar = slots.calendar_of(self.id);
        let text = catch(|| calendar.describe());
        text.unwrap_or_else(|payload| format!("panicked: {}", payload_text(payload)))
    }

    /// If the job ends because its calendar is at fault, takes the reason.
    pub(crate) fn take_calendar_fault(&self) -> Option<Arc<str>> {
        let slots = self.slots().filter(|_| self.is_past_last_slot())?;
        slots.take_fault(self.id)
    }

    /// Whether the job's calendar has no further slot.
    pub(crate) fn is_past_last_slot(&self) -> bool {
        self.has_calendar() && self.slot() == WallTime::NEVER
    }

    /// If the job is by a calendar: the next run.
    pub(super) fn next_slot(&self) -> Option<NextSlot> {
        let pair = lock(&self.slots()?.pair);
        let next = NextSlot {
            slot: self.slot(),
            scheduled: self.scheduled(),
        };
        drop(pair);
        Some(next)
    }

    /// The last slot that had its run, or that was passed over.
    fn slot_done(&self) -> Option<WallTime> {
        let done = WallTime::from_nanos(self.counts_from.load(Ordering::Relaxed));
        (done != WallTime::NEVER).then_some(done)
    }

    pub(super) fn note_slot_done(&self, slot: WallTime) {
        if slot != NO_SLOT {
            self.counts_from.store(slot.as_nanos(), Ordering::Relaxed);
        }
    }

    fn forget_slot_done(&self) {
        self.counts_from.store(WallTime::NEVER.as_nanos(), Ordering::Relaxed);
    }

    /// Replaces the next run, unless it is no longer `old`. Returns whether it was.
    pub(super) fn replace_next_slot(&self, old: NextSlot, new: NextSlot) -> bool {
        let pair = self.slots().map(|slots| lock(&slots.pair));
        let is_old = (self.slot(), self.scheduled()) == (old.slot, old.scheduled);
        if is_old {
            self.set_slot(new.slot);
            self.set_scheduled(new.scheduled);
        }
        drop(pair);
        is_old
    }

    /// If the job is by a calendar and overdue at the `start` of a session, takes the job off the schedule, until the
    /// caller looks for a slot that is later. Returns whether it has to.
    pub(crate) fn is_overdue_by_calendar(&self, start: Time) -> bool {
        let Some(next) = self
            .next_slot()
            .filter(|next| next.has_slot() && next.scheduled <= start)
        else {
            return false;
        };
        let off = NextSlot {
            scheduled: Time::NEVER,
            ..next
        };
        self.replace_next_slot(next, off)
    }

    /// The jitter of the run at `slot`. It is the same in each process, and after a restart.
    pub(super) fn jitter_at(&self, slots: &Slots, slot: WallTime) -> Span {
        let jitter = self.rules().and_then(|rules| rules.jitter);
        jitter.map_or(Span::ZERO, |jitter| jitter.of_number(slots.origin.absolute(slot)))
    }

    /// When a run is due, if the job is by a calendar and has a jitter.
    pub(super) fn due_by_slot(&self, scheduled: Time) -> Option<Time> {
        let slots = self.slots()?;
        let next = self.next_slot()?;
        let is_at_slot = next.has_slot() && next.scheduled == scheduled;
        let delay = if is_at_slot {
            self.jitter_at(slots, next.slot)
        } else {
            Span::ZERO
        };
        Some(scheduled.after(delay))
    }
}

impl ByCalendar<'_> {
    pub(super) fn next_run(&self) -> NextSlot {
        let next = self.job.next_slot();
        next.unwrap_or(NextSlot::without_slot(Time::NEVER))
    }

    /// The first slot later than `after`. `NEVER` if there is none, or if the calendar is at fault. Calls code of the
    /// user: no lock may be held.
    pub(super) fn slot_after(&self, after: WallTime) -> WallTime {
        self.ask(after).unwrap_or_else(|fault| {
            self.slots.note_fault(self.job.id, fault);
            WallTime::NEVER
        })
    }

    /// Like `slot_after`, for code that only foretells: a fault of the calendar is not noted. Nothing is foretold inside
    /// a calendar, which would be asked again without end.
    pub(super) fn foretold_after(&self, after: WallTime) -> WallTime {
        if is_inside_calendar() {
            return WallTime::NEVER;
        }
        self.ask(after).unwrap_or(WallTime::NEVER)
    }

    fn ask(&self, after: WallTime) -> Result<WallTime, String> {
        self.ask_calendar(&**self.slots.calendar_of(self.job.id), after)
    }

    fn ask_calendar(&self, calendar: &dyn Calendar, after: WallTime) -> Result<WallTime, String> {
        let origin = self.slots.origin;
        let Some(instant) = origin.system_time(after) else {
            return Ok(WallTime::NEVER);
        };
        match catch(|| inside_calendar(|| calendar.next(instant))) {
            Ok(Some(next)) if next <= instant => Err(format!(
                "the calendar answered with {}, which is not later than {}",
                utc(next),
                utc(instant)
            )),
            Ok(Some(next)) => Ok(origin.time_of(next)),
            Ok(None) => Ok(WallTime::NEVER),
            Err(payload) => Err(format!("the calendar panicked: {}", payload_text(payload))),
        }
    }

    /// The first slot from now on, and the clocks. Returns what is wrong if there is none.
    fn first_slot(&self, calendar: &dyn Calendar) -> Result<(WallTime, Clocks), String> {
        let clocks = self.clock.read();
        match self.ask_calendar(calendar, clocks.wall)? {
            WallTime::NEVER => Err(String::from(
                "the schedule has no slot later than now: the job would never run",
            )),
            slot => Ok((slot, clocks)),
        }
    }

    /// Schedules the first run: at the first slot from now on, or when it was `asked_for`. Returns what is wrong if
    /// there is no slot.
    pub(crate) fn schedule_first_slot(&self, asked_for: Option<Time>) -> Result<(), String> {
        let (slot, clocks) = self.first_slot(&**self.slots.calendar_of(self.job.id))?;
        let next = asked_for.map_or_else(|| NextSlot::at(slot, clocks), NextSlot::without_slot);
        self.job.replace_next_slot(self.next_run(), next);
        Ok(())
    }

    /// Replaces the calendar, and schedules its first slot from now on. After an error, which says what is wrong,
    /// nothing has changed.
    pub(crate) fn set_calendar(&self, calendar: Guarded<Arc<dyn Calendar>>) -> Result<(), String> {
        self.first_slot(&**calendar)?;
        drop(self.slots.replace_calendar(self.job.id, Arc::clone(&*calendar)));
        self.update(|_| {
            let clocks = self.clock.read();
            Some(NextSlot::at(self.new_slot_after(clocks.wall), clocks))
        });
        Ok(())
    }

    /// The first slot later than `after`. Of an appointment, it is also later than the slots that are done.
    fn new_slot_after(&self, after: WallTime) -> WallTime {
        match self.job.slot_done() {
            Some(done) if done > after && !self.is_rhythm() => self.slot_after(done),
            _ => self.slot_after(after),
        }
    }

    /// Follows a change of the wall clock.
    ///
    /// A slot that the clock has passed is due. If the clock was set back, the schedule goes on from the new time: from
    /// `since`, the earliest that it can have been set to, so that no slot is lost until the change is noticed. If it was
    /// set back by less than 3 hours, no slot of an appointment that is done comes again.
    pub(crate) fn follow_clock(&self, clocks: Clocks, change: ClockChange, since: WallTime) {
        if change == ClockChange::Correction {
            self.job.forget_slot_done();
        }
        self.update_slot(|next| {
            let slot = match change {
                ClockChange::Forward => next.slot,
                ClockChange::Back | ClockChange::Correction => self.new_slot_after(since),
            };
            NextSlot::at(slot, clocks)
        });
    }

    /// Drops the slots that have passed. They don't count as missed.
    pub(crate) fn skip_passed(&self) {
        self.update_slot(|next| {
            let clocks = self.clock.read();
            let slot = if next.slot <= clocks.wall {
                self.new_slot_after(clocks.wall)
            } else {
                next.slot
            };
            NextSlot::at(slot, clocks)
        });
    }

    /// Like `update`, if the calendar asked for the next run.
    fn update_slot(&self, choose: impl Fn(NextSlot) -> NextSlot) {
        self.update(|next| next.has_slot().then(|| choose(next)));
    }

    fn is_rhythm(&self) -> bool {
        let calendar = self.slots.calendar_of(self.job.id);
        catch(|| calendar.is_rhythm()).unwrap_or_else(|payload| {
            discard(payload);
            false
        })
    }

    /// Replaces the next run by what `choose` makes of it. `choose` is called without a lock, and again if the next run
    /// has changed meanwhile.
    pub(super) fn update(&self, choose: impl Fn(NextSlot) -> Option<NextSlot>) {
        loop {
            let old = self.next_run();
            let Some(new) = choose(old) else { return };
            if self.job.replace_next_slot(old, new) {
                return;
            }
        }
    }
}

thread_local! {
    /// Whether this thread is inside a calendar.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// `false` while the thread is going down.
pub(super) fn is_inside_calendar() -> bool {
    INSIDE.try_with(Cell::get).unwrap_or(false)
}

/// Calls a calendar.
fn inside_calendar<T>(call: impl FnOnce() -> T) -> T {
    let before = INSIDE.try_with(|inside| inside.replace(true)).unwrap_or(false);
    let _restored = Restored(before);
    call()
}

struct Restored(bool);

impl Drop for Restored {
    fn drop(&mut self) {
        let _ = INSIDE.try_with(|inside| inside.set(self.0));
    }
}
