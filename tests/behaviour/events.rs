//! What is told of runs: to hooks, and to the readers of streams.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::{Duration, Instant};

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Allow, Event, EventKind, Events, MissedTicks, Overlap, Run, Scheduler, SchedulerBuilder};
use futures::{FutureExt, StreamExt};

use crate::naive::{Clock, Naive};
use crate::support::{
    Count, CountsDrop, Later, Log, PanicsWhenDropped, SECOND, World, blow_up, later, ms, panicking_waker, put, take,
};

/// Keeps what it is told of.
#[derive(Clone)]
struct Seen {
    origin: Instant,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Seen {
    fn from(origin: Instant) -> Seen {
        Seen {
            origin,
            events: Arc::default(),
        }
    }

    fn hook(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let events = Arc::clone(&self.events);
        move |event| events.lock().unwrap().push(event.clone())
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    fn take_lines(&self) -> Vec<String> {
        self.take().iter().map(|event| line(event, self.origin)).collect()
    }
}

/// A world with a hook.
fn watched() -> (World, Seen) {
    let (time, seen) = time_and_seen();
    let world = world(&time, |builder| builder.on_event(seen.hook()));
    (world, seen)
}

fn time_and_seen() -> (VirtualTime, Seen) {
    let time = VirtualTime::new();
    let seen = Seen::from(time.now());
    (time, seen)
}

fn world(time: &VirtualTime, hooks: impl FnOnce(SchedulerBuilder) -> SchedulerBuilder) -> World {
    World {
        scheduler: hooks(Scheduler::builder(time.clone())).build().unwrap(),
        log: Log::new(time),
        time: time.clone(),
    }
}

/// All that an event says, in milliseconds from `origin`.
fn line(event: &Event, origin: Instant) -> String {
    let mut line = format!("{}", (event.instant() - origin).as_millis());
    line += &format!(" {}", event.job().name());
    if let Some(run) = event.run() {
        line += &format!(" {run}");
    }
    line += &format!(" {}", event.kind().as_str());
    match event.kind() {
        EventKind::Failed(error) => line += &format!(" ({error})"),
        EventKind::Panicked(message) | EventKind::Retried(message) => line += &format!(" ({message})"),
        EventKind::Missed(count) => line += &format!(" {count}"),
        EventKind::Late(by) => line += &format!(" by {}", by.as_millis()),
        _ => {}
    }
    if let Some(scheduled) = event.scheduled() {
        line += &format!(", scheduled {}", (scheduled - origin).as_millis());
    }
    if let Some(duration) = event.duration() {
        line += &format!(", took {}", duration.as_millis());
    }
    line
}

/// What a stream has ready.
fn read(events: &mut Events) -> Vec<Event> {
    std::iter::from_fn(|| events.next().now_or_never().flatten()).collect()
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind().as_str()).collect()
}

mod kinds_of_events {
    use super::*;

    #[test]
    fn a_run_begins_and_ends() {
        let (world, seen) = watched();
        world.taking("a", 100, 70);
        world.start();
        world.advance(180);
        let expected = [
            "0 a 0 started, scheduled 0",
            "70 a 0 finished, scheduled 0, took 70",
            "100 a 1 started, scheduled 100",
            "170 a 1 finished, scheduled 100, took 70",
        ];
        assert_eq!(seen.take_lines(), expected);
    }

    #[test]
    fn a_synchronous_and_a_blocking_run_begin_and_end() {
        for blocking in [false, true] {
            let (world, seen) = watched();
            let clock = world.time.clone();
            let target = move || clock.block_for(ms(20));
            let builder = world.every(100).name("a");
            if blocking {
                builder.run_blocking(target).unwrap();
            } else {
                builder.run(target).unwrap();
            }
            world.start();
            assert_eq!(
                seen.take_lines(),
                ["0 a 0 started, scheduled 0", "20 a 0 finished, scheduled 0, took 20"]
            );
        }
    }

    #[test]
    fn the_event_of_a_late_run_tells_scheduled_and_beginning_apart() {
        let (world, seen) = watched();
        world.noting("a", 100);
        world.scheduler.start().unwrap();
        world.time.jump(ms(60));
        world.settle();
        assert_eq!(
            seen.take_lines(),
            ["60 a 0 started, scheduled 0", "60 a 0 finished, scheduled 0, took 0"]
        );
    }

