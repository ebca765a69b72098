//! Hooks, and the calls that they may make.

use std::panic::panic_any;
use std::sync::{Arc, Mutex};

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Event, EventKind, MissedTicks, Overlap, Scheduler};

use super::{Seen, kinds, read, time_and_seen, world};
use crate::naive::{Clock, Naive};
use crate::support::{Count, Later, PanicsWhenDropped, SECOND, World, blow_up, later, ms, put};

#[test]
fn several_are_called_in_the_order_of_their_registration() {
    let (time, names) = (VirtualTime::new(), Arc::<Mutex<Vec<String>>>::default());
    let hook = |name: &'static str| {
        let names = Arc::clone(&names);
        move |event: &Event| names.lock().unwrap().push(format!("{name} {}", event.kind().as_str()))
    };
    let world = world(&time, |builder| {
        builder.on_event(hook("b")).on_event(hook("a")).on_event(hook("c"))
    });
    world.noting("a", 100);
    world.start();
    let expected = [
        "b started",
        "a started",
        "c started",
        "b finished",
        "a finished",
        "c finished",
    ];
    assert_eq!(*names.lock().unwrap(), expected);
}

#[test]
fn one_that_panics_harms_nothing() {
    let (time, seen) = time_and_seen();
    let world = world(&time, |builder| {
        builder
            .on_event(|_| panic!("a hook panics"))
            .on_event(|_| panic_any(PanicsWhenDropped))
            .on_event(seen.hook())
    });
    let mut events = world.scheduler.events();
    let (a, b) = (world.taking("a", 100, 30), world.noting("b", 100));
    world.every(100).name("blocking").run_blocking(|| ()).unwrap();
    let fails = world.every(100).name("fails").run(|| Err("no pulse")).unwrap();
    world.start();
    world.advance(480);
    fails.remove();
    world.time.refuse_spawns(100);
    world.advance(40);
    world.time.refuse_spawns(0);
    assert!(world.stop().is_clean());
    assert_eq!((a.runs(), b.runs()), (5, 5));
    assert_eq!((a.is_running(), b.is_running()), (false, false));
    let (emitted, read) = (kinds(&seen.take()), kinds(&read(&mut events)));
    let count = |kind: &str| emitted.iter().filter(|other| **other == kind).count();
    assert_eq!((count("started"), count("finished"), count("failed")), (20, 15, 5));
    assert_eq!((count("removed"), count("refused")), (1, 3)); // Once for each job that is left.
    assert_eq!(emitted, read);
}

/// A hook that gets the scheduler at each event.
fn with_scheduler(hook: impl Fn(&Scheduler, &Event) + Send + Sync + 'static) -> (World, Seen) {
    let (time, seen) = time_and_seen();
    let slot: Later<Scheduler> = later();
    let handle = Arc::clone(&slot);
    let world = world(&time, |builder| {
        builder.on_event(seen.hook()).on_event(move |event| {
            let scheduler = handle.lock().unwrap().clone();
            hook(&scheduler.unwrap(), event);
        })
    });
    put(&slot, world.scheduler.clone());
    (world, seen)
}

#[test]
fn one_may_look_at_everything() {
    let looked = Count::default();
    let count = looked.clone();
    let (world, _) = with_scheduler(move |scheduler, event| {
        let text = format!(
            "{} {} {:?} {event}",
            scheduler.status(),
            event.job().status(),
            scheduler.jobs()
        );
        let _ = (scheduler.events(), scheduler.is_running(), event.job().is_running());
        assert!(text.contains(event.job().name()));
        count.up();
    });
    let (a, _) = (world.taking("a", 100, 230), world.endless("endless"));
    let blocking = world.every(100).name("blocking").run_blocking(blow_up).unwrap();
    world.start();
    world.time.jump(ms(400));
    world.time.refuse_spawns(5);
    world.advance(50);
    world.time.refuse_spawns(0);
    world.advance(200);
    a.remove();
    blocking.remove();
    let _ = world.stop();
    assert!(looked.get() > 20, "{}", looked.get());
}

#[test]
fn one_may_remove_the_job() {
    let (world, seen) = with_scheduler(|_, event| event.job().remove());
    world.taking("a", 100, 30);
    world.start();
    world.advance(200);
    let expected = [
        "0 a 0 started, scheduled 0",
        "0 a removed",
        "30 a 0 finished, scheduled 0, took 30",
    ];
    assert_eq!(seen.take_lines(), expected);
}

#[test]
fn one_may_control_the_job() {
    let (world, seen) = with_scheduler(|_, event| match event.kind() {
        EventKind::Started if event.run() < Some(4) => event.job().trigger(),
        EventKind::Finished if event.run() == Some(3) => event.job().pause(),
        EventKind::Finished => event.job().set_interval(SECOND).unwrap(),
        _ => {}
    });
    let job = world.noting("a", 5_000);
    world.start();
    world.advance(160);
    assert_eq!((job.runs(), job.interval()), (4, Some(SECOND)));
    world.advance(5_000);
    // A run that was triggered before the pause still begins.
    assert_eq!((job.runs(), job.is_paused()), (5, true));
    assert_eq!(seen.take().len(), 10);
}

