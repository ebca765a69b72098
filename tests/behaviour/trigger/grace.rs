//! A stop with a grace first begins the runs that were triggered before its first poll: the last runs.

use std::future::{IntoFuture, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atevery::{Allow, FirstRun, Job, JobBuilder, Overlap, Run, SchedulerState, StopReport};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{noting, taking};
use crate::ends::offer;
use crate::jitter::{begun, noting_scheduled};
use crate::support::{Count, SECOND, World, in_time, later, ms, names, poll_once, put, register, take};

const HOUR: Duration = Duration::from_secs(3_600);

/// A builder of a job whose regular runs never come.
fn dormant(world: &World) -> JobBuilder {
    world.scheduler.every(HOUR).first_run(FirstRun::AfterInterval)
}

/// Registers a job that runs only when triggered and notes its scheduled instants, and starts.
fn started(world: &World) -> Job {
    let job = dormant(world).run(noting_scheduled(world)).unwrap();
    world.start();
    job
}

type Waiting = Pin<Box<atevery::Stopping>>;

/// A stop with a grace of `grace_ms` that was polled once and waits.
fn stopping(world: &World, grace_ms: u64) -> Waiting {
    let mut stop: Waiting = Box::pin(world.scheduler.stop().grace(ms(grace_ms)).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    stop
}

/// Starts again, and expects that the trigger begins a run right then.
fn assert_runs_at_the_next_start(world: &World, job: &Job) {
    let runs = job.runs();
    world.start();
    assert_eq!(job.runs(), runs + 1, "the trigger was lost");
}

/// A target whose runs may overlap. Each run notes that it begins, and takes as long as `duration_ms` returns for its
/// number.
fn sleeping(
    world: &World,
    duration_ms: fn(u64) -> u64,
) -> impl Fn(Run) -> BoxFuture<'static, ()> + Send + Sync + 'static {
    let (log, clock) = (world.log.clone(), world.time.clone());
    move |run: Run| {
        log.note("a");
        clock.sleep(ms(duration_ms(run.number())))
    }
}

#[test]
fn an_exporter_is_flushed() {
    let world = World::new();
    let (buffer, sent) = (Arc::new(Mutex::new(vec![1, 2, 3])), Arc::new(Mutex::new(Vec::new())));
    let (from, to, clock) = (Arc::clone(&buffer), Arc::clone(&sent), world.time.clone());
    let target = move || {
        let (from, to, sleep) = (Arc::clone(&from), Arc::clone(&to), clock.sleep(ms(30)));
        async move {
            let batch = std::mem::take(&mut *from.lock().unwrap());
            sleep.await;
            to.lock().unwrap().extend(batch);
        }
    };
    let flush = dormant(&world).name("flush").run(target).unwrap();
    world.start();
    world.advance(310);
    flush.trigger();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(*sent.lock().unwrap(), [1, 2, 3]);
    assert_eq!((report.finished(), report.is_clean()), (&[flush][..], true));
    assert_eq!(world.elapsed_ms(), 340);
}

#[test]
fn it_begins_at_once_and_the_stop_returns_with_its_end() {
    for blocking in [false, true] {
        let world = World::new();
        let job = register(dormant(&world), blocking, noting_scheduled(&world));
        world.start();
        world.advance(310);
        job.trigger();
        let stop = stopping(&world, 1_000);
        assert_eq!(job.runs(), 0);
        world.settle();
        assert_eq!(begun(&world), [(310, 310)], "blocking: {blocking}");
        let report = stop.now_or_never().expect("all has ended");
        assert_eq!(report.finished(), [job], "blocking: {blocking}");
    }
}

/// The stop withdraws the offer, and the run is offered again.
#[test]
fn a_run_that_is_on_offer_begins() {
    for blocking in [false, true] {
        let world = World::new();
        let job = register(dormant(&world), blocking, noting_scheduled(&world));
        job.trigger();
        world.scheduler.start().unwrap();
        if !blocking {
            offer(&world);
        }
        assert_eq!(job.runs(), 0);
        let report = world.wait(world.scheduler.stop().grace(SECOND));
        assert_eq!(report.finished(), [job]);
        assert_eq!(begun(&world), [(0, 0)]);
    }
}

#[test]
fn during_a_run_it_begins_at_its_end() {
    let world = World::new();
    let job = taking(&world, 1_000, 230);
    world.advance(100);
    job.trigger();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(begun(&world), [(0, 0), (230, 230)]);
    assert_eq!((report.finished(), report.cancelled()), (&[job][..], &[][..]));
    assert_eq!(world.elapsed_ms(), 460);
}

#[test]
fn a_job_that_triggers_itself_begins_at_the_next_tick() {
    let world = World::new();
    let mut noting = noting_scheduled(&world);
    let target = move |run: Run| {
        run.job().trigger();
        noting(run);
    };
    let job = world.every(10_000).run(target).unwrap();
    world.start();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(begun(&world), [(0, 0), (50, 50)]);
    assert_eq!(report.finished(), std::slice::from_ref(&job));
    assert_runs_at_the_next_start(&world, &job);
}

#[test]
fn what_is_paused_begins() {
    let world = World::new();
    let job = started(&world);
    job.pause();
    world.advance(310);
    job.trigger();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(begun(&world), [(310, 310)]);
    assert_eq!(report.finished(), [job]);
}

#[test]
fn in_a_full_group_it_begins_when_a_permit_is_free() {
    let world = World::new();
    world.scheduler.group("one", 1).unwrap();
    let holder = world.log.taking("holder", |_| 230);
    world.every(10_000).group("one").run(holder).unwrap();
    let names = ["first", "second"];
    let jobs = names.map(|name| {
        let target = world.log.taking(name, |_| 100);
        dormant(&world).group("one").run(target).unwrap()
    });
    world.start();
    world.advance(110);
    jobs.iter().for_each(Job::trigger);
    // Both wait in line when the stop begins.
    world.settle();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    let expected = [(0, "holder"), (230, "first"), (330, "second")];
    assert_eq!(world.log.take(), expected.map(|(at, name)| (at, name.to_owned())));
    assert_eq!(report.finished().len(), 3);
    assert_eq!(world.elapsed_ms(), 430);
}

#[test]
fn under_replace_it_replaces_the_run_in_progress() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: Run| {
        log.note(run.number().to_string());
        clock.sleep(if run.number() == 0 { HOUR } else { ms(30) })
    };
    let job = world.every(100_000).on_overlap(Overlap::Replace).run(target).unwrap();
    world.start();
    world.advance(110);
    job.trigger();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(world.log.take_times(), [0, 110]);
    let job = &[job][..];
    assert_eq!((report.cancelled(), report.finished()), (job, job));
    assert_eq!(world.elapsed_ms(), 140);
}

#[test]
fn under_allow_it_begins_beside_the_run_in_progress_or_at_its_end() {
    for (most, begins) in [(3, 110), (2, 230)] {
        let world = World::new();
        let target = sleeping(&world, |_| 230);
        let job = world.every(100).on_overlap(Allow(most)).run(target).unwrap();
        world.start();
        world.advance(100);
        job.set_interval(HOUR).unwrap();
        world.advance(10);
        job.trigger();
        let report = world.wait(world.scheduler.stop().grace(SECOND));
        assert_eq!(world.log.take_times(), [0, 100, begins], "{most} at once");
        assert_eq!(report.finished(), [job]);
        assert_eq!(world.elapsed_ms(), begins + 230);
    }
}

#[test]
fn no_other_run_begins() {
    for overlap in [false, true] {
        let world = World::new();
        let builder = world.every(50);
        let target = sleeping(&world, |number| if number == 0 { 230 } else { 300 });
        let job = if overlap {
            builder.on_overlap(Allow(2)).run(target)
        } else {
            builder.run(target)
        };
        let job = job.unwrap();
        let others = [world.noting("b", 50), world.noting("c", 70)];
        world.start();
        world.log.take();
        job.trigger();
        let stop = stopping(&world, 1_000);
        let registered = world.noting("d", 50);
        world.scheduler.group("one", 1).unwrap();
        world.advance(900);
        assert!(stop.now_or_never().is_some());
        assert_eq!(world.log.take_names(), ["a"], "overlap: {overlap}");
        let runs = [&others[0], &others[1], &registered].map(Job::runs);
        assert_eq!(runs, [1, 1, 0], "overlap: {overlap}");
    }
}

/// Registers a job whose last run begins at 430 ms, because its group is full until then, and triggers the job.
fn late(world: &World) -> Job {
    world.scheduler.group("late", 1).unwrap();
    let holder = world.time.clone();
    let builder = world.every(10_000).group("late");
    builder.run(move || holder.sleep(ms(430))).unwrap();
    let job = dormant(world).group("late").run(|| ()).unwrap();
    job.trigger();
    job
}

/// The last runs of these jobs have begun long before the last run of another job. Their regular runs are due.
#[test]
fn no_other_run_begins_while_a_last_run_is_left() {
    let world = World::new();
    let jobs = [
        world.noting("a", 50),
        world.every(50).run_blocking(|| ()).unwrap(),
        world.every(50).group(("one", 1)).run(|| ()).unwrap(),
        world.every(50).on_overlap(Allow(2)).run(|| ()).unwrap(),
        world.every(50).on_overlap(Overlap::Replace).run(async || ()).unwrap(),
    ];
    let untriggered = world.noting("b", 50);
    let late = late(&world);
    world.start();
    jobs.iter().for_each(Job::trigger);
    let stop = stopping(&world, 1_000);
    world.advance(420);
    assert_eq!(
        (jobs.map(|job| job.runs()), untriggered.runs(), late.runs()),
        ([2; 5], 1, 0)
    );
    world.advance(20);
    assert!(stop.now_or_never().is_some());
    assert_eq!((untriggered.runs(), late.runs()), (1, 1));
}

#[test]
fn a_trigger_after_the_first_poll_waits_for_the_next_start() {
    let world = World::new();
    let (early, late) = (started(&world), taking_late(&world));
    early.trigger();
    let stop = stopping(&world, 1_000);
    late.trigger();
    world.advance(500);
    assert_eq!(stop.now_or_never().unwrap().finished(), std::slice::from_ref(&early));
    assert_eq!((early.runs(), late.runs()), (1, 0));
    assert_runs_at_the_next_start(&world, &late);
    assert_eq!(early.runs(), 1);
}

fn taking_late(world: &World) -> Job {
    dormant(world).run(world.log.noting("0")).unwrap()
}

/// The second trigger comes before the last run begins, and changes nothing. The third comes during this run.
#[test]
fn a_trigger_after_a_last_run_has_begun_waits_for_the_next_start() {
    for grouped in [false, true] {
        let world = World::new();
        let builder = dormant(&world);
        let builder = if grouped { builder.group(("one", 1)) } else { builder };
        let job = builder.run(world.log.taking("a", |_| 230)).unwrap();
        late(&world);
        world.start();
        job.trigger();
        let stop = stopping(&world, 1_000);
        offer(&world);
        job.trigger();
        world.advance(100);
        job.trigger();
        world.advance(800);
        assert!(stop.now_or_never().is_some());
        assert_eq!(world.log.take_times(), [0], "grouped: {grouped}");
        assert_runs_at_the_next_start(&world, &job);
    }
}

/// Among so many jobs, the workers make the offers.
#[test]
fn of_many_jobs_each_that_was_triggered_begins_once() {
    let world = World::new();
    let jobs: Vec<Job> = (0..400).map(|_| world.noting("a", 50)).collect();
    world.start();
    world.time.jump(ms(110));
    for job in jobs.iter().step_by(2) {
        job.trigger();
    }
    let stop = stopping(&world, 1_000);
    jobs.iter().for_each(Job::trigger);
    world.advance(500);
    let report = stop.now_or_never().unwrap();
    let runs: Vec<u64> = jobs.iter().map(Job::runs).collect();
    assert_eq!(runs, [2, 1].repeat(200));
    assert_eq!(report.finished().len(), 200);
}

#[test]
fn without_a_grace_it_waits_for_the_next_start() {
    let world = World::new();
    let job = started(&world);
    world.advance(310);
    for timeout in [None, Some(SECOND)] {
        job.trigger();
        let stop = world.scheduler.stop();
        let report = world.wait(match timeout {
            Some(timeout) => stop.timeout(timeout),
            None => stop,
        });
        assert_eq!(report.finished(), []);
        world.advance(500);
        assert_runs_at_the_next_start(&world, &job);
    }
    job.trigger();
    world.scheduler.stop().detach();
    world.advance(500);
    assert_runs_at_the_next_start(&world, &job);
}

/// Nothing can begin there, so there is nothing to wait for.
#[test]
fn on_a_scheduler_that_is_stopped_it_waits_for_the_next_start() {
    let world = World::new();
    let job = dormant(&world).run(noting_scheduled(&world)).unwrap();
    job.trigger();
    for _ in 0..2 {
        let report = world.wait(world.scheduler.stop().grace(SECOND));
        assert_eq!((report.finished(), job.runs()), (&[][..], 0));
    }
    assert_eq!(world.elapsed_ms(), 0);
    assert_runs_at_the_next_start(&world, &job);
}

#[test]
fn the_scheduler_is_stopping_meanwhile() {
    let world = World::new();
    let job = dormant(&world).run(world.log.taking("a", |_| 230)).unwrap();
    world.start();
    world.advance(310);
    job.trigger();
    let stop = stopping(&world, 1_000);
    for at in [310, 350] {
        world.advance(at - world.elapsed_ms());
        assert!(!world.scheduler.is_running());
        assert_eq!(world.scheduler.status().state(), SchedulerState::Stopping);
        assert!(world.scheduler.start().unwrap_err().is_stopping());
    }
    assert!(job.is_running());
    world.advance(500);
    assert!(stop.now_or_never().is_some());
    assert_eq!(world.scheduler.status().state(), SchedulerState::Stopped);
    world.start();
    assert!(world.scheduler.is_running());
    world.advance(500);
    assert_eq!(job.runs(), 1, "the trigger is served twice");
}

/// Not even while no run has begun yet.
#[test]
fn no_start_is_possible_before_the_last_run_begins() {
    let world = World::new();
    let job = started(&world);
    job.trigger();
    let stop = stopping(&world, 1_000);
    assert!(!world.scheduler.is_running());
    assert!(world.scheduler.start().unwrap_err().is_stopping());
    world.settle();
    assert!(stop.now_or_never().is_some());
    assert_eq!(job.runs(), 1);
}

/// A run that was in progress is told at the first poll. The last run is not told before the grace is over.
#[test]
fn a_last_run_is_told_to_end_when_the_grace_is_over() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: Run| {
        let (log, clock) = (log.clone(), clock.clone());
        async move {
            let was_told = run.is_cancelled();
            clock.sleep(ms(230)).await;
            log.note(format!("{} {was_told} {}", run.number(), run.is_cancelled()));
            if run.number() == 1 {
                pending::<()>().await;
            }
        }
    };
    let job = world.every(10_000).run(target).unwrap();
    world.start();
    world.advance(110);
    job.trigger();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(world.log.take_names(), ["0 false true", "1 false false"]);
    let job = &[job][..];
    assert_eq!((report.finished(), report.cancelled()), (job, job));
    assert_eq!(world.elapsed_ms(), 1_110);
}

