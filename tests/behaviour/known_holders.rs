//! Jobs that are known to hold their thread: a second worker is spawned if such a job is due alone.
//!
//! The second worker finds nothing to do. It is seen as an additional poll of the executor.

use std::task::Poll;
use std::time::Duration;

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Allow, Job, Overlap, Run, Scheduler};

use crate::naive::{Clock, Naive};
use crate::support::{SECOND, World, ms, poll_once};

const NANOSECOND: Duration = Duration::from_nanos(1);

/// The polls of the executor in each of the next seconds.
fn polls_of(time: &VirtualTime, seconds: usize) -> Vec<u64> {
    let polls_of_one = |_| {
        let before = time.polls();
        time.advance(SECOND);
        time.polls() - before
    };
    (0..seconds).map(polls_of_one).collect()
}

/// A job of one second. Its run number `n` holds the thread for `length(n)`.
fn job_of(world: &World, length: impl Fn(u64) -> Duration + Send + 'static) -> Job {
    let clock = world.time.clone();
    let target = move |run: Run| clock.block_for(length(run.number()));
    world.every(1_000).run(target).unwrap()
}

/// The extra polls of each of the runs from number 1 on, against a job whose runs are all short.
fn extra_polls(runs: usize, register: impl Fn(&World, bool)) -> Vec<u64> {
    let [long, short] = [true, false].map(|long| {
        let world = World::new();
        register(&world, long);
        world.start();
        world.advance(500);
        polls_of(&world.time, runs)
    });
    long.iter().zip(&short).map(|(long, short)| long - short).collect()
}

#[test]
fn a_second_worker_is_there_for_each_run_until_16_runs_were_short() {
    let extra = extra_polls(20, |world, long| {
        let length = move |run| ms(if long && run == 2 { 5 } else { 0 });
        job_of(world, length);
    });
    // Run 1 and the long run 2 before anything is known, then 16 runs.
    assert_eq!(extra, [[0; 2].as_slice(), &[1; 16], &[0; 2]].concat());
}

#[test]
fn another_long_run_counts_anew() {
    let extra = extra_polls(30, |world, long| {
        let length = move |run| ms(if long && (run == 1 || run == 9) { 5 } else { 0 });
        job_of(world, length);
    });
    assert_eq!(extra, [[0; 1].as_slice(), &[1; 24], &[0; 5]].concat());
}

#[test]
fn two_milliseconds_are_short() {
    for (length, expected) in [(ms(2), 0), (ms(2) + NANOSECOND, 1)] {
        let extra = extra_polls(5, |world, long| {
            let length = move |_| if long { length } else { ms(0) };
            job_of(world, length);
        });
        assert_eq!(extra, [expected; 5], "{length:?}");
    }
}

#[test]
fn a_long_poll_later_than_the_first_counts_too() {
    let extra = extra_polls(3, |world, long| {
        let clock = world.time.clone();
        let target = move || {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(100)).await;
                clock.block_for(ms(if long { 5 } else { 0 }));
            }
        };
        world.every(1_000).run(target).unwrap();
    });
    assert_eq!(extra, [1; 3]);
}

#[test]
fn there_is_no_further_worker_if_others_are_due() {
    for holder_is_first in [true, false] {
        for others in [1, 5] {
            let extra = extra_polls(3, |world, long| {
                let holder = || drop(job_of(world, move |_| ms(if long { 5 } else { 0 })));
                if holder_is_first {
                    holder();
                }
                for _ in 0..others {
                    world.every(1_000).run(|| ()).unwrap();
                }
                if !holder_is_first {
                    holder();
                }
            });
            assert_eq!(extra, [0; 3], "{holder_is_first} {others}");
        }
    }
}

#[test]
fn there_is_no_second_worker_for_a_blocking_run() {
    let extra = extra_polls(3, |world, long| {
        let clock = world.time.clone();
        let target = move || clock.block_for(ms(if long { 5 } else { 0 }));
        world.every(1_000).run_blocking(target).unwrap();
    });
    assert_eq!(extra, [0; 3]);
}

#[test]
fn what_is_known_belongs_to_the_job_and_not_to_one_of_its_runs() {
    let extra = extra_polls(4, |world, long| {
        let clock = world.time.clone();
        // Run 1 is long, beside run 0, which is still waiting.
        let target = move |run: Run| {
            if long && run.number() == 1 {
                clock.block_for(ms(5));
            }
            clock.sleep(ms(if run.number() == 0 { 1_500 } else { 0 }))
        };
        world.every(1_000).on_overlap(Allow(2)).run(target).unwrap();
    });
    assert_eq!(extra, [0, 1, 1, 1]);
}

