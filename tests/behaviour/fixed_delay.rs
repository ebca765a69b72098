//! The interval counts from the end of a run.

use std::sync::Arc;
use std::time::Duration;

use atevery::runtime::Timer;
use atevery::{Allow, FirstRun, Job, JobBuilder, MissedTicks, Overlap, Run};

use crate::jitter::{begun, noting_scheduled};
use crate::support::{Count, World, ms, yield_now};

/// Registers a job whose runs note their scheduled instant, and then take `duration_ms`.
fn taking(world: &World, builder: JobBuilder, duration_ms: impl Fn(u64) -> u64 + Send + 'static) -> Job {
    let (mut noting, clock) = (noting_scheduled(world), world.time.clone());
    let target = move |run: Run| {
        let duration = ms(duration_ms(run.number()));
        noting(run);
        clock.sleep(duration)
    };
    builder.fixed_delay().run(target).unwrap()
}

/// A synchronous target that notes when it was scheduled and takes 70 ms.
fn blocking_for_70_ms(world: &World) -> impl FnMut(Run) + Send + 'static {
    let (mut noting, clock) = (noting_scheduled(world), world.time.clone());
    move |run: Run| {
        noting(run);
        clock.block_for(ms(70));
    }
}

#[test]
fn the_timeline_of_the_docs() {
    let world = World::new();
    taking(&world, world.every(100), |_| 70);
    world.start();
    world.advance(449);
    assert_eq!(begun(&world), [(0, 0), (200, 170), (400, 370)]);
}

#[test]
fn without_it_the_interval_counts_from_the_scheduled_instant() {
    let world = World::new();
    world.taking("a", 100, 70);
    world.start();
    world.advance(449);
    assert_eq!(world.log.take_times(), [0, 100, 200, 300, 400]);
}

#[test]
fn runs_that_hold_their_thread() {
    let world = World::new();
    let target = blocking_for_70_ms(&world);
    world.every(100).fixed_delay().run(target).unwrap();
    world.start();
    world.advance(370);
    assert_eq!(begun(&world), [(0, 0), (200, 170), (400, 370)]);
}

#[test]
fn runs_on_the_blocking_pool() {
    let world = World::new();
    let target = blocking_for_70_ms(&world);
    world.every(100).fixed_delay().run_blocking(target).unwrap();
    world.start();
    world.advance(370);
    assert_eq!(begun(&world), [(0, 0), (200, 170), (400, 370)]);
}

#[test]
fn runs_that_take_no_time() {
    let world = World::new();
    let target = noting_scheduled(&world);
    world.every(100).fixed_delay().run(target).unwrap();
    world.start();
    world.advance(300);
    assert_eq!(begun(&world), [(0, 0), (100, 100), (200, 200), (300, 300)]);
}

#[test]
fn runs_that_are_longer_than_the_interval() {
    let world = World::new();
    let job = taking(&world, world.every(100), |_| 330);
    world.start();
    world.advance(1_400);
    assert_eq!(begun(&world), [(0, 0), (450, 430), (900, 880), (1_350, 1_330)]);
    assert_eq!(job.status().missed(), 0);
}

#[test]
fn runs_that_fail_or_panic() {
    for panics in [false, true] {
        let world = World::new();
        let (log, clock) = (world.log.clone(), world.time.clone());
        let target = move || {
            log.note("a");
            let sleep = clock.sleep(ms(70));
            async move {
                sleep.await;
                assert!(!panics, "a job panics");
                Err("no")
            }
        };
        let job = world.every(100).fixed_delay().run(target).unwrap();
        world.start();
        world.advance(390);
        assert_eq!(world.log.take_times(), [0, 200], "panics: {panics}");
        assert_eq!(job.status().failures() + job.status().panics(), 2);
    }
}

#[test]
fn a_synchronous_run_that_panics() {
    let world = World::new();
    let mut blocks = blocking_for_70_ms(&world);
    let target = move |run: Run| -> () {
        blocks(run);
        panic!("a job panics");
    };
    world.every(100).fixed_delay().run(target).unwrap();
    world.start();
    world.advance(370);
    assert_eq!(begun(&world), [(0, 0), (200, 170), (400, 370)]);
}

