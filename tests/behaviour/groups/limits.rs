//! The number of runs at once, and the limit.

use std::future::pending;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use atevery::runtime::Standalone;
use atevery::{Allow, Job, MissedTicks, Scheduler};

use super::{assert_permits, member, members, with_group, with_restart};
use crate::allow::Gauge;
use crate::support::{Count, SECOND, World, later, ms, put, take};
use crate::time_limit::at;

#[test]
fn there_are_at_most_so_many_at_once_across_jobs() {
    for limit in [1, 2, 4] {
        let world = with_group(limit);
        let gauge = Gauge::default();
        for index in 0..10 {
            let (gauge, clock) = (gauge.clone(), world.time.clone());
            let target = move || {
                let entered = gauge.enter();
                let sleep = clock.sleep(ms(30 + 17 * index));
                async move {
                    let _entered = entered;
                    sleep.await;
                }
            };
            members(&world, 100 + 10 * index, 0).run(target).unwrap();
        }
        world.start();
        world.advance(60_000);
        assert_eq!(gauge.peak(), limit);
        assert!(world.scheduler.jobs().iter().all(|job| job.runs() > 10));
    }
}

#[test]
fn other_jobs_do_not_wait() {
    let world = with_group(1);
    members(&world, 100, 0).run(pending::<()>).unwrap();
    let free = world.noting("free", 100);
    let other = world.every(100).group(("other", 1)).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!((free.runs(), other.runs()), (11, 11));
}

#[test]
fn groups_of_different_schedulers_are_not_one() {
    let (one, other) = (with_group(1), with_group(1));
    let a = members(&one, 100, 0).run(pending::<()>).unwrap();
    let b = members(&other, 100, 0).run(pending::<()>).unwrap();
    one.start();
    other.start();
    assert!(a.is_running() && b.is_running());
}

#[test]
fn a_higher_limit_lets_those_who_wait_begin_at_once() {
    let world = with_group(1);
    for name in ["a", "b", "c", "d"] {
        member(&world, name, 0, 100_000);
    }
    world.start();
    world.advance(120);
    world.scheduler.group("g", 3).unwrap();
    world.settle();
    assert_eq!(world.log.take(), at(&[(0, "a"), (120, "b"), (120, "c")]));
    world.scheduler.group("g", usize::MAX).unwrap();
    world.settle();
    assert_eq!(world.log.take(), at(&[(120, "d")]));
}

#[test]
fn a_lower_limit_lets_runs_go_on_and_none_begin() {
    let world = with_group(3);
    for (name, takes) in [("a", 100), ("b", 200), ("c", 300), ("d", 400)] {
        member(&world, name, 0, takes);
    }
    world.start();
    world.scheduler.group("g", 1).unwrap();
    world.advance(299);
    let busy: Vec<bool> = world.scheduler.jobs().iter().map(Job::is_running).collect();
    assert_eq!(busy, [false, false, true, false]);
    world.advance(1);
    assert_eq!(world.log.take(), at(&[(0, "a"), (0, "b"), (0, "c"), (300, "d")]));
}

#[test]
fn a_limit_may_be_changed_before_the_start_and_while_stopped() {
    let world = with_group(1);
    for name in ["a", "b", "c"] {
        member(&world, name, 0, 100_000);
    }
    world.scheduler.group("g", 2).unwrap();
    world.start();
    assert_eq!(world.log.take_names(), ["a", "b"]);
    assert!(world.stop().is_clean());
    world.scheduler.group("g", 3).unwrap();
    world.start();
    // The other jobs have had their run.
    world.advance(100);
    assert_eq!(world.log.take_names(), ["c"]);
}

#[test]
fn a_run_may_change_the_limit_of_its_own_group() {
    let world = with_group(1);
    let scheduler = later::<Scheduler>();
    put(&scheduler, world.scheduler.clone());
    let own = scheduler.clone();
    members(&world, 10_000, 0)
        .run(move || {
            take(&own).group("g", 2).unwrap();
            pending::<()>()
        })
        .unwrap();
    let other = member(&world, "b", 0, 10);
    world.start();
    assert_eq!(other.runs(), 1);
}

