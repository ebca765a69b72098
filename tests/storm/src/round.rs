//! A round: a scheduler, threads that use it at random, and its end.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use atevery::runtime::Runtime;
use atevery::{MissedTicks, Scheduler};

use crate::actions::{self, Place, act};
use crate::checker::Source;
use crate::log::Log;
use crate::observer;
use crate::plan::{FIXED, Kind, MS, Overlapping, Plan, VARYING};
use crate::random::{Random, mix};
use crate::record::{Figures, Record};
use crate::scene::{Entry, Scene};
use crate::stops;
use crate::summary::Summary;
use crate::weather;

const THREADS: u64 = 4;

/// How long a round may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a round ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// All runs have ended when the last handle is dropped.
    Stop,
    /// The last handle is dropped while runs are in progress.
    Drop,
    /// A run drops the last handle.
    DropInRun,
    /// The last handle is dropped while the threads use the scheduler.
    DropAmidThreads,
    /// A stop is detached, and the last handle is dropped.
    Detach,
}

/// Plays the round of this seed.
pub(crate) fn play(executor: &str, runtime: &Arc<dyn Runtime>, seed: u64) -> Summary {
    let mut random = Random::new(seed);
    let climate = weather::random(&mut random);
    let ending = random.pick(&[
        Ending::Stop,
        Ending::Drop,
        Ending::DropInRun,
        Ending::DropAmidThreads,
        Ending::Detach,
    ]);
    let heading = format!("executor {executor}, seed {seed}, {ending:?}, {climate:?}");
    let source = if climate.is_observed {
        Source::Events
    } else {
        Source::Bodies
    };
    let log = Log::open(heading, seed, source);
    let scene = Scene::new(log, climate, Arc::clone(runtime));
    let scheduler = build(&scene, &mut random);
    let reader = scene
        .climate
        .is_observed
        .then(|| observer::read(&scene, scheduler.events_with_capacity(1 << 16)));
    populate(&scene, &scheduler, &mut random);
    let begin = Instant::now();
    storm(&scene, scheduler, ending, &mut random);
    settle(&scene);
    if reader.is_some_and(|reader| reader.join().is_err()) {
        scene.log.fail("the reader of the events panicked");
    }
    compare_figures(&scene);
    Summary {
        time: begin.elapsed(),
        rounds: 1,
        jobs: scene.count_jobs() as u64,
        runs: scene.log.with_checker(|checker| checker.runs()),
        stops: scene.count_stops(),
    }
}

fn build(scene: &Arc<Scene>, random: &mut Random) -> Scheduler {
    let policies = [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay];
    let mut builder = Scheduler::builder(Arc::clone(&scene.runtime))
        .resolution(scene.climate.resolution)
        .missed_ticks(random.pick(&policies))
        .seed(random.next());
    if scene.climate.is_observed {
        builder = builder.on_event(observer::hook(Arc::clone(scene), random.next()));
    }
    let scheduler = builder.build().expect("a resolution of a millisecond or more is valid");
    scene.attach(&scheduler);
    scheduler
}

fn populate(scene: &Arc<Scene>, scheduler: &Scheduler, random: &mut Random) {
    for group in [FIXED, VARYING] {
        scheduler.group(group.name, group.runs).expect("the limits are not 0");
    }
    let resolution = scene.climate.resolution;
    for _ in 0..scene.climate.crowd {
        actions::register(scene, scheduler, Plan::of_a_crowd(random, resolution));
    }
    for _ in 0..random.within(1, 20) {
        actions::register(scene, scheduler, Plan::random(random, &scene.climate));
    }
}

/// Lets the threads loose, and then ends the scheduler.
fn storm(scene: &Arc<Scene>, scheduler: Scheduler, ending: Ending, random: &mut Random) {
    let until = Instant::now() + random.within(100, 500) as u32 * MS;
    let mut handle = Some(scheduler);
    thread::scope(|threads| {
        for number in 0..THREADS {
            let mut random = Random::new(mix(random.next()));
            let name = format!("thread {number}");
            let builder = thread::Builder::new().name(name);
            let spawned = builder.spawn_scoped(threads, move || {
                while Instant::now() < until && act(scene, &mut random, Place::Thread) {
                    thread::sleep(random.up_to(scene.climate.pause));
                }
            });
            spawned.expect("the system has a thread left");
        }
        if ending == Ending::DropAmidThreads {
            thread::sleep(random.up_to(until - Instant::now()));
            drop(handle.take());
        }
    });
    if let Some(handle) = handle {
        if random.one_in(2) {
            recover(scene, &handle);
        }
        end(scene, handle, ending);
    }
}