    #[test]
    fn an_error_is_told_as_it_was_returned() {
        let (world, seen) = watched();
        world.every(100).name("a").run(|| "x".parse::<u8>().map(drop)).unwrap();
        world.start();
        let events = seen.take();
        let EventKind::Failed(error) = events[1].kind() else {
            panic!("{events:?}");
        };
        assert!(error.downcast_ref::<ParseIntError>().is_some());
        assert_eq!(
            line(&events[1], seen.origin),
            "0 a 0 failed (invalid digit found in string), scheduled 0, took 0"
        );
    }

    #[test]
    fn an_error_after_a_wait() {
        let (world, seen) = watched();
        let clock = world.time.clone();
        let target = move || {
            let sleep = clock.sleep(ms(30));
            async move {
                sleep.await;
                Err("no pulse")
            }
        };
        world.every(100).name("a").run(target).unwrap();
        world.start();
        world.advance(40);
        assert_eq!(seen.take_lines()[1], "30 a 0 failed (no pulse), scheduled 0, took 30");
    }

    #[test]
    fn a_panic_is_told_with_what_it_said() {
        let (world, seen) = watched();
        world.every(100).name("text").run(blow_up).unwrap();
        // The compiler must not see the text, or the payload would be a `&str` as well.
        let lives = std::hint::black_box(7);
        let formatted = move || -> () { panic!("{lives} lives") };
        world.every(100).name("formatted").run(formatted).unwrap();
        world.every(100).name("number").run(|| -> () { panic_any(7) }).unwrap();
        world.every(100).name("blocking").run_blocking(blow_up).unwrap();
        world.every(100).name("future").run(async || blow_up()).unwrap();
        world.start();
        let mut lines = seen.take_lines();
        lines.retain(|line| !line.contains("started"));
        lines.sort();
        let expected = [
            "0 blocking 0 panicked (a job panics), scheduled 0, took 0",
            "0 formatted 0 panicked (7 lives), scheduled 0, took 0",
            "0 future 0 panicked (a job panics), scheduled 0, took 0",
            "0 number 0 panicked (a panic whose payload is no text), scheduled 0, took 0",
            "0 text 0 panicked (a job panics), scheduled 0, took 0",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_time_out() {
        let (world, seen) = watched();
        let endless = std::future::pending::<()>;
        world.every(1_000).name("a").timeout(ms(70)).run(endless).unwrap();
        world.start();
        world.advance(80);
        assert_eq!(
            seen.take_lines(),
            ["0 a 0 started, scheduled 0", "70 a 0 timed out, scheduled 0, took 70"]
        );
    }

    #[test]
    fn a_blocking_run_is_timed_out_when_it_ends() {
        let (world, seen) = watched();
        let clock = world.time.clone();
        let target = move || clock.block_for(ms(90));
        world
            .every(1_000)
            .name("a")
            .timeout(ms(70))
            .run_blocking(target)
            .unwrap();
        world.start();
        assert_eq!(
            seen.take_lines(),
            ["0 a 0 started, scheduled 0", "90 a 0 timed out, scheduled 0, took 90"]
        );
    }

    #[test]
    fn attempts_that_failed_come_before_the_end_of_their_run() {
        for blocking in [false, true] {
            let (world, seen) = watched();
            let mut attempts = 0;
            let target = move || {
                attempts += 1;
                match attempts {
                    1 => Err("no pulse"),
                    2 => panic!("a job panics"),
                    _ => Ok(()),
                }
            };
            let builder = world.every(1_000).name("a").retry(|| [ms(20), ms(60)]);
            if blocking {
                builder.run_blocking(target).unwrap();
            } else {
                builder.run(target).unwrap();
            }
            world.start();
            world.advance(90);
            let expected = [
                "0 a 0 started, scheduled 0",
                "0 a 0 retried (no pulse), scheduled 0",
                "20 a 0 retried (panicked: a job panics), scheduled 0",
                "80 a 0 finished, scheduled 0, took 80",
            ];
            assert_eq!(seen.take_lines(), expected, "blocking: {blocking}");
        }
    }

    #[test]
    fn a_stop_cancels() {
        let (world, seen) = watched();
        world.endless("a");
        world.start();
        world.advance(30);
        let _ = world.stop();
        assert_eq!(
            seen.take_lines(),
            ["0 a 0 started, scheduled 0", "30 a 0 cancelled, scheduled 0, took 30"]
        );
    }

    #[test]
    fn a_stop_cancels_at_the_end_of_its_grace() {
        let (world, seen) = watched();
        world.endless("a");
        world.taking("b", 1_000, 20);
        world.start();
        let _ = world.wait(world.scheduler.stop().grace(ms(50)));
        assert_eq!(
            seen.take_lines()[2..],
            [
                "20 b 0 finished, scheduled 0, took 20",
                "50 a 0 cancelled, scheduled 0, took 50"
            ]
        );
    }

    #[test]
    fn the_drop_of_the_scheduler_cancels() {
        let (time, seen) = time_and_seen();
        let scheduler = Scheduler::builder(time.clone()).on_event(seen.hook()).build().unwrap();
        let endless = std::future::pending::<()>;
        scheduler.every(SECOND).name("a").run(endless).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(30));
        drop(scheduler);
        assert_eq!(
            seen.take_lines(),
            ["0 a 0 started, scheduled 0", "30 a 0 cancelled, scheduled 0, took 30"]
        );
    }

    #[test]
    fn an_executor_that_goes_away_cancels() {
        let (world, seen) = watched();
        world.endless("a");
        world.start();
        world.advance(30);
        world.time.shut_down();
        assert_eq!(
            seen.take_lines(),
            ["0 a 0 started, scheduled 0", "30 a 0 cancelled, scheduled 0, took 30"]
        );
    }

    #[test]
    fn the_next_run_cancels() {
        let (world, seen) = watched();
        let endless = std::future::pending::<()>;
        world
            .every(100)
            .name("a")
            .on_overlap(Overlap::Replace)
            .run(endless)
            .unwrap();
        world.start();
        world.advance(120);
        let expected = [
            "0 a 0 started, scheduled 0",
            "100 a 0 cancelled, scheduled 0, took 100",
            "100 a 1 started, scheduled 100",
        ];
        assert_eq!(seen.take_lines(), expected);
    }

    #[test]
    fn missed_intervals_are_told_before_the_run() {
        for (policy, missed) in [
            (MissedTicks::Burst, None),
            (MissedTicks::Skip, Some(3)),
            (MissedTicks::Delay, Some(3)),
        ] {
            let (world, seen) = watched();
            world.every(100).name("a").missed_ticks(policy).run(|| ()).unwrap();
            world.start();
            seen.take();
            world.time.jump(ms(430)); // The run of 100 begins, those of 200, 300 and 400 are dropped.
            world.settle();
            let mut expected = Vec::new();
            expected.extend(missed.map(|count| format!("430 a 1 missed {count}, scheduled 100")));
            expected.push(String::from("430 a 1 late by 330, scheduled 100"));
            expected.push(String::from("430 a 1 started, scheduled 100"));
            expected.push(String::from("430 a 1 finished, scheduled 100, took 0"));
            assert_eq!(seen.take_lines()[..expected.len()], expected, "{policy:?}");
        }
    }

    #[test]
    fn a_run_is_late_beyond_two_ticks() {
        for (tick_ms, lateness_ms, is_late) in [
            (50, 0, false),
            (50, 100, false),
            (50, 101, true),
            (10, 20, false),
            (10, 21, true),
        ] {
            let (time, seen) = time_and_seen();
            let world = world(&time, |builder| builder.resolution(ms(tick_ms)).on_event(seen.hook()));
            world.noting("a", 100);
            world.scheduler.start().unwrap();
            time.jump(ms(lateness_ms));
            world.settle();
            let late = format!("{lateness_ms} a 0 late by {lateness_ms}, scheduled 0");
            let lines = seen.take_lines();
            assert_eq!(lines[0] == late, is_late, "{tick_ms} {lines:?}");
            assert_eq!(lines.len(), if is_late { 3 } else { 2 }, "{tick_ms} {lines:?}");
        }
    }

    #[test]
    fn what_is_put_off_by_its_jitter_is_not_late() {
        let (time, seen) = time_and_seen();
        let world = world(&time, |builder| builder.seed(7).on_event(seen.hook()));
        world.every(1_000).jitter(ms(900)).run(|| ()).unwrap();
        world.start();
        world.advance(20_000);
        let kinds = kinds(&seen.take());
        assert!(kinds.len() >= 38 && !kinds.contains(&"late"), "{kinds:?}");
    }

    #[test]
    fn a_removal_is_told_once() {
        let (world, seen) = watched();
        let job = world.noting("a", 100);
        world.start();
        seen.take();
        world.advance(30);
        for _ in 0..3 {
            job.remove();
        }
        world.advance(200);
        let _ = world.stop();
        assert_eq!(seen.take_lines(), ["30 a removed"]);
    }

    #[test]
    fn a_job_is_removed_before_its_run_has_ended() {
        let (world, seen) = watched();
        let job = world.taking("a", 100, 70);
        world.start();
        world.advance(10);
        job.remove();
        world.advance(100);
        assert_eq!(
            seen.take_lines()[1..],
            ["10 a removed", "70 a 0 finished, scheduled 0, took 70"]
        );
    }

    #[test]
    fn a_job_that_removes_itself() {
        let (world, seen) = watched();
        world.every(100).name("a").run(|run: Run| run.job().remove()).unwrap();
        world.start();
        world.advance(200);
        let expected = [
            "0 a 0 started, scheduled 0",
            "0 a removed",
            "0 a 0 finished, scheduled 0, took 0",
        ];
        assert_eq!(seen.take_lines(), expected);
    }

    #[test]
    fn the_last_run_removes_the_job_once() {
        let (world, seen) = watched();
        let job = world.every(100).name("a").times(2).run(|| ()).unwrap();
        world.start();
        world.advance(500);
        job.remove();
        let expected = [
            "0 a 0 started, scheduled 0",
            "0 a 0 finished, scheduled 0, took 0",
            "100 a 1 started, scheduled 100",
            "100 a 1 finished, scheduled 100, took 0",
            "100 a removed",
        ];
        assert_eq!(seen.take_lines(), expected);
    }

    #[test]
    fn the_last_scheduled_run_removes_the_job_once() {
        let (world, seen) = watched();
        let end = world.time.now() + ms(150);
        world.every(100).name("a").until(end).run(|| ()).unwrap();
        world.start();
        world.advance(500);
        let lines = seen.take_lines();
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert!(lines[4].ends_with("a removed"), "{lines:?}");
    }

    #[test]
    fn a_refusal_is_told_at_each_try() {
        let faults: [fn(&VirtualTime, usize); 2] = [VirtualTime::refuse_spawns, VirtualTime::drop_spawns];
        for fault in faults {
            for blocking in [false, true] {
                let (world, seen) = watched();
                let builder = world.every(1_000).name("a");
                if blocking {
                    builder.run_blocking(|| ()).unwrap();
                } else {
                    builder.run(|| ()).unwrap();
                }
                world.scheduler.start().unwrap();
                fault(&world.time, 1_000);
                world.settle();
                world.advance(60);
                assert_eq!(
                    seen.take_lines(),
                    ["0 a refused", "50 a refused"],
                    "blocking: {blocking}"
                );
                fault(&world.time, 0);
                world.advance(40);
                assert_eq!(
                    seen.take_lines(),
                    ["100 a 0 started, scheduled 0", "100 a 0 finished, scheduled 0, took 0"],
                    "blocking: {blocking}"
                );
            }
        }
    }

    #[test]
    fn a_refusal_between_two_attempts_cancels_the_run() {
        let (time, seen) = time_and_seen();
        let clock = time.clone();
        let world = world(&time, |builder| {
            builder.on_event(seen.hook()).on_event(move |event| {
                if matches!(event.kind(), EventKind::Retried(_)) {
                    clock.refuse_spawns(1);
                }
            })
        });
        let builder = world.every(1_000).name("a").retry(|| [ms(20)]);
        builder.run_blocking(|| Err("no pulse")).unwrap();
        world.start();
        world.advance(100);
        let expected = [
            "0 a 0 started, scheduled 0",
            "0 a 0 retried (no pulse), scheduled 0",
            "0 a 0 cancelled, scheduled 0, took 0",
        ];
        assert_eq!(seen.take_lines(), expected);
    }
}

mod order {
    use super::*;