#[test]
fn a_run_that_is_refused_is_tried_again_within_the_grace() {
    for blocking in [false, true] {
        let world = World::new();
        let job = register(dormant(&world), blocking, noting_scheduled(&world));
        world.start();
        world.advance(310);
        job.trigger();
        let stop = stopping(&world, 1_000);
        world.time.refuse_spawns(1);
        world.advance(100);
        assert_eq!(begun(&world), [(350, 350)], "blocking: {blocking}");
        assert_eq!(stop.now_or_never().unwrap().finished(), [job], "blocking: {blocking}");
    }
}

/// Registers a job, triggers it, begins a stop, and has the executor refuse all runs.
fn refused(world: &World, builder: JobBuilder, grace_ms: u64) -> (Job, Waiting) {
    let job = builder.run(noting_scheduled(world)).unwrap();
    world.start();
    job.trigger();
    let stop = stopping(world, grace_ms);
    world.time.refuse_spawns(1_000);
    world.settle();
    assert_eq!(job.runs(), 0);
    (job, stop)
}

#[test]
fn a_run_that_could_not_begin_within_the_grace_waits_for_the_next_start() {
    let world = World::new();
    let (job, mut stop) = refused(&world, dormant(&world), 210);
    world.advance(209);
    assert!(poll_once(stop.as_mut()).is_pending());
    world.advance(1);
    world.time.refuse_spawns(0);
    let report = stop.now_or_never().expect("the grace is over");
    assert!(report.is_clean() && report.finished().is_empty());
    world.advance(500);
    assert_eq!(job.runs(), 0);
    assert_runs_at_the_next_start(&world, &job);
}

