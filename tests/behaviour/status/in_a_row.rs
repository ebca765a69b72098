//! How many runs in a row have failed.

use std::sync::{Arc, Mutex};

use atevery::testing::VirtualTime;
use atevery::{EventKind, Job, JobBuilder, Run, Scheduler};

use crate::support::{SECOND, World, blow_up, ms};

/// Registers a job whose runs end as the letters say: ok, fails, panics, times out. Later runs succeed.
fn ending(builder: JobBuilder, time: &VirtualTime, blocking: bool, ends: &'static str) -> Job {
    let clock = time.clone();
    let target = move |run: Run| {
        match ends.chars().nth(run.number() as usize) {
            Some('f') => return Err("failed"),
            Some('p') => blow_up(),
            Some('t') => clock.block_for(ms(30)),
            _ => {}
        }
        Ok(())
    };
    let builder = builder.timeout(ms(20));
    if blocking {
        builder.run_blocking(target).unwrap()
    } else {
        builder.run(target).unwrap()
    }
}

/// The number after each run.
fn numbers(world: &World, job: &Job, runs: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..runs {
        world.settle();
        numbers.push(job.status().consecutive_failures());
        world.advance(1_000);
    }
    numbers
}

#[test]
fn runs_that_fail_panic_or_time_out_are_counted_until_one_succeeds() {
    for blocking in [false, true] {
        let world = World::new();
        let job = ending(world.every(1_000), &world.time, blocking, "offptoooft");
        world.scheduler.start().unwrap();
        assert_eq!(
            numbers(&world, &job, 11),
            [0, 1, 2, 3, 4, 0, 0, 0, 1, 2, 0],
            "{blocking}"
        );
        assert_eq!(
            (job.status().failures(), job.status().panics(), job.status().timeouts()),
            (3, 1, 2)
        );
    }
}

#[test]
fn a_job_without_options_counts_too_and_shares_nothing_with_others() {
    let world = World::new();
    let job = world
        .every(1_000)
        .run(|run: Run| if run.number() % 4 == 0 { Ok(()) } else { Err("no") })
        .unwrap();
    let mut runs = 0;
    let untimed = move || {
        runs += 1;
        if runs % 4 == 1 { Ok(()) } else { Err("no") }
    };
    let other = world.every(1_000).run(untimed).unwrap();
    let always = world.every(1_000).run(|| Err("no")).unwrap();
    // So many jobs that not every run is timed.
    let crowd: Vec<Job> = (0..200).map(|_| world.every(1_000).run(|| ()).unwrap()).collect();
    world.scheduler.start().unwrap();
    for round in 0..9 {
        world.settle();
        for job in [&job, &other] {
            assert_eq!(job.status().consecutive_failures(), round % 4, "{round}");
        }
        assert_eq!(always.status().consecutive_failures(), round + 1);
        assert!(crowd.iter().all(|job| job.status().consecutive_failures() == 0));
        world.advance(1_000);
    }
}

#[test]
fn an_asynchronous_run_that_has_waited_ends_the_row() {
    let world = World::new();
    let clock = world.time.clone();
    let job = world
        .every(1_000)
        .run(move |run: Run| {
            let sleep = clock.sleep(ms(10));
            async move {
                sleep.await;
                if run.number() == 2 { Ok(()) } else { Err("no") }
            }
        })
        .unwrap();
    world.scheduler.start().unwrap();
    assert_eq!(numbers(&world, &job, 4)[1..], [1, 2, 0]);
}

#[test]
fn a_cancelled_run_changes_nothing() {
    let world = World::new();
    let job = world
        .every(1_000)
        .run(|run: Run| async move {
            if run.number() == 2 {
                std::future::pending::<()>().await;
            }
            Err("no")
        })
        .unwrap();
    world.start();
    world.advance(2_500);
    assert_eq!(job.status().consecutive_failures(), 2);
    world.stop();
    assert_eq!((job.status().cancelled(), job.status().consecutive_failures()), (1, 2));
    world.start();
    world.advance(500);
    assert_eq!(job.status().consecutive_failures(), 3);
}

#[test]
fn a_failed_attempt_is_no_failed_run() {
    let world = World::new();
    let builder = world.every(1_000).retry(|| [ms(10)]);
    let mut attempts = 0;
    let job = builder
        .run(move || {
            attempts += 1;
            if attempts == 3 || attempts == 4 || attempts % 2 == 1 {
                Err("no")
            } else {
                Ok(())
            }
        })
        .unwrap();
    world.scheduler.start().unwrap();
    world.advance(500);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(job.status().consecutive_failures());
        world.advance(1_000);
    }
    assert_eq!(seen, [0, 1, 0, 0]);
}

#[test]
fn the_event_of_a_failed_run_tells_the_number() {
    let time = VirtualTime::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let hook = move |event: &atevery::Event| {
        list.lock()
            .unwrap()
            .push((event.kind().as_str(), event.consecutive_failures()));
    };
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    ending(scheduler.every(SECOND), &time, false, "fptof");
    scheduler.start().unwrap();
    time.advance(SECOND * 4);
    let ends = |told: &[(&'static str, u64)]| -> Vec<(&'static str, u64)> {
        let is_end = |(kind, _): &&(&'static str, u64)| !["started", "held thread"].contains(kind);
        told.iter().filter(is_end).copied().collect()
    };
    assert_eq!(
        ends(&told.lock().unwrap()),
        [
            ("failed", 1),
            ("panicked", 2),
            ("timed out", 3),
            ("finished", 0),
            ("failed", 1)
        ]
    );
    assert!(
        told.lock()
            .unwrap()
            .iter()
            .all(|(kind, number)| *kind != "started" || *number == 0)
    );
}

#[test]
fn an_alert_at_the_third_failure_comes_once() {
    let time = VirtualTime::new();
    let alerts = Arc::new(Mutex::new(0));
    let count = Arc::clone(&alerts);
    let hook = move |event: &atevery::Event| {
        if matches!(event.kind(), EventKind::Failed(_)) && event.consecutive_failures() == 3 {
            *count.lock().unwrap() += 1;
        }
    };
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    scheduler.every(SECOND).run(|| Err("no")).unwrap();
    scheduler.start().unwrap();
    time.advance(SECOND * 10);
    assert_eq!(*alerts.lock().unwrap(), 1);
}
