//! Streams of events.

use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{EventKind, Scheduler};
use futures::{FutureExt, StreamExt};

use super::{Watched, kinds, line, read};
use crate::support::{Count, World, later, ms, panicking_waker, put, take};

#[test]
fn one_gives_what_happens_from_its_making_on() {
    let world = World::new();
    let origin = world.time.now();
    world.noting("a", 100);
    world.start();
    let mut events = world.scheduler.events();
    assert!(read(&mut events).is_empty());
    world.advance(100);
    let lines: Vec<_> = read(&mut events).iter().map(|event| line(event, origin)).collect();
    assert_eq!(
        lines,
        [
            "100 a 1 started, scheduled 100",
            "100 a 1 finished, scheduled 100, took 0"
        ]
    );
    assert_eq!(events.lost(), 0);
}

#[test]
fn one_that_is_not_read_keeps_the_newest_and_counts_the_rest() {
    let world = World::new();
    let origin = world.time.now();
    let mut events = world.scheduler.events_with_capacity(3);
    let job = world.noting("a", 100);
    world.start();
    world.advance(400);
    assert_eq!((job.runs(), events.lost()), (5, 7));
    let lines: Vec<_> = read(&mut events).iter().map(|event| line(event, origin)).collect();
    let expected = [
        "300 a 3 finished, scheduled 300, took 0",
        "400 a 4 started, scheduled 400",
        "400 a 4 finished, scheduled 400, took 0",
    ];
    assert_eq!(lines, expected);
    assert_eq!(events.lost(), 7);
    world.advance(100);
    assert_eq!((read(&mut events).len(), events.lost()), (2, 7));
}

#[test]
fn one_has_room_for_1024_events_by_default_and_for_one_at_least() {
    let world = World::new();
    let (mut usual, mut least) = (world.scheduler.events(), world.scheduler.events_with_capacity(0));
    world.noting("a", 100);
    world.start();
    world.advance(59_900); // 600 runs
    assert_eq!((usual.lost(), least.lost()), (1_200 - 1_024, 1_199));
    assert_eq!(
        (read(&mut usual).len(), kinds(&read(&mut least))),
        (1_024, vec!["finished"])
    );
}

#[test]
fn two_readers_do_not_disturb_each_other() {
    let world = World::new();
    let (mut fast, mut slow) = (world.scheduler.events(), world.scheduler.events_with_capacity(2));
    world.noting("a", 100);
    world.start();
    assert_eq!(kinds(&read(&mut fast)), ["started", "finished"]);
    world.advance(200);
    assert_eq!((read(&mut fast).len(), fast.lost()), (4, 0));
    assert_eq!((read(&mut slow).len(), slow.lost()), (2, 4));
    drop(fast);
    world.advance(100);
    assert_eq!((read(&mut slow).len(), slow.lost()), (2, 4));
}

#[test]
fn a_dropped_reader_leaves_nothing_behind() {
    let world = World::new();
    let dropped = Count::default();
    let count = dropped.clone();
    let target = move || Err::<(), _>(Watched(count.on_drop()));
    let job = world.every(100).run(target).unwrap();
    let events = world.scheduler.events();
    world.start();
    world.advance(300);
    assert_eq!((job.runs(), dropped.get()), (4, 0));
    drop(events);
    assert_eq!(dropped.get(), 4);
    world.advance(100);
    assert_eq!(dropped.get(), 5);
}

#[test]
fn one_ends_after_the_scheduler_and_after_what_was_queued() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let mut events = scheduler.events();
    let clone = scheduler.clone();
    scheduler.every(ms(100)).run(std::future::pending::<()>).unwrap();
    scheduler.start().unwrap();
    time.run_until_stalled();
    drop(scheduler);
    assert_eq!(kinds(&read(&mut events)), ["started"]);
    assert!(events.next().now_or_never().is_none());
    drop(clone);
    // The stream does not end before the run.
    assert!(events.next().now_or_never().is_none());
    time.run_until_stalled();
    assert!(matches!(
        events.next().now_or_never().unwrap().unwrap().kind(),
        EventKind::Cancelled
    ));
    for _ in 0..2 {
        assert!(matches!(events.next().now_or_never(), Some(None)));
    }
}

#[test]
fn one_without_events_ends_as_well() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let mut events = scheduler.events();
    drop(scheduler);
    assert!(matches!(events.next().now_or_never(), Some(None)));
}

#[test]
fn a_reader_whose_waker_panics_harms_neither_the_scheduler_nor_other_readers() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let (mut nasty, mut other) = (scheduler.events(), scheduler.events());
    let waker = panicking_waker();
    assert!(nasty.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
    drop(scheduler);
    assert!(matches!(nasty.next().now_or_never(), Some(None)));
    assert!(matches!(other.next().now_or_never(), Some(None)));
}

#[test]
fn a_reader_on_another_thread_is_woken() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let mut events = scheduler.events();
    let (send, receive) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        futures::executor::block_on(async {
            while let Some(event) = events.next().await {
                send.send(event.kind().as_str()).unwrap();
            }
            send.send("end").unwrap();
        });
    });
    let heard = || receive.recv_timeout(Duration::from_secs(60)).unwrap();
    scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    for _ in 0..20 {
        time.advance(ms(100));
        while heard() != "finished" {}
    }
    drop(scheduler);
    while heard() != "end" {}
    reader.join().unwrap();
}

/// If many jobs share a batch and there is no observer, most runs are not timed.
#[test]
fn one_that_is_made_in_a_run_reports_the_number_of_that_run() {
    let world = World::new();
    let (scheduler, events) = (world.scheduler.clone(), later());
    let (slot, mut runs) = (Arc::clone(&events), 0);
    let target = move || {
        runs += 1;
        if runs == 2 {
            put(&slot, scheduler.events_with_capacity(10_000));
        }
        Err("no pulse")
    };
    world.every(100).name("listens").run(target).unwrap();
    for _ in 0..1_000 {
        world.every(100).run(|| ()).unwrap();
    }
    world.start();
    world.advance(100);
    let event = read(&mut take(&events)).remove(0);
    assert_eq!((event.job().name(), event.run()), ("listens", Some(1)));
    assert_eq!(event.scheduled(), Some(world.time.now()));
}

#[test]
fn one_may_be_read_by_a_job() {
    let world = World::new();
    let (events, log) = (world.scheduler.events(), world.log.clone());
    let slot = Arc::new(Mutex::new(Some(events)));
    let reader = move || {
        let (events, log) = (slot.lock().unwrap().take(), log.clone());
        async move {
            let Some(mut events) = events else { return };
            while let Some(event) = events.next().await {
                log.note(event.to_string());
            }
        }
    };
    world.every(60_000).name("reader").run(reader).unwrap();
    world.every(100).name("a").run(|| ()).unwrap();
    world.start();
    world.advance(100);
    let expected = [
        "reader: run 0 started",
        "a: run 0 started",
        "a: run 0 finished after 0ns",
        "a: run 1 started",
        "a: run 1 finished after 0ns",
    ];
    assert_eq!(world.log.take_names(), expected);
    let _ = world.stop();
}
