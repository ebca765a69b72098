//! Jobs that come to an end: `times` and `until`.

use std::time::{Duration, Instant};

use atevery::runtime::Timer;
use atevery::{Allow, EventKind, Events, FirstRun, Job, JobState, MissedTicks, Overlap, Run, every};
use futures::{FutureExt, StreamExt};

use crate::jitter::{begun, noting_scheduled};
use crate::support::{Count, SECOND, World, blow_up, ms, yield_now};

/// Takes the events so far, as text.
pub(crate) fn kinds(events: &mut Events) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    while let Some(event) = events.next().now_or_never().flatten() {
        kinds.push(event.kind().as_str());
    }
    kinds
}

fn removals(events: &mut Events) -> usize {
    let kinds = kinds(events);
    kinds.into_iter().filter(|kind| *kind == "removed").count()
}

/// Lets the loop offer the due runs, and lets no worker take them.
pub(crate) fn offer(world: &World) {
    world.time.block_on(yield_now());
}

/// The instant at this millisecond of the world's clock.
fn at(world: &World, at_ms: u64) -> Instant {
    world.time.now() - world.time.elapsed() + ms(at_ms)
}

/// Asserts that the job is off its scheduler, and that its target is dropped.
fn assert_gone(world: &World, job: &Job) {
    assert_eq!(world.scheduler.jobs(), []);
    assert_eq!(job.status().state(), JobState::Removed);
    assert!(job.status().next_due().is_none());
}

#[test]
fn so_many_runs_and_no_more() {
    let world = World::new();
    let job = world.every(100).times(3).run(world.log.noting("a")).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 100, 200]);
    assert_eq!(job.runs(), 3);
    assert_gone(&world, &job);
}

#[test]
fn one_run_only() {
    let world = World::new();
    let job = world.every(100).times(1).run(world.log.noting("a")).unwrap();
    world.start();
    assert_gone(&world, &job);
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0]);
}

#[test]
fn no_run_at_all_is_refused() {
    let world = World::new();
    let error = world.every(100).times(0).run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    let text = error.to_string();
    for part in ["0 times", "`times`", "at least 1"] {
        assert!(text.contains(part), "{part:?} in {text:?}");
    }
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn more_runs_than_there_will_be() {
    let world = World::new();
    let job = world.every(100).times(u64::MAX).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(job.runs(), 11);
    assert_eq!(world.scheduler.jobs(), [job]);
}

#[test]
fn the_end_is_reported_once_and_after_the_last_run() {
    let world = World::new();
    let mut events = world.scheduler.events();
    world.every(100).times(2).run(|| ()).unwrap();
    world.start();
    world.advance(100);
    let expected = ["started", "finished", "started", "finished", "removed"];
    assert_eq!(kinds(&mut events), expected);
    world.advance(1_000);
    assert_eq!(kinds(&mut events), Vec::<&str>::new());
}

#[test]
fn the_end_is_reported_for_the_job_and_for_no_run() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let job = world.every(100).times(1).run(|| ()).unwrap();
    world.start();
    let last = std::iter::from_fn(|| events.next().now_or_never().flatten()).last();
    let last = last.unwrap();
    assert!(matches!(last.kind(), EventKind::Removed));
    assert_eq!((last.job(), last.run(), last.instant()), (&job, None, at(&world, 0)));
}

#[test]
fn a_job_is_there_until_its_last_run_has_ended() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let dropped = Count::default();
    let (guard, mut taking) = (dropped.on_drop(), world.log.taking("slow", |_| 70));
    let target = move |run: Run| {
        let _guard = &guard;
        taking(run)
    };
    let job = world.every(100).times(2).run(target).unwrap();
    world.start();
    world.advance(169);
    assert_eq!((job.is_running(), dropped.get()), (true, 0));
    assert_eq!(world.scheduler.jobs(), std::slice::from_ref(&job));
    assert_eq!(removals(&mut events), 0);
    world.advance(1);
    assert_eq!((job.is_running(), dropped.get()), (false, 1));
    assert_eq!(removals(&mut events), 1);
    assert_gone(&world, &job);
}

