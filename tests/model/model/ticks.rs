//! Ticks: which runs begin at a tick, and in which order.

use crate::model::changes::Trigger;
use crate::model::groups::InLine;
use crate::model::schedule::TickOf;
use crate::model::{Job, Model};
use crate::scenario::{Kind, MANY};
use crate::trace::Nanos;

/// From a start to the next stop.
pub(super) struct Session {
    number: u64,
    start: Nanos,
    resolution: Nanos,
    /// The first tick that is not served yet.
    unserved: i128,
    /// The first tick at or after which the executor has not had a turn.
    unvisited: i128,
    /// The instant from which the clock stepped back. Up to here, the clock passes ticks once more.
    relives_until: Nanos,
    /// A stop with a grace period has begun, and the last runs have not.
    pub(super) drains: bool,
}

impl Session {
    pub(super) fn new(number: u64, start: Nanos, resolution: Nanos) -> Session {
        Session {
            number,
            start,
            resolution,
            unserved: 0,
            unvisited: 0,
            relives_until: Nanos::MIN,
            drains: false,
        }
    }

    fn last_index(&self, now: Nanos) -> i128 {
        (now - self.start).div_euclid(self.resolution)
    }

    fn time_of(&self, index: i128) -> Nanos {
        self.start + index * self.resolution
    }

    pub(super) fn next_tick(&self, now: Nanos) -> Nanos {
        self.time_of(self.last_index(now) + 1).max(self.start)
    }

    /// Whether the clock has stepped back to before the start.
    pub(super) fn is_ahead(&self, now: Nanos) -> bool {
        now < self.start
    }

    pub(super) fn tick_of(&self, now: Nanos) -> TickOf {
        TickOf {
            time: self.time_of(self.last_index(now).max(0)),
            resolution: self.resolution,
        }
    }

    /// Called when the executor has done everything that was due by now.
    pub(super) fn visit(&mut self, now: Nanos) {
        self.unvisited = self.unvisited.max(self.last_index(now) + 1);
    }

    pub(super) fn step_back(&mut self, from: Nanos, to: Nanos) {
        self.relives_until = self.relives_until.max(from);
        self.unvisited = self.unvisited.min(self.last_index(to) + 1);
    }
}

/// A tick that has come.
#[derive(Clone, Copy)]
pub(super) struct Tick {
    session: u64,
    pub(super) index: i128,
    /// The instant of the tick, which is now or has passed.
    pub(super) time: Nanos,
    /// The executor has had no turn at this tick so far.
    pub(super) new: bool,
    /// The clock stepped back, and passes this tick once more.
    pub(super) relived: bool,
}

/// A job that is due at a tick.
struct Due {
    job: usize,
    blocking: bool,
    /// Whether the run must begin. Otherwise the run may begin or not.
    must: bool,
}

impl Session {
    /// The last tick until now, if it has not been served.
    fn tick(&self, now: Nanos) -> Option<Tick> {
        let index = self.last_index(now);
        let time = self.time_of(index);
        (index >= self.unserved).then_some(Tick {
            session: self.number,
            index,
            time,
            new: index >= self.unvisited,
            relived: time <= self.relives_until,
        })
    }
}

