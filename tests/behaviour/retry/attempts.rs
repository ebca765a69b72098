//! When a run is tried again, and the details of its attempts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{MissedTicks, Run, Scheduler};
use backon::{BackoffBuilder, ConstantBuilder, ExponentialBuilder};

use super::{KINDS, Kind, failing, register};
use crate::naive::{Clock, Naive, pass};
use crate::support::{Count, Log, SECOND, TICK, World, blow_up, later, ms, put, take};
use crate::time_limit::{NotesDrop, at, witnessed};

#[test]
fn a_run_that_fails_is_tried_again_until_it_succeeds() {
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").retry(|| [ms(20), ms(60), ms(500)]);
        let job = failing(&world, builder, kind, 2);
        world.start();
        world.advance(999);
        assert_eq!(world.log.take_times(), [0, 20, 80], "{kind:?}");
        let expected = [
            (0, "a started"),
            (0, "a retried"),
            (20, "a retried"),
            (80, "a finished"),
        ];
        assert_eq!(emitted.take(), at(&expected), "{kind:?}");
        assert_eq!(job.runs(), 1, "{kind:?}");
        let status = job.status();
        assert_eq!((status.failures(), status.retries()), (0, 2), "{kind:?}");
        assert_eq!(status.last_error(), Some("failure 1"), "{kind:?}");
        assert_eq!(status.last_duration(), Some(ms(80)), "{kind:?}");
    }
}

#[test]
fn it_gives_up_when_there_are_no_more_waits() {
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").retry(|| [ms(20), ms(60)]);
        let job = failing(&world, builder, kind, usize::MAX);
        world.start();
        world.advance(999);
        assert_eq!(world.log.take_times(), [0, 20, 80], "{kind:?}");
        let expected = [(0, "a started"), (0, "a retried"), (20, "a retried"), (80, "a failed")];
        assert_eq!(emitted.take(), at(&expected), "{kind:?}");
        let status = job.status();
        assert_eq!((job.runs(), status.failures(), status.retries()), (1, 1, 2), "{kind:?}");
        assert_eq!(status.last_error(), Some("failure 2"), "{kind:?}");
    }
}

#[test]
fn without_any_wait_there_is_one_attempt() {
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").retry(Vec::new);
        failing(&world, builder, kind, usize::MAX);
        world.start();
        world.advance(900);
        assert_eq!(emitted.take(), at(&[(0, "a started"), (0, "a failed")]), "{kind:?}");
    }
}

#[test]
fn each_run_has_a_back_off_of_its_own() {
    for kind in KINDS {
        let (world, asked) = (World::new(), Count::default());
        let count = asked.clone();
        let builder = world.every(200).retry(move || {
            count.up();
            [ms(10), ms(20)]
        });
        failing(&world, builder, kind, usize::MAX);
        world.start();
        world.advance(300);
        assert_eq!(world.log.take_times(), [0, 10, 30, 200, 210, 230], "{kind:?}");
        assert_eq!(asked.get(), 2, "{kind:?}");
    }
}

#[test]
fn a_run_that_succeeds_at_once_is_not_tried_again() {
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").retry(|| [ms(20)]);
        failing(&world, builder, kind, 0);
        world.start();
        world.advance(900);
        assert_eq!(emitted.take_names(), ["a started", "a finished"], "{kind:?}");
        assert_eq!(world.log.take_times(), [0], "{kind:?}");
    }
}

#[test]
fn a_panic_is_tried_again() {
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").retry(|| [ms(20), ms(20)]);
        let job = register(builder, kind, |attempt, _| {
            if attempt < 2 {
                blow_up();
            }
            Ok(())
        });
        world.start();
        world.advance(900);
        let expected = [
            (0, "a started"),
            (0, "a retried"),
            (20, "a retried"),
            (40, "a finished"),
        ];
        assert_eq!(emitted.take(), at(&expected), "{kind:?}");
        let status = job.status();
        assert_eq!((status.panics(), status.retries()), (0, 2), "{kind:?}");
        assert_eq!(status.last_error(), Some("panicked: a job panics"), "{kind:?}");
    }
}

#[test]
fn panics_to_the_end_are_one_panic() {
    for kind in KINDS {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").retry(|| [ms(20)]);
        let job = register(builder, kind, |_, _| {
            blow_up();
            Ok(())
        });
        world.start();
        world.advance(900);
        assert_eq!(
            emitted.take_names(),
            ["a started", "a retried", "a panicked"],
            "{kind:?}"
        );
        assert_eq!((job.status().panics(), job.status().failures()), (1, 0), "{kind:?}");
    }
}

