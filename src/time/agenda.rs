//! The agenda answers two questions: which jobs are due at an instant, and when is the next job due. Plain data in,
//! plain data out: no clock, no lock, no async.
//!
//! The agenda knows a job by its index, which is also the job's position in the order. It keeps one bucket of indexes
//! for each tick. A tick therefore costs time for the due jobs only, not for all registered jobs. If a job is inserted
//! again, its old entry stays in the old bucket. When the old bucket comes up, the job's time in `due_times` shows that
//! the entry is stale.

use std::collections::BTreeMap;

use slab::Slab;

use super::grid::{Grid, Tick};
use super::instant::Time;

/// A job's position in the order of registration.
pub(crate) type JobIndex = u32;

/// Number of emptied lists kept: one for the due jobs, one for the rest of a bucket that a late tick has split, and two
/// for new buckets.
const SPARES: usize = 4;

/// Only a bucket whose tick comes within this number of ticks gets a spare list. In a far bucket, a large list would
/// occupy memory for a long time without use.
const SOON: Tick = 64;

/// Stale entries are counted after this number of insertions, plus the number of jobs.
const INSERTIONS_PER_LOOK: usize = 4_096;

#[derive(Debug)]
pub(crate) struct Agenda {
    grid: Grid,
    /// The first tick not yet served.
    next_tick: Tick,
    /// The bucket of each tick, by the bucket's key in `buckets`. Most ticks have no bucket.
    ticks: BTreeMap<Tick, usize>,
    buckets: Slab<Bucket>,
    /// The bucket of the most recent insertion. The next insertion mostly goes to the same bucket.
    last: Option<LastBucket>,
    /// The time at which each job is due, or `NEVER`.
    due_times: Vec<Time>,
    /// Emptied lists, kept so that a steady load allocates nothing.
    spares: Vec<Vec<JobIndex>>,
    /// Number of insertions until stale entries are counted.
    insertions_left: usize,
}

#[derive(Debug)]
struct Bucket {
    earliest: Time,
    jobs: Vec<JobIndex>,
}

/// The key of a bucket, and its range: due times later than `after`, up to and including `until`.
#[derive(Debug, Clone, Copy)]
struct LastBucket {
    after: Time,
    until: Time,
    key: usize,
}

impl LastBucket {
    fn is_for(self, time: Time) -> bool {
        self.after < time && time <= self.until
    }
}

impl Agenda {
    pub(crate) fn new(grid: Grid) -> Agenda {
        Agenda {
            grid,
            next_tick: 0,
            ticks: BTreeMap::new(),
            buckets: Slab::new(),
            last: None,
            due_times: Vec::new(),
            spares: Vec::new(),
            insertions_left: INSERTIONS_PER_LOOK,
        }
    }

    /// Inserts `job` at the first tick that is not before `due`, not before `now`, and not yet served. The new due time
    /// replaces the old one.
    pub(crate) fn insert(&mut self, job: JobIndex, due: Time, now: Time) {
        let index = job as usize;
        if index >= self.due_times.len() {
            self.due_times.resize(index + 1, Time::NEVER);
        }
        if self.due_times[index] == due {
            return;
        }
        self.due_times[index] = due;
        if due == Time::NEVER {
            return;
        }
        let time = due.max(now);
        let key = match self.last {
            Some(last) if last.is_for(time) => last.key,
            _ => self.find_bucket(time),
        };
        let bucket = &mut self.buckets[key];
        bucket.earliest = bucket.earliest.min(due);
        bucket.jobs.push(job);
        self.insertions_left -= 1;
        if self.insertions_left == 0 {
            self.look_for_stale_entries();
        }
    }

    fn find_bucket(&mut self, time: Time) -> usize {
        let own_tick = self.grid.tick_from(time);
        let tick = own_tick.max(self.next_tick);
        let key = *self.ticks.entry(tick).or_insert_with(|| {
            let is_soon = tick - self.next_tick < SOON;
            let spare = if is_soon { self.spares.pop() } else { None };
            self.buckets.insert(Bucket {
                earliest: Time::NEVER,
                jobs: spare.unwrap_or_default(),
            })
        });
        self.last = Some(LastBucket {
            after: own_tick
                .checked_sub(1)
                .map_or(Time::EARLIEST, |before| self.grid.time_of(before)),
            until: self.grid.time_of(own_tick),
            key,
        });
        key
    }