#[test]
fn a_run_that_is_timed_out() {
    let world = World::new();
    taking(&world, world.every(100).timeout(ms(70)), |_| 1_000);
    world.start();
    world.advance(370);
    assert_eq!(begun(&world), [(0, 0), (200, 170)]);
}

#[test]
fn a_run_that_is_tried_again_ends_with_its_last_attempt() {
    let world = World::new();
    let mut noting = noting_scheduled(&world);
    let target = move |run: Run| {
        noting(run);
        Err("no")
    };
    let builder = world.every(100).retry(|| [ms(70)]);
    builder.fixed_delay().run(target).unwrap();
    world.start();
    world.advance(299);
    assert_eq!(begun(&world), [(0, 0), (70, 0), (200, 170), (270, 170)]);
}

#[test]
fn a_run_that_a_stop_cancelled_has_ended_then() {
    let world = World::new();
    taking(&world, world.every(100), |_| 10_000);
    world.start();
    world.advance(30);
    world.stop();
    world.advance(10);
    world.start(); // at 40: ticks at 90 and 140
    world.advance(200);
    assert_eq!(begun(&world), [(0, 0), (140, 100)]); // it began at 0 and was gone before the next tick
}

#[test]
fn a_restart_after_the_interval_runs_at_once() {
    let world = World::new();
    taking(&world, world.every(100), |run| if run == 0 { 10_000 } else { 70 });
    world.start();
    world.advance(30);
    world.stop();
    world.advance(970);
    world.start();
    world.advance(220);
    assert_eq!(begun(&world), [(0, 0), (1_000, 1_000), (1_200, 1_170)]);
}

#[test]
fn a_restart_while_the_last_run_goes_on_waits_for_its_end() {
    let stuck = crate::threads::Stuck::new();
    let (waiter, runs) = (stuck.waiter(), Count::default());
    let count = runs.clone();
    let target = move || {
        count.up();
        waiter.wait();
    };
    let builder = stuck.scheduler.every(ms(50)).fixed_delay();
    let job = builder.run_blocking(target).unwrap();
    stuck.start();
    let stop = stuck.scheduler.stop().timeout(Duration::ZERO).into_future();
    let report = futures::executor::block_on(stop);
    assert_eq!(report.still_running(), std::slice::from_ref(&job));
    stuck.scheduler.start().unwrap();
    stuck.world().advance(1_000);
    assert_eq!(runs.get(), 1);
    stuck.release();
    stuck.world().advance_until(|| runs.get() > 3);
}

#[test]
fn the_first_run_is_where_it_was_to_be() {
    for (first, at) in [
        (FirstRun::Now, 0),
        (FirstRun::AfterInterval, 100),
        (FirstRun::After(ms(230)), 230),
    ] {
        let world = World::new();
        taking(&world, world.every(100).first_run(first), |_| 70);
        world.start();
        world.advance(at + 220);
        let runs = begun(&world);
        let tick = at.next_multiple_of(50);
        assert_eq!(runs[0], (tick, at), "{first:?}");
        assert_eq!(runs[1].1, tick + 170, "{first:?}");
    }
}

#[test]

fn there_are_no_missed_runs() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let missed = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (mut noting, saw) = (noting_scheduled(&world), Arc::clone(&missed));
        let target = move |run: Run| {
            saw.lock().unwrap().push(run.missed());
            noting(run);
        };
        let builder = world.every(100).fixed_delay().missed_ticks(policy);
        let job = builder.run(target).unwrap();
        world.start();
        world.time.jump(ms(950));
        world.advance(250);
        let expected = [(0, 0), (950, 100), (1_050, 1_050), (1_150, 1_150)];
        assert_eq!(begun(&world), expected, "{policy:?}");
        assert_eq!(
            (&*missed.lock().unwrap(), job.status().missed()),
            (&vec![0; 4], 0),
            "{policy:?}"
        );
    }
}

