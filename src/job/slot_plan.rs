//! Which slot a run by a calendar is for, and which slots have passed without a run.

use crate::job::by_calendar::ByCalendar;
use crate::job::cell::JobCell;
use crate::job::rules::Rules;
use crate::job::run::RunInfo;
use crate::time::{Clocks, MissedTicks, NO_SLOT, NextSlot, Span, Time, WallTime};

/// At most this many missed slots are counted.
const MOST_COUNTED: u64 = 10_000;

/// What becomes of a run on offer.
pub(crate) enum Plan {
    Run(PlannedRun),
    /// The schedule has changed since the offer: no run is due.
    NotDue,
    /// All slots that have passed are too late: this many.
    Dropped(Step, u64),
}

/// A run that is about to begin.
pub(crate) struct PlannedRun {
    /// [`NO_SLOT`] if the calendar did not ask for the run.
    pub(crate) slot: WallTime,
    pub(crate) scheduled: Time,
    pub(crate) due: Time,
    /// Number of slots that got no run.
    pub(crate) missed: u64,
    /// How many of these were told of before.
    pub(crate) told: u64,
    pub(crate) step: Step,
}

/// A step of the schedule.
pub(crate) struct Step {
    old: NextSlot,
    /// The last slot that the step leaves behind.
    done: WallTime,
    next: NextSlot,
}

/// The slots from one on up to an instant.
struct Walk {
    last: WallTime,
    /// Number of slots before the last, up to [`MOST_COUNTED`].
    passed: u64,
    /// The first slot later than the instant.
    next: WallTime,
}