#[test]
fn an_unknown_group_is_refused_with_a_way_out() {
    let world = World::new();
    let error = world.every(1_000).group("dp").run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    let text = error.to_string();
    assert!(text.contains("\"dp\"") && text.contains("group("), "{text}");
    assert!(world.scheduler.jobs().is_empty());
    world.scheduler.group("dp", 1).unwrap();
    world.every(1_000).group("dp").run(|| ()).unwrap();
}

#[test]
fn a_limit_of_zero_is_refused() {
    let world = with_group(2);
    for error in [
        world.scheduler.group("g", 0).unwrap_err(),
        world.scheduler.group("new", 0).unwrap_err(),
        world.every(1_000).group(("new", 0)).run(|| ()).unwrap_err(),
        world.every(1_000).group(("g", 0)).run(|| ()).unwrap_err(),
    ] {
        assert!(error.is_invalid_option());
        assert!(error.to_string().contains('0'), "{error}");
    }
    // Nothing has changed.
    assert!(world.every(1_000).group("new").run(|| ()).is_err());
    assert!(world.every(1_000).group(("g", 2)).run(|| ()).is_ok());
}

#[test]
fn a_group_whose_limit_is_stated_twice() {
    let world = World::new();
    world.every(1_000).group(("g", 2)).run(|| ()).unwrap();
    world.every(1_000).group(("g", 2)).run(|| ()).unwrap();
    world.every(1_000).group("g").run(|| ()).unwrap();
    world.every(1_000).group(String::from("g")).run(|| ()).unwrap();
    let error = world.every(1_000).group(("g", 3)).run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    let text = error.to_string();
    assert!(
        text.contains("\"g\"") && text.contains('2') && text.contains('3'),
        "{text}"
    );
    assert_eq!(world.scheduler.jobs().len(), 4);
}

#[test]
fn the_group_that_is_said_last_counts() {
    let world = with_group(1);
    world.every(1_000).group("g").run(pending::<()>).unwrap();
    let builder = world.every(1_000).group("g").group(("other", 1));
    let job = builder.run(pending::<()>).unwrap();
    world.start();
    assert!(job.is_running());
}

#[test]
fn blocking_jobs_wait_for_permits_too() {
    let world = with_group(1);
    for name in ["a", "b", "c"] {
        let (log, clock) = (world.log.clone(), world.time.clone());
        let target = move || {
            log.note(name);
            clock.block_for(ms(20));
        };
        members(&world, 10_000, 0).run_blocking(target).unwrap();
    }
    world.start();
    world.advance(200);
    assert_eq!(world.log.take(), at(&[(0, "a"), (20, "b"), (40, "c")]));
}

#[test]
fn each_of_several_runs_of_a_job_takes_a_permit() {
    let world = with_group(2);
    let gauge = Gauge::default();
    let (inner, clock) = (gauge.clone(), world.time.clone());
    let target = move || {
        let entered = inner.enter();
        let sleep = clock.sleep(ms(430));
        async move {
            let _entered = entered;
            sleep.await;
        }
    };
    let builder = members(&world, 100, 0).missed_ticks(MissedTicks::Skip);
    builder.on_overlap(Allow(5)).run(target).unwrap();
    let other = members(&world, 100, 5)
        .missed_ticks(MissedTicks::Skip)
        .run(|| ())
        .unwrap();
    world.start();
    world.advance(20_000);
    assert_eq!(gauge.peak(), 2);
    assert!(other.runs() > 20, "{}", other.runs());
    assert_permits(&with_restart(world), 2);
}

#[test]
fn a_job_of_several_runs_leaves_the_permits_that_it_may_not_use() {
    let world = with_group(3);
    let job = members(&world, 100, 0).on_overlap(Allow(2)).run(pending::<()>).unwrap();
    let other = members(&world, 100, 0).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!((job.runs(), other.runs()), (2, 11));
}

