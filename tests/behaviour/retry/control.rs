//! A job that is removed, paused or triggered during a wait, and its other options.

use super::{KINDS, failing, register};
use crate::support::{Count, World, ms};
use crate::time_limit::at;

#[test]
fn a_job_that_is_removed_in_the_wait_makes_its_attempts() {
    for kind in KINDS {
        let world = World::new();
        let (log, dropped) = (world.log.clone(), Count::default());
        let guard = dropped.on_drop();
        let builder = world.every(100).retry(|| [ms(20), ms(60)]);
        let job = register(builder, kind, move |attempt, _| {
            let _guard = &guard;
            log.note("attempt");
            if attempt < 2 { Err("no".to_owned()) } else { Ok(()) }
        });
        world.start();
        world.advance(10);
        job.remove();
        world.advance(60);
        assert_eq!(dropped.get(), 0, "{kind:?}");
        world.advance(500);
        assert_eq!(world.log.take_times(), [0, 20, 80], "{kind:?}");
        assert_eq!((job.runs(), dropped.get()), (1, 1), "{kind:?}");
        assert!(!job.is_running(), "{kind:?}");
    }
}

#[test]
fn a_job_that_is_paused_in_the_wait_makes_its_attempts() {
    for kind in KINDS {
        let world = World::new();
        let builder = world.every(100).retry(|| [ms(20), ms(60)]);
        let job = failing(&world, builder, kind, 2);
        world.start();
        job.pause();
        world.advance(500);
        assert_eq!(world.log.take_times(), [0, 20, 80], "{kind:?}");
    }
}

#[test]
fn a_job_that_is_triggered_in_the_wait_runs_after_the_last_attempt() {
    for kind in KINDS {
        let world = World::new();
        let log = world.log.clone();
        let builder = world.every(10_000).retry(|| [ms(20), ms(60)]);
        let job = register(builder, kind, move |attempt, run| {
            log.note(run.number().to_string());
            if attempt < 2 { Err("no".to_owned()) } else { Ok(()) }
        });
        world.start();
        job.trigger();
        world.advance(500);
        assert_eq!(
            world.log.take(),
            at(&[(0, "0"), (20, "0"), (80, "0"), (80, "1")]),
            "{kind:?}"
        );
    }
}

#[test]
fn a_job_of_so_many_runs_counts_runs_not_attempts() {
    for kind in KINDS {
        let world = World::new();
        let builder = world.every(100).times(2).retry(|| [ms(20)]);
        let job = failing(&world, builder, kind, usize::MAX);
        world.start();
        world.advance(1_000);
        assert_eq!(world.log.take_times(), [0, 20, 100, 120], "{kind:?}");
        assert_eq!(job.runs(), 2, "{kind:?}");
        assert!(world.scheduler.jobs().is_empty(), "{kind:?}");
    }
}

#[test]
fn an_interval_from_the_end_counts_from_the_last_attempt() {
    for kind in KINDS {
        let world = World::new();
        let builder = world.every(100).fixed_delay().retry(|| [ms(60)]);
        failing(&world, builder, kind, 1);
        world.start();
        world.advance(320);
        assert_eq!(world.log.take_times(), [0, 60, 200, 300], "{kind:?}");
    }
}
