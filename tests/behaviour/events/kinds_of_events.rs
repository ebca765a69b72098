//! Each kind of event, and its contents.

use std::num::ParseIntError;
use std::panic::panic_any;
use std::time::Duration;

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{EventKind, MissedTicks, Overlap, Run, Scheduler};

use super::{kinds, line, time_and_seen, watched, world};
use crate::support::{SECOND, blow_up, ms};

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
        let target = move || clock.block_for(ms(10));
        let builder = world.every(100).name("a");
        if blocking {
            builder.run_blocking(target).unwrap();
        } else {
            builder.run(target).unwrap();
        }
        world.start();
        assert_eq!(
            seen.take_lines(),
            ["0 a 0 started, scheduled 0", "10 a 0 finished, scheduled 0, took 10"]
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
fn an_error_is_reported_as_it_was_returned() {
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
fn a_panic_is_reported_with_its_message() {
    let (world, seen) = watched();
    world.every(100).name("text").run(blow_up).unwrap();
    // The compiler must not see the text. Otherwise the payload would also be a `&str`.
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
    time.run_until_stalled();
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
fn missed_intervals_are_reported_before_the_run() {
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
fn a_removal_is_reported_once() {
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
fn a_refusal_is_reported_once_until_a_run_begins_and_is_counted_each_time() {
    let faults: [fn(&VirtualTime, usize); 2] = [VirtualTime::refuse_spawns, VirtualTime::drop_spawns];
    for fault in faults {
        for blocking in [false, true] {
            let (world, seen) = watched();
            let builder = world.every(1_000).name("a");
            let job = if blocking {
                builder.run_blocking(|| ())
            } else {
                builder.run(|| ())
            }
            .unwrap();
            world.scheduler.start().unwrap();
            fault(&world.time, 1_000);
            world.settle();
            world.advance(60);
            assert_eq!(seen.take_lines(), ["0 a refused"], "blocking: {blocking}");
            assert_eq!(job.status().refused(), 2, "blocking: {blocking}");
            fault(&world.time, 0);
            world.advance(40);
            assert_eq!(
                seen.take_lines(),
                ["100 a 0 started, scheduled 0", "100 a 0 finished, scheduled 0, took 0"],
                "blocking: {blocking}"
            );
            fault(&world.time, 1_000);
            world.advance(1_000);
            assert_eq!(seen.take_lines(), ["1000 a refused"], "blocking: {blocking}");
            assert_eq!(job.status().refused(), 5, "blocking: {blocking}");
        }
    }
}

#[test]
fn an_executor_that_refuses_everything_is_reported_once_for_each_job() {
    let (world, seen) = watched();
    let jobs = [world.noting("a", 50), world.noting("b", 50)];
    world.scheduler.start().unwrap();
    world.time.refuse_spawns(1_000_000);
    world.advance(60_000);
    assert_eq!(seen.take_lines(), ["0 a refused", "0 b refused"]);
    assert!(jobs.iter().all(|job| job.status().refused() == 1_201));
}

#[test]
fn lateness_is_reported_again_when_it_has_doubled_or_was_over() {
    let (world, seen) = watched();
    world.every(1_000).name("a").run(|| ()).unwrap();
    world.start();
    for lateness_ms in [100, 120, 239, 240, 300, 479, 480, 0, 120, 130] {
        world.time.jump(ms(1_000 - world.elapsed_ms() % 1_000 + lateness_ms));
        world.settle();
    }
    let mut late = seen.take_lines();
    late.retain(|line| line.contains("late"));
    let expected = [
        "2120 a 2 late by 120, scheduled 2000",
        "4240 a 4 late by 240, scheduled 4000",
        "7480 a 7 late by 480, scheduled 7000",
        "9120 a 9 late by 120, scheduled 9000",
    ];
    assert_eq!(late, expected);
}

/// Such a job is made up at every tick, and each tick brings one more run.
#[test]
fn a_job_of_one_tick_that_is_late_for_ever_is_reported_once() {
    let (world, seen) = watched();
    let job = world.noting("a", 50);
    world.start();
    world.time.jump(ms(500));
    world.settle();
    world.advance(5_000);
    let mut late = seen.take_lines();
    late.retain(|line| line.contains("late"));
    assert_eq!(late, ["500 a 1 late by 450, scheduled 50"]);
    assert_eq!(job.runs(), 102);
}

#[test]
fn what_is_reported_of_one_job_is_reported_of_another_too() {
    let (world, seen) = watched();
    for name in ["a", "b"] {
        world.every(1_000).name(name).run(|| ()).unwrap();
    }
    world.scheduler.start().unwrap();
    world.time.jump(ms(200));
    world.settle();
    let mut late = seen.take_lines();
    late.retain(|line| line.contains("late"));
    assert_eq!(
        late,
        ["200 a 0 late by 200, scheduled 0", "200 b 0 late by 200, scheduled 0"]
    );
}

#[test]
fn a_run_under_the_longest_resolution_is_reported() {
    for resolution in [Duration::MAX / 2, Duration::MAX / 2 + ms(1), Duration::MAX] {
        let (time, seen) = time_and_seen();
        let world = world(&time, |builder| builder.resolution(resolution).on_event(seen.hook()));
        world
            .scheduler
            .every(Duration::MAX)
            .name("a")
            .run(|| Err("no pulse"))
            .unwrap();
        world.start();
        let expected = [
            "0 a 0 started, scheduled 0",
            "0 a 0 failed (no pulse), scheduled 0, took 0",
        ];
        assert_eq!(seen.take_lines(), expected, "{resolution:?}");
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