#[test]
fn a_removal_leaves_nothing_to_wait_for() {
    let world = World::new();
    let (job, mut stop) = refused(&world, dormant(&world), 60_000);
    world.advance(110);
    assert!(poll_once(stop.as_mut()).is_pending());
    job.remove();
    assert!(stop.now_or_never().is_some());
    assert_eq!(world.scheduler.status().state(), SchedulerState::Stopped);
}

/// A stop that nobody polls meanwhile is woken.
#[test]
fn a_removal_wakes_the_stop() {
    let world = World::new();
    let job = started(&world);
    world.time.refuse_spawns(1_000);
    job.trigger();
    let (removed, clock) = (job.clone(), world.time.clone());
    let user = async move {
        clock.sleep(ms(110)).await;
        removed.remove();
    };
    let stop = world.scheduler.stop().grace(HOUR).into_future();
    world.time.block_on(futures::future::join(stop, user));
    assert_eq!(world.elapsed_ms(), 110);
}

/// With the last run of `times`, or past `until`, the job has no run left.
#[test]
fn a_job_that_is_used_up_leaves_nothing_to_wait_for() {
    let world = World::new();
    let job = world.every(100).times(2).run(world.log.taking("a", |_| 230)).unwrap();
    world.start();
    world.advance(300);
    assert_eq!(job.runs(), 2);
    job.trigger();
    let report = world.wait(world.scheduler.stop().grace(HOUR));
    assert_eq!(report.finished(), [job]);
    assert_eq!(world.elapsed_ms(), 480);
}