impl Model<'_> {
    /// Rules 2 and 6: serves the tick that has come, if a job is due. A late tick also serves the jobs that have come
    /// due since. Ticks that were passed over in between count as one tick.
    pub(super) fn tick(&mut self) -> bool {
        let Some(tick) = self.session.as_ref().and_then(|session| session.tick(self.now)) else {
            return false;
        };
        self.forget_last_runs();
        let due: Vec<usize> = (0..self.jobs.len()).filter(|job| self.is_due(*job, tick)).collect();
        let over: Vec<usize> = (0..self.jobs.len())
            .filter(|job| self.jobs[*job].is_to_be_removed(self.now))
            .collect();
        let replacing: Vec<usize> = (0..self.jobs.len())
            .filter(|job| self.jobs[*job].may_replace(self.now))
            .collect();
        let by_tick = |job: &&usize| !self.jobs[**job].is_due_by_trigger_alone(self.now);
        let due_by_tick: Vec<usize> = due.iter().filter(by_tick).copied().collect();
        if !self.is_served(tick, &due_by_tick, &over, &replacing) {
            self.may_enter_lines(tick, &due);
            return false;
        }
        if self.may_begin_before(tick, &due) && self.oracle.guess() {
            return false;
        }
        let has_replaced = !replacing.is_empty();
        self.replace(tick, replacing);
        let had_due = !due.is_empty();
        let due = self.without_lines(tick, due);
        if tick.time == self.now && had_due && due.is_empty() && !has_replaced && over.is_empty() {
            // Nothing begins at this tick: all that is due waits in line. What is registered or changed at its very
            // instant may still begin.
            return false;
        }
        let due = self.with_late_ends(tick, due);
        if let Some(session) = &mut self.session {
            session.unserved = tick.index + 1;
        }
        let due = due.into_iter().map(|job| Due {
            job,
            blocking: self.jobs[job].spec.kind == Kind::Blocking,
            must: !self.jobs[job].is_full() && self.must_begin(job, tick),
        });
        let due: Vec<Due> = due.collect();
        due.iter().for_each(|due| self.jobs[due.job].dispatched = true);
        self.serve(tick, due);
        self.jobs.iter_mut().for_each(|job| job.dispatched = false);
        self.remove_over(tick, over);
        true
    }

    /// A tick finds that these jobs have no run left, unless a stop comes first.
    fn remove_over(&mut self, tick: Tick, over: Vec<usize>) {
        for job in over {
            // If a run of this tick has changed the job, it may have been removed before or stays.
            let is_over = self.jobs[job].is_to_be_removed(self.now);
            let must = is_over && self.must_begin(job, tick) && self.is_going_on(tick);
            let runs_first = self.oracle.begins_at(self.moment(), job, self.jobs[job].runs);
            self.jobs[job].removed |= must || !(runs_first || self.oracle.is_listed(job));
            if self.jobs[job].removed {
                self.leave_drain(job, false);
            }
        }
    }

    /// An async run that ends on a tick counts as running at that tick, as DESIGN.md says, unless the library has
    /// forgotten the end.
    fn is_due(&self, index: usize, tick: Tick) -> bool {
        let job = &self.jobs[index];
        let ends_on_it = tick.time == self.now
            && job.woke == Some(self.now)
            && !self.may_forget_ends(tick)
            && !job.spec.options.replace
            && job.spec.options.allow.is_none();
        job.in_line != Some(InLine::Surely)
            && job.may_begin(self.now)
            && (!ends_on_it || job.trigger == Some(Trigger::AtOnce))
    }

    /// Adds the jobs whose run in progress may end before they are looked at: at a late tick, jobs of a crowd are
    /// looked at in batches, and tasks that were woken run between them.
    fn with_late_ends(&self, tick: Tick, due: Vec<usize>) -> Vec<usize> {
        if self.jobs.len() < MANY || tick.time == self.now {
            return due;
        }
        let may_end = |job: &Job| job.is_full() && job.spec.options.group.is_none() && job.is_due(self.now);
        let is_there = |job: &usize| due.contains(job) || may_end(&self.jobs[*job]);
        (0..self.jobs.len()).filter(is_there).collect()
    }

    /// If workers are refused only after jobs have blocked the thread, their runs are left to a later tick.
    fn must_still_begin(&self, due: &Due) -> bool {
        due.must && !self.is_tied(due.job) && !self.oracle.faults(self.now)
    }

    /// Begins the due runs in the order of registration, blocking runs after the others, as DESIGN.md says. After a
    /// stop or a removal, a dispatched run that has not begun never begins.
    fn serve(&mut self, tick: Tick, mut due: Vec<Due>) {
        due.sort_by_key(|due| due.blocking);
        let begin = self.now;
        while self.end_runs(false) {}
        loop {
            while self.begin_triggered_beside(tick, |job| due.iter().any(|due| due.job == job)) {
                while self.end_runs(false) {}
            }
            due.retain(|due| !self.jobs[due.job].removed);
            if !self.is_going_on(tick) {
                return;
            }
            let begins = |due: &Due| self.must_still_begin(due) || self.begins_next(due.job);
            let is_due = |due: &Due| self.jobs[due.job].may_begin(self.now.max(begin));
            let Some(place) = due.iter().position(|due| is_due(due) && begins(due)) else {
                return;
            };
            let must = self.must_still_begin(&due[place]);
            let Due { job, blocking, .. } = due.remove(place);
            // If jobs have blocked the thread, the run may have begun at a late tick after this tick.
            if !must && self.now > begin && !self.oracle.guess() {
                continue;
            }
            // The runs that should have begun before this run have lost their turn.
            let later = due.split_off(place);
            due.retain(|due| due.blocking != blocking);
            due.extend(later);
            let triggered = self.jobs[job].trigger.is_some();
            self.begin(job);
            // The run of the schedule follows the triggered run at the same instant, or at the next tick.
            if triggered {
                let must = false;
                due.push(Due { job, blocking, must });
            }
            // Workers run one after the other. Tasks that were woken run between them.
            while self.end_runs(false) {}
        }
    }

    /// Whether the session of this tick has not ended.
    fn is_going_on(&self, tick: Tick) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.number == tick.session)
    }
}