    /// A world of all sorts of jobs, over ten seconds with a stop, a leap of the clock and refusals in between.
    fn turmoil() -> Vec<Event> {
        let (world, seen) = watched();
        world.taking("takes its time", 100, 230);
        world.noting("short", 50);
        world.endless("endless");
        world.every(150).name("fails").run(|| Err("no pulse")).unwrap();
        world.every(200).name("panics").run_blocking(blow_up).unwrap();
        let endless = std::future::pending::<()>;
        world
            .every(250)
            .name("timed out")
            .timeout(ms(110))
            .run(endless)
            .unwrap();
        let replace = world.every(300).on_overlap(Overlap::Replace);
        replace.name("gives way").run(endless).unwrap();
        let retry = world.every(350).retry(|| [ms(20), ms(130)]);
        retry.name("tries").run(async || Err("no pulse")).unwrap();
        let skip = world.every(100).missed_ticks(MissedTicks::Skip);
        skip.name("skips").run(|| ()).unwrap();
        world.every(100).name("ends").times(7).run(|| ()).unwrap();
        let log = world.log.clone();
        world
            .every(100)
            .name("overlaps")
            .on_overlap(Allow(3))
            .run(move || {
                log.note("overlaps");
                futures::future::ready(())
            })
            .unwrap();
        world.start();
        world.advance(3_000);
        world.time.jump(ms(700));
        world.advance(1_000);
        let _ = world.wait(world.scheduler.stop().grace(ms(60)));
        world.start();
        world.time.refuse_spawns(100);
        world.advance(1_000);
        world.time.refuse_spawns(0);
        world.advance(3_000);
        let _ = world.stop();
        seen.take()
    }

