//! Start and stop: in any order, any number of times, from any place.

use std::pin::pin;
use std::time::Duration;

use atevery::{Run, Scheduler};
use futures::FutureExt;

use crate::support::{Count, SECOND, World, later, ms, names, poll_once, put, take, yield_now};

#[test]
fn a_second_start_is_an_error_and_changes_nothing() {
    let world = World::new();
    world.noting("a", 100);
    world.start();
    world.advance(130);
    let error = world.scheduler.start().unwrap_err();
    assert!(error.is_already_started() && !error.is_stopping());
    world.advance(170);
    assert_eq!(world.log.take_times(), [0, 100, 200, 300]);
}

#[test]
fn is_running_from_start_to_stop() {
    let world = World::new();
    assert!(!world.scheduler.is_running());
    world.scheduler.start().unwrap();
    assert!(world.scheduler.is_running());
    let stop = world.scheduler.stop();
    assert!(world.scheduler.is_running());
    world.wait(stop);
    assert!(!world.scheduler.is_running());
}

#[test]
fn a_stop_cancels_and_waits() {
    let world = World::new();
    let dropped = Count::default();
    let count = dropped.clone();
    let target = move || {
        let guard = count.on_drop();
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    let report = world.stop();
    assert_eq!(dropped.get(), 1);
    assert_eq!(report.cancelled(), std::slice::from_ref(&job));
    assert_eq!((report.finished(), report.still_running()), (&[][..], &[][..]));
    assert!(report.is_clean());
    assert!(!job.is_running());
    assert_eq!(world.elapsed_ms(), 0);
}

#[test]
fn a_stop_names_jobs_in_the_order_of_registration() {
    let world = World::new();
    for name in ["a", "b", "c", "d"] {
        world.endless(name);
    }
    world.start();
    assert_eq!(names(world.stop().cancelled()), ["a", "b", "c", "d"]);
}

#[test]
fn idle_jobs_are_not_in_the_report() {
    let world = World::new();
    world.noting("idle", 100);
    world.start();
    let report = world.stop();
    assert!(report.finished().is_empty() && report.cancelled().is_empty() && report.is_clean());
}

#[test]
fn no_run_begins_after_a_stop() {
    let world = World::new();
    let job = world.noting("a", 100);
    world.start();
    world.advance(250);
    world.stop();
    world.advance(10_000);
    assert_eq!(job.runs(), 3);
}

#[test]
fn a_stop_that_is_never_polled_does_nothing() {
    let world = World::new();
    let job = world.taking("a", 100, 30);
    world.start();
    drop(world.scheduler.stop());
    drop(world.scheduler.stop().grace(ms(1)).timeout(ms(1)));
    drop(world.scheduler.stop().into_future());
    assert!(world.scheduler.is_running());
    world.advance(100);
    assert_eq!(job.runs(), 2);
}

#[test]
fn from_the_first_poll_on_no_run_begins() {
    let world = World::new();
    let job = world.noting("a", 100);
    world.endless("endless");
    world.start();
    let mut stop = pin!(world.scheduler.stop().grace(SECOND).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    world.advance(500);
    assert_eq!(job.runs(), 1);
}

#[test]
fn stop_before_any_start() {
    let world = World::new();
    let job = world.noting("a", 100);
    assert!(world.stop().is_clean());
    world.scheduler.stop().detach();
    world.start();
    assert_eq!(job.runs(), 1);
}

#[test]
fn stop_twice() {
    let world = World::new();
    world.endless("a");
    world.start();
    assert_eq!(world.stop().cancelled().len(), 1);
    assert_eq!(world.stop().cancelled().len(), 0);
}

#[test]
fn two_stops_at_once_both_return() {
    let world = World::new();
    let job = world.endless("a");
    world.start();
    let (first, second) = (
        world.scheduler.stop().grace(ms(300)).into_future(),
        world.scheduler.stop().grace(ms(100)).into_future(),
    );
    let (first, second) = world.time.block_on(futures::future::join(first, second));
    // The shorter grace period cancels the runs. The other stop then sees the end of the runs that it waits for.
    assert_eq!(world.elapsed_ms(), 100);
    assert_eq!(first.cancelled(), std::slice::from_ref(&job));
    assert_eq!(second.cancelled(), [job]);
}

#[test]
fn start_while_a_stop_waits_is_an_error() {
    let world = World::new();
    world.taking("slow", 1_000, 730);
    world.start();
    let mut stop = pin!(world.scheduler.stop().grace(SECOND).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    let error = world.scheduler.start().unwrap_err();
    assert!(error.is_stopping() && !error.is_already_started());
    world.time.block_on(stop);
    world.scheduler.start().unwrap();
}

#[test]
fn a_detached_stop_lets_runs_end_by_themselves() {
    let world = World::new();
    let ended = Count::default();
    let (count, clock) = (ended.clone(), world.time.clone());
    let target = move || {
        let (count, sleep) = (count.clone(), clock.sleep(ms(330)));
        async move {
            sleep.await;
            count.up();
        }
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    world.scheduler.stop().detach();
    assert!(!world.scheduler.is_running());
    assert!(job.is_running());
    world.advance(10_000);
    assert_eq!((job.runs(), ended.get()), (1, 1));
}

#[test]
fn a_later_stop_cancels_what_was_detached() {
    let world = World::new();
    let job = world.endless("a");
    world.start();
    world.scheduler.stop().detach();
    world.advance(100);
    assert_eq!(world.stop().cancelled(), [job]);
}

#[test]
fn restart_within_a_tick_of_detach_has_one_loop() {
    let world = World::new();
    let job = world.noting("a", 100);
    world.start();
    for _ in 0..10 {
        world.scheduler.stop().detach();
        world.scheduler.start().unwrap();
    }
    world.advance(1_000);
    assert_eq!(job.runs(), 11);
    assert_eq!(world.time.tasks(), 1);
    assert_eq!(world.time.timers(), 1);
}

#[test]
fn a_run_that_was_dispatched_but_had_not_begun_never_begins_and_keeps_its_scheduled_instant() {
    let world = World::new();
    let (scheduler, begun) = (world.scheduler.clone(), world.log.clone());
    let mut first = true;
    world
        .every(1_000)
        .run(move || {
            // The second job's run has been dispatched by now.
            if std::mem::take(&mut first) {
                scheduler.stop().detach();
            }
        })
        .unwrap();
    let target = move |run: Run| begun.note(format!("{} {:?}", run.number(), run.started() - run.scheduled()));
    let second = world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(400);
    assert_eq!(second.runs(), 0);
    world.start();
    // The run was scheduled at 0, and the start lifts this instant. If the schedule had advanced, the run would be at
    // 1000.
    assert_eq!(world.log.take(), [(400, "0 0ns".to_owned())]);
}

#[test]
fn a_blocking_run_that_had_not_begun_never_begins_either() {
    let world = World::new();
    let scheduler = world.scheduler.clone();
    world.every(1_000).run(move || scheduler.stop().detach()).unwrap();
    let blocking = world.every(1_000).run_blocking(|| ()).unwrap();
    world.start();
    world.advance(5_000);
    assert_eq!(blocking.runs(), 0);
    world.stop();
}

#[test]
fn stop_before_the_first_tick_of_a_start() {
    let world = World::new();
    let job = world.noting("a", 100);
    world.scheduler.start().unwrap();
    assert!(world.stop().is_clean());
    world.advance(1_000);
    assert_eq!(job.runs(), 0);
}

#[test]
fn a_job_that_awaits_an_unlimited_stop_is_cancelled_at_that_await() {
    let world = World::new();
    let (scheduler, log) = (world.scheduler.clone(), world.log.clone());
    let target = move || {
        let (scheduler, log) = (scheduler.clone(), log.clone());
        async move {
            log.note("before");
            scheduler.stop().await;
            log.note("after");
        }
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_names(), ["before"]);
    assert!(!job.is_running() && !world.scheduler.is_running());
    world.start();
    assert_eq!(job.runs(), 2);
}

#[test]
fn the_same_at_a_later_poll() {
    let world = World::new();
    let (scheduler, log) = (world.scheduler.clone(), world.log.clone());
    let target = move || {
        let (scheduler, log) = (scheduler.clone(), log.clone());
        async move {
            yield_now().await;
            scheduler.stop().await;
            log.note("after");
        }
    };
    let job = world.every(100).run(target).unwrap();
    let other = world.endless("other");
    world.start();
    assert_eq!(world.log.take(), []);
    assert!(!job.is_running() && !other.is_running() && !world.scheduler.is_running());
    world.scheduler.start().unwrap();
}

#[test]
fn a_job_that_awaits_a_stop_with_timeout_zero_is_cancelled_too() {
    let world = World::new();
    let (scheduler, log) = (world.scheduler.clone(), world.log.clone());
    let target = move || {
        let (scheduler, log) = (scheduler.clone(), log.clone());
        async move {
            let report = scheduler.stop().timeout(Duration::ZERO).await;
            log.note(format!("{}", report.still_running().len()));
            yield_now().await;
            log.note("after");
        }
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    // The stop returns at once and names the job that called it. This job is then cancelled at its next await.
    assert_eq!(world.log.take_names(), ["1"]);
    assert!(!job.is_running());
}

#[test]
fn a_job_may_detach_a_stop_and_start_again() {
    let world = World::new();
    let scheduler = world.scheduler.clone();
    let job = world
        .every(100)
        .run(move || {
            scheduler.stop().detach();
            scheduler.start().unwrap();
        })
        .unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(job.runs(), 11);
    assert_eq!(world.time.tasks(), 1);
}

#[test]
fn start_from_inside_a_job_is_already_started() {
    let world = World::new();
    let (scheduler, seen) = (world.scheduler.clone(), later());
    let tell = seen.clone();
    world
        .every(100)
        .run(move || put(&tell, scheduler.start().unwrap_err().is_already_started()))
        .unwrap();
    world.start();
    assert!(take(&seen));
}

#[test]
fn jobs_may_be_registered_from_inside_jobs() {
    let world = World::new();
    let (inner, log) = (world.clone(), world.log.clone());
    let mut once = true;
    world
        .every(100)
        .run(move || {
            log.note("outer");
            if std::mem::take(&mut once) {
                inner.noting("inner", 100);
            }
        })
        .unwrap();
    world.start();
    world.advance(150);
    let expected = [(0, "outer"), (50, "inner"), (100, "outer"), (100, "inner")];
    let log = world.log.take();
    let seen: Vec<(u64, &str)> = log.iter().map(|(at_ms, what)| (*at_ms, what.as_str())).collect();
    // The job is registered at 0 and due at 0, 100, 200, ...: "first runs at the next tick" means 50.
    assert_eq!(seen[..4], expected);
    world.time.shut_down();
}

#[test]
fn restart_runs_jobs_again_with_their_numbers_going_on() {
    let world = World::new();
    let log = world.log.clone();
    world
        .every(100)
        .run(move |run: Run| log.note(run.number().to_string()))
        .unwrap();
    for _ in 0..3 {
        world.start();
        world.advance(150);
        world.stop();
        world.advance(1_000);
    }
    assert_eq!(world.log.take_names(), ["0", "1", "2", "3", "4", "5"]);
}

#[test]
fn jobs_that_are_registered_while_it_is_stopped_run_after_the_start() {
    let world = World::started();
    world.advance(100);
    world.stop();
    world.noting("a", 100);
    world.advance(1_000);
    world.start();
    world.advance(100);
    assert_eq!(world.log.take_times(), [1_100, 1_200]);
}

#[test]
fn clones_are_one_scheduler() {
    let world = World::new();
    let clone = world.scheduler.clone();
    clone.every(ms(100)).run(world.log.noting("a")).unwrap();
    world.start();
    assert!(clone.is_running());
    assert_eq!(clone.jobs(), world.scheduler.jobs());
    world.time.block_on(clone.stop());
    assert!(!world.scheduler.is_running());
}

#[test]
fn jobs_are_listed_in_the_order_of_registration() {
    let world = World::new();
    let jobs: Vec<_> = ["a", "b", "c"].map(|name| world.noting(name, 100)).into();
    assert_eq!(world.scheduler.jobs(), jobs);
    jobs[1].remove();
    let late = world.noting("d", 100);
    assert_eq!(names(&world.scheduler.jobs()), ["a", "c", "d"]);
    assert!(jobs[0].id() < jobs[1].id() && jobs[2].id() < late.id());
}

#[test]
fn two_schedulers_on_one_runtime_know_nothing_of_each_other() {
    let world = World::new();
    let other = Scheduler::new(world.time.clone());
    let (mine, its) = (world.noting("mine", 100), other.every(ms(100)).run(|| ()).unwrap());
    world.start();
    other.start().unwrap();
    world.advance(100);
    world.stop();
    world.advance(100);
    assert_eq!((mine.runs(), its.runs()), (2, 3));
    assert_ne!(mine.id(), its.id());
}

#[test]
fn stops_from_inside_several_jobs_hang_nobody() {
    let world = World::new();
    for _ in 0..8 {
        let scheduler = world.scheduler.clone();
        let target = move || {
            let scheduler = scheduler.clone();
            async move {
                yield_now().await;
                scheduler.stop().await;
            }
        };
        world.every(100).run(target).unwrap();
    }
    world.start();
    world.advance(1_000);
    assert!(!world.scheduler.jobs().iter().any(atevery::Job::is_running));
    world.scheduler.start().unwrap();
    world.time.shut_down();
}

#[test]
fn a_stop_may_be_polled_after_the_scheduler_was_dropped() {
    let world = World::new();
    let time = world.time.clone();
    let scheduler = Scheduler::new(time.clone());
    scheduler.every(ms(100)).run(std::future::pending::<()>).unwrap();
    scheduler.start().unwrap();
    time.run_until_stalled();
    let stop = scheduler.stop();
    drop(scheduler);
    assert!(time.block_on(stop).is_clean());
}

#[test]
fn a_stop_that_was_dropped_half_way_in_its_grace_is_carried_out() {
    let world = World::new();
    let quick = world.taking("quick", 1_000, 90);
    let endless = world.endless("endless");
    world.start();
    let mut stop = Box::pin(world.scheduler.stop().grace(ms(300)).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    drop(stop);
    world.advance(299);
    assert!(endless.is_running() && !quick.is_running());
    assert!(world.scheduler.start().unwrap_err().is_stopping());
    world.advance(1);
    assert!(!endless.is_running());
    world.advance(10_000);
    assert_eq!(quick.runs(), 1);
    world.scheduler.start().unwrap();
}

#[test]
fn a_stop_that_was_dropped_after_any_number_of_polls_is_carried_out() {
    for polls in 1..6 {
        let world = World::new();
        let job = world.endless("endless");
        world.taking("slow", 1_000, 120);
        world.start();
        let mut stop = Box::pin(world.scheduler.stop().grace(ms(200)).timeout(ms(100)).into_future());
        for _ in 0..polls {
            assert!(stop.as_mut().now_or_never().is_none());
            world.advance(30);
        }
        drop(stop);
        world.advance(300);
        assert!(!job.is_running() && !world.scheduler.is_running(), "{polls} polls");
        world.scheduler.start().unwrap();
    }
}

#[test]
fn a_stop_that_is_dropped_while_it_waits_for_its_timeout_lets_go() {
    let world = World::new();
    let threads = crate::threads::Threads::new(2);
    let scheduler = Scheduler::new((threads.clone(), world.time.clone()));
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begin, begun) = std::sync::mpsc::channel();
    let job = scheduler
        .every(SECOND)
        .run(move || {
            begin.send(()).unwrap();
            let _ = released.recv();
        })
        .unwrap();
    scheduler.start().unwrap();
    begun.recv_timeout(SECOND * 20).unwrap();
    let mut stop = Box::pin(scheduler.stop().into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    drop(stop);
    assert!(scheduler.start().unwrap_err().is_stopping());
    drop(release);
    for _ in 0..20_000 {
        if scheduler.start().is_ok() {
            assert!(!job.is_running() || job.runs() == 2);
            return;
        }
        std::thread::sleep(ms(1));
    }
    panic!("the stop is still waiting");
}
