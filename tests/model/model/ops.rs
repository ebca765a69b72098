//! Operations on the scheduler, from outside or from inside a job.

use crate::model::jitter::Jitter;
use crate::model::ticks::Session;
use crate::model::{Job, Model, nanos};
use crate::scenario::{Fate, First, Op, Stop};
use crate::trace::{Answer, Nanos, What};

impl Model<'_> {
    pub(super) fn apply(&mut self, op: Op) {
        match op {
            // A fault has no effect before the next spawn, nor does an early timer.
            Op::Nothing | Op::Fault(..) | Op::EarlyTimer(_) => {}
            // Jobs that are removed before the next tick have no effect either, except that they have woken the loop.
            Op::Churn(_) => self.stirred = Some(self.now),
            Op::NextIn(delay) => self.next_in(nanos(delay)),
            Op::Register(spec) => self.register(spec),
            Op::Crowd(count) => (0..count).for_each(|spec| self.register(spec)),
            Op::Remove(job) => self.remove(job),
            Op::Change(job, change) => self.change(job, change),
            Op::Start => self.start(),
            Op::Stop(Stop::Detach) => self.end_session(),
            Op::Stop(Stop::Wait { grace, timeout }) => self.stop(nanos(grace), timeout.map(nanos)),
            Op::Restart => {
                self.end_session();
                self.start();
            }
            Op::DropStop(index) => self.drop_stop(index),
            Op::Jump(by) => self.now += nanos(by),
            Op::StepBack(by) => self.step_back(nanos(by)),
        }
    }

    fn register(&mut self, spec: usize) {
        if self.jobs.len() >= self.scenario.most_jobs() {
            return;
        }
        let spec = &self.scenario.specs[spec % self.scenario.specs.len()];
        if spec.interval < self.scenario.resolution {
            return self.note(What::TooShort);
        }
        let is_over = spec.options.until.is_some_and(|until| Nanos::from(until) < self.now);
        if is_over || spec.options.jitter.is_some_and(|max| max >= spec.interval) {
            return self.note(What::InvalidOption);
        }
        let scheduled = match spec.first {
            First::Now => self.now,
            First::AfterInterval => self.now + nanos(spec.interval),
            First::After(delay) => self.now + nanos(delay),
            First::At(instant) => Nanos::from(instant),
        };
        self.jitters += u64::from(spec.options.jitter.is_some());
        self.jobs.push(Job {
            spec,
            interval: nanos(spec.interval),
            scheduled,
            jitter: spec.options.jitter.map(|max| Jitter::new(max, self.jitters)),
            counts_from: matches!(spec.first, First::AfterInterval).then_some(self.now),
            paused: false,
            admits: self.admits_new(),
            has_other_interval: false,
            trigger: None,
            skipped: 0,
            replaced: false,
            in_line: None,
            triggered: None,
            unscheduled: None,
            runs: 0,
            removed: false,
            in_progress: Vec::new(),
            dispatched: false,
            changed: self.session.is_some().then_some(self.now),
            freed: None,
            woke: None,
            cancelled: None,
        });
    }

    fn remove(&mut self, index: usize) {
        if !self.jobs.is_empty() {
            let index = index % self.jobs.len();
            self.jobs[index].removed = true;
            self.leave_drain(index, false);
        }
    }

    fn start(&mut self) {
        let answer = if self.is_running() {
            Answer::AlreadyStarted
        } else if !self.stops.is_empty() {
            Answer::Stopping
        } else {
            self.start_stopped()
        };
        self.note(What::Started(answer));
    }

    fn start_stopped(&mut self) -> Answer {
        let fate = self.oracle.next_fate();
        // The library lifts the instants even if the executor then refuses the loop, although nothing should change.
        // The model accepts this difference, because only a clock that steps back before the next start can show it.
        for job in &mut self.jobs {
            job.lift(self.now);
        }
        if fate == Fate::Refused {
            return Answer::Spawn;
        }
        self.sessions += 1;
        // An executor that drops the loop has stopped the scheduler.
        let session = Session::new(self.sessions, self.now, nanos(self.scenario.resolution));
        self.session = (fate == Fate::Granted).then_some(session);
        Answer::Fine
    }

    fn step_back(&mut self, by: Nanos) {
        let before = self.now;
        self.now -= by;
        if let Some(session) = &mut self.session {
            session.step_back(before, self.now);
        }
    }

    pub(super) fn drop_scheduler(&mut self) {
        self.end_session();
        self.jobs.iter_mut().for_each(|job| job.removed = true);
        self.cancel_runs();
    }
}