    /// Removes `job` from the agenda.
    pub(crate) fn remove(&mut self, job: JobIndex) {
        if let Some(due) = self.due_times.get_mut(job as usize) {
            *due = Time::NEVER;
        }
    }

    /// If the tick at or right before `now` has a bucket, or an earlier tick has a bucket, serves that tick.
    ///
    /// Appends every job due by `now` to `due`, in order. Each tick is served once: a job inserted afterwards comes at
    /// a later tick. Returns whether a tick was served.
    pub(crate) fn take_due(&mut self, now: Time, due: &mut Vec<JobIndex>) -> bool {
        let Some(tick) = self.grid.tick_until(now) else {
            return false;
        };
        if self.ticks.first_key_value().is_none_or(|(first, _)| *first > tick) {
            return false;
        }
        let mut found = Vec::new();
        while let Some(entry) = self.ticks.first_entry().filter(|entry| *entry.key() <= tick) {
            let mut jobs = self.buckets.remove(entry.remove()).jobs;
            jobs.retain(|job| take_if_due(&mut self.due_times, *job, now));
            if found.is_empty() {
                std::mem::swap(&mut found, &mut jobs);
            } else {
                found.append(&mut jobs);
            }
            self.recycle(jobs);
        }
        self.next_tick = tick + 1;
        self.last = None;
        self.take_early(now, &mut found);
        found.sort_unstable();
        if due.is_empty() {
            std::mem::swap(due, &mut found);
        } else {
            due.append(&mut found);
        }
        self.recycle(found);
        true
    }

    /// A tick that is served late also serves the jobs that became due since, although their own tick is still ahead.
    fn take_early(&mut self, now: Time, due: &mut Vec<JobIndex>) {
        let Some(entry) = self.ticks.first_entry() else { return };
        let bucket = &mut self.buckets[*entry.get()];
        if bucket.earliest > now {
            return;
        }
        bucket.earliest = Time::NEVER;
        let due_times = &mut self.due_times;
        bucket.jobs.retain(|job| {
            let is_due = take_if_due(due_times, *job, now);
            if is_due {
                due.push(*job);
            } else {
                bucket.earliest = bucket.earliest.min(due_times[*job as usize]);
            }
            !is_due
        });
        if bucket.jobs.is_empty() {
            let bucket = self.buckets.remove(entry.remove());
            self.recycle(bucket.jobs);
        }
    }

    /// Keeps the memory of a list that is no longer needed. If the agenda has too many spare lists, it drops the
    /// smallest.
    fn recycle(&mut self, mut jobs: Vec<JobIndex>) {
        if jobs.capacity() == 0 {
            return;
        }
        jobs.clear();
        self.spares.push(jobs);
        if self.spares.len() > SPARES {
            self.spares.sort_by_key(|spare| std::cmp::Reverse(spare.capacity()));
            self.spares.truncate(SPARES);
        }
    }

