//! Attempts with a time limit of their own.

use std::future::pending;

use atevery::runtime::{BoxFuture, Spawner, Standalone};
use atevery::testing::VirtualTime;
use atevery::{JobBuilder, Run, Scheduler};

use super::{KINDS, Kind, register};
use crate::support::{PanicsWhenDropped, SECOND, World, blow_up, ms, yield_now};
use crate::time_limit::{NotesDrop, at, witnessed};

const EXCEEDED: &str = "the attempt exceeded its limit of 70ms";

fn limited(world: &World) -> JobBuilder {
    world.every(1_000).name("a").attempt_timeout(ms(70))
}

/// A target whose attempts note that they begin, take as long as `duration_ms` returns for their number, and note that
/// they are dropped.
fn taking(
    world: &World,
    duration_ms: impl Fn(usize) -> u64 + Send + 'static,
) -> impl FnMut() -> BoxFuture<'static, Result<(), String>> + Send + 'static {
    let (log, clock, mut attempts) = (world.log.clone(), world.time.clone(), 0);
    move || {
        log.note("begins");
        let (guard, sleep) = (
            NotesDrop(log.clone(), "dropped"),
            clock.sleep(ms(duration_ms(attempts))),
        );
        attempts += 1;
        Box::pin(async move {
            let _guard = guard;
            sleep.await;
            Ok(())
        })
    }
}

#[test]
fn an_attempt_that_hangs_is_dropped_at_exactly_the_limit_and_retried() {
    let (world, emitted) = witnessed();
    let target = taking(&world, |attempt| if attempt == 0 { 10_000 } else { 60 });
    let job = limited(&world).retry(|| [ms(20), ms(20)]).run(target).unwrap();
    world.start();
    world.advance(900);
    let expected = [(0, "begins"), (70, "dropped"), (90, "begins"), (150, "dropped")];
    assert_eq!(world.log.take(), at(&expected));
    assert_eq!(
        emitted.take(),
        at(&[(0, "a started"), (70, "a retried"), (150, "a finished")])
    );
    let status = job.status();
    assert_eq!(
        (
            status.retries(),
            status.failures(),
            status.timeouts(),
            status.last_error()
        ),
        (1, 0, 0, Some(EXCEEDED))
    );
}

#[test]
fn a_run_whose_last_attempt_hangs_has_failed() {
    let (world, emitted) = witnessed();
    let job = limited(&world)
        .retry(|| [ms(20)])
        .run(taking(&world, |_| 10_000))
        .unwrap();
    world.start();
    world.advance(900);
    assert_eq!(
        emitted.take(),
        at(&[(0, "a started"), (70, "a retried"), (160, "a failed")])
    );
    let status = job.status();
    assert_eq!(
        (status.failures(), status.timeouts(), status.last_error()),
        (1, 0, Some(EXCEEDED))
    );
}

#[test]
fn without_a_retry_the_run_has_failed() {
    let (world, emitted) = witnessed();
    let job = limited(&world).run(pending::<()>).unwrap();
    world.start();
    world.advance(900);
    assert_eq!(emitted.take(), at(&[(0, "a started"), (70, "a failed")]));
    assert_eq!(job.status().last_error(), Some(EXCEEDED));
}

#[test]
fn an_attempt_that_ends_in_time_is_not_limited() {
    for takes in [0, 69, 70] {
        let (world, emitted) = witnessed();
        limited(&world)
            .retry(|| [ms(20)])
            .run(taking(&world, move |_| takes))
            .unwrap();
        world.start();
        world.advance(900);
        assert_eq!(
            emitted.take(),
            at(&[(0, "a started"), (takes, "a finished")]),
            "{takes}"
        );
        // The loop's timer.
        assert_eq!(world.time.timers(), 1);
    }
}

#[test]
fn the_timeout_of_the_run_holds_for_all_attempts_together() {
    let (world, emitted) = witnessed();
    let builder = limited(&world).timeout(ms(200)).retry(|| [ms(20); 9]);
    builder.run(taking(&world, |_| 10_000)).unwrap();
    world.start();
    world.advance(900);
    let expected = [
        (0, "a started"),
        (70, "a retried"),
        (160, "a retried"),
        (200, "a timed out"),
    ];
    assert_eq!(emitted.take(), at(&expected));
}

#[test]
fn a_shorter_timeout_of_the_run_comes_first() {
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let clock = world.time.clone();
        let builder = limited(&world).timeout(ms(50)).retry(|| [ms(20); 9]);
        if kind == Kind::Async {
            builder.run(pending::<()>).unwrap();
        } else {
            register(builder, kind, move |_, run| {
                clock.block_for(ms(50));
                assert!(run.is_cancelled());
                Ok(())
            });
        }
        world.start();
        world.advance(900);
        assert_eq!(emitted.take(), at(&[(0, "a started"), (50, "a timed out")]), "{kind:?}");
    }
}