/// A regular run is overdue, which would still begin if the scheduler went on.
#[test]
fn a_job_whose_end_passes_leaves_nothing_to_wait_for() {
    let world = World::new();
    let end = world.scheduler.now() + ms(200);
    let builder = world.every(10_000).first_run(FirstRun::After(ms(150))).until(end);
    let (job, stop) = refused(&world, builder, 60_000);
    let report = world.time.block_on(stop);
    assert!(report.finished().is_empty());
    assert_eq!((job.runs(), world.elapsed_ms()), (0, 250));
    world.time.refuse_spawns(0);
    world.start();
    world.advance(20_000);
    assert_eq!(job.runs(), 0);
}

#[test]
fn jobs_keep_their_turn_when_others_are_removed() {
    let world = World::new();
    let others: Vec<Job> = (0..200).map(|_| world.noting("other", 10_000)).collect();
    let job = world.taking("a", 10_000, 230);
    world.start();
    job.trigger();
    let stop = stopping(&world, 1_000);
    others.iter().for_each(Job::remove);
    world.log.take();
    world.advance(500);
    assert_eq!(world.log.take(), [(230, "a".to_owned())]);
    assert_eq!(stop.now_or_never().unwrap().finished(), [job]);
}

#[test]
fn two_stops_with_a_grace_both_wait_and_report_the_run() {
    let world = World::new();
    let job = world.taking("a", 10_000, 230);
    world.start();
    job.trigger();
    let first = stopping(&world, 1_000);
    world.advance(100);
    let second = stopping(&world, 2_000);
    world.advance(359);
    let (mut first, mut second) = (first, second);
    assert!(poll_once(first.as_mut()).is_pending() && poll_once(second.as_mut()).is_pending());
    world.advance(1);
    for stop in [first, second] {
        assert_eq!(stop.now_or_never().unwrap().finished(), std::slice::from_ref(&job));
    }
    assert_eq!(world.log.take_times(), [0, 230]);
}

