//! What is due at this instant, and when next? Plain data in, plain data out: no clock, no lock, no async.
//!
//! Jobs are known by the number of their slot, which is also their order. Slots lie in one bucket for each tick, so that a
//! tick costs what is due, not what is registered. A slot that is listed anew stays in its old bucket too; when that comes
//! up, `listed` tells whether the slot is due.

use std::collections::BTreeMap;

use slab::Slab;

use crate::grid::{Grid, Tick};
use crate::slots::{Slot, Slots};
use crate::time::Time;

/// So many emptied lists are kept: for what is due, for what a late tick leaves of the next one's bucket, and for two buckets that are new.
const SPARES: usize = 4;

/// A bucket that comes up within so many ticks may have one of them. In others the memory of a great many would lie for long, for a few.
const SOON: Tick = 64;

/// Entries that don't count any more are looked for after so many listings, and as many as there are slots.
const PATIENCE: usize = 4_096;

#[derive(Debug)]
pub(crate) struct Agenda {
    grid: Grid,
    /// The first tick that has not been served.
    upcoming: Tick,
    /// The bucket of each tick that has one, by its place on the shelf.
    ticks: BTreeMap<Tick, usize>,
    shelf: Slab<Bucket>,
    /// Where the last deadline went: the next one mostly goes there too.
    last: Option<Filed>,
    /// The deadline under which each slot is listed, or `NEVER`.
    listed: Vec<Time>,
    /// Emptied lists, and memory to sort them in, kept so that a steady load allocates nothing.
    spares: Vec<Slots>,
    scratch: Vec<u64>,
    /// How many listings there may be until then.
    patience: usize,
}

#[derive(Debug)]
struct Bucket {
    earliest: Time,
    slots: Slots,
}

/// A bucket, and what goes there: what is due after one tick, and until the next.
#[derive(Debug, Clone, Copy)]
struct Filed {
    after: Time,
    until: Time,
    bucket: usize,
}

impl Filed {
    fn is_for(self, time: Time) -> bool {
        self.after < time && time <= self.until
    }
}