    pub(crate) fn grid(&self) -> Grid {
        self.grid
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

    /// The next tick at which a job may be due.
    pub(crate) fn next_wake(&self) -> Option<Time> {
        self.ticks.first_key_value().map(|(tick, _)| self.grid.time_of(*tick))
    }

    /// Each repeated insertion of a job leaves a stale entry, possibly for days. If most entries are stale, this
    /// function removes the stale entries.
    #[cold]
    fn look_for_stale_entries(&mut self) {
        let jobs = self.due_times.len();
        self.insertions_left = INSERTIONS_PER_LOOK + jobs;
        let entries: usize = self.buckets.iter().map(|(_, bucket)| bucket.jobs.len()).sum();
        if entries > 2 * jobs + INSERTIONS_PER_LOOK {
            self.remove_stale_entries();
        }
    }

    /// Keeps one entry for each job, in a bucket that comes up when the job is due or later.
    fn remove_stale_entries(&mut self) {
        let mut has_entry = vec![false; self.due_times.len()];
        self.retain_entries(|bucket, due_times, tick| {
            bucket.earliest = Time::NEVER;
            let jobs = std::mem::take(&mut bucket.jobs);
            for job in jobs {
                let due = due_times[job as usize];
                if due <= tick && !std::mem::replace(&mut has_entry[job as usize], true) {
                    bucket.earliest = bucket.earliest.min(due);
                    bucket.jobs.push(job);
                }
            }
        });
    }

    /// Gives every job the index that `renumbered` holds for the job. Forgets the jobs without a new index.
    pub(crate) fn renumber(&mut self, renumbered: &[Option<JobIndex>]) {
        self.retain_entries(|bucket, due_times, _| {
            let jobs = bucket.jobs.iter();
            let listed = jobs.filter(|job| due_times[**job as usize] != Time::NEVER);
            bucket.jobs = listed.filter_map(|job| renumbered[*job as usize]).collect();
        });
        let old = std::mem::take(&mut self.due_times);
        let kept = old.iter().zip(renumbered).filter(|(_, index)| index.is_some());
        self.due_times = kept.map(|(due, _)| *due).collect();
    }

    /// Calls `change` with each bucket and the time of its tick. Then removes the empty buckets.
    fn retain_entries(&mut self, mut change: impl FnMut(&mut Bucket, &[Time], Time)) {
        self.last = None;
        self.ticks.retain(|tick, key| {
            let bucket = &mut self.buckets[*key];
            change(bucket, &self.due_times, self.grid.time_of(*tick));
            let is_empty = bucket.jobs.is_empty();
            if is_empty {
                self.buckets.remove(*key);
            }
            !is_empty
        });
    }
}

/// If the job is due, marks it as taken.
fn take_if_due(due_times: &mut [Time], job: JobIndex, now: Time) -> bool {
    let due = &mut due_times[job as usize];
    let is_due = *due <= now;
    if is_due {
        *due = Time::NEVER;
    }
    is_due
}

#[cfg(test)]
mod tests {
    use super::super::instant::Span;
    use super::*;

    fn agenda() -> Agenda {
        Agenda::new(Grid::new(Time::ORIGIN, Span::from_nanos(50)))
    }

    fn at(nanos: i64) -> Time {
        Time::from_nanos(nanos)
    }

    fn due(agenda: &mut Agenda, now: i64) -> Vec<JobIndex> {
        let mut due = Vec::new();
        agenda.take_due(at(now), &mut due);
        due
    }

    #[test]
    fn a_job_comes_at_the_first_tick_from_its_due_time() {
        let mut agenda = agenda();
        agenda.insert(0, at(51), at(0));
        assert_eq!(agenda.next_wake(), Some(at(100)));
        assert_eq!(due(&mut agenda, 50), []);
        assert_eq!(due(&mut agenda, 100), [0]);
        assert_eq!(agenda.next_wake(), None);
    }

    #[test]
    fn jobs_come_in_order_whatever_their_due_times() {
        let mut agenda = agenda();
        for (job, due_time) in [(2, 10), (0, 30), (1, 20)] {
            agenda.insert(job, at(due_time), at(0));
        }
        assert_eq!(due(&mut agenda, 50), [0, 1, 2]);
    }

    #[test]
    fn a_tick_is_served_once() {
        let mut agenda = agenda();
        agenda.insert(0, at(0), at(0));
        assert_eq!(due(&mut agenda, 0), [0]);
        agenda.insert(0, at(0), at(0));
        assert_eq!(due(&mut agenda, 49), []);
        assert_eq!(agenda.next_wake(), Some(at(50)));
        assert_eq!(due(&mut agenda, 50), [0]);
    }

    #[test]
    fn a_late_tick_serves_all_that_is_due_and_the_grid_stays() {
        let mut agenda = agenda();
        for (job, due_time) in [(0, 50), (1, 120), (2, 160), (3, 171)] {
            agenda.insert(job, at(due_time), at(0));
        }
        assert_eq!(due(&mut agenda, 170), [0, 1, 2]);
        assert_eq!(agenda.next_wake(), Some(at(200)));
        assert_eq!(due(&mut agenda, 200), [3]);
    }

    #[test]
    fn what_is_due_at_the_very_instant_of_a_late_tick_comes_with_it() {
        let mut agenda = agenda();
        for (job, due_time) in [(0, 150), (1, 170)] {
            agenda.insert(job, at(due_time), at(0));
        }
        assert_eq!(due(&mut agenda, 170), [0, 1]);
        assert_eq!(agenda.next_wake(), None);
    }

    #[test]
    fn what_is_overdue_comes_at_the_next_tick_from_now() {
        let mut agenda = agenda();
        assert_eq!(due(&mut agenda, 0), []);
        agenda.insert(0, at(100), at(1_010));
        assert_eq!(agenda.next_wake(), Some(at(1_050)));
        assert_eq!(due(&mut agenda, 1_050), [0]);
    }

