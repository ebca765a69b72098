//! What threads do, and now and then a run or a hook.

use std::sync::Arc;
use std::time::{Duration, Instant};

use atevery::{Allow, Error, FirstRun, Job, JobBuilder, Overlap, Run, Scheduler};

use crate::body::Target;
use crate::plan::{First, Kind, MS, Membership, Overlapping, Plan, VARYING};
use crate::random::Random;
use crate::record::{JobNumber, Record};
use crate::scene::{Entry, Scene};
use crate::stops;

/// Where code acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Thread,
    /// In a run, which holds a thread of the executor. Waiting for the executor could take forever.
    Run,
}

/// One random action. Returns false if the scheduler is gone.
pub(crate) fn act(scene: &Arc<Scene>, random: &mut Random, place: Place) -> bool {
    let Some(scheduler) = scene.scheduler() else {
        return false;
    };
    if random.one_in(scene.climate.stops) {
        drop(scheduler);
        stops::any(scene, random, place);
        return true;
    }
    match random.below(20) {
        0..2 => start(scene, &scheduler),
        2..4 => register_or_remove(scene, &scheduler, random),
        4 => change_group(scene, &scheduler, random),
        5 => look(&scheduler),
        _ => {
            if let Some(entry) = scene.some_job(random) {
                change_job(scene, &scheduler, &entry, random, place);
            }
        }
    }
    true
}

pub(crate) fn start(scene: &Arc<Scene>, scheduler: &Scheduler) {
    let _call = scene.log.call("start".to_owned());
    scene.log.note(Record::StartCalled);
    let started = scheduler.start();
    scene.log.note(Record::StartReturned { ok: started.is_ok() });
    let unexpected = started
        .err()
        .filter(|error| !error.is_already_started() && !error.is_stopping());
    if let Some(error) = unexpected {
        scene.log.fail(&format!("a start failed: {error}"));
    }
}

fn register_or_remove(scene: &Arc<Scene>, scheduler: &Scheduler, random: &mut Random) {
    if scene.live_jobs().len() < scene.climate.most_jobs {
        let plan = Plan::random(random, &scene.climate);
        register(scene, scheduler, plan);
    } else if let Some(entry) = scene.some_job(random) {
        remove(scene, scheduler, &entry);
    }
}

fn change_group(scene: &Arc<Scene>, scheduler: &Scheduler, random: &mut Random) {
    let limit = random.within(1, VARYING.runs as u64) as usize;
    let _call = scene.log.call(format!("a limit of {limit} for {:?}", VARYING.name));
    if let Err(error) = scheduler.group(VARYING.name, limit) {
        scene.log.fail(&format!("a group failed: {error}"));
    }
}

fn look(scheduler: &Scheduler) {
    let _ = (scheduler.status().to_string(), scheduler.is_running());
}

fn change_job(scene: &Arc<Scene>, scheduler: &Scheduler, entry: &Entry, random: &mut Random, place: Place) {
    let job = &entry.job;
    let (what, number) = (random.below(19), entry.number);
    let call = |what: &str| scene.log.call(format!("{what} {number}"));
    match what {
        0 => remove(scene, scheduler, entry),
        1..3 => {
            let _call = call("pause");
            job.pause();
        }
        3..6 => {
            let _call = call("resume");
            job.resume();
        }
        6..9 => {
            let interval = entry.plan.new_interval(random, scene.climate.resolution);
            set_interval(scene, entry, interval);
        }
        9 => {
            let _ = (job.status().to_string(), job.is_running(), job.is_paused());
        }
        10..12 => {
            let _call = call("cancel");
            job.cancel();
        }
        12 => stop_job(scene, scheduler, entry, random, place),
        _ => {
            let _call = call("trigger");
            job.trigger();
        }
    }
}

/// Stops a job alone. Code in a run does not wait: the executor may have no other thread.
fn stop_job(scene: &Arc<Scene>, scheduler: &Scheduler, entry: &Entry, random: &mut Random, place: Place) {
    let _call = scene.log.call(format!("stop job {}, {place:?}", entry.number));
    let stop = entry.job.stop();
    if place == Place::Run {
        stop.detach();
    } else {
        let (grace, timeout) = (random.up_to(4 * MS), random.up_to(4 * MS));
        let report = stop.grace(grace).timeout(timeout).blocking_wait();
        let is_straggler = report.still_running().contains(&entry.job);
        if !is_straggler && entry.job.is_running() && scene.scheduler().is_some() {
            scene
                .log
                .fail(&format!("job {} goes on after its stop: {report}", entry.number));
        }
    }
    note_removed(scene, scheduler, entry);
}