#[test]
fn a_blocking_job_ends_likewise() {
    let world = World::new();
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let target = move || {
        let _guard = &guard;
    };
    let job = world.every(100).times(2).run_blocking(target).unwrap();
    world.start();
    world.advance(99);
    assert_eq!((job.runs(), dropped.get()), (1, 0));
    world.advance(1_000);
    assert_eq!((job.runs(), dropped.get()), (2, 1));
    assert_gone(&world, &job);
}

#[test]
fn runs_that_fail_or_panic_count() {
    let world = World::new();
    let fails = world.every(100).times(2).run(|| Err("no")).unwrap();
    let panics = world.every(100).times(2).run(blow_up).unwrap();
    let waits = async || {
        yield_now().await;
        blow_up();
    };
    let waits = world.every(100).times(2).run(waits).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!((fails.runs(), panics.runs(), waits.runs()), (2, 2, 2));
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn runs_that_are_made_up_count() {
    let world = World::new();
    let taking = world.log.taking("a", |run| if run == 0 { 330 } else { 0 });
    world.every(100).times(4).run(taking).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 350, 400, 450]);
}

#[test]
fn runs_that_are_dropped_do_not_count() {
    let world = World::new();
    let taking = world.log.taking("a", |run| if run == 0 { 330 } else { 0 });
    let builder = world.every(100).times(4).missed_ticks(MissedTicks::Skip);
    builder.run(taking).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 350, 400, 500]);
}

#[test]
fn runs_that_the_executor_refuses_do_not_count() {
    not_counted(|world, count| world.time.refuse_spawns(count));
}

#[test]
fn runs_that_the_executor_loses_do_not_count() {
    not_counted(|world, count| world.time.drop_spawns(count));
}

fn not_counted(fault: impl Fn(&World, usize)) {
    for blocking in [false, true] {
        let world = World::new();
        let (builder, target) = (world.every(200).times(2), world.log.noting("a"));
        let job = if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        };
        let job = job.unwrap();
        world.scheduler.start().unwrap();
        fault(&world, 1_000);
        world.advance(120);
        assert!(job.status().refused() > 2, "blocking: {blocking}");
        assert_eq!(world.scheduler.jobs(), std::slice::from_ref(&job));
        fault(&world, 0);
        world.advance(2_000);
        assert_eq!(world.log.take_times(), [150, 200], "blocking: {blocking}");
        assert_gone(&world, &job);
    }
}

#[test]
fn an_offer_that_a_stop_takes_back_does_not_count() {
    let world = World::new();
    let job = world.every(100).times(2).run(world.log.noting("a")).unwrap();
    for _ in 0..3 {
        world.scheduler.start().unwrap();
        offer(&world);
        world.stop();
    }
    assert_eq!(job.runs(), 0);
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 100]);
}

#[test]
fn an_offer_that_a_pause_takes_back_does_not_count() {
    let world = World::new();
    let job = world.every(100).times(2).run(world.log.noting("a")).unwrap();
    world.scheduler.start().unwrap();
    for _ in 0..3 {
        offer(&world);
        job.pause();
        world.settle();
        world.advance(100);
        job.resume();
    }
    assert_eq!(job.runs(), 0);
    world.advance(1_000);
    assert_eq!(world.log.take_times().len(), 2);
    assert_gone(&world, &job);
}

#[test]
fn a_run_that_a_stop_cancels_counts() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let job = world.every(100).times(2).run(std::future::pending::<()>).unwrap();
    world.start();
    world.stop();
    assert_eq!(job.status().state(), JobState::Waiting);
    world.start();
    world.advance(100);
    world.stop();
    assert_eq!((job.runs(), removals(&mut events)), (2, 1));
    assert_gone(&world, &job);
}

#[test]
fn the_count_goes_on_after_a_restart() {
    let world = World::new();
    world.every(100).times(3).run(world.log.noting("a")).unwrap();
    world.start();
    world.advance(120);
    world.stop();
    world.advance(880);
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 100, 1_000]);
}

