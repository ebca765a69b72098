//! Changes of a job's interval.

use std::sync::mpsc;
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Allow, FirstRun, Job, MissedTicks, Run, Scheduler};

use crate::ends::offer;
use crate::jitter::{begun, noting_scheduled};
use crate::support::{SECOND, World, later, ms, put, take, yield_now};
use crate::threads::Threads;

fn noting(world: &World, interval_ms: u64) -> Job {
    let job = world.every(interval_ms).run(noting_scheduled(world)).unwrap();
    world.start();
    job
}

fn taking(world: &World, interval_ms: u64, duration_ms: u64) -> Job {
    let (mut noting, clock) = (noting_scheduled(world), world.time.clone());
    let target = move |run: Run| {
        noting(run);
        clock.sleep(ms(duration_ms))
    };
    let job = world.every(interval_ms).run(target).unwrap();
    world.start();
    job
}

#[test]
fn the_timeline_of_the_docs() {
    let world = World::new();
    let job = noting(&world, 2_000);
    world.advance(4_300);
    job.set_interval(ms(600)).unwrap();
    world.advance(3_900);
    let times: Vec<_> = begun(&world).into_iter().map(|(at, _)| at).collect();
    assert_eq!(
        times,
        [0, 2_000, 4_000, 4_600, 5_200, 5_800, 6_400, 7_000, 7_600, 8_200]
    );
}

#[test]
fn a_shorter_one_that_has_passed_is_due_now() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(310);
    job.set_interval(ms(100)).unwrap();
    assert_eq!(job.interval(), Some(ms(100)));
    world.advance(240);
    assert_eq!(begun(&world), [(0, 0), (350, 310), (450, 410), (550, 510)]);
}

#[test]
fn a_shorter_one_counts_from_the_last_run() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(110);
    job.set_interval(ms(300)).unwrap();
    world.advance(590);
    assert_eq!(begun(&world), [(0, 0), (300, 300), (600, 600)]);
}

#[test]
fn a_longer_one_counts_from_the_last_run() {
    let world = World::new();
    let job = noting(&world, 100);
    world.advance(110);
    job.set_interval(ms(1_000)).unwrap();
    world.advance(2_200);
    assert_eq!(begun(&world), [(0, 0), (100, 100), (1_100, 1_100), (2_100, 2_100)]);
}

#[test]
fn the_same_one_changes_nothing() {
    let world = World::new();
    let job = noting(&world, 100);
    for _ in 0..50 {
        world.advance(10);
        job.set_interval(ms(100)).unwrap();
    }
    let expected: Vec<_> = (0..=5).map(|run| (run * 100, run * 100)).collect();
    assert_eq!(begun(&world), expected);
}

#[test]
fn the_last_of_several_counts() {
    let world = World::new();
    let job = noting(&world, 10_000);
    world.advance(10);
    for interval_ms in [5_000, 700, 300, 900] {
        job.set_interval(ms(interval_ms)).unwrap();
    }
    assert_eq!(job.interval(), Some(ms(900)));
    world.advance(1_290);
    assert_eq!(begun(&world), [(0, 0), (900, 900)]);
}

#[test]
fn many_calls_do_not_starve_the_job() {
    let world = World::new();
    let job = noting(&world, 200);
    for call in 0..2_000 {
        world.advance(1);
        job.set_interval(ms(if call % 2 == 0 { 200 } else { 10_000 })).unwrap();
    }
    let runs = job.runs();
    assert!((10..=11).contains(&runs), "{runs}");
}

#[test]
fn many_calls_from_inside_do_not_starve_it_either() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: Run| {
        log.note("a");
        let clock = clock.clone();
        async move {
            for _ in 0..10 {
                clock.sleep(ms(13)).await;
                run.job().set_interval(ms(200)).unwrap();
            }
        }
    };
    world.every(200).run(target).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 200, 400, 600, 800, 1_000]);
}

#[test]
fn a_job_that_was_never_due_again_is() {
    let world = World::new();
    let job = world.scheduler.every(Duration::MAX).run(noting_scheduled(&world));
    let job = job.unwrap();
    world.start();
    world.advance(100_010);
    job.set_interval(ms(100)).unwrap();
    world.advance(240);
    assert_eq!(
        begun(&world),
        [(0, 0), (100_050, 100_010), (100_150, 100_110), (100_250, 100_210)]
    );
}

