//! What a status measures.

use super::*;

#[test]
fn lateness_by_bars_and_the_longest() {
    let world = World::new();
    let job = world.noting("a", 10_000);
    world.scheduler.start().unwrap();
    for lateness in [0, 9, 10, 99, 100, 999, 1_000, 7_000] {
        world.time.jump(ms(lateness));
        world.settle();
        world.advance(10_000 - lateness - 1);
        world.time.jump(ms(1));
    }
    let status = job.status();
    assert_eq!(histogram(&status), [2, 2, 2, 2]);
    assert_eq!(status.max_lateness(), ms(7_000));
    let bounds: Vec<_> = status.lateness().into_iter().map(|(bound, _)| bound).collect();
    assert_eq!(bounds, [Some(ms(10)), Some(ms(100)), Some(SECOND), None]);
}

#[test]
fn the_wait_for_the_tick_is_lateness() {
    let world = World::new();
    let job = world.noting("a", 130);
    world.start();
    world.advance(270); // Due at 130 and 260, begun at 150 only.
    assert_eq!(job.status().max_lateness(), ms(20));
}

/// Single precision holds 449.999988 ms.
#[test]
fn round_lengths_are_shown_as_they_are() {
    for length in [1, 3, 50, 450, 450_001, 7_654_321] {
        let world = World::new();
        let clock = world.time.clone();
        let job = world.every(100_000_000).run(move || clock.sleep(ms(length))).unwrap();
        world.scheduler.start().unwrap();
        world.time.jump(ms(length));
        world.settle();
        world.advance(length);
        let status = job.status();
        assert_eq!(status.max_lateness(), ms(length));
        assert_eq!(status.mean_duration(), Some(ms(length)));
    }
}

#[test]
fn jitter_is_no_lateness() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::builder(time.clone()).seed(7).build().unwrap();
    let job = scheduler.every(SECOND).jitter(ms(900)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    time.advance(20 * SECOND);
    assert!(
        job.runs() >= 20 && job.status().max_lateness() < ms(50),
        "{}",
        job.status()
    );
}

#[test]
fn the_mean_duration_and_the_last() {
    let world = World::new();
    let target = world.log.taking("a", |run| [10, 20, 60][run as usize % 3]);
    let job = world.every(100).run(target).unwrap();
    world.start();
    world.advance(290);
    let status = job.status();
    assert_near(status.mean_duration().unwrap(), ms(30));
    assert_eq!(status.last_duration(), Some(ms(60)));
}

#[test]
fn a_retried_run_takes_from_its_first_attempt_to_its_last() {
    let world = World::new();
    let job = world.every(1_000).retry(|| [ms(20), ms(60)]);
    let job = job.run(|| Err("no pulse")).unwrap();
    world.start();
    world.advance(100);
    assert_eq!(job.status().last_duration(), Some(ms(80)));
}

#[test]

fn a_clock_that_leaps_by_centuries_is_no_trouble() {
    let world = World::new();
    let job = world.every(100).missed_ticks(MissedTicks::Skip).run(|| ()).unwrap();
    world.scheduler.start().unwrap();
    world.time.jump(300 * YEAR);
    world.settle();
    let (status, text) = (job.status(), world.scheduler.status().to_string());
    assert!(status.max_lateness() > 200 * YEAR, "{status}");
    assert!(text.contains("late"), "{text}");
}

/// With the feature `metrics`, all runs are timed.
fn expect(sampled: std::ops::RangeInclusive<u32>, runs: u32) -> std::ops::RangeInclusive<u32> {
    if cfg!(feature = "metrics") {
        runs..=runs
    } else {
        sampled
    }
}

fn crowd(world: &World, count: usize) -> Vec<Job> {
    (0..count).map(|_| world.every(100).run(|| ()).unwrap()).collect()
}

#[test]
fn of_few_jobs_every_run_is_measured() {
    let world = World::new();
    let jobs = crowd(&world, 127);
    world.start();
    world.advance(3_200);
    assert!(jobs.iter().all(|job| (job.runs(), measured(job)) == (33, 33)));
}

#[test]
fn of_many_jobs_one_run_in_16_is_measured() {
    for count in [128, 1_000] {
        let world = World::new();
        let start = world.time.now();
        let time_of = |time| start + ms(time);
        let jobs = crowd(&world, count);
        world.start();
        assert!(jobs.iter().all(|job| measured(job) == 1));
        world.advance(3_500);
        for job in &jobs {
            // The first run, and then 2 or 3 of 35.
            assert_eq!(job.runs(), 36, "{count}");
            assert!(expect(3..=4, 36).contains(&measured(job)), "{count}");
            let since_last = time_of(3_500) - job.status().last_start().unwrap();
            assert!(since_last < ms(1_600), "{count}");
        }
        // Not all at the same tick.
        let with_four = jobs.iter().filter(|job| measured(job) == 4).count();
        assert!(cfg!(feature = "metrics") || (1..count).contains(&with_four), "{count}");
    }
}

#[test]
fn among_many_jobs_those_that_look_are_measured_always_and_of_those_that_wait_the_beginning() {
    let world = World::new();
    let clock = world.time.clone();
    let waits = world.every(100).run(move || clock.sleep(ms(30))).unwrap();
    let looks = world.every(100).run(|_: Run| ()).unwrap();
    let blocks = world.every(100).run_blocking(|| ()).unwrap();
    let skips = world.every(100).missed_ticks(MissedTicks::Skip).run(|| ()).unwrap();
    let plain = crowd(&world, 1_000).remove(0);
    let start = world.time.now();
    world.start();
    world.advance(920);
    assert!(waits.is_running());
    assert_eq!(waits.status().last_start(), Some(start + ms(900)));
    world.advance(70);
    assert_eq!([&looks, &blocks, &skips].map(measured), [10; 3]);
    let sampled = [&waits, &plain].map(measured);
    assert!(
        sampled.iter().all(|count| expect(1..=2, 10).contains(count)),
        "{sampled:?}"
    );
    assert_eq!(waits.status().last_duration(), Some(ms(30)));
}

#[test]
fn who_listens_since_a_run_began_that_waits_hears_how_long_it_took() {
    let world = World::new();
    let clock = world.time.clone();
    let job = world.every(100).run(move || clock.sleep(ms(30))).unwrap();
    let _crowd = crowd(&world, 1_000);
    world.start();
    // One of these runs is timed anyway.
    for at in [100, 200] {
        world.advance(at + 10 - world.elapsed_ms());
        let mut events = world.scheduler.events();
        world.advance(30);
        let of_job = std::iter::from_fn(|| events.next().now_or_never().flatten()).filter(|event| event.job() == &job);
        let durations: Vec<_> = of_job.map(|event| event.duration()).collect();
        assert_eq!(durations, [Some(ms(30))]);
    }
}

#[test]
fn every_run_is_measured_for_those_who_listen_and_as_long_as_they_do() {
    let world = World::new();
    let jobs = crowd(&world, 1_000);
    let events = world.scheduler.events();
    world.start();
    world.advance(900);
    assert!(jobs.iter().all(|job| measured(job) == 10));
    drop(events);
    world.advance(100); // Who is gone is noticed when there is something to tell.
    world.advance(900);
    let last = &jobs[999];
    assert_eq!(last.runs(), 20);
    assert!(measured(last) <= *expect(0..=12, 20).end(), "{}", measured(last));
}
