//! Lists of slots, in little memory: jobs that were registered one after the other are mostly due together.

use std::iter;
use std::ops::Range;

/// A job's place in the order of registration.
pub(crate) type Slot = u32;

/// Marks an entry that says how many more slots follow the one before it.
const MORE: u32 = 1 << 31;

/// A list of slots, to the end of which they are added. A stretch of consecutive ones takes two entries however long it is, a slot by itself
/// takes one.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// All stretches but the last.
    entries: Vec<u32>,
    /// The entries before this one have been taken.
    begin: usize,
    /// How many slots the entries stand for.
    entered: usize,
    /// The last stretch. It lies here as long as it may grow.
    last: Range<Slot>,
    /// Some entry is marked, or was.
    has_marks: bool,
    is_unsorted: bool,
}

impl Slots {
    /// So many slots there can be.
    pub(crate) const LIMIT: usize = MORE as usize;

    pub(crate) fn push(&mut self, slot: Slot) {
        self.append(slot..slot + 1);
    }

    pub(crate) fn append(&mut self, stretch: Range<Slot>) {
        debug_assert!(stretch.end <= MORE, "a slot would be taken for a mark");
        if stretch.start == self.last.end {
            self.last.end = stretch.end;
        } else {
            self.begin_stretch(stretch);
        }
    }

    fn begin_stretch(&mut self, stretch: Range<Slot>) {
        let Range { start, end } = std::mem::replace(&mut self.last, stretch);
        if start < end {
            self.is_unsorted |= self.last.start < end;
            self.close_up();
            self.entries.push(start);
            if end - start > 1 {
                self.entries.push(MORE | (end - start - 1));
                self.has_marks = true;
            }
            self.entered += (end - start) as usize;
        }
    }