#[test]
fn runs_that_were_triggered_count() {
    let world = World::new();
    let job = world.every(1_000).times(3).run(world.log.noting("a")).unwrap();
    world.start();
    job.trigger();
    world.advance(500);
    job.trigger();
    world.advance(5_000);
    let times = world.log.take_times();
    assert_eq!((times.len(), times[0]), (3, 0));
    assert!(times[2] <= 550, "{times:?}");
    assert_gone(&world, &job);
}

#[test]
fn no_run_is_triggered_after_the_last() {
    let world = World::new();
    let job = world.every(1_000).times(1).run(world.log.taking("a", |_| 130)).unwrap();
    world.start();
    job.trigger();
    world.advance(1_000);
    job.trigger();
    world.advance(1_000);
    assert_eq!(job.runs(), 1);
    assert_gone(&world, &job);
}

#[test]
fn a_run_that_is_triggered_in_the_last_but_one_is_the_last() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let job = world.every(1_000).times(2).run(world.log.taking("a", |_| 130)).unwrap();
    world.start();
    job.trigger();
    world.advance(5_000);
    assert_eq!(world.log.take_times(), [0, 130]);
    assert_eq!(removals(&mut events), 1);
    assert_gone(&world, &job);
}

#[test]
fn runs_that_overlap_are_never_more() {
    for (limit, times) in [(3, 5), (2, 1), (5, 5), (4, 3), (8, 20)] {
        let world = World::new();
        let mut events = world.scheduler.events();
        let (begun, clock) = (Count::default(), world.time.clone());
        let count = begun.clone();
        let target = move || {
            count.up();
            clock.sleep(ms(1_130))
        };
        let builder = world.every(100).times(times).on_overlap(Allow(limit));
        let job = builder.run(target).unwrap();
        world.start();
        for _ in 0..5_000 / 50 {
            world.advance(50);
            job.trigger();
        }
        world.advance(5_000);
        assert_eq!(u64::try_from(begun.get()).unwrap(), times, "Allow({limit})");
        assert_eq!(removals(&mut events), 1, "Allow({limit})");
        assert_gone(&world, &job);
    }
}

#[test]
fn a_job_whose_runs_overlap_is_there_until_the_last_has_ended() {
    let world = World::new();
    let dropped = Count::default();
    let (guard, clock) = (dropped.on_drop(), world.time.clone());
    let target = move |run: Run| {
        let _guard = &guard;
        clock.sleep(ms(if run.number() == 0 { 500 } else { 10 }))
    };
    let job = world.every(100).times(3).on_overlap(Allow(3)).run(target).unwrap();
    world.start();
    world.advance(499);
    assert_eq!((job.runs(), dropped.get()), (3, 0));
    assert_eq!(world.scheduler.jobs(), std::slice::from_ref(&job));
    world.advance(1);
    assert_eq!(dropped.get(), 1);
    assert_gone(&world, &job);
}

#[test]
fn a_job_that_is_removed_before_its_end_is_reported_once() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let job = world.every(100).times(3).run(|| ()).unwrap();
    let itself = world.every(100).times(1).run(|run: Run| run.job().remove()).unwrap();
    world.start();
    job.remove();
    job.remove();
    world.advance(1_000);
    assert_eq!((job.runs(), itself.runs()), (1, 1));
    assert_eq!(removals(&mut events), 2);
}

#[test]
fn a_job_that_is_over_can_not_be_revived() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let job = world.every(100).times(1).run(|| ()).unwrap();
    world.start();
    job.trigger();
    job.pause();
    job.resume();
    job.set_interval(ms(50)).unwrap();
    job.remove();
    world.advance(500);
    world.stop();
    world.start();
    world.advance(500);
    assert_eq!((job.runs(), removals(&mut events)), (1, 1));
    assert_gone(&world, &job);
}