#[test]
fn a_panic_in_a_later_poll_is_tried_again() {
    let (world, emitted) = witnessed();
    let (clock, attempts) = (world.time.clone(), Count::default());
    let target = move || {
        attempts.up();
        let (clock, panics) = (clock.clone(), attempts.get() == 1);
        async move {
            clock.sleep(ms(10)).await;
            if panics {
                blow_up();
            }
        }
    };
    world.every(1_000).name("a").retry(|| [ms(20)]).run(target).unwrap();
    world.start();
    world.advance(900);
    let expected = [(0, "a started"), (10, "a retried"), (40, "a finished")];
    assert_eq!(emitted.take(), at(&expected));
}

#[test]
fn the_next_run_waits_for_the_last_attempt() {
    for kind in KINDS {
        let world = World::new();
        let log = world.log.clone();
        let builder = world
            .every(100)
            .missed_ticks(MissedTicks::Skip)
            .retry(|| [ms(60), ms(70)]);
        register(builder, kind, move |attempt, run| {
            log.note(run.number().to_string());
            if attempt < 2 { Err("no".to_owned()) } else { Ok(()) }
        });
        world.start();
        world.advance(249);
        let expected = [(0, "0"), (60, "0"), (130, "0"), (150, "1"), (200, "2")];
        assert_eq!(world.log.take(), at(&expected), "{kind:?}");
    }
}

#[test]
fn each_attempt_gets_the_same_run() {
    for kind in KINDS {
        let world = World::new();
        let (sender, runs) = mpsc::channel();
        let builder = world.every(1_000).retry(|| [ms(20), ms(60)]);
        let job = register(builder, kind, move |_, run| {
            sender.send(run).unwrap();
            Err("no".to_owned())
        });
        world.start();
        world.advance(60);
        let seen: Vec<Run> = runs.try_iter().collect();
        assert!(seen.iter().all(|run| run.number() == 0 && run.job() == job), "{kind:?}");
        assert!(seen.iter().all(|run| run.started() == seen[0].started()), "{kind:?}");
        assert!(
            seen.iter().all(|run| run.scheduled() == seen[0].scheduled()),
            "{kind:?}"
        );
        // The `Run` of the first attempt also holds for the second attempt.
        assert!(seen.iter().all(|run| !run.is_cancelled()), "{kind:?}");
        world.advance(40);
        assert!(seen.iter().all(Run::is_cancelled), "{kind:?}");
        assert_eq!(seen.len() + runs.try_iter().count(), 3, "{kind:?}");
    }
}

#[test]
fn a_job_is_running_while_it_waits_for_its_next_attempt() {
    for kind in KINDS {
        let world = World::new();
        let builder = world.every(1_000).retry(|| [ms(100)]);
        let job = failing(&world, builder, kind, 1);
        world.start();
        world.advance(50);
        assert!(job.is_running(), "{kind:?}");
        world.advance(50);
        assert!(!job.is_running(), "{kind:?}");
    }
}

#[test]
fn the_future_of_an_attempt_is_gone_before_the_next() {
    let world = World::new();
    let log = world.log.clone();
    let target = move || {
        log.note("attempt");
        let guard = NotesDrop(log.clone(), "dropped");
        // Unlike an `async` block, this future keeps its contents when it is ready.
        std::future::poll_fn(move |_| {
            let _guard = &guard;
            Poll::Ready(Err::<(), _>("no"))
        })
    };
    world.every(1_000).retry(|| [ms(20)]).run(target).unwrap();
    world.start();
    world.advance(900);
    let expected = [(0, "attempt"), (0, "dropped"), (20, "attempt"), (20, "dropped")];
    assert_eq!(world.log.take(), at(&expected));
}

#[test]
fn a_back_off_without_end_is_one_run() {
    for kind in KINDS {
        let world = World::new();
        let builder = world.every(100).retry(|| std::iter::repeat(ms(10)));
        let job = failing(&world, builder, kind, usize::MAX);
        world.start();
        world.advance(10_000);
        assert_eq!(job.runs(), 1, "{kind:?}");
        assert_eq!(job.status().retries(), 1_001, "{kind:?}");
        assert!(world.time.tasks() <= 2, "{kind:?}");
        assert_eq!(world.stop().cancelled(), [job], "{kind:?}");
        assert_eq!(world.elapsed_ms(), 10_000);
    }
}

#[test]
fn a_wait_of_nothing_goes_on_at_once() {
    for kind in KINDS {
        let world = World::new();
        let builder = world.every(1_000).retry(|| [Duration::ZERO; 100]);
        let job = failing(&world, builder, kind, 100);
        world.start();
        assert_eq!(world.log.take_times(), [0; 101], "{kind:?}");
        assert_eq!(job.status().failures(), 0, "{kind:?}");
    }
}

#[test]
fn others_have_their_turn_between_attempts_without_a_wait() {
    let world = World::new();
    let stop = Arc::new(AtomicBool::new(false));
    let (seen, attempts) = (Arc::clone(&stop), Count::default());
    let count = attempts.clone();
    let target = move || {
        count.up();
        if seen.load(Ordering::SeqCst) { Ok(()) } else { Err("no") }
    };
    world
        .every(60_000)
        .retry(|| [Duration::ZERO; 10_000])
        .run(target)
        .unwrap();
    world
        .every(60_000)
        .run(move || stop.store(true, Ordering::SeqCst))
        .unwrap();
    world.start();
    assert!(attempts.get() < 1_000, "{} attempts", attempts.get());
}