#[test]
fn an_endless_one_switches_the_job_off_until_another_comes() {
    let world = World::new();
    let job = noting(&world, 100);
    world.advance(10);
    job.set_interval(Duration::MAX).unwrap();
    assert_eq!(job.interval(), Some(Duration::MAX));
    world.advance(86_400_000);
    assert_eq!(begun(&world), [(0, 0)]);
    assert_eq!(job.status().next_due(), None);
    job.set_interval(SECOND).unwrap();
    world.advance(2_050); // each run is due 10 ms after a tick
    assert_eq!(job.runs(), 4); // one now, and two later
}

#[test]
fn one_that_is_too_short_is_refused_and_changes_nothing() {
    let world = World::new();
    let job = noting(&world, 200);
    for interval in [ms(49), Duration::ZERO, Duration::from_nanos(49_999_999)] {
        world.advance(10);
        let error = job.set_interval(interval).unwrap_err();
        assert!(error.is_interval_too_short());
        let text = error.to_string();
        assert!(
            text.contains(&format!("{interval:?}")) && text.contains("50ms"),
            "{text}"
        );
        assert_eq!(job.interval(), Some(ms(200)));
    }
    world.advance(370);
    assert_eq!(begun(&world), [(0, 0), (200, 200), (400, 400)]);
    job.set_interval(ms(50)).unwrap();
}

#[test]
fn the_limit_is_that_of_the_scheduler() {
    let time = VirtualTime::new();
    let builder = Scheduler::builder(time.clone()).resolution(ms(10));
    let scheduler = builder.build().unwrap();
    let job = scheduler.every(SECOND).run(|| ()).unwrap();
    assert!(job.set_interval(ms(9)).unwrap_err().is_interval_too_short());
    job.set_interval(ms(10)).unwrap();
}

#[test]
fn during_a_run_a_shorter_one_counts_from_that_run() {
    let world = World::new();
    let job = taking(&world, 1_000, 230);
    world.advance(110);
    job.set_interval(ms(300)).unwrap();
    world.advance(1_090);
    assert_eq!(
        begun(&world),
        [(0, 0), (300, 300), (600, 600), (900, 900), (1_200, 1_200)]
    );
}

#[test]
fn during_a_run_a_longer_one_counts_from_that_run() {
    let world = World::new();
    let job = taking(&world, 300, 130);
    world.advance(110);
    job.set_interval(ms(1_000)).unwrap();
    world.advance(2_300);
    assert_eq!(begun(&world), [(0, 0), (1_000, 1_000), (2_000, 2_000)]);
}

#[test]
fn during_a_run_that_is_longer_than_both() {
    use MissedTicks::{Burst, Delay, Skip};
    for (policy, second) in [(Burst, (600, 210)), (Skip, (650, 610)), (Delay, (650, 650))] {
        let world = World::new();
        let (mut noting, clock) = (noting_scheduled(&world), world.time.clone());
        let target = move |run: Run| {
            let duration = ms(if run.number() == 0 { 530 } else { 0 });
            noting(run);
            clock.sleep(duration)
        };
        let job = world.every(400).missed_ticks(policy).run(target).unwrap();
        world.start();
        world.advance(110);
        job.set_interval(ms(100)).unwrap(); // due at 100, and so now
        world.advance(550);
        let runs = begun(&world);
        assert_eq!(runs[..3], [(0, 0), (550, 110), second], "{policy:?}");
    }
}

#[test]
fn from_inside_the_job() {
    for blocking in [false, true] {
        let world = World::new();
        let log = world.log.clone();
        let target = move |run: Run| {
            log.note("a");
            let interval = ms([300, 100, 500][usize::try_from(run.number()).unwrap() % 3]);
            run.job().set_interval(interval).unwrap();
        };
        let builder = world.every(1_000);
        if blocking {
            builder.run_blocking(target).unwrap();
        } else {
            builder.run(target).unwrap();
        }
        world.start();
        world.advance(1_000);
        // 0 + 300, + 100, + 500
        let times = world.log.take_times();
        assert_eq!(times, [0, 300, 400, 900], "blocking: {blocking}");
    }
}

#[test]
fn from_inside_a_run_that_waits() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: Run| {
        log.note("a");
        let sleep = clock.sleep(ms(30));
        async move {
            yield_now().await;
            run.job().set_interval(ms(120)).unwrap();
            sleep.await;
        }
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(400);
    assert_eq!(world.log.take_times(), [0, 150, 250, 400]); // due at 120, 240, 360
}