    #[test]
    fn a_due_time_on_a_tick_goes_to_that_tick_wherever_the_last_one_went() {
        for last in [51, 100, 101, 150] {
            let mut agenda = agenda();
            agenda.insert(0, at(last), at(0));
            agenda.insert(1, at(50), at(0));
            agenda.insert(2, at(100), at(0));
            assert_eq!(due(&mut agenda, 50), [1], "{last}");
        }
    }

    #[test]
    fn between_ticks_nothing_comes() {
        let mut agenda = agenda();
        agenda.insert(0, at(0), at(0));
        assert_eq!(due(&mut agenda, 0), [0]);
        agenda.insert(0, at(50), at(110));
        assert_eq!(due(&mut agenda, 110), []);
        assert_eq!(due(&mut agenda, 150), [0]);
    }

    #[test]
    fn a_new_due_time_replaces_the_old_one() {
        let mut agenda = agenda();
        agenda.insert(0, at(200), at(0));
        agenda.insert(0, at(100), at(0));
        assert_eq!(due(&mut agenda, 100), [0]);
        assert_eq!(due(&mut agenda, 200), []);
        agenda.insert(0, at(300), at(200));
        agenda.insert(0, at(400), at(200));
        assert_eq!(due(&mut agenda, 300), []);
        assert_eq!(due(&mut agenda, 400), [0]);
    }

    #[test]
    fn the_same_due_time_twice_is_one_entry() {
        let mut agenda = agenda();
        agenda.insert(0, at(100), at(0));
        agenda.insert(0, at(100), at(0));
        assert_eq!(due(&mut agenda, 100), [0]);
    }

    #[test]
    fn a_removed_job_does_not_come() {
        let mut agenda = agenda();
        agenda.insert(0, at(100), at(0));
        agenda.remove(0);
        agenda.remove(7);
        assert_eq!(due(&mut agenda, 100), []);
        agenda.insert(0, Time::NEVER, at(100));
        assert_eq!(agenda.next_wake(), None);
    }

    #[test]
    fn nothing_comes_before_the_start() {
        let mut agenda = agenda();
        agenda.insert(0, at(-10), at(-20));
        assert_eq!(due(&mut agenda, -1), []);
        assert_eq!(due(&mut agenda, 0), [0]);
    }

    #[test]
    fn a_clock_that_stepped_back_serves_nothing_twice() {
        let mut agenda = agenda();
        agenda.insert(0, at(100), at(0));
        assert_eq!(due(&mut agenda, 100), [0]);
        agenda.insert(0, at(150), at(100));
        assert_eq!(due(&mut agenda, 20), []);
        assert_eq!(due(&mut agenda, 150), [0]);
    }

    #[test]
    fn renumbering_keeps_what_counts() {
        let mut agenda = agenda();
        for job in 0..4 {
            agenda.insert(job, at(100), at(0));
        }
        agenda.insert(3, at(150), at(0));
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
        let mut due = Vec::new();
        for job in [1, 0] {
            agenda.insert(job, at(50), at(0));
        }
        due.push(5);
        agenda.take_due(at(50), &mut due);
        assert_eq!(due, [5, 0, 1]);
    }

    #[test]
    fn a_steady_load_makes_no_new_lists() {
        let mut agenda = agenda();
        let mut due = Vec::new();
        let memory: Vec<_> = (1..20)
            .map(|round| {
                let tick = 50 * round;
                // Some jobs are due on time, some come early because the tick is late, and some have to wait: alone,
                // and in pairs.
                let count = if round < 10 { 1_000 } else { 10 };
                for number in 0..count {
                    let job = 8 * number;
                    let after_tick = if number % 2 == 0 { 15 } else { 40 };
                    agenda.insert(job + 1, at(tick - 10), at(tick - 50));
                    agenda.insert(
                        job + 2 + 2 * (round % 2) as JobIndex,
                        at(tick + after_tick),
                        at(tick - 50),
                    );
                    agenda.insert(
                        job + 3 + 2 * (round % 2) as JobIndex,
                        at(tick + after_tick),
                        at(tick - 50),
                    );
                }
                due.clear();
                agenda.take_due(at(tick + 20), &mut due);
                assert!(due.len() > count as usize);
                let buckets = agenda.buckets.iter().map(|(_, bucket)| &bucket.jobs);
                let mut lists: Vec<_> = buckets.chain(&agenda.spares).chain([&due]).map(Vec::capacity).collect();
                lists.sort();
                lists
            })
            .collect();
        // A list that was large enough for many jobs is reused for few.
        assert_eq!(memory[9..], vec![memory[8].clone(); 10], "{memory:?}");
    }