/// The first stop waits in vain until the second one begins.
#[test]
fn a_stop_without_a_grace_puts_an_end_to_it() {
    for detach in [false, true] {
        let world = World::new();
        let (job, mut first) = refused(&world, dormant(&world), 60_000);
        world.advance(110);
        assert!(poll_once(first.as_mut()).is_pending());
        if detach {
            world.scheduler.stop().detach();
        } else {
            world.stop();
        }
        world.time.refuse_spawns(0);
        assert!(first.now_or_never().is_some(), "detach: {detach}");
        world.advance(500);
        assert_eq!(job.runs(), 0, "detach: {detach}");
        assert_runs_at_the_next_start(&world, &job);
    }
}

#[test]
fn the_shorter_of_two_graces_puts_an_end_to_it() {
    let world = World::new();
    let (job, long) = refused(&world, dormant(&world), 60_000);
    let short = stopping(&world, 200);
    world.advance(200);
    for stop in [short, long] {
        assert!(stop.now_or_never().unwrap().is_clean());
    }
    world.time.refuse_spawns(0);
    assert_runs_at_the_next_start(&world, &job);
}

#[test]
fn a_stop_that_is_dropped_half_way_is_carried_out() {
    let world = World::new();
    let job = dormant(&world).run(world.log.taking("a", |_| 230)).unwrap();
    world.start();
    world.advance(310);
    job.trigger();
    drop(stopping(&world, 1_000));
    world.advance(100);
    assert_eq!((job.runs(), job.is_running()), (1, true));
    assert_eq!(world.scheduler.status().state(), SchedulerState::Stopping);
    world.advance(130);
    assert_eq!(
        (job.is_running(), world.scheduler.status().state()),
        (false, SchedulerState::Stopped)
    );
    world.advance(500);
    assert_eq!((job.runs(), world.time.timers()), (1, 0));
}