#[test]
fn a_job_that_slows_down_while_there_is_nothing_to_do() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note("a");
        let job = run.job();
        job.set_interval(job.interval().unwrap() * 2).unwrap();
    };
    world.every(100).run(target).unwrap();
    world.start();
    world.advance(1_600);
    assert_eq!(world.log.take_times(), [0, 200, 600, 1_400]);
}

#[test]
fn from_another_job_of_the_same_tick() {
    for sets_first in [false, true] {
        let world = World::new();
        let slot = later::<Job>();
        let other = slot.clone();
        let target = move |run: Run| {
            if run.number() == 1 {
                take(&other).set_interval(ms(200)).unwrap();
            }
        };
        let job = if sets_first {
            world.every(1_000).run(target).unwrap();
            world.every(1_000).run(noting_scheduled(&world)).unwrap()
        } else {
            let job = world.every(1_000).run(noting_scheduled(&world)).unwrap();
            world.every(1_000).run(target).unwrap();
            job
        };
        put(&slot, job);
        world.start();
        world.advance(1_400);
        let runs = begun(&world);
        assert_eq!(
            runs,
            [(0, 0), (1_000, 1_000), (1_200, 1_200), (1_400, 1_400)],
            "{sets_first}"
        );
    }
}

#[test]
fn before_the_first_run_that_follows_the_interval() {
    for started in [false, true] {
        for (new, expected) in [(400, vec![400, 800, 1_200]), (1_100, vec![1_100]), (20_000, vec![])] {
            let world = World::new();
            let builder = world.every(1_000).first_run(FirstRun::AfterInterval);
            let job = builder.run(noting_scheduled(&world)).unwrap();
            if started {
                world.start();
            }
            job.set_interval(ms(new)).unwrap();
            if !started {
                world.start();
            }
            world.advance(1_200);
            let times: Vec<u64> = begun(&world).into_iter().map(|(at, _)| at).collect();
            assert_eq!(times, expected, "started: {started}, {new} ms");
        }
    }
}

#[test]
fn before_a_first_run_that_stays_where_it_was() {
    let instant = |world: &World, by: u64| FirstRun::At(atevery::runtime::Timer::now(&world.time) + ms(by));
    for triggered in [false, true] {
        for new in [100, 50_000] {
            for by_instant in [false, true] {
                let world = World::new();
                let first = if by_instant {
                    instant(&world, 700)
                } else {
                    FirstRun::After(ms(700))
                };
                let job = world
                    .every(1_000)
                    .first_run(first)
                    .run(noting_scheduled(&world))
                    .unwrap();
                world.start();
                if triggered {
                    job.trigger();
                    world.advance(100); // Triggered runs don't count.
                    begun(&world);
                } else {
                    world.advance(100);
                }
                job.set_interval(ms(new)).unwrap();
                world.advance(650);
                assert_eq!(begun(&world)[..1], [(700, 700)], "{new} ms, triggered: {triggered}");
            }
        }
    }
}

#[test]
fn a_fixed_delay_job_that_is_switched_off_comes_back() {
    for (during, new) in [(false, 100), (true, 100), (false, 20_000), (true, 20_000)] {
        let world = World::new();
        let (mut noting, clock) = (noting_scheduled(&world), world.time.clone());
        let target = move |run: Run| {
            noting(run);
            clock.sleep(ms(70))
        };
        let job = world.every(1_000).fixed_delay().run(target).unwrap();
        world.start();
        world.advance(if during { 10 } else { 200 });
        job.set_interval(Duration::MAX).unwrap();
        world.advance(10_000);
        assert_eq!(begun(&world), [(0, 0)], "during a run: {during}");
        let now = world.elapsed_ms();
        job.set_interval(ms(new)).unwrap();
        world.advance(20_000);
        let next = now.max(70 + new);
        assert_eq!(begun(&world)[0].1, next, "during a run: {during}");
    }
}

#[test]
fn a_job_that_is_switched_off_and_on_keeps_its_place() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(300);
    job.set_interval(Duration::MAX).unwrap();
    world.advance(200);
    job.set_interval(ms(700)).unwrap();
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0), (700, 700), (1_400, 1_400)]);
}

#[test]
fn right_after_a_resume_it_counts_from_the_last_run() {
    for (new, second) in [(5_000, 5_000), (1_500, 3_510)] {
        let world = World::new();
        let job = noting(&world, 1_000);
        job.pause();
        world.advance(3_510);
        job.resume();
        job.set_interval(ms(new)).unwrap();
        world.advance(5_000);
        assert_eq!(begun(&world)[1].1, second);
    }
}