impl ByCalendar<'_> {
    /// Decides on the run that was `offered`. Asks the calendar: no lock may be held.
    pub(crate) fn plan(&self, offered: Time) -> Plan {
        let clocks = self.clock.read();
        let old = self.next_run();
        let told = self.slots.dropped(self.job.id);
        if old.slot == WallTime::NEVER || self.due(old) > clocks.now.max(offered) || self.lies_ahead(old, clocks) {
            Plan::NotDue
        } else if old.slot == NO_SLOT {
            Plan::Run(PlannedRun {
                slot: NO_SLOT,
                scheduled: old.scheduled,
                due: old.scheduled,
                missed: told,
                told,
                step: Step::new(old, NO_SLOT, self.slot_after(clocks.wall), clocks),
            })
        } else {
            self.plan_slot(old, clocks, told)
        }
    }

    /// Whether the wall clock was set back, so that the slot lies ahead again. The loop schedules the job anew.
    fn lies_ahead(&self, next: NextSlot, clocks: Clocks) -> bool {
        next.has_slot() && next.slot.before(self.clock.resolution()) > clocks.wall
    }

    fn plan_slot(&self, old: NextSlot, clocks: Clocks, told: u64) -> Plan {
        let until = self.passed_until(old.slot, clocks);
        let (first, dropped) = self.drop_late(old.slot, clocks);
        if first > until {
            return Plan::Dropped(Step::new(old, until, first, clocks), dropped);
        }
        let walk = match self.job.policy() {
            MissedTicks::Burst => Walk {
                last: first,
                passed: 0,
                next: self.slot_after(first),
            },
            MissedTicks::Skip | MissedTicks::Delay => self.walk(first, until),
        };
        let run = match walk.last == old.slot {
            true => old,
            false => NextSlot::at(walk.last, clocks),
        };
        Plan::Run(PlannedRun {
            slot: run.slot,
            scheduled: run.scheduled,
            due: self.due(run),
            missed: told
                .saturating_add(dropped)
                .saturating_add(walk.passed)
                .min(MOST_COUNTED.max(told)),
            told,
            step: Step::new(old, walk.last, walk.next, clocks),
        })
    }

    /// Takes the step of a run that begins.
    pub(crate) fn take_run(&self, planned: &PlannedRun) {
        self.take(&planned.step);
        self.slots.forget_dropped(self.job.id);
    }

    /// Takes the step of slots that are dropped.
    pub(crate) fn take_dropped(&self, step: &Step, slots: u64) {
        self.take(step);
        self.slots.note_dropped(self.job.id, slots);
    }

    /// Takes a step of the schedule. If a caller or a clock that was set has changed the schedule meanwhile, the change
    /// stays.
    fn take(&self, step: &Step) {
        self.job.note_slot_done(step.done);
        if self.job.replace_next_slot(step.old, step.next) {
            return;
        }
        self.update(|now| {
            let is_left_behind = now.has_slot() && step.old.slot <= now.slot && now.slot <= step.done;
            is_left_behind.then(|| NextSlot::at(step.next.slot, self.clock.read()))
        });
    }

    /// Under `Overlap::Skip`, drops the slots that came due during a run, and returns their number.
    pub(crate) fn drop_due(&self) -> u64 {
        let clocks = self.clock.read();
        let old = self.next_run();
        if !old.has_slot() || self.due(old) > clocks.now {
            return 0;
        }
        let walk = self.walk(old.slot, self.passed_until(old.slot, clocks));
        self.take(&Step::new(old, walk.last, walk.next, clocks));
        (walk.passed + 1).min(MOST_COUNTED)
    }

    /// The instant up to which slots have passed, for a run at `slot`, which has. A jitter delays them all.
    fn passed_until(&self, slot: WallTime, clocks: Clocks) -> WallTime {
        let end = self.job.rules().map_or(Time::NEVER, |rules| rules.until);
        let until = clocks.wall.before(self.job.jitter_at(self.slots, slot));
        until.min(clocks.wall_at(end)).max(slot)
    }

    /// Drops the slots from `slot` on that are too late. Returns the first that is not, and the number of the others.
    fn drop_late(&self, slot: WallTime, clocks: Clocks) -> (WallTime, u64) {
        let Some(limit) = self.slots.late_at_most else {
            return (slot, 0);
        };
        // A run that begins at the first tick from its due instant is not late.
        let limit = limit.max(self.clock.resolution());
        let is_too_late = |slot: WallTime| {
            let due = clocks.time_of(slot).after(self.job.jitter_at(self.slots, slot));
            clocks.now.since(due) > limit
        };
        let (mut first, mut dropped) = (slot, 0);
        if is_too_late(first) {
            // Too late whatever its jitter.
            let longest = self.job.rules().and_then(|rules| rules.jitter);
            let longest = longest.map_or(Span::ZERO, |jitter| jitter.max);
            let until = clocks.wall.before(limit).before(longest).before(Span::from_nanos(1));
            let walk = self.walk(first, until.max(first));
            (first, dropped) = (walk.next, walk.passed + 1);
        }
        while first != WallTime::NEVER && is_too_late(first) {
            (first, dropped) = (self.slot_after(first), dropped + 1);
        }
        (first, dropped.min(MOST_COUNTED))
    }

    /// Goes through the slots from `first` to `until`, which is not earlier. Beyond the number that is counted, looks
    /// for the last slot by halving.
    fn walk(&self, first: WallTime, until: WallTime) -> Walk {
        let (mut last, mut passed) = (first, 0);
        loop {
            let next = self.slot_after(last);
            if next > until {
                return Walk { last, passed, next };
            }
            if passed == MOST_COUNTED {
                last = self.last_slot(next, until);
                let next = self.slot_after(last);
                return Walk { last, passed, next };
            }
            (last, passed) = (next, passed + 1);
        }
    }

    /// The last slot from `slot`, which has passed, that has passed too.
    pub(super) fn last_passed(&self, slot: WallTime, clocks: Clocks) -> WallTime {
        self.walk(slot, self.passed_until(slot, clocks)).last
    }

    /// The last slot from `slot` on that is not later than `until`.
    fn last_slot(&self, slot: WallTime, until: WallTime) -> WallTime {
        let (mut slot, mut end) = (slot, until);
        while slot < end {
            let distance = end.as_nanos().saturating_sub(slot.as_nanos());
            let middle = WallTime::from_nanos(slot.as_nanos().saturating_add(distance / 2));
            match self.slot_after(middle) {
                next if next <= until => slot = next,
                _ if middle == slot => break,
                _ => end = middle,
            }
        }
        slot
    }

    pub(super) fn due(&self, run: NextSlot) -> Time {
        if run.has_slot() {
            run.scheduled.after(self.job.jitter_at(self.slots, run.slot))
        } else {
            run.scheduled
        }
    }
}

impl JobCell {
    /// Counts a planned run. The schedule has taken the step.
    pub(crate) fn begin_slot(&self, planned: &PlannedRun, started: Option<Time>) -> RunInfo {
        let _alone = self.lock_if_shared();
        let skipped = self.rules().map_or(0, Rules::take_skipped);
        let info = RunInfo {
            slot: planned.slot,
            missed: planned.missed.saturating_add(skipped),
            ..self.count_run(planned.scheduled, planned.due, started)
        };
        self.note_no_offer();
        info
    }
}

impl Plan {
    /// How many of the missed slots were told of before.
    pub(crate) fn told(&self) -> u64 {
        match self {
            Plan::Run(planned) => planned.told,
            Plan::NotDue | Plan::Dropped(..) => 0,
        }
    }
}

impl Step {
    fn new(old: NextSlot, done: WallTime, next: WallTime, clocks: Clocks) -> Step {
        Step {
            old,
            done,
            next: NextSlot::at(next, clocks),
        }
    }
}
