//! Runs that hold the thread of their executor: what is told, and what is counted.

use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Allow, Job, Run, Scheduler};

use super::{Seen, read, watched};
use crate::support::{SECOND, World, later, ms, put};

/// The lines of the events that tell of a held thread.
fn told(seen: &Seen) -> Vec<String> {
    let mut lines = seen.take_lines();
    lines.retain(|line| line.contains("held thread"));
    lines
}

/// A job whose runs take so long, in a call.
fn holding(world: &World, interval_ms: u64, length: Duration) -> Job {
    let clock = world.time.clone();
    let builder = world.every(interval_ms).name("a");
    builder.run(move || clock.block_for(length)).unwrap()
}

/// A job whose first poll, after the call, and whose polls after waits of 30 ms take so long.
fn polled(world: &World, lengths: &'static [u64]) -> Job {
    let clock = world.time.clone();
    let target = move || {
        let clock = clock.clone();
        async move {
            for (number, length) in lengths.iter().enumerate() {
                if number > 0 {
                    clock.sleep(ms(30)).await;
                }
                clock.block_for(ms(*length));
            }
        }
    };
    world.every(1_000_000).name("a").run(target).unwrap()
}

#[test]
fn it_is_told_once_a_minute_and_counted_each_time() {
    let (world, seen) = watched();
    let job = holding(&world, 1_000, ms(20));
    world.start();
    world.advance(130_000);
    let expected = [
        "20 a 0 held thread for 20, scheduled 0",
        "60020 a 60 held thread for 20, scheduled 60000",
        "120020 a 120 held thread for 20, scheduled 120000",
    ];
    assert_eq!(told(&seen), expected);
    assert_eq!((job.runs(), job.status().held_thread()), (131, 131));
}

#[test]
fn each_job_is_told_of() {
    let (world, seen) = watched();
    let jobs = [(); 2].map(|()| holding(&world, 1_000, ms(20)));
    world.start();
    world.advance(10_000);
    assert_eq!(told(&seen).len(), 2);
    assert!(jobs.iter().all(|job| job.status().held_thread() == 11));
}

#[test]
fn it_comes_before_the_end_of_the_run() {
    let (world, seen) = watched();
    let clock = world.time.clone();
    let target = move || -> () {
        clock.block_for(ms(20));
        panic!("a job panics")
    };
    world.every(1_000).name("a").run(target).unwrap();
    world.start();
    let expected = [
        "0 a 0 started, scheduled 0",
        "20 a 0 held thread for 20, scheduled 0",
        "20 a 0 panicked (a job panics), scheduled 0, took 20",
    ];
    assert_eq!(seen.take_lines(), expected);
}

#[test]
fn ten_milliseconds_are_not_too_long() {
    let nanosecond = Duration::from_nanos(1);
    for (length, count) in [
        (ms(0), 0),
        (ms(9), 0),
        (ms(10), 0),
        (ms(10) + nanosecond, 1),
        (ms(300), 1),
    ] {
        let (world, seen) = watched();
        let job = holding(&world, 1_000, length);
        world.start();
        assert_eq!(told(&seen).len(), count, "{length:?}");
        assert_eq!(job.status().held_thread(), count as u64, "{length:?}");
    }
}

#[test]
fn each_poll_is_measured_for_itself() {
    for (lengths, expected) in [
        (&[20, 0][..], &["20 a 0 held thread for 20, scheduled 0"][..]),
        (&[0, 20], &["50 a 0 held thread for 20, scheduled 0"]),
        (&[0, 0, 0, 20, 0], &["110 a 0 held thread for 20, scheduled 0"]),
        (&[9, 9, 9, 9], &[]),
        (&[11, 12, 13], &["11 a 0 held thread for 11, scheduled 0"]),
    ] {
        let (world, seen) = watched();
        let job = polled(&world, lengths);
        world.start();
        world.advance(1_000);
        assert!(job.runs() == 1 && !job.is_running());
        assert_eq!(told(&seen), expected, "{lengths:?}");
        // A run counts once.
        assert_eq!(job.status().held_thread(), expected.len() as u64, "{lengths:?}");
    }
}

#[test]
fn the_call_and_the_first_poll_are_one_go() {
    for waits in [false, true] {
        let (world, seen) = watched();
        let clock = world.time.clone();
        let target = move || {
            clock.block_for(ms(6));
            let clock = clock.clone();
            async move {
                clock.block_for(ms(6));
                if waits {
                    clock.sleep(ms(30)).await;
                }
            }
        };
        let job = world.every(1_000).name("a").run(target).unwrap();
        world.start();
        world.advance(100);
        assert_eq!(told(&seen), ["12 a 0 held thread for 12, scheduled 0"], "{waits}");
        assert_eq!(job.status().held_thread(), 1);
    }
}

