//! A job that waits for a permit: its cost, its status, and operations on it.

use std::future::pending;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use atevery::runtime::Standalone;
use atevery::{Allow, EventKind, Job, Scheduler};

use super::{assert_permits, at_instant, member, members, with_group, with_restart};
use crate::support::{Count, World, in_time, ms};
use crate::time_limit::{at, witnessed};

#[test]
fn a_job_that_is_removed_while_it_waits_holds_up_nobody() {
    let world = with_group(1);
    member(&world, "a", 0, 230);
    let removed = member(&world, "b", 0, 10);
    member(&world, "c", 0, 10);
    world.start();
    world.advance(100);
    removed.remove();
    world.advance(400);
    assert_eq!(world.log.take(), at(&[(0, "a"), (230, "c")]));
    assert_permits(&with_restart(world), 1);
}

/// A job does not wait in line while its own runs are in progress. As without a group, it comes up at a tick after
/// that.
#[test]
fn a_job_that_is_busy_begins_at_the_tick_after_its_run() {
    let world = World::new();
    let one = world.every(50).group(("one", 1));
    let one = one.run(world.log.taking("one", |_| 70)).unwrap();
    world.start();
    world.advance(220);
    assert_eq!(world.log.take_times(), [0, 100, 200]);
    one.remove();
    world.advance(80);
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move || {
        log.note("two");
        clock.sleep(ms(120))
    };
    let two = world.every(50).group(("two", 2)).on_overlap(Allow(2));
    two.run(target).unwrap();
    world.advance(250);
    assert_eq!(world.log.take_times(), [300, 350, 450, 500]);
}

#[test]
fn what_a_waiting_job_captured_is_dropped_when_it_is_removed() {
    let world = with_group(1);
    member(&world, "a", 0, 100_000);
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let target = move || {
        let _guard = &guard;
    };
    let job = members(&world, 100, 0).run(target).unwrap();
    world.start();
    world.advance(100);
    job.remove();
    assert_eq!(dropped.get(), 1);
}

#[test]
fn a_job_that_is_paused_while_it_waits_holds_up_nobody_and_runs_when_it_is_resumed() {
    let world = with_group(1);
    member(&world, "a", 0, 230);
    let paused = member(&world, "b", 0, 10);
    member(&world, "c", 0, 10);
    world.start();
    world.advance(100);
    paused.pause();
    world.advance(400);
    assert_eq!(world.log.take(), at(&[(0, "a"), (230, "c")]));
    paused.resume();
    world.advance(100);
    assert_eq!(world.log.take(), at(&[(500, "b")]));
    assert_permits(&with_restart(world), 1);
}

#[test]
fn a_job_that_is_paused_and_resumed_while_it_waits_runs_once() {
    let world = with_group(1);
    member(&world, "a", 0, 230);
    let paused = member(&world, "b", 0, 10);
    world.start();
    world.advance(60);
    paused.pause();
    world.advance(60);
    paused.resume();
    world.advance(1_000);
    assert_eq!(world.log.take(), at(&[(0, "a"), (230, "b")]));
    assert_permits(&with_restart(world), 1);
}

#[test]
fn a_job_that_is_triggered_while_it_waits_runs_for_both() {
    let world = with_group(1);
    member(&world, "a", 0, 230);
    let job = member(&world, "b", 0, 10);
    world.start();
    world.advance(60);
    job.trigger();
    job.trigger();
    world.advance(1_000);
    let times = world.log.take();
    assert_eq!(times[..2], at(&[(0, "a"), (230, "b")]));
    // One run by its schedule, and one because it was triggered.
    assert_eq!(times.len(), 3, "{times:?}");
    assert_permits(&with_restart(world), 1);
}

/// The end of the job passes while it waits for a permit, so its trigger asks for no run. The run that has come due since
/// waits for a tick, as it does without a trigger.
#[test]
fn what_has_come_due_beside_a_trigger_after_the_end_of_the_job_waits_for_a_tick() {
    for trigger in [false, true] {
        let world = with_group(1);
        member(&world, "a", 0, 130);
        let builder = members(&world, 10_000, 110).until(at_instant(&world, 120));
        let job = builder.run(world.log.noting("b")).unwrap();
        world.start();
        world.advance(60);
        if trigger {
            job.trigger();
        }
        world.advance(200);
        assert_eq!(world.log.take(), at(&[(0, "a"), (150, "b")]), "trigger: {trigger}");
        assert!(world.scheduler.jobs().iter().all(|other| *other != job));
    }
}