    #[test]
    fn every_beginning_has_one_end_and_the_events_of_a_run_are_in_order() {
        let events = turmoil();
        let mut jobs: HashMap<String, Vec<Event>> = HashMap::new();
        for event in &events {
            let name = event.job().name().to_owned();
            jobs.entry(name).or_default().push(event.clone());
        }
        assert_eq!(jobs.len(), 11);
        for (name, events) in jobs {
            check_job(&name, &events);
        }
        let kinds = kinds(&events);
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
            "removed",
            "refused",
        ] {
            assert!(kinds.contains(&kind), "{kind} did not happen");
        }
    }

    /// missed? late? started retried* end, run by run; refusals in between, and a removal.
    fn check_job(name: &str, events: &[Event]) {
        let (mut runs, mut current) = (0, None);
        for event in events {
            let context = format!("{name}: {event:?}");
            assert_eq!(event.duration().is_some(), event.kind().is_end(), "{context}");
            assert_eq!(event.run().is_some(), event.scheduled().is_some(), "{context}");
            match event.kind() {
                EventKind::Refused | EventKind::Removed => assert_eq!(event.run(), None, "{context}"),
                EventKind::Missed(_) | EventKind::Late(_) => {
                    assert_eq!((current, event.run()), (None, Some(runs)), "{context}");
                }
                EventKind::Started => {
                    assert_eq!((current, event.run()), (None, Some(runs)), "{context}");
                    current = event.run();
                    runs += 1;
                }
                EventKind::Retried(_) => assert_eq!(event.run(), current, "{context}"),
                _ => {
                    assert!(event.kind().is_end(), "{context}");
                    assert!(event.run().is_some() && event.run() == current, "{context}");
                    current = None;
                }
            }
        }
        assert_eq!(current, None, "{name}: a run has not ended");
        assert!(events.is_sorted_by_key(Event::instant), "{name}");
        assert_eq!(runs, events[0].job().runs(), "{name}");
    }