impl Agenda {
    pub(crate) fn new(grid: Grid) -> Agenda {
        Agenda {
            grid,
            upcoming: 0,
            ticks: BTreeMap::new(),
            shelf: Slab::new(),
            last: None,
            listed: Vec::new(),
            spares: Vec::new(),
            scratch: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// Lists `slot` for the first tick at which `deadline` has come, and which is neither served nor before `now`.
    /// Takes the place of what was listed for it before.
    pub(crate) fn list(&mut self, slot: Slot, deadline: Time, now: Time) {
        let index = slot as usize;
        if index >= self.listed.len() {
            self.listed.resize(index + 1, Time::NEVER);
        }
        if self.listed[index] == deadline {
            return;
        }
        self.listed[index] = deadline;
        if deadline == Time::NEVER {
            return;
        }
        let time = deadline.max(now);
        let filed = match self.last {
            Some(filed) if filed.is_for(time) => filed.bucket,
            _ => self.find_bucket(time),
        };
        let bucket = &mut self.shelf[filed];
        bucket.earliest = bucket.earliest.min(deadline);
        bucket.slots.push(slot);
        self.patience -= 1;
        if self.patience == 0 {
            self.look_for_stale();
        }
    }

    fn find_bucket(&mut self, time: Time) -> usize {
        let tick = self.grid.tick_from(time);
        let key = tick.max(self.upcoming);
        let place = self.ticks.entry(key).or_insert_with(|| {
            let spare = if key - self.upcoming < SOON {
                self.spares.pop()
            } else {
                None
            };
            self.shelf.insert(Bucket {
                earliest: Time::NEVER,
                slots: spare.unwrap_or_default(),
            })
        });
        self.last = Some(Filed {
            after: tick
                .checked_sub(1)
                .map_or(Time::EARLIEST, |before| self.grid.time_of(before)),
            until: self.grid.time_of(tick),
            bucket: *place,
        });
        *place
    }

    /// Takes `slot` off the agenda.
    pub(crate) fn unlist(&mut self, slot: Slot) {
        if let Some(deadline) = self.listed.get_mut(slot as usize) {
            *deadline = Time::NEVER;
        }
    }

    /// Serves the tick that `now` falls on, or the last one before it, if anything is listed for it or an earlier one:
    /// adds to `due`, in order, every slot whose deadline is not later than `now`. Each tick is served once; what is
    /// listed from here on comes at a later one.
    pub(crate) fn take_due(&mut self, now: Time, due: &mut Slots) {
        let Some(tick) = self.grid.tick_until(now) else { return };
        if self.ticks.first_key_value().is_none_or(|(first, _)| *first > tick) {
            return;
        }
        let mut found = self.spares.pop().unwrap_or_default();
        while let Some(entry) = self.ticks.first_entry().filter(|entry| *entry.key() <= tick) {
            let slots = self.shelf.remove(entry.remove()).slots;
            for stretch in slots.stretches() {
                stretch
                    .filter(|slot| take(&mut self.listed, *slot, now))
                    .for_each(|slot| found.push(slot));
            }
            self.put_by(slots);
        }
        self.upcoming = tick + 1;
        self.last = None;
        self.take_early(now, &mut found);
        found.sort(&mut self.scratch);
        if due.is_empty() {
            std::mem::swap(due, &mut found);
        } else {
            found.stretches().for_each(|stretch| due.append(stretch));
        }
        self.put_by(found);
    }

    /// A tick that is served late also serves what has come due since, although its own tick is still ahead.
    fn take_early(&mut self, now: Time, due: &mut Slots) {
        let Some(entry) = self.ticks.first_entry() else { return };
        let bucket = &mut self.shelf[*entry.get()];
        if bucket.earliest > now {
            return;
        }
        let left = self.spares.pop().unwrap_or_default();
        let slots = std::mem::replace(&mut bucket.slots, left);
        bucket.earliest = Time::NEVER;
        for slot in slots.iter() {
            if take(&mut self.listed, slot, now) {
                due.push(slot);
            } else {
                bucket.earliest = bucket.earliest.min(self.listed[slot as usize]);
                bucket.slots.push(slot);
            }
        }
        if bucket.slots.is_empty() {
            let bucket = self.shelf.remove(entry.remove());
            self.put_by(bucket.slots);
        }
        self.put_by(slots);
    }

    /// Keeps the memory of a list that is done with; the smallest goes if it is one too many.
    fn put_by(&mut self, mut slots: Slots) {
        if slots.capacity() == 0 {
            return;
        }
        slots.clear();
        self.spares.push(slots);
        if self.spares.len() > SPARES {
            self.spares.sort_by_key(|spare| std::cmp::Reverse(spare.capacity()));
            self.spares.truncate(SPARES);
        }
    }

    /// Whether a tick falls on `now` exactly.
    pub(crate) fn is_on_tick(&self, now: Time) -> bool {
        self.grid
            .tick_until(now)
            .is_some_and(|tick| self.grid.time_of(tick) == now)
    }

    /// The first tick after `now`.
    pub(crate) fn tick_after(&self, now: Time) -> Time {
        let tick = self.grid.tick_until(now).map_or(0, |tick| tick + 1);
        self.grid.time_of(tick)
    }

    /// The next tick at which something may be due.
    pub(crate) fn next_wake(&self) -> Option<Time> {
        self.ticks.first_key_value().map(|(tick, _)| self.grid.time_of(*tick))
    }

    /// A slot that is listed anew leaves an entry behind, which may lie there for days. If most are of that kind, they go.
    #[cold]
    fn look_for_stale(&mut self) {
        let slots = self.listed.len();
        self.patience = PATIENCE + slots;
        let entries: usize = self.shelf.iter().map(|(_, bucket)| bucket.slots.len()).sum();
        if entries > 2 * slots + PATIENCE {
            self.forget_stale();
        }
    }

    /// Keeps the one entry of each slot at which it comes up.
    fn forget_stale(&mut self) {
        let mut has_entry = vec![false; self.listed.len()];
        self.last = None;
        self.ticks.retain(|tick, place| {
            let time = self.grid.time_of(*tick);
            let bucket = &mut self.shelf[*place];
            bucket.earliest = Time::NEVER;
            for slot in std::mem::take(&mut bucket.slots).iter() {
                let deadline = self.listed[slot as usize];
                if deadline <= time && !std::mem::replace(&mut has_entry[slot as usize], true) {
                    bucket.earliest = bucket.earliest.min(deadline);
                    bucket.slots.push(slot);
                }
            }
            let is_empty = bucket.slots.is_empty();
            if is_empty {
                self.shelf.remove(*place);
            }
            !is_empty
        });
    }

    /// Gives every slot the number that `renumbered` holds for it, and forgets those that have none.
    pub(crate) fn renumber(&mut self, renumbered: &[Option<Slot>]) {
        let old = std::mem::take(&mut self.listed);
        for (deadline, slot) in old.iter().zip(renumbered) {
            if slot.is_some() {
                self.listed.push(*deadline);
            }
        }
        self.last = None;
        self.ticks.retain(|_, place| {
            let bucket = &mut self.shelf[*place];
            bucket
                .slots
                .renumber(|slot| renumbered[slot as usize].filter(|_| old[slot as usize] != Time::NEVER));
            let is_empty = bucket.slots.is_empty();
            if is_empty {
                self.shelf.remove(*place);
            }
            !is_empty
        });
    }
}

/// Takes the slot off if it is due.
fn take(listed: &mut [Time], slot: Slot, now: Time) -> bool {
    let deadline = &mut listed[slot as usize];
    let due = *deadline <= now;
    if due {
        *deadline = Time::NEVER;
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn agenda() -> Agenda {
        Agenda::new(Grid::new(Time::ORIGIN, Span::from_nanos(50)))
    }

    fn at(nanos: i64) -> Time {
        Time::from_nanos(nanos)
    }

    fn due(agenda: &mut Agenda, now: i64) -> Vec<Slot> {
        let mut due = Slots::default();
        agenda.take_due(at(now), &mut due);
        due.iter().collect()
    }

    #[test]
    fn a_slot_comes_at_the_first_tick_from_its_deadline() {
        let mut agenda = agenda();
        agenda.list(0, at(51), at(0));
        assert_eq!(agenda.next_wake(), Some(at(100)));
        assert_eq!(due(&mut agenda, 50), []);
        assert_eq!(due(&mut agenda, 100), [0]);
        assert_eq!(agenda.next_wake(), None);
    }

    #[test]
    fn slots_come_in_order_whatever_their_deadlines() {
        let mut agenda = agenda();
        for (slot, deadline) in [(2, 10), (0, 30), (1, 20)] {
            agenda.list(slot, at(deadline), at(0));
        }
        assert_eq!(due(&mut agenda, 50), [0, 1, 2]);
    }

    #[test]
    fn a_tick_is_served_once() {
        let mut agenda = agenda();
        agenda.list(0, at(0), at(0));
        assert_eq!(due(&mut agenda, 0), [0]);
        agenda.list(0, at(0), at(0));
        assert_eq!(due(&mut agenda, 49), []);
        assert_eq!(agenda.next_wake(), Some(at(50)));
        assert_eq!(due(&mut agenda, 50), [0]);
    }

    #[test]
    fn a_late_tick_serves_all_that_is_due_and_the_grid_stays() {
        let mut agenda = agenda();
        for (slot, deadline) in [(0, 50), (1, 120), (2, 160), (3, 171)] {
            agenda.list(slot, at(deadline), at(0));
        }
        assert_eq!(due(&mut agenda, 170), [0, 1, 2]);
        assert_eq!(agenda.next_wake(), Some(at(200)));
        assert_eq!(due(&mut agenda, 200), [3]);
    }

    #[test]
    fn what_is_due_at_the_very_instant_of_a_late_tick_comes_with_it() {
        let mut agenda = agenda();
        for (slot, deadline) in [(0, 150), (1, 170)] {
            agenda.list(slot, at(deadline), at(0));
        }
        assert_eq!(due(&mut agenda, 170), [0, 1]);
        assert_eq!(agenda.next_wake(), None);
    }

    #[test]
    fn what_is_overdue_comes_at_the_next_tick_from_now() {
        let mut agenda = agenda();
        assert_eq!(due(&mut agenda, 0), []);
        agenda.list(0, at(100), at(1_010));
        assert_eq!(agenda.next_wake(), Some(at(1_050)));
        assert_eq!(due(&mut agenda, 1_050), [0]);
    }

    #[test]
    fn a_deadline_on_a_tick_goes_to_that_tick_wherever_the_last_one_went() {
        for last in [51, 100, 101, 150] {
            let mut agenda = agenda();
            agenda.list(0, at(last), at(0));
            agenda.list(1, at(50), at(0));
            agenda.list(2, at(100), at(0));
            assert_eq!(due(&mut agenda, 50), [1], "{last}");
        }
    }

    #[test]
    fn between_ticks_nothing_comes() {
        let mut agenda = agenda();
        agenda.list(0, at(0), at(0));
        assert_eq!(due(&mut agenda, 0), [0]);
        agenda.list(0, at(50), at(110));
        assert_eq!(due(&mut agenda, 110), []);
        assert_eq!(due(&mut agenda, 150), [0]);
    }

    #[test]
    fn a_new_deadline_takes_the_place_of_the_old_one() {
        let mut agenda = agenda();
        agenda.list(0, at(200), at(0));
        agenda.list(0, at(100), at(0));
        assert_eq!(due(&mut agenda, 100), [0]);
        assert_eq!(due(&mut agenda, 200), []);
        agenda.list(0, at(300), at(200));
        agenda.list(0, at(400), at(200));
        assert_eq!(due(&mut agenda, 300), []);
        assert_eq!(due(&mut agenda, 400), [0]);
    }

    #[test]
    fn the_same_deadline_twice_is_one_entry() {
        let mut agenda = agenda();
        agenda.list(0, at(100), at(0));
        agenda.list(0, at(100), at(0));
        assert_eq!(due(&mut agenda, 100), [0]);
    }

    #[test]
    fn an_unlisted_slot_does_not_come() {
        let mut agenda = agenda();
        agenda.list(0, at(100), at(0));
        agenda.unlist(0);
        agenda.unlist(7);
        assert_eq!(due(&mut agenda, 100), []);
        agenda.list(0, Time::NEVER, at(100));
        assert_eq!(agenda.next_wake(), None);
    }

    #[test]
    fn nothing_comes_before_the_start() {
        let mut agenda = agenda();
        agenda.list(0, at(-10), at(-20));
        assert_eq!(due(&mut agenda, -1), []);
        assert_eq!(due(&mut agenda, 0), [0]);
    }

    #[test]
    fn a_clock_that_stepped_back_serves_nothing_twice() {
        let mut agenda = agenda();
        agenda.list(0, at(100), at(0));
        assert_eq!(due(&mut agenda, 100), [0]);
        agenda.list(0, at(150), at(100));
        assert_eq!(due(&mut agenda, 20), []);
        assert_eq!(due(&mut agenda, 150), [0]);
    }

    #[test]
    fn renumbering_keeps_what_counts() {
        let mut agenda = agenda();
        for slot in 0..4 {
            agenda.list(slot, at(100), at(0));
        }
        agenda.list(3, at(150), at(0));
        agenda.renumber(&[None, Some(0), None, Some(1)]);
        assert_eq!(due(&mut agenda, 100), [0]);
        assert_eq!(due(&mut agenda, 150), [1]);
    }

    #[test]
    fn a_tick_falls_on_its_instant_only() {
        let agenda = agenda();
        let on_tick = [-50, -1, 0, 1, 49, 50, 51, 100].map(|now| agenda.is_on_tick(at(now)));
        assert_eq!(on_tick, [false, false, true, false, false, true, false, true]);
    }

    #[test]
    fn the_tick_after_an_instant_is_later_than_that() {
        let agenda = agenda();
        let after = [-50, -1, 0, 49, 50, 51, 100].map(|now| agenda.tick_after(at(now)));
        assert_eq!(after, [0, 0, 50, 50, 100, 100, 150].map(at));
    }

    #[test]
    fn what_is_due_comes_behind_what_is_left() {
        let mut agenda = agenda();
        let mut due = Slots::default();
        for slot in [1, 0] {
            agenda.list(slot, at(50), at(0));
        }
        due.push(5);
        agenda.take_due(at(50), &mut due);
        assert_eq!(due.iter().collect::<Vec<_>>(), [5, 0, 1]);
    }

    #[test]
    fn a_steady_load_makes_no_new_lists() {
        let mut agenda = agenda();
        let mut due = Slots::default();
        let memory: Vec<_> = (1..20)
            .map(|round| {
                let tick = 50 * round;
                // Some are due on time, some come early since the tick is late, and some have to wait; by themselves, and in twos.
                let count = if round < 10 { 1_000 } else { 10 };
                for number in 0..count {
                    let slot = 8 * number;
                    let after_tick = if number % 2 == 0 { 15 } else { 40 };
                    agenda.list(slot + 1, at(tick - 10), at(tick - 50));
                    agenda.list(slot + 2 + 2 * (round % 2) as Slot, at(tick + after_tick), at(tick - 50));
                    agenda.list(slot + 3 + 2 * (round % 2) as Slot, at(tick + after_tick), at(tick - 50));
                }
                due.clear();
                agenda.take_due(at(tick + 20), &mut due);
                assert!(due.len() > count as usize);
                let buckets = agenda.shelf.iter().map(|(_, bucket)| &bucket.slots);
                let mut lists: Vec<_> = buckets
                    .chain(&agenda.spares)
                    .chain([&due])
                    .map(Slots::capacity)
                    .collect();
                lists.push(agenda.scratch.capacity());
                lists.sort();
                lists
            })
            .collect();
        assert!(agenda.scratch.capacity() >= 1_000, "nothing had to be sorted in it");
        // What was large enough for many is there for few.
        assert_eq!(memory[9..], vec![memory[8].clone(); 10], "{memory:?}");
    }

    #[test]
    fn ticks_that_are_late_now_and_then_make_no_new_lists() {
        let mut agenda = agenda();
        (0..1_000).for_each(|slot| agenda.list(slot, at(slot as i64 * 7 % 1_000), at(0)));
        let mut due = Slots::default();
        let mut lists_after = |agenda: &mut Agenda, tick: i64| {
            let now = 50 * tick + [0, 20, 20, 0, 45][tick as usize % 5];
            due.clear();
            agenda.take_due(at(now), &mut due);
            due.iter()
                .for_each(|slot| agenda.list(slot, at(slot as i64 * 7 % 1_000 + 1_000 * (now / 1_000 + 1)), at(now)));
            let buckets = agenda.shelf.iter().map(|(_, bucket)| &bucket.slots);
            let used = buckets.filter(|slots| slots.capacity() > 0).count();
            used + agenda.spares.len() + usize::from(due.capacity() > 0)
        };
        let lists: Vec<_> = (0..200).map(|tick| lists_after(&mut agenda, tick)).collect();
        assert!(lists[100..].iter().all(|count| *count == lists[100]), "{lists:?}");
    }

    #[test]
    fn slots_that_are_listed_anew_and_anew_take_no_more_memory_and_come_up_once() {
        const SLOTS: Slot = 20;
        let mut agenda = agenda();
        let mut random = 1_u64;
        let mut deadlines = [0; SLOTS as usize];
        for number in 0..100_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let slot = number % SLOTS;
            // The same deadline again, or another one; some as good as never.
            deadlines[slot as usize] = match (random >> 33) % 100 {
                0 => 50 * ((random >> 40) as i64 % 10_000) + 1,
                1 => i64::MAX - 1,
                _ => deadlines[slot as usize],
            };
            agenda.unlist(slot);
            agenda.list(slot, at(deadlines[slot as usize]), at(0));
            let entries: usize = agenda.shelf.iter().map(|(_, bucket)| bucket.slots.len()).sum();
            assert!(
                entries <= 2 * (PATIENCE + 2 * SLOTS as usize),
                "{entries} after {number}"
            );
        }
        let mut expected: Vec<_> = (0..SLOTS).map(|slot| (deadlines[slot as usize], slot)).collect();
        expected.retain(|(deadline, _)| *deadline < i64::MAX - 1);
        assert!(expected.len() < SLOTS as usize, "one was to be as good as never");
        expected.sort();
        let mut found = Vec::new();
        while let Some(wake) = agenda.next_wake().filter(|wake| wake.as_nanos() < 1_000_000) {
            let now = wake.as_nanos();
            for slot in due(&mut agenda, now) {
                let deadline = deadlines[slot as usize];
                assert!(
                    (0..50).contains(&(now - deadline)),
                    "{slot} at {now}, due at {deadline}"
                );
                found.push((deadline, slot));
            }
        }
        found.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_bucket_that_comes_up_late_takes_no_memory_that_many_have_used() {
        let mut agenda = agenda();
        (0..1_000).for_each(|slot| agenda.list(2 * slot, at(50), at(0)));
        assert_eq!(due(&mut agenda, 50).len(), 1_000);
        agenda.list(1, at(50 * (SOON as i64 + 2)), at(50));
        let far = agenda.ticks.values().map(|place| agenda.shelf[*place].slots.capacity());
        assert_eq!((far.max(), agenda.spares.len()), (Some(0), 1));
        agenda.list(3, at(100), at(50));
        assert!(agenda.spares.is_empty());
    }

    #[test]
    fn of_the_emptied_lists_the_largest_are_kept() {
        let mut agenda = agenda();
        for slots in [1, 5_000, 1_000, 100, 2_000, 200, 3_000] {
            let mut list = Slots::default();
            (0..slots).for_each(|slot| list.push(2 * slot));
            agenda.put_by(list);
        }
        agenda.put_by(Slots::default());
        assert_eq!(agenda.spares.len(), SPARES);
        assert!(
            agenda
                .spares
                .iter()
                .all(|spare| spare.is_empty() && spare.capacity() >= 999)
        );
    }
}
