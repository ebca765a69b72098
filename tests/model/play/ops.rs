//! Operations on the scheduler, from outside or from inside a job.

use std::time::{Duration, Instant};

use atevery::{Allow, FirstRun, Job, JobBuilder, Overlap, Run, Scheduler};

use crate::options::Options;
use crate::play::{Player, missed_ticks};
use crate::scenario::{First, Kind, Op, Spec, Stop};
use crate::trace::{Answer, What};

impl Player {
    pub(super) fn apply(&self, op: Op) {
        match op {
            Op::Nothing | Op::NextIn(_) => {}
            Op::Register(spec) => self.register(spec),
            Op::Crowd(count) => (0..count).for_each(|spec| self.register(spec)),
            Op::Remove(job) => self.remove(job),
            Op::Change(job, change) => self.change(job, change),
            Op::Churn(count) => self.churn(count),
            Op::Start => self.start(),
            Op::Stop(Stop::Detach) => self.scheduler().stop().detach(),
            Op::Stop(Stop::Wait { grace, timeout }) => self.stop(grace, timeout),
            Op::Restart => {
                self.scheduler().stop().detach();
                self.start();
            }
            Op::DropStop(index) => self.drop_stop(index),
            Op::Jump(by) => self.0.time.jump(by),
            Op::StepBack(by) => self.0.time.step_back(by),
            Op::Fault(fate, spawns) => self.0.runtime.set(fate, spawns),
            Op::EarlyTimer(sleeps) => self.0.runtime.set_early(sleeps),
        }
    }

    pub(super) fn scheduler(&self) -> Scheduler {
        self.0.scheduler.lock().unwrap().clone().expect("no job outlives it")
    }

    pub(super) fn drop_scheduler(&self) {
        let scheduler = self.0.scheduler.lock().unwrap().take();
        drop(scheduler);
    }

    fn register(&self, spec: usize) {
        let job = self.0.jobs.lock().unwrap().len();
        if job >= self.0.scenario.most_jobs() {
            return;
        }
        let spec = self.0.scenario.specs[spec % self.0.scenario.specs.len()].clone();
        match self.registered(spec, job) {
            Ok(job) => self.0.jobs.lock().unwrap().push(job),
            Err(error) if error.is_interval_too_short() => self.note(What::TooShort),
            Err(error) if error.is_invalid_option() => self.note(What::InvalidOption),
            Err(error) => panic!("registering: {error}"),
        }
    }

    fn registered(&self, spec: Spec, job: usize) -> Result<Job, atevery::Error> {
        let mut builder = self.scheduler().every(spec.interval).first_run(match spec.first {
            First::Now => FirstRun::Now,
            First::AfterInterval => FirstRun::AfterInterval,
            First::After(delay) => FirstRun::After(delay),
            First::At(nanos) => FirstRun::At(self.instant_of(nanos)),
        });
        builder = self.optional(builder, &spec.options, job);
        if let Some(policy) = spec.policy {
            builder = builder.missed_ticks(missed_ticks(policy));
        }
        let (player, kind, allow) = (self.clone(), spec.kind, spec.options.allow.map(Allow));
        if kind == Kind::Async {
            let target = move |run: Run| player.run_async(job, &spec, &run);
            return match allow {
                Some(allow) => builder.on_overlap(allow).run(target),
                None => builder.run(target),
            };
        }
        let target = move |run: Run| player.run_sync(job, &spec, &run);
        match (allow, kind) {
            (Some(allow), Kind::Blocking) => builder.on_overlap(allow).run_blocking(target),
            (Some(allow), _) => builder.on_overlap(allow).run(target),
            (None, Kind::Blocking) => builder.run_blocking(target),
            (None, _) => builder.run(target),
        }
    }

    fn optional(&self, mut builder: JobBuilder, options: &Options, job: usize) -> JobBuilder {
        if let Some(max) = options.jitter {
            builder = builder.jitter(max);
        }
        if let Some(times) = options.times {
            builder = builder.times(times);
        }
        if let Some(until) = options.until {
            builder = builder.until(self.instant_of(until));
        }
        if options.fixed_delay {
            builder = builder.fixed_delay();
        }
        if let Some(limit) = options.timeout {
            builder = builder.timeout(limit);
        }
        if options.replace {
            builder = builder.on_overlap(Overlap::Replace);
        }
        if options.skip {
            builder = builder.on_overlap(Overlap::Skip);
        }
        if let Some(group) = options.group {
            builder = builder.group((group.name(), group.limit()));
        }
        if let Some(waits) = options.retry.clone() {
            let player = self.clone();
            builder = builder.retry(move || player.backoff(job, waits.clone()));
        }
        builder
    }

    fn instant_of(&self, nanos: i64) -> Instant {
        let span = Duration::from_nanos(nanos.unsigned_abs());
        if nanos < 0 {
            self.0.begin - span
        } else {
            self.0.begin + span
        }
    }

    fn remove(&self, index: usize) {
        let jobs = self.0.jobs.lock().unwrap().clone();
        if !jobs.is_empty() {
            jobs[index % jobs.len()].remove();
        }
    }

    fn churn(&self, count: usize) {
        let scheduler = self.scheduler();
        let register = || scheduler.every(self.0.scenario.resolution).run(|| ());
        let jobs: Vec<Job> = (0..count).map(|_| register().expect("a valid interval")).collect();
        jobs.iter().for_each(Job::remove);
    }

    pub(super) fn start(&self) {
        let answer = match self.scheduler().start() {
            Ok(()) => Answer::Fine,
            Err(error) if error.is_already_started() => Answer::AlreadyStarted,
            Err(error) if error.is_stopping() => Answer::Stopping,
            Err(error) if error.is_spawn() => Answer::Spawn,
            Err(error) => panic!("starting: {error}"),
        };
        if matches!(answer, Answer::Fine | Answer::Spawn) {
            let fate = self.0.runtime.last_fate();
            self.0.seen.lock().unwrap().fates.push(fate);
        }
        self.note(What::Started(answer));
    }
}