    #[test]
    fn runs_that_overlap_are_told_apart() {
        let (world, seen) = watched();
        let clock = world.time.clone();
        let target = move || clock.sleep(ms(130));
        world.every(100).name("a").on_overlap(Allow(2)).run(target).unwrap();
        world.start();
        world.advance(240);
        let expected = [
            "0 a 0 started, scheduled 0",
            "100 a 1 started, scheduled 100",
            "130 a 0 finished, scheduled 0, took 130",
            "200 a 2 started, scheduled 200",
            "230 a 1 finished, scheduled 100, took 130",
        ];
        assert_eq!(seen.take_lines(), expected);
    }

    #[test]
    fn a_run_that_was_triggered_is_due_when_it_begins() {
        let (world, seen) = watched();
        let job = world.noting("a", 1_000);
        world.start();
        seen.take();
        world.advance(70);
        job.trigger();
        world.advance(50);
        assert_eq!(
            seen.take_lines(),
            [
                "100 a 1 started, scheduled 100",
                "100 a 1 finished, scheduled 100, took 0"
            ]
        );
    }
}

mod hooks {
    use super::*;

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
        let (told, read) = (kinds(&seen.take()), kinds(&read(&mut events)));
        let count = |kind: &str| told.iter().filter(|other| **other == kind).count();
        assert_eq!((count("started"), count("finished"), count("failed")), (20, 15, 5));
        assert_eq!((count("removed"), count("refused")), (1, 3));
        assert_eq!(told, read);
    }