/// When everything is calm, each job runs again: nothing was lost.
fn recover(scene: &Arc<Scene>, scheduler: &Scheduler) {
    scene.calm();
    let canary = Plan::plain(Duration::MAX, 0);
    let canary = actions::register(scene, scheduler, canary).expect("it has no options");
    let resolution = scene.climate.resolution;
    let mut jobs: Vec<(u64, Arc<Entry>)> = Vec::new();
    for entry in scene.live_jobs() {
        jobs.push((entry.job.runs(), Arc::clone(&entry)));
        entry.job.resume();
        let interval = entry.plan.jitter.unwrap_or_default() + 2 * resolution;
        if entry.job != canary {
            actions::set_interval(scene, &entry, interval);
        }
    }
    canary.trigger();
    let begin = Instant::now();
    while let Some(entry) = first_that_waits(scene, scheduler, &jobs) {
        if begin.elapsed() > PATIENCE {
            let Entry { number, job, plan, .. } = &*entry;
            let status = job.status();
            scene
                .log
                .fail(&format!("job {number} does not run any more: {plan:?}\n{status}"));
        }
        thread::sleep(2 * MS);
    }
}

/// The first job that has not begun a run since its runs were counted, although it could have.
fn first_that_waits(scene: &Arc<Scene>, scheduler: &Scheduler, jobs: &[(u64, Arc<Entry>)]) -> Option<Arc<Entry>> {
    if !scheduler.is_running() {
        actions::start(scene, scheduler);
    }
    // Runs of removed jobs go on, and belong to their groups.
    let all = scene.all_jobs();
    let in_progress = all.iter().filter(|entry| entry.job.is_running());
    let busy_groups: Vec<_> = in_progress.filter_map(|entry| entry.plan.limits().group).collect();
    let listed = scheduler.jobs();
    let waits = |(runs, entry): &&(u64, Arc<Entry>)| {
        let group = entry.plan.limits().group;
        entry.job.runs() == *runs
            && !entry.job.is_running()
            && listed.contains(&entry.job)
            && !group.is_some_and(|group| busy_groups.contains(&group))
    };
    jobs.iter().find(waits).map(|(_, entry)| Arc::clone(entry))
}

fn end(scene: &Arc<Scene>, handle: Scheduler, ending: Ending) {
    match ending {
        Ending::Stop => {
            scene.calm();
            stops::unlimited(scene);
            drop(handle);
        }
        Ending::Drop | Ending::DropAmidThreads => drop(handle),
        Ending::DropInRun => drop_in_run(scene, handle),
        Ending::Detach => {
            stops::detached(scene);
            drop(handle);
        }
    }
}

/// Leaves the handle to a run. Other runs may stop the scheduler, so that the run never begins.
fn drop_in_run(scene: &Arc<Scene>, handle: Scheduler) {
    let plan = Plan {
        kind: Kind::DropsTheHandle,
        overlap: Overlapping::Wait,
        ..Plan::plain(scene.climate.resolution, 0)
    };
    actions::register(scene, &handle, plan);
    actions::start(scene, &handle);
    scene.leave_handle(handle);
    let begin = Instant::now();
    while scene.is_handle_left() && begin.elapsed() < 100 * MS {
        thread::sleep(MS);
    }
    scene.drop_handle();
}

/// Waits until nothing is left: no run, no future, no target, no task.
fn settle(scene: &Arc<Scene>) {
    let begin = Instant::now();
    wait_for(scene, begin, "the last handle is not dropped", |scene| {
        scene.is_dropped()
    });
    let idle = scene.idle_jobs();
    scene.log.note(Record::HandleDropped { idle });
    wait_for(scene, begin, "a run or a future is left", |scene| {
        let (runs, bodies) = scene.log.with_checker(|checker| checker.in_progress());
        runs.is_empty() && bodies == 0
    });
    wait_for(scene, begin, "a target is not dropped", |scene| {
        scene.targets.load(std::sync::atomic::Ordering::SeqCst) == 0
    });
    wait_for(scene, begin, "a task is left on the executor", |scene| {
        Arc::strong_count(&scene.runtime) == 1
    });
}

fn wait_for(scene: &Arc<Scene>, begin: Instant, what: &str, is_so: impl Fn(&Scene) -> bool) {
    while !is_so(scene) {
        if begin.elapsed() > PATIENCE {
            let left = scene.log.with_checker(|checker| checker.in_progress());
            scene.log.fail(&format!("{what} after {PATIENCE:?}: {left:?}"));
        }
        thread::sleep(MS / 2);
    }
}

/// Compares what each job says of itself with the records.
fn compare_figures(scene: &Scene) {
    for entry in scene.all_jobs() {
        let status = entry.job.status();
        if status.runs() != entry.job.runs() || entry.job.is_running() {
            scene.log.fail(&format!(
                "job {} says {} runs: {status}",
                entry.number,
                entry.job.runs()
            ));
        }
        let figures = Figures {
            runs: status.runs(),
            failed: status.failures(),
            panicked: status.panics(),
            timed_out: status.timeouts(),
            cancelled: status.cancelled(),
            retried: status.retries(),
            missed: status.missed(),
        };
        let job = entry.number;
        scene.log.note(Record::Settled { job, figures });
    }
}