    /// Gives up the place of what was taken, before it is more than what is left.
    fn close_up(&mut self) {
        if self.begin > self.entries.len() / 2 {
            self.entries.drain(..self.begin);
            self.begin = 0;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entered + self.last.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries it has room for.
    pub(crate) fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    pub(crate) fn clear(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.clear();
        *self = Slots {
            entries,
            ..Slots::default()
        };
    }

    pub(crate) fn stretches(&self) -> impl Iterator<Item = Range<Slot>> {
        let mut entries = &self.entries[self.begin..];
        let mut last = (!self.last.is_empty()).then(|| self.last.clone());
        iter::from_fn(move || {
            let (first, count);
            (first, count, entries) = match *entries {
                [first, more, ref rest @ ..] if more & MORE != 0 => (first, 1 + (more & !MORE), rest),
                [first, ref rest @ ..] => (first, 1, rest),
                [] => return last.take(),
            };
            Some(first..first + count)
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Slot> {
        self.stretches().flatten()
    }

    /// Takes so many off the front, or as many as there are, and adds them to `taken`.
    pub(crate) fn take_first(&mut self, mut count: usize, taken: &mut Vec<Slot>) {
        while let Some(stretch) = self.first().filter(|_| count > 0) {
            let cut = stretch.end.min(stretch.start.saturating_add(count as u32));
            self.cut_first(&stretch, cut);
            count -= (cut - stretch.start) as usize;
            taken.extend(stretch.start..cut);
        }
        if self.is_empty() {
            self.clear();
        }
    }

    fn first(&self) -> Option<Range<Slot>> {
        self.stretches().next()
    }

    /// Takes off what the first stretch has before `cut`.
    fn cut_first(&mut self, stretch: &Range<Slot>, cut: Slot) {
        if self.entered == 0 {
            self.last.start = cut;
            return;
        }
        if cut < stretch.end {
            self.entries[self.begin] = cut;
            self.entries[self.begin + 1] = MORE | (stretch.end - cut - 1);
        } else {
            let is_marked = self.entries.get(self.begin + 1).is_some_and(|entry| entry & MORE != 0);
            self.begin += 1 + usize::from(is_marked);
        }
        self.entered -= (cut - stretch.start) as usize;
    }

    /// Puts the slots in order. None is there twice. `scratch` is memory that may be used.
    pub(crate) fn sort(&mut self, scratch: &mut Vec<u64>) {
        if !self.is_unsorted {
            return;
        }
        if self.has_marks || self.last.len() > 1 {
            return self.sort_stretches(scratch);
        }
        self.begin_stretch(0..0);
        self.entries[self.begin..].sort_unstable();
        self.is_unsorted = false;
        if let Some(last) = self.entries.pop() {
            self.entered -= 1;
            self.last = last..last + 1;
        }
    }

    /// As plain numbers, which are quicker to sort.
    fn sort_stretches(&mut self, scratch: &mut Vec<u64>) {
        let number = |Range { start, end }| u64::from(start) << 32 | u64::from(end);
        scratch.extend(self.stretches().map(number));
        scratch.sort_unstable();
        self.clear();
        for number in scratch.drain(..) {
            self.append((number >> 32) as Slot..number as Slot);
        }
    }

    /// Gives every slot the number that `renumber` says, and forgets those that have none.
    pub(crate) fn renumber(&mut self, renumber: impl FnMut(Slot) -> Option<Slot>) {
        let old = std::mem::take(self);
        old.iter().filter_map(renumber).for_each(|slot| self.push(slot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that looks random.
    fn mix(number: u64) -> u64 {
        number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407)
    }

    fn slots(list: &[Slot]) -> Slots {
        let mut slots = Slots::default();
        list.iter().for_each(|slot| slots.push(*slot));
        slots
    }

    fn list(slots: &Slots) -> Vec<Slot> {
        slots.iter().collect()
    }

    #[test]
    fn slots_come_in_the_order_in_which_they_were_added() {
        for added in [&[][..], &[7], &[0, 1, 2, 9, 10, 4, 3, 5, 6, 7], &[2, 2, 1, 2, 3]] {
            let slots = slots(added);
            assert_eq!((list(&slots), slots.len()), (added.to_vec(), added.len()));
        }
    }

    #[test]
    fn a_stretch_takes_two_entries_and_a_slot_by_itself_one() {
        let mut slots = slots(&[3, 5, 6]);
        slots.append(7..1_000_000);
        slots.append(1_000_000..2_000_000);
        slots.push(0);
        slots.push(8);
        assert_eq!(slots.entries.len(), 4);
        assert_eq!(slots.stretches().collect::<Vec<_>>(), [3..4, 5..2_000_000, 0..1, 8..9]);
    }

    #[test]
    fn what_was_taken_off_the_front_is_gone() {
        let all = [4, 5, 6, 7, 9, 11, 12, 1];
        for count in 1..=all.len() + 1 {
            let mut slots = slots(&all);
            let mut taken = Vec::new();
            while !slots.is_empty() {
                let before = taken.len();
                slots.take_first(count, &mut taken);
                assert_eq!(taken.len() - before, count.min(all.len() - before));
                assert_eq!(
                    (list(&slots), slots.len()),
                    (all[taken.len()..].to_vec(), all.len() - taken.len())
                );
            }
            assert_eq!(taken, all);
        }
    }

    #[test]
    fn what_is_added_behind_what_is_left_comes_after_it() {
        let mut slots = slots(&[1, 2, 3]);
        let mut taken = Vec::new();
        slots.take_first(2, &mut taken);
        slots.push(4);
        slots.push(0);
        slots.take_first(1, &mut taken);
        assert_eq!((taken, list(&slots)), (vec![1, 2, 3], vec![4, 0]));
    }

    #[test]
    fn an_emptied_list_is_as_good_as_new_and_keeps_its_memory() {
        let mut taken = slots(&[3, 5]);
        taken.take_first(2, &mut Vec::new());
        let mut cleared = slots(&[5, 3]);
        cleared.clear();
        for mut slots in [taken, cleared] {
            assert!(slots.is_empty() && slots.capacity() >= 2);
            slots.push(0);
            slots.sort(&mut Vec::new());
            assert_eq!((list(&slots), slots.entries.len()), (vec![0], 0));
        }
    }

    #[test]
    fn sorting_puts_slots_in_order() {
        for mut added in [
            vec![6, 7, 8, 2, 9, 3, 4, 0],
            vec![6, 3, 9, 0, 1],
            vec![6, 3, 9, 0],
            vec![1, 2, 0],
        ] {
            let mut slots = slots(&added);
            slots.sort(&mut Vec::new());
            added.sort();
            assert_eq!((list(&slots), slots.len()), (added.clone(), added.len()));
            for (slot, place) in [
                (20, added.len()),
                (10, added.len()),
                (5, added.partition_point(|slot| *slot < 5)),
            ] {
                slots.push(slot);
                slots.sort(&mut Vec::new());
                added.insert(place, slot);
                assert_eq!(list(&slots), added);
            }
        }
    }

    #[test]
    fn a_list_that_is_never_empty_does_not_grow_for_ever() {
        let mut slots = slots(&(0..200).map(|slot| 2 * slot).collect::<Vec<_>>());
        let mut taken = Vec::new();
        for _ in 0..10_000 {
            slots.take_first(1, &mut taken);
            taken.drain(..).for_each(|slot| slots.push(slot));
        }
        assert_eq!(slots.len(), 200);
        assert!(slots.capacity() < 1_000, "{}", slots.capacity());
    }

    #[test]
    fn whatever_is_done_a_list_holds_what_a_plain_one_would() {
        let (mut random, mut scratch) = (1, Vec::new());
        let mut roll = move |sides: u32| {
            random = mix(random);
            (random >> 32) as u32 % sides
        };
        for _ in 0..200 {
            let (mut slots, mut plain) = (Slots::default(), Vec::new());
            for _ in 0..100 {
                match roll(12) {
                    0..4 => {
                        let slot = roll(1_000);
                        slots.push(slot);
                        plain.push(slot);
                    }
                    4..7 => {
                        let (start, count) = (roll(1_000), roll(5));
                        slots.append(start..start + count);
                        plain.extend(start..start + count);
                    }
                    7..9 => {
                        let (count, mut taken) = (roll(8) as usize, Vec::new());
                        slots.take_first(count, &mut taken);
                        assert_eq!(taken, plain.drain(..count.min(plain.len())).collect::<Vec<_>>());
                    }
                    9 => {
                        slots.renumber(|slot| (slot % 7 != 0).then_some(slot + 1));
                        plain.retain_mut(|slot| std::mem::replace(slot, *slot + 1) % 7 != 0);
                    }
                    10 => {
                        // None is there twice when a list is sorted.
                        plain.sort();
                        plain.dedup();
                        slots.clear();
                        let from = roll(1 + plain.len() as u32) as usize;
                        plain.rotate_left(from);
                        plain.iter().for_each(|slot| slots.push(*slot));
                        slots.sort(&mut scratch);
                        plain.sort();
                    }
                    _ => {
                        slots.clear();
                        plain.clear();
                    }
                }
                assert_eq!((list(&slots), slots.len()), (plain.clone(), plain.len()));
            }
        }
    }

    #[test]
    fn renumbered_slots_close_up_and_those_without_a_number_go() {
        let mut slots = slots(&[0, 2, 4, 5, 1]);
        slots.renumber(|slot| (slot % 2 == 0).then_some(slot / 2));
        assert_eq!((list(&slots), slots.stretches().count()), (vec![0, 1, 2], 1));
    }
}