/// The executor refuses the rest of the stop.
#[test]
fn a_stop_that_is_dropped_half_way_and_refused_ends_at_once() {
    let world = World::new();
    let job = started(&world);
    job.trigger();
    let stop = stopping(&world, 1_000);
    world.time.refuse_spawns(1);
    drop(stop);
    assert_eq!(world.scheduler.status().state(), SchedulerState::Stopped);
    world.advance(500);
    assert_eq!(job.runs(), 0);
    assert_runs_at_the_next_start(&world, &job);
}

#[test]
fn the_last_handle_puts_an_end_to_it() {
    let world = World::new();
    let (job, stop) = refused(&world, dormant(&world), 60_000);
    let time = world.time.clone();
    drop(world);
    time.refuse_spawns(0);
    assert!(stop.now_or_never().is_some());
    time.advance(SECOND);
    assert_eq!(job.runs(), 0);
}

#[test]
fn an_executor_that_goes_puts_an_end_to_it() {
    for grace_ms in [60_000, u64::MAX] {
        let world = World::new();
        let (job, stop) = refused(&world, dormant(&world), grace_ms);
        world.time.shut_down();
        assert!(stop.now_or_never().is_some());
        assert_eq!(
            (job.runs(), world.scheduler.status().state()),
            (0, SchedulerState::Stopped)
        );
    }
}

