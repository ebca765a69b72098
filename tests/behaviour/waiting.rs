//! Runs that wait, one after another in the same places.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use crate::support::{Count, Later, World, later, put, take};

/// A job each run of which waits for ever but for one poll more, leaves its waker and counts its polls.
fn leaves_waker(world: &World, place: &Later<Waker>, polls: &Count) {
    let (place, polls) = (place.clone(), polls.clone());
    world
        .every(100)
        .times(1)
        .run(move || {
            let (place, polls) = (place.clone(), polls.clone());
            let mut waits = true;
            poll_fn(move |cx| {
                polls.up();
                put(&place, cx.waker().clone());
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
fn a_late_wake_up_polls_nobody_who_waits_in_its_place_by_now() {
    let world = World::started();
    let (place, polls) = (later(), Count::default());
    leaves_waker(&world, &place, &polls);
    world.advance(50);
    let late = take(&place);
    late.wake_by_ref();
    world.settle();
    assert_eq!(polls.get(), 2);
    drop(take(&place));

    let next = Count::default();
    leaves_waker(&world, &place, &next);
    world.advance(50);
    late.wake();
    world.settle();
    assert_eq!(next.get(), 1);
    take(&place).wake();
    world.settle();
    assert_eq!(next.get(), 2);
}

#[test]
fn a_run_that_was_woken_after_its_end_does_not_keep_the_next_one_from_being_woken() {
    let world = World::started();
    for _ in 0..3 {
        let (place, polls) = (later(), Count::default());
        leaves_waker(&world, &place, &polls);
        world.advance(50);
        take::<Waker>(&place).wake();
        world.settle();
        assert_eq!(polls.get(), 2);
        take(&place).wake();
        world.settle();
        assert_eq!(polls.get(), 2);
    }
}