#[test]
fn a_job_whose_end_passes_while_its_trigger_waits_is_removed() {
    let world = with_group(1);
    member(&world, "a", 0, 1_000);
    let builder = members(&world, 10_000, 10_000).until(at_instant(&world, 500));
    let job = builder.run(world.log.noting("b")).unwrap();
    job.trigger();
    world.start();
    world.advance(500);
    assert!(world.scheduler.jobs().contains(&job));
    world.advance(50);
    assert!(!world.scheduler.jobs().contains(&job));
    world.advance(600);
    assert_eq!(world.log.take(), at(&[(0, "a")]));
}

#[test]
fn a_job_that_is_triggered_again_and_again_while_it_waits_has_one_turn() {
    let world = with_group(1);
    member(&world, "a", 0, 330);
    let job = member(&world, "b", 0, 10);
    member(&world, "c", 200, 10);
    world.start();
    for _ in 0..3 {
        world.advance(60);
        job.trigger();
    }
    world.advance(1_000);
    // The job's next run joins the end of the line.
    assert_eq!(world.log.take_names(), ["a", "b", "c", "b"]);
    assert_permits(&with_restart(world), 1);
}

#[test]
fn waiting_takes_no_polls() {
    let world = with_group(1);
    members(&world, 1_000_000, 0).run(pending::<()>).unwrap();
    for _ in 0..1_000 {
        members(&world, 1_000_000, 0).run(|| ()).unwrap();
    }
    world.start();
    world.advance(50);
    let before = world.time.polls();
    world.advance(600_000);
    assert_eq!(world.time.polls(), before);
}

#[test]
fn a_job_that_waits_is_not_running_and_not_started() {
    let (world, emitted) = witnessed();
    world.scheduler.group("g", 1).unwrap();
    members(&world, 1_000, 0)
        .name("a")
        .run(world.log.taking("a", |_| 230))
        .unwrap();
    let job = members(&world, 10_000, 0).name("b").run(|| ()).unwrap();
    world.start();
    world.advance(200);
    assert!(!job.is_running());
    assert_eq!((job.runs(), job.status().state()), (0, atevery::JobState::Waiting));
    world.advance(50);
    let emitted: Vec<_> = emitted
        .take()
        .into_iter()
        .filter(|(_, what)| what.starts_with('b'))
        .collect();
    assert_eq!(emitted, at(&[(230, "b late"), (230, "b started"), (230, "b finished")]));
}

#[test]
fn a_limit_of_time_counts_from_the_beginning_not_from_the_wait() {
    let (world, emitted) = witnessed();
    world.scheduler.group("g", 1).unwrap();
    member(&world, "a", 0, 230);
    let builder = members(&world, 10_000, 0).name("b").timeout(ms(70));
    builder.run(pending::<()>).unwrap();
    world.start();
    world.advance(1_000);
    let emitted = emitted.take();
    assert_eq!(emitted.last(), Some(&(300, "b timed out".to_owned())), "{emitted:?}");
}

#[test]
fn what_a_job_that_was_removed_in_line_leaves_is_dropped_where_it_may_call_its_scheduler() {
    struct Meddles(Job, Count);
    impl Drop for Meddles {
        fn drop(&mut self) {
            self.0.pause();
            self.1.up();
        }
    }
    in_time(|| {
        let (world, dropped) = (with_group(1), Count::default());
        let first = member(&world, "first", 0, 70);
        let meddles = Meddles(first, dropped.clone());
        let backoff = move || {
            let _ = &meddles;
            std::iter::empty()
        };
        let second = world.every(1_000).group("g").retry(backoff).run(|| ()).unwrap();
        world.start();
        second.remove();
        drop(second);
        assert_eq!(dropped.get(), 0);
        world.advance(100);
        assert_eq!(dropped.get(), 1);
    });
}

/// The hook may wait for the job that gets the permit. The permit of a blocking run is therefore released before the
/// hook returns.
#[test]
fn a_permit_of_a_blocking_run_is_free_while_a_hook_hears_that_the_job_is_removed() {
    let (began, begun) = mpsc::channel();
    let begun = Mutex::new(begun);
    let (report, reported) = mpsc::channel();
    let scheduler = Scheduler::builder(Standalone::new())
        .on_event(move |event| {
            if matches!(event.kind(), EventKind::Removed) {
                let waited = begun.lock().unwrap().recv_timeout(Duration::from_secs(5));
                report.send(waited.is_ok()).unwrap();
            }
        })
        .build()
        .unwrap();
    scheduler.group("one", 1).unwrap();
    let once = scheduler.every(ms(3_600_000)).group("one").times(1);
    once.run_blocking(|| std::thread::sleep(ms(300))).unwrap();
    scheduler.start().unwrap();
    std::thread::sleep(ms(100));
    let other = scheduler.every(ms(3_600_000)).group("one");
    other.run(move || began.send(()).unwrap()).unwrap();
    assert!(reported.recv_timeout(Duration::from_secs(20)).unwrap());
}
