//! A stop that is waited for in a run of the scheduler.

use std::future::pending;
use std::sync::mpsc;
use std::thread;

use atevery::runtime::Standalone;
use atevery::{Allow, Job, Run, Scheduler, StopReport};
use futures::executor::block_on;

use super::within;
use crate::support::{Log, SECOND, World, later, ms, names, put, take};
use crate::time_limit::at;

/// Ways to wait for a stop in code that is not `async`.
#[derive(Debug, Clone, Copy)]
enum Way {
    Wait,
    BlockOn,
    TimeOut,
}

const WAYS: [Way; 3] = [Way::Wait, Way::BlockOn, Way::TimeOut];

fn stop(scheduler: &Scheduler, way: Way) -> StopReport {
    match way {
        Way::Wait => scheduler.stop().blocking_wait(),
        Way::BlockOn => block_on(scheduler.stop().into_future()),
        Way::TimeOut => scheduler.stop().timeout(SECOND * 60).blocking_wait(),
    }
}

#[test]
fn a_stop_that_is_waited_for_in_its_own_run_names_that_as_still_running() {
    for way in WAYS {
        for blocking in [false, true] {
            let (report, other, later) = within(move || {
                let world = World::new();
                let (slot, seen) = (later::<Scheduler>(), later());
                put(&slot, world.scheduler.clone());
                let tell = seen.clone();
                let other = world.endless("other");
                let target = move |run: Run| {
                    let Some(scheduler) = slot.lock().unwrap().take() else {
                        return;
                    };
                    let report = stop(&scheduler, way);
                    put(
                        &tell,
                        (names(report.still_running()).join(" "), report, run.is_cancelled()),
                    );
                };
                let builder = world.every(1_000).name("own");
                let own = if blocking {
                    builder.run_blocking(target)
                } else {
                    builder.run(target)
                }
                .unwrap();
                world.start();
                let (still, report, told) = take(&seen);
                assert_eq!(still, "own");
                assert!(told, "its own run is told to end, too");
                assert!(!own.is_running());
                // Everything is as after any other stop.
                world.start();
                world.advance(1_000);
                (names(report.cancelled()).join(" "), other.runs(), own.runs())
            });
            assert_eq!(report, "other", "{way:?} {blocking}");
            assert_eq!((other, later), (2, 2), "{way:?} {blocking}");
        }
    }
}

#[test]
fn a_stop_in_the_call_that_makes_a_future() {
    let report = within(|| {
        let world = World::new();
        let (slot, seen) = (later::<Scheduler>(), later());
        put(&slot, world.scheduler.clone());
        let tell = seen.clone();
        let target = move || {
            put(&tell, take(&slot).stop().blocking_wait());
            pending::<()>()
        };
        let job = world.every(1_000).name("own").run(target).unwrap();
        world.start();
        assert!(!job.is_running(), "cancelled at its first await");
        take(&seen)
    });
    assert_eq!(names(report.still_running()), ["own"]);
}

#[test]
fn a_stop_in_any_attempt() {
    for blocking in [false, true] {
        let report = within(move || {
            let world = World::new();
            let (slot, seen) = (later::<Scheduler>(), later());
            put(&slot, world.scheduler.clone());
            let (tell, mut attempts) = (seen.clone(), 0);
            let target = move || {
                attempts += 1;
                if attempts == 3 {
                    put(&tell, take(&slot).stop().blocking_wait());
                }
                Err("no")
            };
            let builder = world.every(1_000).name("own").retry(|| [ms(20); 5]);
            let job = if blocking {
                builder.run_blocking(target)
            } else {
                builder.run(target)
            }
            .unwrap();
            world.start();
            world.advance(200);
            assert_eq!((job.status().retries(), job.status().cancelled()), (3, 1));
            take(&seen)
        });
        assert_eq!(names(report.still_running()), ["own"], "blocking: {blocking}");
    }
}

#[test]
fn a_stop_in_one_of_several_runs_cancels_the_others() {
    let report = within(|| {
        let world = World::new();
        let (slot, seen) = (later::<Scheduler>(), later());
        put(&slot, world.scheduler.clone());
        let tell = seen.clone();
        let target = move |run: Run| {
            if run.number() == 2 {
                put(&tell, take(&slot).stop().blocking_wait());
            }
            pending::<()>()
        };
        world.every(100).name("own").on_overlap(Allow(4)).run(target).unwrap();
        world.start();
        world.advance(200);
        take(&seen)
    });
    assert_eq!(names(report.still_running()), ["own"]);
    assert_eq!(names(report.cancelled()), ["own"]);
}

#[test]
fn on_threads_a_stop_in_its_own_run_waits_for_the_others() {
    for blocking in [false, true] {
        let report = within(move || {
            let scheduler = Scheduler::new(Standalone::new());
            let (slot, (sender, reports)) = (later::<Scheduler>(), mpsc::channel());
            put(&slot, scheduler.clone());
            let slow = |run: Run| {
                block_on(run.cancelled());
                thread::sleep(ms(100));
            };
            scheduler.every(SECOND * 60).name("slow").run_blocking(slow).unwrap();
            let target = move || {
                let scheduler = take(&slot);
                while !scheduler.jobs()[0].is_running() {
                    thread::yield_now();
                }
                let _ = sender.send(scheduler.stop().blocking_wait());
            };
            let builder = scheduler.every(SECOND * 60).name("own");
            if blocking {
                builder.run_blocking(target)
            } else {
                builder.run(target)
            }
            .unwrap();
            scheduler.start().unwrap();
            reports.recv_timeout(SECOND * 20).expect("the stop returns")
        });
        assert_eq!(names(report.still_running()), ["own"], "blocking: {blocking}");
        assert_eq!(names(report.finished()), ["slow"], "blocking: {blocking}");
    }
}

#[test]
fn a_stop_of_another_scheduler_waits_as_ever() {
    let report = within(|| {
        let (own, other) = (World::new(), World::new());
        let job = other.endless("other");
        other.start();
        let (scheduler, seen) = (later::<Scheduler>(), later());
        put(&scheduler, other.scheduler.clone());
        let tell = seen.clone();
        own.every(1_000)
            .run(move || put(&tell, take(&scheduler).stop().blocking_wait()))
            .unwrap();
        own.start();
        assert!(!job.is_running());
        take(&seen)
    });
    assert_eq!(names(report.cancelled()), ["other"]);
    assert!(report.is_clean());
}

#[test]
fn a_job_that_awaits_a_stop_of_its_own_is_cancelled_there() {
    let world = World::new();
    let (slot, log) = (later::<Scheduler>(), Log::new(&world.time));
    put(&slot, world.scheduler.clone());
    let note = log.clone();
    let target = move || {
        let (scheduler, note) = (take(&slot), note.clone());
        async move {
            let _ = scheduler.stop().await;
            note.note("not reached");
        }
    };
    let job: Job = world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(100);
    assert!(!job.is_running() && !world.scheduler.is_running());
    assert_eq!(log.take(), at(&[]));
}