#[test]
fn jobs_that_end_leave_the_others_alone() {
    let world = World::new();
    let stays = world.every(100).run(|| ()).unwrap();
    for run in 0..300 {
        world.every(100).times(1 + run % 4).run(|| ()).unwrap();
    }
    let last = world.every(100).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!((stays.runs(), last.runs()), (11, 11));
    assert_eq!(world.scheduler.jobs(), [stays, last]);
}

#[test]
fn no_run_is_scheduled_after_that_instant() {
    let world = World::new();
    let builder = world.every(100).until(at(&world, 250));
    let job = builder.run(world.log.noting("a")).unwrap();
    world.start();
    world.advance(100);
    assert_eq!(world.scheduler.jobs(), std::slice::from_ref(&job));
    world.advance(100);
    assert_gone(&world, &job); // none is left
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 100, 200]);
}

#[test]
fn an_end_that_has_passed_is_refused() {
    let world = World::new();
    let end = at(&world, 0);
    world.advance(1_500);
    let error = world.every(100).until(end).run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    let text = error.to_string();
    for part in ["`until`", "1.5s ago", "later instant"] {
        assert!(text.contains(part), "{part:?} in {text:?}");
    }
    assert_eq!(world.scheduler.jobs(), []);
    let now = at(&world, 1_500);
    let job = world.every(100).until(now).run(|| ()).unwrap();
    world.start();
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_run_scheduled_at_that_very_instant_is_the_last() {
    for (until, runs) in [(199, 2), (200, 3), (201, 3), (299, 3)] {
        let world = World::new();
        let job = world.every(100).until(at(&world, until)).run(|| ()).unwrap();
        world.start();
        world.advance(1_000);
        assert_eq!(job.runs(), runs, "until {until}");
        assert_gone(&world, &job);
    }
}

#[test]
fn the_end_by_time_is_reported_once() {
    let world = World::new();
    let mut events = world.scheduler.events();
    world.every(100).until(at(&world, 150)).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    let expected = ["started", "finished", "started", "finished", "removed"];
    assert_eq!(kinds(&mut events), expected);
}

#[test]
fn an_instant_that_passes_before_the_start_leaves_no_run() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let target = move || {
        let _guard = &guard;
    };
    let job = world.every(100).until(at(&world, 999)).run(target).unwrap();
    world.advance(1_000);
    world.start();
    world.advance(50);
    assert_eq!((job.runs(), dropped.get()), (0, 1));
    assert_eq!(kinds(&mut events), ["removed"]);
    assert_gone(&world, &job);
}

#[test]
fn a_first_run_after_that_instant_does_not_come() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let builder = world.every(100).first_run(FirstRun::After(ms(300)));
    let job = builder.until(at(&world, 200)).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!((job.runs(), kinds(&mut events)), (0, vec!["removed"]));
    assert_gone(&world, &job);
}

#[test]
fn a_run_that_is_late_runs_after_that_instant() {
    let world = World::new();
    let target = world.log.taking("a", |run| if run == 0 { 430 } else { 0 });
    let job = world.every(100).until(at(&world, 250)).run(target).unwrap();
    world.start();
    world.advance(430);
    assert_eq!(world.scheduler.jobs(), std::slice::from_ref(&job));
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 450, 500]); // of 100 and 200
    assert_gone(&world, &job);
}

#[test]
fn what_is_triggered_after_that_instant_is_no_run_and_keeps_none_that_is_late_from_running() {
    for overlap in [Overlap::Wait, Overlap::Replace] {
        let world = World::new();
        let target = world.log.taking("a", |run| if run == 0 { 430 } else { 0 });
        let job = world.every(100).until(at(&world, 250)).run(target).unwrap();
        let other = world
            .every(100)
            .until(at(&world, 250))
            .jitter(ms(99))
            .on_overlap(overlap);
        let other = other.run(|| ()).unwrap();
        world.start();
        world.advance(260);
        job.trigger();
        other.trigger();
        world.advance(2_000);
        assert_eq!(world.log.take_times(), [0, 450, 500]); // of 100 and 200
        assert_gone(&world, &job);
        assert_eq!(other.runs(), 3);
    }
}

