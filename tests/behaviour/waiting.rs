//! Pending runs, one after another in the same slots.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use crate::support::{Count, Later, World, later, ms, put, take};

/// Registers a job with one run, which is pending once and never wakes itself. The run leaves its waker, and counts its
/// polls.
fn leaves_waker(world: &World, kept: &Later<Waker>, polls: &Count) {
    let (kept, polls) = (kept.clone(), polls.clone());
    world
        .every(100)
        .times(1)
        .run(move || {
            let (kept, polls) = (kept.clone(), polls.clone());
            let mut waits = true;
            poll_fn(move |cx| {
                polls.up();
                put(&kept, cx.waker().clone());
                if std::mem::take(&mut waits) {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            })
        })
        .unwrap();
}

#[test]
fn a_late_wake_up_polls_no_run_that_waits_in_its_slot_by_now() {
    let world = World::started();
    let (kept, polls) = (later(), Count::default());
    leaves_waker(&world, &kept, &polls);
    world.advance(50);
    let late = take(&kept);
    late.wake_by_ref();
    world.settle();
    assert_eq!(polls.get(), 2);
    drop(take(&kept));

    let next = Count::default();
    leaves_waker(&world, &kept, &next);
    world.advance(50);
    late.wake();
    world.settle();
    assert_eq!(next.get(), 1);
    take(&kept).wake();
    world.settle();
    assert_eq!(next.get(), 2);
}

#[test]
fn a_run_that_was_woken_after_its_end_does_not_keep_the_next_one_from_being_woken() {
    let world = World::started();
    for _ in 0..3 {
        let (kept, polls) = (later(), Count::default());
        leaves_waker(&world, &kept, &polls);
        world.advance(50);
        take::<Waker>(&kept).wake();
        world.settle();
        assert_eq!(polls.get(), 2);
        take(&kept).wake();
        world.settle();
        assert_eq!(polls.get(), 2);
    }
}

/// A job whose runs wake themselves, and are nevertheless ready.
fn wakes_itself(world: &World) {
    let target = || {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(())
        })
    };
    world.every(1_000).run(target).unwrap();
}

#[test]
fn wakes_of_runs_that_are_over_are_not_taken_for_those_of_runs_that_wait() {
    // Many turns of a worker, one turn, and less than one.
    for (ready, waiting) in [(1, 1), (64, 3), (512, 9), (600, 5), (600, 130), (1_000, 600)] {
        let world = World::new();
        (0..ready).for_each(|_| wakes_itself(&world));
        let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
        let over = Count::default();
        for _ in 0..waiting {
            let (wakers, over) = (wakers.clone(), over.clone());
            let target = move || {
                let (wakers, over) = (wakers.clone(), over.clone());
                let mut waits = true;
                poll_fn(move |cx| {
                    if std::mem::take(&mut waits) {
                        wakers.lock().unwrap().push(cx.waker().clone());
                        return Poll::Pending;
                    }
                    over.up();
                    Poll::Ready(())
                })
            };
            world.every(1_000).run(target).unwrap();
        }
        world.start();
        let wakers = std::mem::take(&mut *wakers.lock().unwrap());
        assert_eq!(wakers.len(), waiting);
        wakers.into_iter().for_each(Waker::wake);
        world.settle();
        assert_eq!(over.get(), waiting, "{ready} ready");
    }
}

/// A run that ended exactly at the instant of a tick counts as running then. This holds for offers of the loop and of
/// workers, and for any number of jobs.
#[test]
fn an_end_on_a_tick_is_the_same_for_few_jobs_and_for_many() {
    for (duration, runs) in [(50, 101), (100, 67), (150, 51), (200, 41)] {
        for count in [1, 10, 128, 1_000] {
            let world = World::new();
            let taking = |_| {
                let clock = world.time.clone();
                world.every(100).run(move || clock.sleep(ms(duration))).unwrap()
            };
            let jobs: Vec<_> = (0..count).map(taking).collect();
            world.start();
            world.advance(10_000);
            assert!(
                jobs.iter().all(|job| job.runs() == runs),
                "{count} jobs of {duration} ms"
            );
        }
    }
}
