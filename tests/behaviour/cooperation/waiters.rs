//! The futures that wait until a run is told to end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use atevery::Run;
use atevery::runtime::Spawner;
use futures::future::{Either, select};

use super::{lending_its_run, note_cancelled, with_run};
use crate::support::{Count, SECOND, World, ms, names, panicking_waker, take};
use crate::time_limit::at;

#[test]
fn one_that_is_dropped_before_it_comes_leaves_nothing() {
    struct Nothing;
    impl Wake for Nothing {
        fn wake(self: Arc<Self>) {}
    }
    let world = World::new();
    let slot = lending_its_run(&world, world.every(10_000).timeout(SECOND * 60), 600_000);
    world.start();
    let run = take(&slot);
    let (timers, nothing) = (world.time.timers(), Arc::new(Nothing));
    let waker = Waker::from(Arc::clone(&nothing));
    let mut waiting: Vec<_> = (0..10).map(|_| run.cancelled()).collect();
    for cancelled in &mut waiting {
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut *cancelled).poll(&mut cx).is_pending());
        assert!(Pin::new(cancelled).poll(&mut cx).is_pending());
    }
    assert!(Arc::strong_count(&nothing) > 10);
    drop(waiting);
    assert_eq!(Arc::strong_count(&nothing), 2);
    assert_eq!(world.time.timers(), timers);
}

#[test]
fn one_whose_waker_panics_holds_up_neither_the_stop_nor_others() {
    let (world, run) = with_run(60_000);
    let (waker, mut nasty) = (panicking_waker(), run.cancelled());
    assert!(Pin::new(&mut nasty).poll(&mut Context::from_waker(&waker)).is_pending());
    note_cancelled(&world, &run, "told");
    world.settle();
    assert_eq!(names(world.stop().cancelled()), ["a"]);
    world.settle();
    assert_eq!(world.log.take_names(), ["told"]);
}

#[test]
fn one_that_was_never_polled_is_no_waiter() {
    let (world, run) = with_run(60_000);
    let cancelled = run.cancelled();
    assert!(world.stop().is_clean());
    drop(cancelled);
    drop(run.cancelled());
}

#[test]
fn many_wait_and_all_are_woken() {
    let (world, run) = with_run(60_000);
    let told = Count::default();
    for _ in 0..1_000 {
        let (cancelled, told) = (run.cancelled(), told.clone());
        let task = async move {
            cancelled.await;
            told.up();
        };
        world.time.spawn(Box::pin(task)).unwrap();
    }
    world.advance(100);
    assert_eq!(told.get(), 0);
    let polls = world.time.polls();
    assert!(world.stop().is_clean());
    world.settle();
    assert_eq!(told.get(), 1_000);
    assert!(world.time.polls() - polls < 1_100, "{}", world.time.polls() - polls);
}

#[test]
fn the_last_waker_is_the_one_that_counts() {
    struct Wakes(Count);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.up();
        }
    }
    let (world, run) = with_run(60_000);
    let (first, last) = (Count::default(), Count::default());
    let mut cancelled = run.cancelled();
    for count in [&first, &last] {
        let waker = Waker::from(Arc::new(Wakes(count.clone())));
        assert!(
            Pin::new(&mut cancelled)
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    assert!(world.stop().is_clean());
    assert_eq!((first.get(), last.get()), (0, 1));
}

#[test]
fn in_a_select_it_may_be_made_anew_each_time() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        let (clock, log) = (clock.clone(), log.clone());
        async move {
            for part in 0.. {
                match select(clock.sleep(ms(40)), run.cancelled()).await {
                    Either::Left(_) => log.note(format!("part {part}")),
                    Either::Right(_) => return log.note("told"),
                }
            }
        }
    };
    let job = world.every(10_000).run(target).unwrap();
    world.start();
    world.advance(100);
    assert_eq!(world.wait(world.scheduler.stop().grace(SECOND)).finished(), [job]);
    assert_eq!(world.log.take(), at(&[(40, "part 0"), (80, "part 1"), (100, "told")]));
}