#[test]
fn from_a_run_that_awaits_the_stop_another_job_begins() {
    let world = World::new();
    let slot = later::<Job>();
    let (other, weak) = (slot.clone(), world.scheduler.downgrade());
    let target = move || {
        let (other, scheduler) = (take(&other), weak.upgrade().unwrap());
        async move {
            other.trigger();
            scheduler.stop().grace(ms(200)).await;
        }
    };
    let job = world.every(10_000).run(target).unwrap();
    put(&slot, dormant(&world).run(noting_scheduled(&world)).unwrap());
    world.start();
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0)]);
    assert!(!job.is_running());
    assert_eq!(world.scheduler.status().state(), SchedulerState::Stopped);
}

/// The run blocks its thread, so neither its own job nor the other job of its group can begin.
#[test]
fn in_a_run_that_blocks_on_the_stop_it_waits_for_the_next_start() {
    in_time(|| {
        let world = World::new();
        let slot = later::<Job>();
        let (other, weak) = (slot.clone(), world.scheduler.downgrade());
        let reports: Arc<Mutex<Vec<StopReport>>> = Arc::default();
        let noted = Arc::clone(&reports);
        let target = move |run: Run| {
            let scheduler = weak.upgrade().unwrap();
            if run.number() == 0 {
                other.lock().unwrap().as_ref().unwrap().trigger();
                run.job().trigger();
                let report = scheduler.stop().grace(Duration::MAX).blocking_wait();
                assert_eq!(scheduler.status().state(), SchedulerState::Stopped);
                noted.lock().unwrap().push(report);
            }
        };
        let job = world.every(10_000).name("stops").group(("one", 1)).run(target).unwrap();
        let other = dormant(&world).group("one").run(|| ()).unwrap();
        put(&slot, other.clone());
        world.start();
        let report = reports.lock().unwrap().pop().expect("the stop returned");
        assert_eq!(names(report.still_running()), ["stops"]);
        world.advance(500);
        assert_eq!((job.runs(), other.runs()), (1, 0));
        world.start();
        assert_eq!((job.runs(), other.runs()), (2, 1));
    });
}

/// The executor is blocked, so the other job can't begin. Its removal leaves only a job that waits for the run.
#[test]
fn in_a_run_that_blocks_on_the_stop_a_removal_is_noticed() {
    in_time(|| {
        let world = World::new();
        let slot = later::<Job>();
        let (other, weak) = (slot.clone(), world.scheduler.downgrade());
        let target = move |run: Run| {
            let (scheduler, other) = (weak.upgrade().unwrap(), take(&other));
            run.job().trigger();
            other.trigger();
            let status = scheduler.clone();
            let user = std::thread::spawn(move || {
                while status.status().state() != SchedulerState::Stopping {
                    std::thread::yield_now();
                }
                // The stop has most probably gone to sleep by then.
                std::thread::sleep(ms(30));
                other.remove();
            });
            let report = scheduler.stop().grace(Duration::MAX).blocking_wait();
            assert_eq!(names(report.still_running()), ["stops"]);
            user.join().unwrap();
        };
        let job = world.every(10_000).name("stops").run(target).unwrap();
        put(&slot, dormant(&world).run(|| ()).unwrap());
        world.start();
        assert_eq!((job.runs(), job.status().panics()), (1, 0));
        assert_eq!(world.scheduler.status().state(), SchedulerState::Stopped);
    });
}

#[test]
fn what_a_last_run_triggers_waits_for_the_next_start() {
    let world = World::new();
    let slot = later::<Job>();
    let (other, count) = (slot.clone(), Count::default());
    let up = count.clone();
    let target = move || {
        up.up();
        other.lock().unwrap().as_ref().unwrap().trigger();
    };
    let job = dormant(&world).run(target).unwrap();
    let other = noting(&world, 10_000);
    put(&slot, other.clone());
    job.trigger();
    world.wait(world.scheduler.stop().grace(SECOND));
    world.advance(500);
    assert_eq!((count.get(), other.runs()), (1, 1));
    assert_runs_at_the_next_start(&world, &other);
}