    #[test]
    fn ticks_that_are_late_now_and_then_make_no_new_lists() {
        let mut agenda = agenda();
        (0..1_000).for_each(|job| agenda.insert(job, at(job as i64 * 7 % 1_000), at(0)));
        let mut due = Vec::new();
        let mut lists_after = |agenda: &mut Agenda, tick: i64| {
            let now = 50 * tick + [0, 20, 20, 0, 45][tick as usize % 5];
            due.clear();
            agenda.take_due(at(now), &mut due);
            due.iter()
                .for_each(|&job| agenda.insert(job, at(job as i64 * 7 % 1_000 + 1_000 * (now / 1_000 + 1)), at(now)));
            let buckets = agenda.buckets.iter().map(|(_, bucket)| &bucket.jobs);
            let used = buckets.filter(|jobs| jobs.capacity() > 0).count();
            used + agenda.spares.len() + usize::from(due.capacity() > 0)
        };
        let lists: Vec<_> = (0..200).map(|tick| lists_after(&mut agenda, tick)).collect();
        assert!(lists[100..].iter().all(|count| *count == lists[100]), "{lists:?}");
    }

    #[test]
    fn jobs_that_are_inserted_again_and_again_take_no_more_memory_and_come_up_once() {
        const JOBS: JobIndex = 20;
        let mut agenda = agenda();
        let mut random = 1_u64;
        let mut due_times = [0; JOBS as usize];
        for number in 0..100_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let job = number % JOBS;
            // The same due time again, or another. Some due times are practically never.
            due_times[job as usize] = match (random >> 33) % 100 {
                0 => 50 * ((random >> 40) as i64 % 10_000) + 1,
                1 => i64::MAX - 1,
                _ => due_times[job as usize],
            };
            agenda.remove(job);
            agenda.insert(job, at(due_times[job as usize]), at(0));
            let entries: usize = agenda.buckets.iter().map(|(_, bucket)| bucket.jobs.len()).sum();
            assert!(
                entries <= 2 * (INSERTIONS_PER_LOOK + 2 * JOBS as usize),
                "{entries} after {number}"
            );
        }
        let mut expected: Vec<_> = (0..JOBS).map(|job| (due_times[job as usize], job)).collect();
        expected.retain(|(due_time, _)| *due_time < i64::MAX - 1);
        assert!(expected.len() < JOBS as usize, "one was to be as good as never");
        expected.sort();
        let mut found = Vec::new();
        while let Some(wake) = agenda.next_wake().filter(|wake| wake.as_nanos() < 1_000_000) {
            let now = wake.as_nanos();
            for job in due(&mut agenda, now) {
                let due_time = due_times[job as usize];
                assert!((0..50).contains(&(now - due_time)), "{job} at {now}, due at {due_time}");
                found.push((due_time, job));
            }
        }
        found.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_bucket_that_comes_up_late_takes_no_memory_that_many_have_used() {
        let mut agenda = agenda();
        agenda.recycle(Vec::with_capacity(1_000));
        agenda.insert(1, at(50 * (SOON as i64 + 2)), at(0));
        let far = agenda.ticks.values().map(|key| agenda.buckets[*key].jobs.capacity());
        assert!(far.max().is_some_and(|capacity| capacity <= 4) && agenda.spares.len() == 1);
        agenda.insert(3, at(100), at(0));
        assert!(agenda.spares.is_empty());
    }

    #[test]
    fn of_the_emptied_lists_the_largest_are_kept() {
        let mut agenda = agenda();
        for jobs in [1, 5_000, 1_000, 100, 2_000, 200, 3_000] {
            let mut list = Vec::new();
            (0..jobs).for_each(|job| list.push(2 * job));
            agenda.recycle(list);
        }
        agenda.recycle(Vec::new());
        assert_eq!(agenda.spares.len(), SPARES);
        assert!(
            agenda
                .spares
                .iter()
                .all(|spare| spare.is_empty() && spare.capacity() >= 999)
        );
    }
}
