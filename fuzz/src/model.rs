//! The agenda as its docs describe it, with a list that is searched from end to end.
//!
//! Like the docs, the model leaves one case open: a tick at which only superseded entries lie may count as served or
//! not. For each entry, the model therefore knows the first and the last tick at which it may come up. Mostly both are
//! the same tick.

use crate::time::JobIndex;

const NEVER: i64 = i64::MAX;

pub(crate) struct Model {
    start: i64,
    resolution: i64,
    listed: Vec<Listed>,
    /// Superseded entries that may still be in the agenda, and make it serve a tick.
    superseded: Vec<Listed>,
    /// The first tick that may be unserved, and the first tick that certainly is. In 128 bits nothing overflows.
    upcoming: (i128, i128),
    /// Whether the clock has never stepped back. After a step back, ticks may come again, and only checks that hold in
    /// any case are made.
    steady: bool,
}

struct Listed {
    job: JobIndex,
    deadline: i64,
    first_tick: i128,
    last_tick: i128,
}

impl Model {
    pub(crate) fn new(start: i64, resolution: i64) -> Model {
        Model {
            start,
            resolution,
            listed: Vec::new(),
            superseded: Vec::new(),
            upcoming: (0, 0),
            steady: true,
        }
    }

    pub(crate) fn insert(&mut self, job: JobIndex, deadline: i64, now: i64) {
        let same = |listed: &Listed| (listed.job, listed.deadline) == (job, deadline);
        if self.listed.iter().any(same) {
            return;
        }
        self.remove(job);
        if deadline != NEVER {
            let tick = self.tick_from(deadline.max(now));
            self.listed.push(Listed {
                job,
                deadline,
                first_tick: tick.max(self.upcoming.0),
                last_tick: tick.max(self.upcoming.1),
            });
        }
    }

    pub(crate) fn remove(&mut self, job: JobIndex) {
        let superseded = self.listed.extract_if(.., |listed| listed.job == job);
        self.superseded.extend(superseded);
    }

    pub(crate) fn renumber(&mut self, renumbered: &[Option<JobIndex>]) {
        self.listed.retain_mut(|listed| {
            let number = renumbered[listed.job as usize];
            listed.job = number.unwrap_or(listed.job);
            number.is_some()
        });
    }

    pub(crate) fn step_back(&mut self) {
        self.steady = false;
    }

    /// Checks that `due`, which was taken at `now`, has no job twice, no job early, and lacks no job.
    pub(crate) fn check_due(&mut self, now: i64, due: &[JobIndex]) {
        let in_order = due.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(in_order, "not in order, or twice: {due:?}");
        let taken: Vec<_> = self.listed.extract_if(.., |listed| due.contains(&listed.job)).collect();
        assert_eq!(taken.len(), due.len(), "not listed: some of {due:?}");
        for listed in &taken {
            assert!(listed.deadline <= now, "{} came early: at {now}", listed.job);
        }
        let tick = self.tick_until(now);
        if self.steady {
            self.check_served(tick, &taken);
            self.check_left(tick, now, !due.is_empty());
        }
        // A job that was inserted twice, with another operation in between, may come up once more.
        self.superseded.extend(taken);
        self.superseded.retain(|listed| listed.last_tick > tick);
        self.upcoming.1 = self.upcoming.1.max(tick + 1);
        if !due.is_empty() {
            self.upcoming.0 = self.upcoming.0.max(tick + 1);
        }
    }

    /// A wake-up between two ticks serves no job, and no tick is served twice.
    fn check_served(&self, tick: i128, taken: &[Listed]) {
        let mut reasons = taken.iter().chain(&self.superseded);
        let served = taken.is_empty() || reasons.any(|listed| listed.first_tick <= tick);
        assert!(served, "tick {tick} was served, and nothing was listed for it");
    }

    fn check_left(&self, tick: i128, now: i64, served: bool) {
        for listed in &self.listed {
            assert!(listed.last_tick > tick, "{} is lost at {now}", listed.job);
            // A tick that is served late also serves the jobs that have come due since.
            assert!(!served || listed.deadline > now, "{} is left at {now}", listed.job);
        }
    }

    /// The wake time must not be later than the last tick at which a job must come up, nor be without a reason.
    pub(crate) fn check_next_wake(&self, wake: Option<i64>) {
        if !self.steady {
            return;
        }
        let wake_or_never = wake.unwrap_or(NEVER);
        for listed in &self.listed {
            let last = self.time_of(listed.last_tick);
            assert!(wake_or_never <= last, "{} is slept through: {wake:?}", listed.job);
        }
        let mut reasons = self.listed.iter().chain(&self.superseded);
        let reason = wake.is_none_or(|wake| reasons.any(|listed| self.time_of(listed.first_tick) <= wake));
        assert!(reason, "there is nothing to wake for at {wake:?}");
    }

    /// Only jobs that are due past the end of time may be left.
    pub(crate) fn check_empty(&self) {
        for listed in &self.listed {
            let last = self.time_of(listed.last_tick);
            assert_eq!(last, NEVER, "{} never came", listed.job);
        }
    }

    fn time_of(&self, tick: i128) -> i64 {
        i64::try_from(i128::from(self.start) + tick * i128::from(self.resolution)).unwrap_or(NEVER)
    }

    fn tick_from(&self, time: i64) -> i128 {
        let nanos = (i128::from(time) - i128::from(self.start)).max(0);
        (nanos + i128::from(self.resolution) - 1) / i128::from(self.resolution)
    }

    /// The last tick that is not after `time`, or -1.
    fn tick_until(&self, time: i64) -> i128 {
        (i128::from(time) - i128::from(self.start))
            .div_euclid(i128::from(self.resolution))
            .max(-1)
    }
}
