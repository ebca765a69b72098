//! Stops and starts, against ticks, runs and each other.

use std::future::IntoFuture;
use std::sync::Arc;

use atevery::{Allow, FirstRun, Job, Overlap, Run, Scheduler};
use shuttle::thread;

use crate::explore;
use crate::world::{Gate, SECOND, TICK, World, at_gate, at_once, in_turns, poll_once};

/// Registers a job of each kind, due at every tick or every second tick.
fn register_all_kinds(world: &World, scheduler: &Scheduler) {
    let one = || world.tally.limit(1);
    scheduler.every(TICK).run(at_once(&one())).unwrap();
    scheduler.every(2 * TICK).run(in_turns(&one(), 2)).unwrap();
    scheduler.every(TICK).run(at_gate(&one(), &Arc::default())).unwrap();
    scheduler.every(TICK).run_blocking(at_once(&one())).unwrap();
    let replaced = in_turns(&one(), 3);
    scheduler
        .every(TICK)
        .on_overlap(Overlap::Replace)
        .run(replaced)
        .unwrap();
    let together = in_turns(&world.tally.limit(2), 2);
    scheduler.every(TICK).on_overlap(Allow(2)).run(together).unwrap();
}

#[test]
fn a_stop_against_ticks() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        register_all_kinds(&world, &scheduler);
        scheduler.start().unwrap();
        let clock = world.clock();
        let time = thread::spawn(move || (0..2).for_each(|_| clock.pass(TICK)));
        let report = scheduler.stop().blocking_wait();
        time.join().unwrap();
        world.check_stop(report);
        scheduler.start().unwrap();
        world.clock().pass(TICK);
        world.end(scheduler);
    });
}

#[test]
fn a_stop_against_a_tick_of_blocking_runs() {
    explore(|| {
        let world = World::new(1);
        let scheduler = world.scheduler();
        scheduler
            .every(TICK)
            .run_blocking(at_once(&world.tally.limit(1)))
            .unwrap();
        scheduler.start().unwrap();
        let report = scheduler.stop().blocking_wait();
        world.check_stop(report);
        world.end(scheduler);
    });
}

/// A blocking run that ends when it is told to end. Only the stop tells the run to end.
#[test]
fn a_stop_tells_blocking_runs() {
    explore(|| {
        let world = World::new(1);
        let scheduler = world.scheduler();
        let target = world.tally.limit(1).target();
        let run = move |run: Run| {
            let _inside = target.begin();
            while !run.is_cancelled() {
                thread::yield_now();
            }
        };
        scheduler.every(TICK).run_blocking(run).unwrap();
        scheduler.start().unwrap();
        let report = scheduler.stop().blocking_wait();
        world.check_stop(report);
        world.end(scheduler);
    });
}

/// The same for a run that waits for `cancelled`. The clock stands still, so the stop wakes the run, or the run waits
/// for ever.
#[test]
fn a_stop_with_grace_wakes_listeners() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let target = world.tally.limit(1).target();
        let run = move |run: Run| {
            let inside = target.begin();
            async move {
                run.cancelled().await;
                drop(inside);
            }
        };
        let job = scheduler.every(TICK).run(run).unwrap();
        scheduler.start().unwrap();
        let report = scheduler.stop().grace(SECOND).blocking_wait();
        assert!(report.cancelled().is_empty());
        assert_eq!(report.finished().len() as u64, job.runs());
        world.check_stop(report);
        world.end(scheduler);
    });
}

/// All jobs that were triggered before run once, however far their runs are. The clock stands still.
#[test]
fn a_stop_with_grace_begins_triggered_runs() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let dormant = || scheduler.every(SECOND).first_run(FirstRun::AfterInterval);
        let one = || world.tally.limit(1);
        let jobs = [
            dormant().run(at_once(&one())).unwrap(),
            dormant().group(("one", 1)).run(in_turns(&one(), 2)).unwrap(),
            dormant().group(("one", 1)).run_blocking(at_once(&one())).unwrap(),
            dormant().on_overlap(Allow(2)).run(in_turns(&one(), 2)).unwrap(),
        ];
        scheduler.start().unwrap();
        jobs.iter().for_each(Job::trigger);
        let other = scheduler.clone();
        let graceful = thread::spawn(move || other.stop().grace(SECOND).blocking_wait());
        let report = scheduler.stop().grace(SECOND).blocking_wait();
        assert!(
            jobs.iter().all(|job| job.runs() == 1),
            "a trigger was lost, or served twice"
        );
        world.check_stop(report);
        assert!(graceful.join().unwrap().is_clean());
        drop(jobs);
        world.end(scheduler);
    });
}