    /// A hook that is given the scheduler, for each event.
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
        // What was triggered before the pause still runs.
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
            "removed",
            "refused",
        ] {
            dropped_at(kind);
        }
    }

    fn dropped_at(kind: &'static str) {
        let (time, slot, told) = (VirtualTime::new(), later::<Scheduler>(), Count::default());
        let (handle, count) = (Arc::clone(&slot), told.clone());
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
        let guard = dropped.on_drop();
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
        assert!(told.get() > 0, "{kind}");
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
}

mod streams {
    use super::*;

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
    fn one_has_room_for_1024_events_unless_said_and_for_one_at_least() {
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
        assert!(matches!(
            events.next().now_or_never().unwrap().unwrap().kind(),
            EventKind::Cancelled
        ));
        for _ in 0..2 {
            assert!(matches!(events.next().now_or_never(), Some(None)));
        }
    }

    #[test]
    fn one_that_nothing_was_told_to_ends_as_well() {
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

    /// Where many jobs share a batch, most runs aren't measured if nobody listens.
    #[test]

    fn one_that_is_made_in_a_run_tells_the_number_of_that_run() {
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
}

/// An error that tells of its end.
struct Watched(#[allow(dead_code, reason = "it is dropped")] CountsDrop);

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

impl Error for Watched {}

mod odd_errors {
    use super::*;

    #[derive(Debug)]
    struct PanicsWhenShown;

    impl fmt::Display for PanicsWhenShown {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("a display panics");
        }
    }

    impl Error for PanicsWhenShown {}

    #[derive(Debug)]
    struct Spiteful(#[allow(dead_code, reason = "it is dropped")] PanicsWhenDropped);

    impl fmt::Display for Spiteful {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("spiteful")
        }
    }

    impl Error for Spiteful {}

    #[test]
    fn one_that_can_not_be_shown() {
        let (world, seen) = watched();
        let job = world.every(100).name("a").run(|| Err(PanicsWhenShown)).unwrap();
        world.start();
        world.advance(100);
        let shown = seen.take()[1].to_string();
        assert_eq!(
            shown,
            "a: run 0 failed after 0ns: an error that panics when it is shown"
        );
        assert_eq!(job.status().last_error(), Some("an error that panics when it is shown"));
        assert_eq!((job.runs(), job.is_running()), (2, false));
    }

    #[test]
    fn one_that_can_not_be_dropped() {
        let told = Count::default();
        let (time, count) = (VirtualTime::new(), told.clone());
        let world = world(&time, |builder| builder.on_event(move |_| count.up()));
        let events = [1, 3].map(|capacity| world.scheduler.events_with_capacity(capacity));
        let targets = [0, 1].map(|_| || Err(Spiteful(PanicsWhenDropped)));
        let [plain, blocking] = targets;
        let future = move || async move { plain() };
        let jobs = [
            world.every(100).run(plain).unwrap(),
            world.every(100).run_blocking(blocking).unwrap(),
            world.every(100).retry(|| [ms(10)]).run(plain).unwrap(),
            world.every(100).timeout(ms(20)).run(future).unwrap(),
        ];
        world.start();
        world.advance(480);
        assert!(jobs.iter().all(|job| job.runs() == 5 && !job.is_running()), "{jobs:?}");
        assert_eq!(told.get(), 4 * 5 * 2 + 5);
        assert!(world.stop().is_clean());
        // The last ones are in the streams.
        std::mem::forget(events);
    }

    #[test]
    fn one_that_can_not_be_dropped_and_that_only_a_hook_is_told_of() {
        let (time, told) = (VirtualTime::new(), Count::default());
        let count = told.clone();
        let world = world(&time, |builder| builder.on_event(move |_| count.up()));
        let job = world.every(100).run(|| Err(Spiteful(PanicsWhenDropped))).unwrap();
        world.start();
        world.advance(480);
        assert_eq!((job.runs(), job.is_running(), told.get()), (5, false, 10));
        assert!(world.scheduler.is_running());
    }

    #[test]
    fn one_that_can_not_be_dropped_and_that_nobody_is_told_of() {
        let world = World::new();
        let job = world.every(100).run(|| Err(Spiteful(PanicsWhenDropped))).unwrap();
        world.start();
        world.advance(480);
        assert_eq!((job.runs(), job.is_running(), job.status().failures()), (5, false, 5));
    }

    /// Two of them: the second panic would end the process.
    #[test]

    fn a_reader_leaves_some_that_can_not_be_dropped() {
        let world = World::new();
        let events = world.scheduler.events();
        world.every(100).run(|| Err(Spiteful(PanicsWhenDropped))).unwrap();
        world.start();
        world.advance(100);
        drop(events);
    }
}

mod text {
    use super::*;

    #[test]
    fn each_kind_in_words() {
        let (world, seen) = watched();
        world
            .every(100)
            .name("fails")
            .retry(|| [ms(10)])
            .run(|| Err("no pulse"))
            .unwrap();
        let skip = world.every(100).missed_ticks(MissedTicks::Skip);
        skip.name("skips").times(3).run(|| ()).unwrap();
        world.start();
        world.advance(20);
        world.time.jump(ms(200));
        world.settle();
        world.time.jump(ms(330));
        world.settle();
        let mut lines: Vec<_> = seen.take().iter().map(Event::to_string).collect();
        lines.retain(|line| line.starts_with("skips") || line.starts_with("fails: run 0"));
        let expected = [
            "fails: run 0 started",
            "fails: run 0 retried: no pulse",
            "skips: run 0 started",
            "skips: run 0 finished after 0ns",
            "fails: run 0 failed after 10ms: no pulse",
            "skips: run 1 missed 1 interval",
            "skips: run 1 late by 120ms",
            "skips: run 1 started",
            "skips: run 1 finished after 0ns",
            "skips: run 2 missed 2 intervals",
            "skips: run 2 late by 250ms",
            "skips: run 2 started",
            "skips: run 2 finished after 0ns",
            "skips: removed",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_names_and_errors() {
        let texts = [
            "two\nlines",
            "a\rb",
            "\u{1b}[31mred",
            "nul\0",
            "\u{2028}",
            "\u{85}",
            "\u{202e}desrever",
        ];
        for text in texts {
            let (world, seen) = watched();
            let failing = move || Err(text);
            world.every(100).name(text).run(failing).unwrap();
            let panics = move || -> () { panic!("{text}") };
            world.every(100).name(text).run(panics).unwrap();
            world.every(100).name(text).retry(|| [ms(10)]).run(failing).unwrap();
            world.start();
            let lines: Vec<_> = seen.take().iter().map(Event::to_string).collect();
            assert!(lines.len() == 6, "{lines:?}");
            for line in lines {
                let confusing = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}');
                assert!(!line.contains(confusing), "{line:?}");
            }
        }
    }

    #[test]
    fn quotes_and_accents_stay_as_they_are() {
        let (world, seen) = watched();
        world
            .every(100)
            .name("Zoë's \"job\" 日本 C:\\tmp e\u{301}")
            .run(|| Err("can't read 'é'"))
            .unwrap();
        world.start();
        assert_eq!(
            seen.take()[1].to_string(),
            "Zoë's \"job\" 日本 C:\\tmp e\u{301}: run 0 failed after 0ns: can't read 'é'"
        );
    }

    #[test]
    fn an_error_is_written_with_its_causes() {
        let (world, seen) = watched();
        let target = || "x".parse::<u8>().map(drop).map_err(Outer);
        world.every(100).name("a").run(target).unwrap();
        world.start();
        assert_eq!(
            seen.take()[1].to_string(),
            "a: run 0 failed after 0ns: the size can't be read: invalid digit found in string"
        );
    }

    #[derive(Debug)]
    struct Outer(ParseIntError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the size can't be read")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
}

#[test]
fn an_event_outlives_its_scheduler() {
    let slot = later();
    {
        let (world, seen) = watched();
        world.noting("a", 100);
        world.start();
        put(&slot, seen.take().remove(0));
    }
    let event: Event = take(&slot);
    assert_eq!((event.job().name(), event.run()), ("a", Some(0)));
    event.job().remove();
}