#[test]
fn a_run_that_is_refused_is_tried_again_at_the_next_tick() {
    for blocking in [false, true] {
        let world = World::new();
        let builder = world.every(200).fixed_delay();
        let target = noting_scheduled(&world);
        if blocking {
            builder.run_blocking(target).unwrap();
        } else {
            builder.run(target).unwrap();
        }
        world.scheduler.start().unwrap();
        world.time.refuse_spawns(1_000);
        world.advance(120);
        world.time.refuse_spawns(0);
        world.advance(280);
        assert_eq!(begun(&world), [(150, 0), (350, 350)], "blocking: {blocking}");
    }
}

#[test]
fn the_interval_counts_from_the_end_of_a_triggered_run_too() {
    let world = World::new();
    let job = taking(&world, world.every(1_000), |_| 70);
    world.start();
    world.advance(310);
    job.trigger();
    world.advance(1_300);
    assert_eq!(begun(&world), [(0, 0), (310, 310), (1_400, 1_380)]);
}

#[test]
fn a_run_triggered_in_another_is_right_after_it() {
    let world = World::new();
    let job = taking(&world, world.every(1_000), |_| 120);
    world.start();
    job.trigger();
    world.advance(1_999);
    assert_eq!(begun(&world), [(0, 0), (120, 120), (1_250, 1_240)]);
}

#[test]
fn a_run_triggered_right_before_a_regular_one_is_followed_by_the_interval() {
    let world = World::new();
    let job = taking(&world, world.every(1_000), |_| 70);
    world.start();
    world.advance(1_060); // due at 1070
    job.trigger();
    world.advance(1_440);
    let runs = begun(&world);
    assert_eq!(runs.len(), 3, "{runs:?}");
    assert_eq!(runs[1], (1_060, 1_060), "{runs:?}");
    assert_eq!(runs[2].0, 2_150, "{runs:?}"); // 1060 + 70 + 1000, and the tick after
}

#[test]
fn an_interval_changed_in_a_run_counts_from_its_end() {
    let world = World::new();
    let job = taking(&world, world.every(100), |_| 70);
    world.start();
    world.advance(10);
    job.set_interval(ms(300)).unwrap();
    world.advance(800);
    assert_eq!(begun(&world), [(0, 0), (400, 370), (800, 770)]);
}

#[test]
fn an_interval_changed_between_runs() {
    let world = World::new();
    let job = taking(&world, world.every(1_000), |_| 70);
    world.start();
    world.advance(200);
    job.set_interval(ms(100)).unwrap();
    world.advance(330);
    assert_eq!(begun(&world), [(0, 0), (200, 200), (400, 370)]);
}

#[test]
fn a_pause_during_a_run_is_not_missed() {
    let world = World::new();
    let job = taking(&world, world.every(100), |_| 70);
    world.start();
    job.pause();
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0)]);
    job.resume();
    world.advance(300);
    let runs = begun(&world);
    assert!([1_000, 1_050].contains(&runs[0].0), "{runs:?}");
    assert_eq!(runs[0].1, 1_000);
    assert_eq!(runs[1].1, runs[0].0 + 170);
}

#[test]
fn a_pause_that_is_over_before_the_end_changes_nothing() {
    let world = World::new();
    let job = taking(&world, world.every(100), |_| 70);
    world.start();
    job.pause();
    world.advance(30);
    job.resume();
    world.advance(419);
    assert_eq!(begun(&world), [(0, 0), (200, 170), (400, 370)]);
}

#[test]
fn the_next_due_instant_is_not_known_before_the_end() {
    let world = World::new();
    let job = taking(&world, world.every(100), |_| 70);
    world.start();
    assert_eq!(job.status().next_due(), None);
    world.advance(70);
    let origin = atevery::runtime::Timer::now(&world.time) - ms(70);
    assert_eq!(job.status().next_due(), Some(origin + ms(170)));
}

#[test]
fn runs_that_may_overlap_do_not() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move || {
        log.note("a");
        clock.sleep(ms(270))
    };
    let builder = world.every(100).fixed_delay().on_overlap(Allow(3));
    builder.run(target).unwrap();
    world.start();
    world.advance(800);
    assert_eq!(world.log.take_times(), [0, 400, 800]);
}