#[test]
fn a_wait_that_is_over_leaves_nothing_behind() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let attempts = Count::default();
    let count = attempts.clone();
    let target = move || {
        count.up();
        Err("no")
    };
    let backoff = || std::iter::repeat(ms(10));
    scheduler
        .every(SECOND * 60)
        .retry(backoff)
        .run_blocking(target)
        .unwrap();
    scheduler.start().unwrap();
    pass(&clock, &naive, SECOND, ms(10));
    assert!(attempts.get() > 90, "{} attempts", attempts.get());
    // The loop and the last wait, and their timers, but not the waits before.
    assert!(naive.tasks() < 10, "{} tasks", naive.tasks());
}

#[test]
fn attempts_of_an_asynchronous_run_need_no_new_task() {
    let world = World::new();
    let builder = world.every(1_000).retry(|| [ms(20), ms(60)]);
    let job = failing(&world, builder, Kind::Async, 2);
    world.start();
    world.time.refuse_spawns(1_000);
    world.advance(500);
    assert_eq!(world.log.take_times(), [0, 20, 80]);
    assert_eq!(job.status().cancelled(), 0);
}

#[test]
fn attempts_do_not_wait_for_ticks() {
    let world = World::new();
    assert_eq!(TICK, ms(50));
    let builder = world.every(1_000).retry(|| [Duration::from_micros(1_500), ms(3)]);
    failing(&world, builder, Kind::Async, 2);
    world.start();
    world.advance(900);
    assert_eq!(world.log.take_times(), [0, 1, 4]);
}

#[test]
fn builders_of_backon_serve() {
    let world = World::new();
    let exponential = || {
        let builder = ExponentialBuilder::default().with_min_delay(ms(10));
        builder.with_factor(2.0).with_max_times(2).build()
    };
    let builder = world.every(10_000).retry(exponential);
    failing(&world, builder, Kind::Async, usize::MAX);
    world.start();
    world.advance(9_000);
    assert_eq!(world.log.take_times(), [0, 10, 30]);

    let world = World::new();
    let constant = || ConstantBuilder::default().with_delay(ms(30)).with_max_times(2).build();
    failing(&world, world.every(10_000).retry(constant), Kind::Sync, usize::MAX);
    world.start();
    world.advance(9_000);
    assert_eq!(world.log.take_times(), [0, 30, 60]);
}

#[test]
fn a_run_kept_from_a_run_that_was_retried_is_over_in_the_next() {
    let world = World::new();
    let slot = later();
    let kept = slot.clone();
    let builder = world.every(100).retry(|| [ms(20)]);
    register(builder, Kind::Async, move |attempt, run| {
        if attempt == 0 {
            put(&kept, run);
            return Err("no".to_owned());
        }
        Ok(())
    });
    let other = world.log.taking("other", |_| 10_000);
    world.every(100).run(other).unwrap();
    world.start();
    world.advance(10);
    let run = take(&slot);
    assert!(!run.is_cancelled());
    world.advance(200);
    assert!(run.is_cancelled());
}

#[test]
fn many_jobs_wait_side_by_side() {
    let world = World::new();
    let attempts = Arc::new(AtomicUsize::new(0));
    for index in 0..300 {
        let attempts = Arc::clone(&attempts);
        let kind = KINDS[index % 3];
        let builder = world.every(10_000).retry(|| [ms(20); 4]);
        register(builder, kind, move |_, _| {
            attempts.fetch_add(1, Ordering::SeqCst);
            Err("no".to_owned())
        });
    }
    world.start();
    world.advance(9_000);
    assert_eq!(attempts.load(Ordering::SeqCst), 300 * 5);
    assert!(
        world
            .scheduler
            .jobs()
            .iter()
            .all(|job| job.runs() == 1 && !job.is_running())
    );
    assert_eq!(world.time.tasks(), 1);
}

#[test]
fn notes_of_a_retry_say_what_failed() {
    let time = VirtualTime::new();
    let log = Log::new(&time);
    let emitted = log.clone();
    let hook = move |event: &atevery::Event| emitted.note(event.to_string());
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    let builder = scheduler.every(SECOND).name("a").retry(|| [ms(20)]);
    register(builder, Kind::Async, |attempt, _| {
        if attempt == 0 {
            Err("no pulse".to_owned())
        } else {
            Ok(())
        }
    });
    scheduler.start().unwrap();
    time.advance(ms(100));
    let expected = [
        "a: run 0 started",
        "a: run 0 retried: no pulse",
        "a: run 0 finished after 20ms",
    ];
    assert_eq!(log.take_names(), expected);
    time.shut_down();
}