#[test]
fn a_trigger_after_that_instant_makes_no_further_run_of_one_on_offer() {
    let world = World::new();
    let job = world
        .every(100)
        .until(at(&world, 50))
        .run(world.log.noting("a"))
        .unwrap();
    world.scheduler.start().unwrap();
    offer(&world);
    world.time.block_for(ms(60));
    job.trigger();
    world.advance(1_000);
    assert_eq!(job.runs(), 1);
    assert_gone(&world, &job);
}

#[test]
fn the_last_run_before_that_instant_is_waited_for() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let target = world.log.taking("a", |_| 730);
    let job = world.every(1_000).until(at(&world, 500)).run(target).unwrap();
    world.start();
    world.advance(729);
    assert_eq!((job.is_running(), removals(&mut events)), (true, 0));
    assert_eq!(world.scheduler.jobs(), std::slice::from_ref(&job));
    world.advance(1);
    assert_eq!(removals(&mut events), 1);
    assert_gone(&world, &job);
}

#[test]
fn a_run_that_is_put_off_beyond_that_instant_still_runs() {
    let world = World::new();
    let builder = world.every(1_000).jitter(ms(999)).until(at(&world, 1_000));
    let job = builder.run(|| ()).unwrap();
    world.start();
    world.advance(5_000);
    assert_eq!(job.runs(), 2);
    assert_gone(&world, &job);
}

#[test]
fn a_restart_before_that_instant_goes_on_to_it() {
    let world = World::new();
    let builder = world.every(100).until(at(&world, 1_250));
    let job = builder.run(world.log.noting("a")).unwrap();
    world.start();
    world.advance(30);
    world.stop();
    world.advance(1_070);
    world.start(); // at 1100
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 1_100, 1_200]);
    assert_gone(&world, &job);
}

#[test]
fn a_restart_after_that_instant_ends_the_job() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let job = world.every(100).until(at(&world, 250)).run(|| ()).unwrap();
    world.start();
    world.advance(30);
    world.stop();
    world.advance(1_000);
    assert_eq!(removals(&mut events), 0);
    world.start();
    world.advance(50);
    assert_eq!((job.runs(), removals(&mut events)), (1, 1));
    assert_gone(&world, &job);
}

#[test]
fn a_pause_beyond_that_instant_ends_the_job() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let job = world.every(100).until(at(&world, 250)).run(|| ()).unwrap();
    world.start();
    job.pause();
    world.advance(1_000);
    job.resume();
    world.advance(50);
    assert_eq!((job.runs(), removals(&mut events)), (1, 1));
    assert_gone(&world, &job);
}

#[test]
fn whichever_end_comes_first() {
    for (times, until, runs) in [(2, 1_000, 2), (9, 250, 3), (3, 250, 3), (3, 200, 3), (1, 0, 1)] {
        let world = World::new();
        let mut events = world.scheduler.events();
        let builder = world.every(100).times(times).until(at(&world, until));
        let job = builder.run(|| ()).unwrap();
        world.start();
        world.advance(2_000);
        assert_eq!(job.runs(), runs, "times {times} until {until}");
        assert_eq!(removals(&mut events), 1);
        assert_gone(&world, &job);
    }
}

#[test]
fn an_interval_that_is_changed_counts_for_the_end() {
    let world = World::new();
    let builder = world.every(1_000).until(at(&world, 1_500));
    let job = builder.run(world.log.noting("a")).unwrap();
    world.start();
    job.set_interval(ms(600)).unwrap();
    world.advance(5_000);
    assert_eq!(world.log.take_times(), [0, 600, 1_200]);
    assert_gone(&world, &job);
}

#[test]
fn an_interval_that_is_changed_in_the_last_run_adds_more() {
    let world = World::new();
    let (log, builder) = (world.log.clone(), world.every(1_000).until(at(&world, 500)));
    let target = move |run: Run| {
        log.note("a");
        run.job().set_interval(ms(200)).unwrap();
    };
    builder.run(target).unwrap();
    world.start();
    world.advance(5_000);
    assert_eq!(world.log.take_times(), [0, 200, 400]);
}