#[test]
fn runs_that_may_be_replaced_are_not() {
    let world = World::new();
    let builder = world.every(100).on_overlap(Overlap::Replace);
    let job = taking(&world, builder, |_| 270);
    world.start();
    world.advance(799);
    assert_eq!(begun(&world), [(0, 0), (400, 370)]);
    assert_eq!(job.status().cancelled(), 0);
}

#[test]
fn with_an_endless_interval_there_is_one_run() {
    let world = World::new();
    let builder = world.scheduler.every(Duration::MAX).fixed_delay();
    let job = builder.run(async || yield_now().await).unwrap();
    world.start();
    world.advance(86_400_000);
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_job_that_removes_itself_is_gone() {
    let world = World::new();
    let target = async |run: Run| {
        run.job().remove();
        yield_now().await;
    };
    let job = world.every(100).fixed_delay().run(target).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(job.runs(), 1);
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn so_many_runs_counted_from_their_ends() {
    let world = World::new();
    taking(&world, world.every(100).times(2), |_| 70);
    world.start();
    world.advance(269);
    assert_eq!(world.scheduler.jobs().len(), 1);
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0), (200, 170)]);
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn until_an_instant_counted_from_their_ends() {
    let world = World::new();
    let until = atevery::runtime::Timer::now(&world.time) + ms(369);
    taking(&world, world.every(100).until(until), |_| 70);
    world.start();
    world.advance(2_000);
    assert_eq!(begun(&world), [(0, 0), (200, 170)]); // the next was due at 370
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn with_jitter_each_run_is_put_off_from_there() {
    let world = World::new();
    let job = taking(&world, world.every(1_000).jitter(ms(400)), |_| 70);
    world.start();
    world.advance(100_000);
    let runs = begun(&world);
    assert!(runs.len() > 60, "{}", runs.len());
    for pair in runs.windows(2) {
        assert_eq!(pair[1].1, pair[0].0 + 1_070);
        assert!(pair[1].0 - pair[1].1 <= 450, "{pair:?}");
    }
    assert_eq!(job.status().missed(), 0);
}

#[test]

fn an_interval_changed_in_a_run_brings_no_other_beside_it() {
    for replaces in [false, true] {
        let world = World::new();
        let (log, clock) = (world.log.clone(), world.time.clone());
        let target = move || {
            log.note("a");
            clock.sleep(ms(1_000))
        };
        let builder = world.every(500).fixed_delay();
        let job = if replaces {
            builder.on_overlap(Overlap::Replace).run(target)
        } else {
            builder.on_overlap(Allow(3)).run(target)
        };
        world.start();
        world.advance(100);
        job.unwrap().set_interval(ms(300)).unwrap();
        world.advance(1_300);
        assert_eq!(world.log.take_times(), [0, 1_300], "replaces: {replaces}");
    }
}

/// The worker of the outer run holds back the wakeups of its own loop, but not those of the inner loop.
#[test]
fn on_a_scheduler_that_a_run_of_another_drives() {
    let outer = World::new();
    let runs = Count::default();
    let inner_runs = runs.clone();
    let target = move || {
        let inner = World::new();
        let runs = inner_runs.clone();
        inner
            .every(1_000)
            .fixed_delay()
            .run_blocking(move || runs.up())
            .unwrap();
        inner.start();
        inner.advance(10_000);
    };
    outer.every(100).run(target).unwrap();
    outer.start();
    assert_eq!(runs.get(), 11);
}

/// The triggered run schedules the next run at its end. The end of the other run schedules it anew.
#[test]
fn of_runs_that_overlap_each_counts_from_its_own_end() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let origin = world.time.now();
    let target = move |run: Run| {
        log.note((run.scheduled() - origin).as_millis().to_string());
        clock.sleep(ms(if run.number() == 0 { 100 } else { 0 }))
    };
    let job = world.every(50).fixed_delay().on_overlap(Allow(2)).run(target).unwrap();
    world.start();
    world.advance(60);
    job.trigger();
    world.advance(140);
    assert_eq!(begun(&world), [(0, 0), (60, 60), (150, 150), (200, 200)]);
}