#[test]
fn it_is_known_after_a_restart_and_of_a_run_that_is_triggered() {
    let world = World::new();
    let job = job_of(&world, |run| ms(if run == 0 { 5 } else { 0 }));
    let polls_of_a_trigger = || {
        let before = world.time.polls();
        job.trigger();
        world.advance(10);
        world.time.polls() - before
    };
    world.start();
    world.advance(10);
    let _ = world.stop();
    world.start();
    world.advance(10);
    let known = polls_of_a_trigger();
    world.advance(20_000);
    assert_eq!(known, polls_of_a_trigger() + 1);
}

/// Polls so often after the tick, and then calls `act`. Returns the runs before and after.
fn acted_after(polls: usize, act: impl FnOnce(&Naive, &Scheduler, &Job)) -> (u64, u64) {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let hand = clock.clone();
    let target = move |run: Run| {
        if run.number() == 0 {
            hand.set(hand.now() + ms(5));
        }
    };
    let job = scheduler.every(SECOND).run(target).unwrap();
    scheduler.start().unwrap();
    naive.run();
    assert_eq!(job.runs(), 1);
    clock.set(clock.now() + SECOND);
    clock.fire();
    naive.step(polls);
    let before = job.runs();
    act(&naive, &scheduler, &job);
    naive.run();
    assert!(!job.is_running());
    (before, job.runs())
}

#[test]
fn the_second_worker_changes_nothing_for_the_run() {
    let mut spawns = 0;
    assert_eq!(acted_after(1, |naive, _, _| spawns = naive.spawns()), (1, 2));
    // The loop, a worker for the first run, and two for the second run.
    assert_eq!(spawns, 4);
    assert_eq!(acted_after(2, |_, _, _| ()), (2, 2));
}

#[test]
fn no_run_begins_after_a_stop_a_pause_or_a_removal_before_its_workers_have_their_turn() {
    for polls in 0..=1 {
        let stopped = acted_after(polls, |_, scheduler, _| scheduler.stop().detach());
        let waited = acted_after(polls, |_, scheduler, _| {
            let mut stop = Box::pin(scheduler.stop().into_future());
            let Poll::Ready(report) = poll_once(stop.as_mut()) else {
                panic!("the stop waits");
            };
            assert!(report.finished().is_empty() && report.is_clean());
        });
        let paused = acted_after(polls, |_, _, job| job.pause());
        let removed = acted_after(polls, |_, _, job| job.remove());
        assert_eq!([stopped, waited, paused, removed], [(1, 1); 4], "{polls}");
    }
}

#[test]
fn an_executor_that_goes_away_loses_no_offer() {
    let lost = acted_after(1, |naive, scheduler, job| {
        naive.go_away();
        assert_eq!(job.status().refused(), 1);
        scheduler.stop().detach();
    });
    assert_eq!(lost, (1, 1));
}

#[test]
fn a_second_worker_that_is_refused_is_not_needed() {
    let world = World::new();
    let clock = world.time.clone();
    let job = world.every(1_000).run(move || clock.block_for(ms(5))).unwrap();
    world.start();
    for second in 1..=3 {
        world.advance(1_000 * second - 10 - world.elapsed_ms());
        world.time.refuse_spawns(1);
        world.advance(100);
        world.time.refuse_spawns(0);
        assert_eq!((job.runs(), job.status().refused()), (second + 1, 0));
    }
    assert!(world.stop().is_clean());
}

#[test]
fn a_blocking_job_that_is_due_with_it_begins_after_it() {
    let world = World::new();
    let log = world.log.clone();
    world.every(1_000).run_blocking(move || log.note("blocking")).unwrap();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move || {
        log.note("holder");
        clock.block_for(ms(5));
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(3_500);
    assert_eq!(world.log.take_names(), ["holder", "blocking"].repeat(4));
}

#[test]
fn a_run_that_is_replaced_leaves_what_is_known() {
    let extra = extra_polls(2, |world, long| {
        let clock = world.time.clone();
        let target = move || {
            clock.block_for(ms(if long { 5 } else { 0 }));
            std::future::pending::<()>()
        };
        world.every(1_000).on_overlap(Overlap::Replace).run(target).unwrap();
    });
    assert_eq!(extra, [1; 2]);
}