#[test]
fn an_end_by_time_with_runs_that_overlap() {
    let world = World::new();
    let mut events = world.scheduler.events();
    let clock = world.time.clone();
    let target = move || clock.sleep(ms(330));
    let builder = world.every(100).until(at(&world, 250)).on_overlap(Allow(4));
    let job = builder.run(target).unwrap();
    world.start();
    world.advance(529);
    assert_eq!((job.runs(), removals(&mut events)), (3, 0));
    world.advance(1);
    assert_eq!(removals(&mut events), 1);
    assert_gone(&world, &job);
}

#[test]

fn a_run_triggered_late_is_not_scheduled_after_that_instant() {
    let world = World::new();
    let builder = world.every(100).until(at(&world, 250));
    let job = builder.run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(50);
    job.pause();
    world.advance(950);
    job.trigger();
    world.advance(1_000);
    let runs = begun(&world);
    assert!(runs.iter().all(|(_, scheduled)| *scheduled <= 250), "{runs:?}");
}

#[test]

fn a_run_triggered_in_the_last_regular_one_still_comes_before_that_instant() {
    let world = World::new();
    let builder = world.every(1_000).until(at(&world, 500));
    let job = builder.run(world.log.taking("a", |_| 130)).unwrap();
    world.start();
    world.advance(100);
    job.trigger();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 130]);
}

#[test]

fn a_job_that_is_never_due_again_has_no_run_left() {
    let world = World::new();
    let builder = world.scheduler.every(Duration::MAX).until(at(&world, 500));
    let job = builder.run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(job.runs(), 1);
    assert_gone(&world, &job);
}

#[test]

fn a_job_that_ends_before_its_first_run_is_gone_by_then() {
    let world = World::new();
    let builder = world.every(100).first_run(FirstRun::After(SECOND * 3_600));
    let job = builder.until(at(&world, 500)).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_gone(&world, &job);
}

#[test]
fn a_job_whose_first_run_never_comes_is_gone_after_its_end() {
    let world = World::new();
    let never = || world.every(100).first_run(FirstRun::After(Duration::MAX));
    let job = never().until(at(&world, 500)).run(|| ()).unwrap();
    world.start();
    world.advance(500);
    assert_eq!(world.scheduler.jobs(), std::slice::from_ref(&job));
    assert!(job.status().next_due().is_none());
    world.advance(50);
    assert_gone(&world, &job);
    assert_eq!(job.runs(), 0);
}

#[test]
fn a_job_that_is_switched_off_before_its_end_can_be_switched_on_again() {
    let world = World::new();
    let builder = world.every(100).until(at(&world, 1_000));
    let target = world.log.noting("a");
    let job = builder.run(target).unwrap();
    let log = world.log.clone();
    let switching_off = move |run: Run| {
        log.note("b");
        if run.number() == 1 {
            run.job().set_interval(Duration::MAX).unwrap();
        }
    };
    let other = world.every(100).until(at(&world, 1_000)).run(switching_off).unwrap();
    world.start();
    world.advance(100);
    job.set_interval(Duration::MAX).unwrap();
    world.log.take();
    world.advance(500);
    assert_eq!(world.log.take(), []);
    for job in [&job, &other] {
        assert!(job.status().next_due().is_none());
        job.set_interval(ms(400)).unwrap();
    }
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [600, 600, 1_000, 1_000]);
    assert_gone(&world, &job);
}

#[every(
    "100ms",
    name = "ends",
    jitter = Duration::ZERO,
    times = 3,
    until = Instant::now() + Duration::from_secs(86_400),
    fixed_delay,
    tag = "ends"
)]
fn ends() {}

#[test]
fn the_attribute_takes_them_under_the_same_names() {
    let world = World::new();
    let chosen = world
        .scheduler
        .add_registered_where(|function| function.tag() == Some("ends"));
    let job = chosen.unwrap().remove(0);
    world.start();
    world.advance(1_000);
    assert_eq!((job.name(), job.runs()), ("ends", 3));
    assert_gone(&world, &job);
}