/// The same beside a stop without a grace, a removal and a start: all of them return, and no run goes on.
#[test]
fn a_stop_with_grace_against_what_ends_it() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let dormant = || scheduler.every(SECOND).first_run(FirstRun::AfterInterval);
        let jobs = [0, 1].map(|_| dormant().run(in_turns(&world.tally.limit(1), 2)).unwrap());
        scheduler.start().unwrap();
        jobs.iter().for_each(Job::trigger);
        let (others, removed) = ([(); 2].map(|()| scheduler.clone()), jobs[0].clone());
        let [graceful, hasty] = others;
        let threads = [
            thread::spawn(move || assert!(graceful.stop().grace(SECOND).blocking_wait().is_clean())),
            thread::spawn(move || assert!(hasty.stop().blocking_wait().is_clean())),
            thread::spawn(move || removed.remove()),
        ];
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(world.tally.inside.load(std::sync::atomic::Ordering::SeqCst), 0);
        scheduler.start().expect("both stops have returned");
        drop(jobs);
        world.end(scheduler);
    });
}

#[test]
fn stops_against_each_other_and_the_ends_of_runs() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let gate = Arc::new(Gate::default());
        for _ in 0..2 {
            scheduler
                .every(TICK)
                .run(at_gate(&world.tally.limit(1), &gate))
                .unwrap();
        }
        scheduler.start().unwrap();
        let other = scheduler.clone();
        let stops = [
            thread::spawn(move || gate.open()),
            thread::spawn(move || assert!(other.stop().blocking_wait().is_clean())),
        ];
        let report = scheduler.stop().blocking_wait();
        assert_eq!(world.tally.inside.load(std::sync::atomic::Ordering::SeqCst), 0);
        for stop in stops {
            stop.join().unwrap();
        }
        world.check_stop(report);
        world.end(scheduler);
    });
}

#[test]
fn starts_against_stops() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        register_all_kinds(&world, &scheduler);
        let user = |detach: bool| {
            let scheduler = scheduler.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    // The scheduler may run already, or be stopping.
                    let _ = scheduler.start();
                    if detach {
                        scheduler.stop().detach();
                    } else {
                        assert!(scheduler.stop().blocking_wait().is_clean());
                    }
                }
            })
        };
        let users = [user(false), user(true)];
        world.clock().pass(TICK);
        for user in users {
            user.join().unwrap();
        }
        world.end(scheduler);
    });
}

/// If a stop is dropped half-way, the rest of the stop is still carried out.
#[test]
fn a_stop_that_is_dropped() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        register_all_kinds(&world, &scheduler);
        scheduler.start().unwrap();
        let mut stop = scheduler.stop().grace(TICK).into_future();
        let _ = poll_once(&mut stop);
        let clock = world.clock();
        let time = thread::spawn(move || clock.pass(TICK));
        drop(stop);
        time.join().unwrap();
        world.settle();
        assert_eq!(world.tally.inside.load(std::sync::atomic::Ordering::SeqCst), 0);
        scheduler.start().expect("the stop has come to its end");
        world.end(scheduler);
    });
}

#[test]
fn the_last_handle_goes() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        register_all_kinds(&world, &scheduler);
        scheduler.start().unwrap();
        let job = scheduler.jobs().remove(0);
        let (clock, other) = (world.clock(), scheduler.clone());
        let threads = [
            thread::spawn(move || clock.pass(TICK)),
            thread::spawn(move || drop(other)),
            thread::spawn(move || job.trigger()),
        ];
        drop(scheduler);
        for thread in threads {
            thread.join().unwrap();
        }
        world.close();
    });
}

/// Two runs, each with a stop that it waits for, and perhaps a third stop from outside, which waits for both runs.
#[test]
fn stops_that_two_runs_wait_for() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let stopping = |blocking: bool| {
            let (target, weak) = (world.tally.limit(1).target(), scheduler.downgrade());
            let run = move || {
                let _inside = target.begin();
                if let Some(scheduler) = weak.upgrade() {
                    assert!(!scheduler.stop().blocking_wait().is_clean());
                }
            };
            let builder = scheduler.every(SECOND);
            let job = if blocking {
                builder.run_blocking(run)
            } else {
                builder.run(run)
            };
            job.unwrap()
        };
        let jobs = [stopping(false), stopping(true)];
        scheduler.start().unwrap();
        let other = scheduler.clone();
        let outside = thread::spawn(move || assert!(other.stop().blocking_wait().is_clean()));
        outside.join().unwrap();
        let failures: u64 = jobs.iter().map(|job| job.status().panics()).sum();
        assert_eq!(failures, 0, "a stop that a run waits for names the run");
        drop(jobs);
        world.end(scheduler);
    });
}
