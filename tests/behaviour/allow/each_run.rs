//! Rules for each of several runs, and rules for all of them together.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atevery::{MissedTicks, Run};

use super::{allowing, taking};
use crate::support::{World, blow_up, ms};
use crate::time_limit::{NotesDrop, at, witnessed};

#[test]
fn a_panic_or_failure_of_one_run_leaves_the_others_alone() {
    let (world, emitted) = witnessed();
    let clock = world.time.clone();
    let target = move |run: Run| {
        let sleep = clock.sleep(ms(150));
        async move {
            match run.number() {
                0 => sleep.await,
                1 => {
                    blow_up();
                }
                2 => return Err("no"),
                _ => {}
            }
            Ok(())
        }
    };
    let job = allowing(&world, 50, 3).times(4).run(target).unwrap();
    world.start();
    world.advance(300);
    let ends: Vec<_> = emitted
        .take()
        .into_iter()
        .filter(|(_, what)| what != "a started")
        .collect();
    let expected = [
        (50, "a panicked"),
        (100, "a failed"),
        (150, "a finished"),
        (200, "a finished"),
        (200, "a removed"),
    ];
    assert!(
        ends == at(&expected)
            || ends
                == at(&[
                    (50, "a panicked"),
                    (100, "a failed"),
                    (150, "a finished"),
                    (150, "a finished"),
                    (150, "a removed")
                ]),
        "{ends:?}"
    );
    let status = job.status();
    assert_eq!((status.panics(), status.failures(), status.runs()), (1, 1, 4));
}

#[test]
fn a_panic_in_the_call_leaves_the_target_usable() {
    let world = World::new();
    let runs = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&runs);
    let target = move |run: Run| {
        if run.number() % 2 == 1 {
            blow_up();
        }
        count.fetch_add(1, Ordering::SeqCst);
    };
    let job = allowing(&world, 100, 2).run(target).unwrap();
    world.start();
    world.advance(900);
    assert_eq!((job.runs(), runs.load(Ordering::SeqCst)), (10, 5));
}

#[test]
fn each_run_has_a_limit_of_its_own() {
    let world = World::new();
    let log = world.log.clone();
    let target = move || {
        log.note("begins");
        let guard = NotesDrop(log.clone(), "dropped");
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    };
    let job = allowing(&world, 100, 3).timeout(ms(230)).times(4).run(target).unwrap();
    world.start();
    world.advance(1_000);
    let expected = [
        (0, "begins"),
        (100, "begins"),
        (200, "begins"),
        (230, "dropped"),
        (300, "begins"),
        (330, "dropped"),
        (430, "dropped"),
        (530, "dropped"),
    ];
    assert_eq!(world.log.take(), at(&expected));
    assert_eq!(job.status().timeouts(), 4);
}

#[test]
fn each_run_makes_attempts_of_its_own() {
    for blocking in [false, true] {
        let world = World::new();
        let log = world.log.clone();
        let target = move |run: Run| {
            log.note(run.number().to_string());
            Err::<(), _>("no")
        };
        let builder = allowing(&world, 100, 3).times(3).retry(|| [ms(130), ms(30)]);
        let job = if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        world.start();
        world.advance(1_000);
        let expected = [
            (0, "0"),
            (100, "1"),
            (130, "0"),
            (160, "0"),
            (200, "2"),
            (230, "1"),
            (260, "1"),
            (330, "2"),
            (360, "2"),
        ];
        assert_eq!(world.log.take(), at(&expected), "blocking: {blocking}");
        assert_eq!((job.status().failures(), job.status().retries()), (3, 6));
    }
}

#[test]
fn a_pause_holds_for_all_of_them() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 250);
    let job = allowing(&world, 100, 3)
        .missed_ticks(MissedTicks::Skip)
        .run(target)
        .unwrap();
    world.start();
    world.advance(220);
    job.pause();
    world.advance(1_000);
    assert_eq!(job.runs(), 3);
    job.resume();
    world.advance(230);
    assert_eq!(world.log.take_times()[3..], [1_250, 1_350, 1_450]);
}

#[test]
fn a_paused_job_that_is_triggered_runs_beside_the_run_in_progress() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 10_000 } else { 20 });
    let job = allowing(&world, 100, 2).run(target).unwrap();
    world.start();
    world.advance(120);
    job.pause();
    job.trigger();
    world.advance(200);
    assert_eq!(world.log.take(), at(&[(0, "0"), (100, "1"), (120, "2")]));
}

#[test]
fn a_triggered_run_begins_beside_the_run_in_progress_and_the_grid_stays() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 10_000);
    let job = allowing(&world, 1_000, 3).run(target).unwrap();
    world.start();
    world.advance(120);
    job.trigger();
    world.advance(900);
    assert_eq!(world.log.take(), at(&[(0, "0"), (120, "1"), (1_000, "2")]));
}