#[test]
fn before_the_start() {
    let world = World::new();
    let job = world.every(1_000).run(noting_scheduled(&world)).unwrap();
    job.set_interval(ms(100)).unwrap();
    world.start();
    world.advance(200);
    assert_eq!(begun(&world), [(0, 0), (100, 100), (200, 200)]);
}

#[test]
fn while_the_first_run_is_on_offer() {
    let world = World::new();
    let job = world.every(1_000).run(noting_scheduled(&world)).unwrap();
    world.scheduler.start().unwrap();
    offer(&world);
    job.set_interval(ms(100)).unwrap();
    world.advance(200);
    assert_eq!(begun(&world), [(0, 0), (100, 100), (200, 200)]);
}

#[test]
fn while_a_run_is_on_offer_that_is_then_taken_back() {
    let world = World::new();
    let job = world.every(1_000).run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(999);
    world.time.jump(ms(1));
    offer(&world);
    job.set_interval(ms(100)).unwrap();
    world.stop();
    assert_eq!(begun(&world), [(0, 0)]);
    world.start(); // at 1000
    world.advance(200);
    assert_eq!(begun(&world), [(1_000, 1_000), (1_100, 1_100), (1_200, 1_200)]);
}

#[test]
fn while_it_is_paused() {
    let world = World::new();
    let job = noting(&world, 1_000);
    job.pause();
    world.advance(200);
    job.set_interval(ms(100)).unwrap();
    world.advance(200);
    assert_eq!(begun(&world), [(0, 0)]);
    assert!(job.is_paused());
    job.resume(); // at 400, when it was due at 300
    world.advance(210);
    let scheduled: Vec<_> = begun(&world).iter().map(|(_, scheduled)| *scheduled).collect();
    assert_eq!(scheduled, [400, 500, 600]);
}

#[test]
fn while_all_is_stopped() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(100);
    world.stop();
    job.set_interval(ms(300)).unwrap(); // due at 300
    world.advance(100);
    world.start(); // at 200
    world.advance(500);
    assert_eq!(begun(&world), [(0, 0), (300, 300), (600, 600)]);
}

#[test]
fn while_its_run_is_cancelled_by_a_stop() {
    let world = World::new();
    let job = taking(&world, 10_000, 5_000);
    world.advance(100);
    job.set_interval(ms(300)).unwrap();
    world.stop(); // due at 300
    world.start();
    world.advance(300);
    assert_eq!(begun(&world), [(0, 0), (300, 300)]);
}

#[test]
fn a_backlog_is_dropped() {
    let world = World::new();
    let job = noting(&world, 100);
    world.time.jump(ms(350));
    job.set_interval(ms(200)).unwrap();
    world.advance(500);
    assert_eq!(begun(&world), [(0, 0), (350, 350), (550, 550), (750, 750)]);
}

#[test]
fn a_job_that_was_triggered() {
    let world = World::new();
    let job = noting(&world, 10_000);
    world.advance(210);
    job.trigger();
    job.set_interval(ms(1_000)).unwrap();
    world.advance(2_090);
    assert_eq!(begun(&world), [(0, 0), (210, 210), (1_000, 1_000), (2_000, 2_000)]);
}

#[test]
fn what_was_removed_stays_away() {
    let world = World::new();
    let job = noting(&world, 100);
    job.remove();
    job.set_interval(ms(50)).unwrap();
    world.advance(1_000);
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_job_of_a_scheduler_that_is_gone() {
    let world = World::new();
    let job = noting(&world, 100);
    let time = world.time.clone();
    drop(world);
    let _ = job.set_interval(ms(50));
    time.advance(SECOND);
    assert_eq!(job.runs(), 1);
}

#[test]
fn runs_that_overlap() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move || {
        log.note("a");
        clock.sleep(ms(10_000))
    };
    let job = world.every(1_000).on_overlap(Allow(10)).run(target).unwrap();
    world.start();
    world.advance(2_999);
    job.set_interval(ms(10_000)).unwrap();
    world.advance(1);
    assert_eq!(job.runs(), 3);
    world.advance(8_999);
    assert_eq!(job.runs(), 3);
    world.advance(1);
    assert_eq!(job.runs(), 4);
    world.stop();
}

/// A run is in progress, and a second one is on offer beside it.
#[test]
fn while_a_triggered_run_is_on_offer_beside_another() {
    let (world, job) = beside_a_run_in_progress();
    job.set_interval(ms(100)).unwrap();
    world.advance(100);
    assert_eq!(job.runs(), 3);
    world.stop();
}