#[test]
fn synchronous_code_that_takes_longer_has_failed_when_it_ends() {
    for kind in [Kind::Sync, Kind::Blocking] {
        for outcome in [Ok(()), Err("no".to_owned())] {
            let (world, emitted) = witnessed();
            let clock = world.time.clone();
            let job = register(limited(&world).retry(|| [ms(20)]), kind, move |attempt, _| {
                clock.block_for(ms(if attempt == 0 { 71 } else { 70 }));
                if attempt == 0 { outcome.clone() } else { Ok(()) }
            });
            world.start();
            world.advance(700);
            let expected = [(0, "a started"), (71, "a retried"), (161, "a finished")];
            assert_eq!(emitted.take(), at(&expected), "{kind:?}");
            assert_eq!(job.status().last_error(), Some(EXCEEDED));
        }
    }
}

#[test]
fn synchronous_code_is_told_when_the_time_of_its_attempt_is_up() {
    for kind in [Kind::Sync, Kind::Blocking] {
        let (world, emitted) = witnessed();
        let clock = world.time.clone();
        register(limited(&world).retry(|| [ms(20)]), kind, move |attempt, run: Run| {
            clock.block_for(ms(69));
            assert!(!run.is_cancelled());
            if attempt == 0 {
                clock.block_for(ms(1));
                assert!(run.is_cancelled());
            }
            // It obeys at once, and yet it failed.
            Ok(())
        });
        world.start();
        world.advance(700);
        let expected = [(0, "a started"), (70, "a retried"), (159, "a finished")];
        assert_eq!(emitted.take(), at(&expected), "{kind:?}");
    }
}

#[test]
fn a_task_of_an_attempt_is_told_that_its_time_is_up() {
    let world = World::new();
    let (log, mut attempts) = (world.log.clone(), 0);
    let time = world.time.clone();
    let target = move |run: Run| {
        attempts += 1;
        let (log, cancelled, is_first) = (log.clone(), run.cancelled(), attempts == 1);
        let task = async move {
            cancelled.await;
            log.note("told");
        };
        time.spawn(Box::pin(task)).unwrap();
        async move {
            if is_first {
                pending::<()>().await;
            }
        }
    };
    limited(&world).retry(|| [ms(20)]).run(target).unwrap();
    world.start();
    world.advance(900);
    assert_eq!(world.log.take(), at(&[(70, "told"), (90, "told")]));
}

#[test]
fn a_panic_is_a_panic_even_if_it_comes_late() {
    let (world, emitted) = witnessed();
    let clock = world.time.clone();
    limited(&world)
        .run(move || {
            clock.block_for(ms(100));
            blow_up();
        })
        .unwrap();
    world.start();
    assert_eq!(emitted.take(), at(&[(0, "a started"), (100, "a panicked")]));
}

#[test]
fn a_destructor_that_panics_changes_nothing() {
    let (world, emitted) = witnessed();
    let target = || {
        let guard = PanicsWhenDropped;
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    };
    limited(&world).retry(|| [ms(20)]).run(target).unwrap();
    world.start();
    world.advance(900);
    assert_eq!(
        emitted.take(),
        at(&[(0, "a started"), (70, "a retried"), (160, "a failed")])
    );
}

#[test]
fn a_state_goes_from_an_attempt_that_hangs_to_the_next() {
    let world = World::new();
    let log = world.log.clone();
    let step = async |(count, log): &mut (u32, crate::support::Log)| {
        *count += 1;
        log.note(count.to_string());
        yield_now().await;
        if *count < 3 {
            pending::<()>().await;
        }
    };
    let job = limited(&world).retry(|| [ms(20); 3]).run_with((0, log), step).unwrap();
    world.start();
    world.advance(900);
    assert_eq!(world.log.take(), at(&[(0, "1"), (90, "2"), (180, "3")]));
    assert_eq!((job.runs(), job.status().failures(), job.status().retries()), (1, 0, 2));
}

#[test]
fn a_limit_of_zero_is_refused() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let error = scheduler.every(SECOND).attempt_timeout(ms(0)).run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    assert!(error.to_string().contains("0ns") && error.to_string().contains("`attempt_timeout`"));
}

#[test]
fn a_stop_cancels_an_attempt_with_a_limit() {
    let scheduler = Scheduler::new(Standalone::new());
    let job = scheduler
        .every(SECOND)
        .attempt_timeout(SECOND * 3_600)
        .run(pending::<()>)
        .unwrap();
    scheduler.start().unwrap();
    while job.runs() == 0 {
        std::thread::yield_now();
    }
    assert!(scheduler.stop().blocking_wait().is_clean());
}