#[test]
fn one_may_register_jobs() {
    let (world, seen) = with_scheduler(|scheduler, event| {
        if event.job().name() == "a" && event.kind().is_end() {
            scheduler.every(SECOND).name("b").run(|| ()).unwrap();
        }
    });
    world.noting("a", 1_000);
    world.start();
    world.advance(50);
    let lines = seen.take_lines();
    assert_eq!(world.scheduler.jobs().len(), 2);
    assert_eq!(lines[3], "50 b 0 finished, scheduled 0, took 0", "{lines:?}");
}

#[test]
fn one_may_stop_and_start_the_scheduler() {
    let (world, seen) = with_scheduler(|scheduler, event| match event.kind() {
        EventKind::Started if event.run() == Some(1) => scheduler.stop().detach(),
        EventKind::Cancelled | EventKind::Finished if event.run() == Some(1) => {
            let _ = scheduler.start();
        }
        _ => {}
    });
    world.noting("a", 100);
    world.start();
    world.advance(250);
    if !world.scheduler.is_running() {
        world.start();
    }
    world.advance(150);
    let lines = seen.take_lines();
    let begun = lines.iter().filter(|line| line.contains("started")).count();
    assert!(begun >= 3, "{lines:?}");
    assert_eq!(lines.len(), 2 * begun, "{lines:?}");
}

#[test]
fn one_may_wait_for_a_stop() {
    let (world, seen) = with_scheduler(|scheduler, event| {
        if matches!(event.kind(), EventKind::Started) {
            let report = scheduler.stop().blocking_wait();
            assert_eq!(report.still_running(), std::slice::from_ref(event.job()));
        }
    });
    let job = world.noting("a", 100);
    world.start();
    world.advance(500);
    assert_eq!((job.runs(), world.scheduler.is_running()), (1, false));
    assert_eq!(seen.take().len(), 2);
}

#[test]
fn one_may_drop_the_last_handle_at_any_event() {
    for kind in [
        "started",
        "finished",
        "failed",
        "panicked",
        "timed out",
        "cancelled",
        "retried",
        "missed",
        "late",
        "held thread",
        "removed",
        "refused",
    ] {
        dropped_at(kind);
    }
}

fn dropped_at(kind: &'static str) {
    let (time, slot, emitted) = (VirtualTime::new(), later::<Scheduler>(), Count::default());
    let (handle, count) = (Arc::clone(&slot), emitted.clone());
    let scheduler = Scheduler::builder(time.clone())
        .on_event(move |event| {
            if event.kind().as_str() == kind {
                count.up();
                let scheduler = handle.lock().unwrap().take();
                drop(scheduler);
            }
        })
        .build()
        .unwrap();
    let (dropped, endless) = (Count::default(), std::future::pending::<()>);
    let (guard, clock) = (dropped.on_drop(), time.clone());
    let jobs = [
        scheduler.every(ms(100)).run(endless).unwrap(),
        scheduler.every(ms(100)).timeout(ms(60)).run(endless).unwrap(),
        scheduler.every(ms(100)).run(|| ()).unwrap(),
        scheduler.every(ms(100)).run_blocking(|| Err("no pulse")).unwrap(),
        scheduler.every(ms(100)).times(1).run(blow_up).unwrap(),
        scheduler
            .every(ms(100))
            .missed_ticks(MissedTicks::Skip)
            .on_overlap(Overlap::Replace)
            .run(endless)
            .unwrap(),
        scheduler
            .every(ms(100))
            .retry(|| [ms(20)])
            .run(move || {
                let _guard = &guard;
                Err("no pulse")
            })
            .unwrap(),
        scheduler
            .every(ms(100))
            .times(1)
            .run(move || clock.block_for(ms(11)))
            .unwrap(),
    ];
    scheduler.start().unwrap();
    put(&slot, scheduler);
    time.advance(ms(120));
    time.refuse_spawns(10);
    time.jump(ms(330));
    time.advance(ms(60));
    time.refuse_spawns(0);
    time.jump(ms(330));
    time.advance(ms(200));
    assert!(emitted.get() > 0, "{kind}");
    assert!(jobs.iter().all(|job| !job.is_running()), "{kind}: {jobs:?}");
    assert_eq!(dropped.get(), 1, "{kind}");
    assert_eq!((time.tasks(), time.timers()), (0, 0), "{kind}");
}

#[test]
fn one_is_called_on_a_runtime_that_polls_inside_spawn() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let seen = Seen::from(clock.now());
    naive.set(crate::naive::Mode::Inline);
    let scheduler = Scheduler::builder((naive, clock))
        .on_event(seen.hook())
        .build()
        .unwrap();
    scheduler.every(ms(100)).name("a").run(|| ()).unwrap();
    scheduler.start().unwrap();
    assert_eq!(
        seen.take_lines(),
        ["0 a 0 started, scheduled 0", "0 a 0 finished, scheduled 0, took 0"]
    );
}