#[test]
fn while_a_run_beside_another_is_on_offer_that_is_then_taken_back() {
    let (world, job) = beside_a_run_in_progress();
    job.set_interval(ms(100)).unwrap();
    world.stop();
    world.start();
    world.advance(100);
    assert_eq!(job.runs(), 3);
    world.stop();
}

/// A job that is switched off, after its first run began at 0 and a triggered run came on offer.
fn beside_a_run_in_progress() -> (World, Job) {
    let world = World::new();
    let job = world
        .every(1_000)
        .on_overlap(Allow(3))
        .run(std::future::pending::<()>)
        .unwrap();
    world.start();
    job.set_interval(Duration::MAX).unwrap();
    job.trigger();
    offer(&world);
    assert_eq!(job.runs(), 1);
    (world, job)
}

/// One run of the job is in progress, and another run may begin beside it, without waiting for its end.
#[test]

fn a_shorter_one_for_runs_that_overlap() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move || {
        log.note("a");
        clock.sleep(ms(4_000))
    };
    let job = world.every(60_000).on_overlap(Allow(3)).run(target).unwrap();
    world.start();
    world.advance(1_000);
    job.set_interval(ms(500)).unwrap();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 1_000, 1_500]); // three at a time
}

#[test]

fn a_shorter_one_for_runs_that_are_replaced() {
    let world = World::new();
    let log = world.log.clone();
    let target = move || {
        log.note("a");
        std::future::pending::<()>()
    };
    let builder = world.every(60_000).on_overlap(atevery::Overlap::Replace);
    let job = builder.run(target).unwrap();
    world.start();
    world.advance(1_000);
    job.set_interval(ms(500)).unwrap();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 1_000, 1_500, 2_000]);
}

#[test]
fn the_status_shows_it() {
    let world = World::new();
    let job = noting(&world, 1_000);
    let origin = atevery::runtime::Timer::now(&world.time);
    job.set_interval(ms(100)).unwrap();
    assert_eq!(job.status().interval(), Some(ms(100)));
    assert_eq!(job.status().next_due(), Some(origin + ms(100)));
}

/// Eight threads change everything at once, while the clock goes on and runs begin and end.
#[test]
fn from_many_threads() {
    const CALLS: u64 = 2_000;
    let time = VirtualTime::new();
    let threads = Threads::new(4);
    let scheduler = Scheduler::new((threads.clone(), time.clone()));
    let clock = time.clone();
    let waits = move || clock.sleep(ms(70));
    let jobs = [
        scheduler.every(ms(50)).run(|| ()).unwrap(),
        scheduler.every(ms(50)).run(waits.clone()).unwrap(),
        scheduler.every(ms(50)).fixed_delay().run(waits.clone()).unwrap(),
        scheduler.every(ms(50)).run_blocking(|| ()).unwrap(),
        scheduler.every(ms(50)).on_overlap(Allow(3)).run(waits.clone()).unwrap(),
        scheduler
            .every(ms(50))
            .on_overlap(atevery::Overlap::Replace)
            .run(waits)
            .unwrap(),
    ];
    scheduler.start().unwrap();
    let (done, finished) = mpsc::channel();
    for thread in 0..8 {
        let (jobs, done) = (jobs.clone(), done.clone());
        std::thread::spawn(move || {
            for call in 0..CALLS {
                for job in &jobs {
                    match (call + thread) % 5 {
                        0 => job.pause(),
                        1 => job.resume(),
                        2 => job.trigger(),
                        _ => job.set_interval(ms(50 + call % 100)).unwrap(),
                    }
                }
            }
            done.send(()).unwrap();
        });
    }
    let mut ended = 0;
    for _ in 0..200_000 {
        time.advance(ms(50));
        match finished.recv_timeout(Duration::from_millis(1)) {
            Ok(()) => ended += 1,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        if ended == 8 {
            break;
        }
    }
    assert_eq!(ended, 8, "a thread is stuck");
    for job in &jobs {
        job.resume();
        job.set_interval(ms(50)).unwrap();
    }
    let before = jobs.each_ref().map(Job::runs);
    let goes_on = || jobs.iter().zip(before).all(|(job, before)| job.runs() > before + 5);
    for _ in 0..20_000 {
        if goes_on() {
            break;
        }
        time.advance(ms(50));
        let _ = finished.recv_timeout(Duration::from_millis(1));
    }
    assert!(goes_on(), "{before:?} {jobs:?}");
    threads.stop(&scheduler);
}