pub(crate) fn set_interval(scene: &Arc<Scene>, entry: &Entry, interval: Duration) {
    let _call = scene.log.call(format!("set_interval {} {interval:?}", entry.number));
    if let Err(error) = entry.job.set_interval(interval) {
        scene
            .log
            .fail(&format!("an interval of {interval:?} was refused: {error}"));
    }
}

fn remove(scene: &Arc<Scene>, scheduler: &Scheduler, entry: &Entry) {
    let _call = scene.log.call(format!("remove {}", entry.number));
    entry.job.remove();
    note_removed(scene, scheduler, entry);
}

fn note_removed(scene: &Arc<Scene>, scheduler: &Scheduler, entry: &Entry) {
    let in_progress = entry.job.is_running();
    let is_listed = scheduler.jobs().contains(&entry.job);
    scene.log.note(Record::RemoveReturned {
        job: entry.number,
        in_progress,
        is_listed,
    });
    scene.set_aside(entry.number);
}

/// Registers a job of this plan. The registration fails if a group has another limit, or if `until` is over.
pub(crate) fn register(scene: &Arc<Scene>, scheduler: &Scheduler, plan: Plan) -> Option<Job> {
    let number = scene.next_job();
    let _call = scene.log.call(format!("register {number}: {plan:?}"));
    scene.log.note(Record::Registering {
        job: number,
        limits: plan.limits(),
    });
    let may_fail = plan.until.is_some() || matches!(plan.group, Some(Membership::Makes(_)));
    match build(scene, scheduler, number, &plan) {
        Ok(job) => {
            let entry = Entry {
                number,
                job: job.clone(),
                plan,
            };
            scene.add(entry);
            Some(job)
        }
        Err(error) if may_fail && error.is_invalid_option() => {
            scene.log.note(Record::NotRegistered { job: number });
            None
        }
        Err(error) => scene.log.fail(&format!("a registration failed: {error}")),
    }
}

fn build(scene: &Arc<Scene>, scheduler: &Scheduler, number: JobNumber, plan: &Plan) -> Result<Job, Error> {
    let builder = with_options(scheduler.every(plan.interval).name(number.to_string()), plan);
    let target = Target::new(scene, number, plan.clone());
    /// Builders of both types have the same methods. Closures are made where their types are known.
    macro_rules! register {
        ($builder:expr) => {{
            let builder = $builder;
            match (plan.kind, plan.takes_run) {
                (Kind::Blocking(_), true) => builder.run_blocking(move |run: Run| target.call(Some(run))),
                (Kind::Blocking(_), false) => builder.run_blocking(move || target.call(None)),
                (Kind::Async(..), true) => builder.run(move |run: Run| target.call_async(Some(run))),
                (Kind::Async(..), false) => builder.run(move || target.call_async(None)),
                (_, true) => builder.run(move |run: Run| target.call(Some(run))),
                (_, false) => builder.run(move || target.call(None)),
            }
        }};
    }
    match plan.overlap {
        Overlapping::Wait => register!(builder.on_overlap(Overlap::Wait)),
        Overlapping::Replace => register!(builder.on_overlap(Overlap::Replace)),
        Overlapping::Allow(runs) => register!(builder.on_overlap(Allow(runs))),
    }
}

fn with_options(mut builder: JobBuilder, plan: &Plan) -> JobBuilder {
    if let Some(policy) = plan.missed_ticks {
        builder = builder.missed_ticks(policy);
    }
    builder = builder.first_run(match plan.first {
        First::Now => FirstRun::Now,
        First::AfterInterval => FirstRun::AfterInterval,
        First::After(delay) => FirstRun::After(delay),
        First::At(delay) => FirstRun::At(Instant::now() + delay),
    });
    if let Some(max) = plan.jitter {
        builder = builder.jitter(max);
    }
    if let Some(times) = plan.times {
        builder = builder.times(times);
    }
    if let Some(until) = plan.until {
        builder = builder.until(Instant::now() + until);
    }
    if plan.fixed_delay {
        builder = builder.fixed_delay();
    }
    if let Some(limit) = plan.timeout {
        builder = builder.timeout(limit);
    }
    if let Some((attempts, wait)) = plan.retry {
        builder = builder.retry(move || std::iter::repeat_n(wait, attempts));
    }
    match plan.group {
        Some(Membership::Of(group)) => builder.group(group.name),
        Some(Membership::Makes(group)) => builder.group((group.name, group.runs)),
        None => builder,
    }
}