#[test]
fn a_run_that_goes_on_for_long_is_told_again_and_counted_once() {
    let (world, seen) = watched();
    let clock = world.time.clone();
    let target = move || {
        let clock = clock.clone();
        async move {
            for _ in 0..100 {
                clock.block_for(ms(20));
                clock.sleep(SECOND * 7).await;
            }
        }
    };
    let job = world.every(1_000).name("a").run(target).unwrap();
    world.start();
    world.advance(130_000);
    assert_eq!(told(&seen).len(), 3);
    assert_eq!(job.status().held_thread(), 1);
}

#[test]
fn each_attempt_is_measured() {
    let (world, seen) = watched();
    let clock = world.time.clone();
    let mut attempts = 0;
    let target = move || {
        attempts += 1;
        if attempts == 2 {
            clock.block_for(ms(20));
        }
        Err("no pulse")
    };
    let job = world.every(100_000).name("a").retry(|| [ms(50), ms(50)]);
    let job = job.run(target).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(told(&seen), ["70 a 0 held thread for 20, scheduled 0"]);
    assert_eq!((job.status().held_thread(), job.status().retries()), (1, 2));
}

#[test]
fn a_blocking_run_holds_no_thread_of_the_executor() {
    let (world, seen) = watched();
    let clock = world.time.clone();
    let target = move || {
        clock.block_for(ms(20));
        Err("no pulse")
    };
    let job = world.every(1_000).name("a").retry(|| [ms(50)]);
    let job = job.run_blocking(target).unwrap();
    world.start();
    world.advance(10_500);
    assert_eq!(told(&seen), [""; 0]);
    assert_eq!((job.status().held_thread(), job.status().failures()), (0, 11));
}

#[test]
fn the_runs_of_a_job_that_overlap_are_counted_each_and_told_as_of_one_job() {
    let (world, seen) = watched();
    let clock = world.time.clone();
    let target = move |run: Run| {
        let clock = clock.clone();
        async move {
            for _ in 0..3 {
                clock.sleep(ms(70)).await;
                clock.block_for(ms(11 + run.number()));
            }
        }
    };
    let job = world.every(100).name("a").times(3).on_overlap(Allow(3));
    let job = job.run(target).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(told(&seen), ["81 a 0 held thread for 11, scheduled 0"]);
    assert_eq!((job.runs(), job.status().held_thread()), (3, 3));
}

#[test]
fn of_many_jobs_the_measured_runs_are_looked_at() {
    let world = World::new();
    for _ in 0..200 {
        world.every(60_000).run(|| ()).unwrap();
    }
    let clock = world.time.clone();
    let job = world.every(60_000).run(move || clock.block_for(ms(20))).unwrap();
    world.start();
    world.advance(60_000 * 40);
    let measured: u32 = job.status().lateness().iter().map(|(_, runs)| runs).sum();
    assert_eq!((job.runs(), job.status().held_thread()), (41, u64::from(measured)));
    assert!(cfg!(feature = "metrics") || measured < 5, "{measured}");
}

#[test]
fn who_listens_later_is_told_at_the_next_run() {
    let world = World::new();
    let job = holding(&world, 1_000, ms(20));
    world.start();
    world.advance(5_500);
    let mut events = world.scheduler.events();
    world.advance(2_000);
    let lines: Vec<_> = read(&mut events).iter().map(ToString::to_string).collect();
    if !cfg!(feature = "metrics") {
        assert_eq!(lines[1], "a: run 6 held thread for 20ms");
    }
    assert_eq!(job.status().held_thread(), 8);
}

#[test]
fn a_hook_may_stop_the_scheduler() {
    for (first, second) in [(20, 0), (0, 20)] {
        let time = VirtualTime::new();
        let slot = later::<Scheduler>();
        let handle = slot.clone();
        let scheduler = Scheduler::builder(time.clone())
            .on_event(move |event| {
                if event.kind().as_str() == "held thread" {
                    let scheduler = handle.lock().unwrap().clone().unwrap();
                    assert_eq!(scheduler.stop().blocking_wait().still_running(), [event.job().clone()]);
                }
            })
            .build()
            .unwrap();
        put(&slot, scheduler.clone());
        let clock = time.clone();
        let target = move || {
            let clock = clock.clone();
            async move {
                clock.block_for(ms(first));
                clock.sleep(ms(30)).await;
                clock.block_for(ms(second));
                clock.sleep(ms(30)).await;
            }
        };
        let job = scheduler.every(SECOND).run(target).unwrap();
        scheduler.start().unwrap();
        time.advance(SECOND * 3);
        assert_eq!(
            (job.runs(), job.status().cancelled(), scheduler.is_running()),
            (1, 1, false)
        );
    }
}