#[test]
fn on_threads_there_are_never_more() {
    let scheduler = Scheduler::builder(Standalone::new()).resolution(ms(1)).build().unwrap();
    scheduler.group("g", 3).unwrap();
    let (gauge, done) = (Gauge::default(), Count::default());
    for index in 0..24 {
        let (gauge, count) = (gauge.clone(), done.clone());
        let builder = scheduler.every(ms(1)).group("g");
        let target = move || {
            let _entered = gauge.enter();
            std::thread::yield_now();
            count.up();
        };
        if index % 2 == 0 {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
    }
    scheduler.start().unwrap();
    let began = std::time::Instant::now();
    while done.get() < 2_000 && began.elapsed() < SECOND * 30 {
        scheduler.group("g", 1 + done.get() % 3).unwrap();
        std::thread::sleep(ms(1));
    }
    assert!(done.get() >= 2_000, "{}", done.get());
    assert!(scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
    assert!(gauge.peak() <= 3, "{}", gauge.peak());
    assert_eq!(gauge.now(), 0);
}

#[test]
fn on_threads_all_permits_are_used() {
    let scheduler = Scheduler::new(Standalone::new());
    scheduler.group("g", 3).unwrap();
    let barrier = Arc::new(Barrier::new(3));
    let (sender, met) = mpsc::channel();
    for _ in 0..6 {
        let (barrier, sender) = (Arc::clone(&barrier), sender.clone());
        let target = move || {
            barrier.wait();
            let _ = sender.send(());
        };
        scheduler.every(Duration::MAX).group("g").run_blocking(target).unwrap();
    }
    scheduler.start().unwrap();
    for _ in 0..6 {
        met.recv_timeout(SECOND * 20).expect("three at a time");
    }
    assert!(scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

#[test]
fn a_target_may_register_a_job_in_its_own_group() {
    let world = with_group(1);
    let (scheduler, jobs) = (later::<Scheduler>(), Arc::new(Mutex::new(Vec::new())));
    put(&scheduler, world.scheduler.clone());
    let (own, made) = (scheduler.clone(), Arc::clone(&jobs));
    members(&world, 10_000, 0)
        .run(move || {
            let job = take(&own).every(SECOND).group("g").run(|| ()).unwrap();
            made.lock().unwrap().push(job);
        })
        .unwrap();
    world.start();
    world.advance(100);
    assert_eq!(jobs.lock().unwrap()[0].runs(), 1);
}

#[test]
fn a_group_that_a_job_made_goes_with_its_last_job_and_that_jobs_last_run() {
    let world = World::new();
    let join = |limit| world.every(100).group(("db", limit));
    let clock = world.time.clone();
    let slow = join(1).run(move || clock.sleep(ms(230))).unwrap();
    let other = join(1).run(|| ()).unwrap();
    world.start();
    world.advance(10);
    other.remove();
    slow.remove();
    assert!(world.every(100).group("db").run(|| ()).is_ok(), "the last run goes on");
    world.scheduler.jobs().iter().for_each(Job::remove);
    world.advance(1_000);
    let refused = world.every(100).group("db").run(|| ()).unwrap_err();
    assert!(refused.is_invalid_option(), "{refused}");
    assert!(join(2).run(|| ()).is_ok(), "the name is free for another limit");
}

#[test]
fn a_group_that_a_job_whose_runs_overlap_made_goes_with_its_last_run() {
    let world = World::new();
    let clock = world.time.clone();
    let builder = world.every(100).group(("db", 2)).on_overlap(Allow(2));
    let job = builder.run(move || clock.sleep(ms(230))).unwrap();
    world.start();
    world.advance(110);
    job.remove();
    world.advance(150);
    assert!(job.is_running());
    assert!(world.every(100).group(("db", 3)).run(|| ()).is_err(), "a run goes on");
    world.advance(200);
    assert!(world.every(100).group(("db", 3)).run(|| ()).is_ok());
}

#[test]
fn a_group_that_the_scheduler_made_stays() {
    let world = with_group(2);
    world.every(100).group("g").run(|| ()).unwrap().remove();
    assert!(world.every(100).group("g").run(|| ()).is_ok());
    world.every(100).group(("db", 4)).run(|| ()).unwrap();
    world.scheduler.group("db", 4).unwrap();
    world.scheduler.jobs().iter().for_each(Job::remove);
    assert!(world.every(100).group("db").run(|| ()).is_ok(), "it was made once more");
}
