//! Pause and resume.

use std::future::pending;

use atevery::{Allow, FirstRun, Job, JobState, MissedTicks, Run};

use crate::ends::offer;
use crate::jitter::{begun, noting_scheduled};
use crate::support::{Count, World, later, ms, names, put, take};

fn noting(world: &World, interval_ms: u64) -> Job {
    let job = world.every(interval_ms).run(noting_scheduled(world)).unwrap();
    world.start();
    job
}

#[test]
fn the_timeline_of_the_docs() {
    let world = World::new();
    let job = noting(&world, 1_000);
    world.advance(600);
    job.pause();
    world.advance(1_580);
    job.resume(); // at 2180
    world.advance(1_070);
    let runs = begun(&world);
    assert_eq!(runs, [(0, 0), (2_200, 2_180), (3_200, 3_180)]);
}

#[test]
fn no_run_begins_until_it_is_over() {
    let world = World::new();
    let (job, other) = (world.noting("a", 100), world.every(100).run(|| ()).unwrap());
    world.start();
    world.advance(110);
    assert!(!job.is_paused());
    job.pause();
    assert!(job.is_paused());
    world.advance(100_000);
    assert_eq!((job.runs(), other.runs()), (2, 1_002));
}

#[test]
fn a_pause_that_is_over_in_time_leaves_no_trace() {
    let world = World::new();
    let job = noting(&world, 100);
    for _ in 0..5 {
        world.advance(10);
        job.pause();
        world.advance(80);
        job.resume();
        world.advance(10);
    }
    let expected: Vec<_> = (0..=5).map(|run| (run * 100, run * 100)).collect();
    assert_eq!(begun(&world), expected);
}

#[test]
fn time_paused_is_not_missed() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let target = noting_scheduled(&world);
        let job = world.every(100).missed_ticks(policy).run(target).unwrap();
        world.start();
        world.advance(50);
        job.pause();
        world.advance(10_000);
        begun(&world);
        job.resume(); // at 10050
        world.advance(250);
        let runs = begun(&world);
        assert!([10_050, 10_100].contains(&runs[0].0), "{policy:?}: {runs:?}");
        assert_eq!(runs[0].1, 10_050, "{policy:?}");
        assert_eq!(runs.len(), 3, "{policy:?}: {runs:?}");
        assert_eq!(job.status().missed(), 0, "{policy:?}");
    }
}

#[test]
fn a_job_that_is_offered_does_not_run_after_the_call() {
    for blocking in [false, true] {
        let world = World::new();
        let builder = world.every(100);
        let target = world.log.noting("a");
        let job = if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        };
        let job = job.unwrap();
        world.scheduler.start().unwrap();
        offer(&world);
        assert_eq!(job.runs(), 0);
        job.pause();
        world.advance(500);
        assert_eq!(job.runs(), 0, "blocking: {blocking}");
        job.resume();
        world.advance(50);
        assert_eq!(job.runs(), 1, "blocking: {blocking}");
    }
}

#[test]
fn an_offer_survives_a_pause_that_is_over_at_once() {
    let world = World::new();
    let job = world.every(100).run(noting_scheduled(&world)).unwrap();
    world.scheduler.start().unwrap();
    offer(&world);
    job.pause();
    job.resume();
    world.advance(100);
    let runs = begun(&world);
    assert_eq!((runs.len(), runs[0]), (2, (0, 0)));
}

#[test]
fn a_job_pauses_the_next_of_the_same_tick() {
    let world = World::new();
    let slot = later::<Job>();
    let next = slot.clone();
    let target = move |run: Run| {
        if run.number() == 1 {
            take(&next).pause();
        }
    };
    world.every(100).run(target).unwrap();
    let next = world.noting("next", 100);
    put(&slot, next.clone());
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0]);
    next.resume();
    world.advance(100);
    assert_eq!(next.runs(), 3); // due at 1000 and 1100
}

#[test]
fn a_run_in_progress_goes_on() {
    let world = World::new();
    let (ended, clock) = (Count::default(), world.time.clone());
    let count = ended.clone();
    let target = move |run: Run| {
        let (sleep, count) = (clock.sleep(ms(330)), count.clone());
        async move {
            sleep.await;
            assert!(!run.is_cancelled());
            count.up();
        }
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    world.advance(10);
    job.pause();
    world.advance(1_000);
    assert_eq!((job.runs(), ended.get(), job.is_running()), (1, 1, false));
    assert_eq!((job.status().panics(), job.status().cancelled()), (0, 0));
}

#[test]
fn a_job_that_comes_due_while_it_runs_and_is_paused_does_not_run() {
    let world = World::new();
    let job = world.taking("a", 100, 230);
    world.start();
    world.advance(50);
    job.pause();
    world.advance(1_000); // due at 100, ended at 230
    assert_eq!(job.runs(), 1);
    job.resume(); // at 1050
    world.advance(50);
    assert_eq!(job.runs(), 2);
    world.advance(1_000); // 230 each, from tick to tick
    assert_eq!(job.runs(), 6);
}

#[test]
fn a_job_that_came_due_while_it_ran_and_is_paused_then_does_not_run() {
    let world = World::new();
    let job = world.taking("a", 100, 230);
    world.start();
    world.advance(150); // due at 100
    job.pause();
    world.advance(1_000);
    assert_eq!(job.runs(), 1);
    job.resume();
    world.advance(50);
    assert_eq!(job.runs(), 2);
}

#[test]
fn a_pause_within_a_run_leaves_the_next_where_it_was() {
    let world = World::new();
    let job = world.taking("a", 500, 230);
    world.start();
    world.advance(50);
    job.pause();
    world.advance(50);
    job.resume();
    world.advance(900);
    assert_eq!(world.log.take_times(), [0, 500, 1_000]);
}

#[test]
fn twice_is_once() {
    let world = World::new();
    let job = noting(&world, 100);
    job.pause();
    world.advance(500);
    job.pause();
    world.advance(500);
    job.resume();
    assert!(!job.is_paused());
    world.advance(149);
    let once = begun(&world);
    assert_eq!(once.len(), 3, "{once:?}"); // 0, about 1000 and 1100
    job.resume();
    world.advance(51);
    let scheduled: Vec<_> = begun(&world).iter().map(|(_, scheduled)| *scheduled).collect();
    assert_eq!(scheduled, [1_200]);
}

#[test]
fn a_resume_without_a_pause_changes_nothing() {
    let world = World::new();
    let (mut noting, clock) = (noting_scheduled(&world), world.time.clone());
    let target = move |run: Run| {
        noting(run);
        clock.sleep(ms(230))
    };
    let job = world.every(100).run(target).unwrap();
    job.resume();
    world.start();
    for _ in 0..80 {
        job.resume();
        world.advance(10);
    }
    assert_eq!(begun(&world), [(0, 0), (250, 100), (500, 200), (750, 300)]);
}

#[test]
fn from_inside_the_job() {
    let world = World::new();
    let pause = |run: Run| run.job().pause();
    let plain = world.every(100).run(pause).unwrap();
    let blocking = world.every(100).run_blocking(pause).unwrap();
    let waits = async |run: Run| {
        crate::support::yield_now().await;
        run.job().pause();
        crate::support::yield_now().await;
    };
    let waits = world.every(100).run(waits).unwrap();
    let jobs = [plain, blocking, waits];
    world.start();
    world.advance(1_000);
    assert_eq!(jobs.each_ref().map(Job::runs), [1, 1, 1]);
    jobs.iter().for_each(Job::resume);
    world.advance(1_000);
    assert_eq!(jobs.each_ref().map(Job::runs), [2, 2, 2]);
}

#[test]
fn a_job_that_pauses_and_resumes_itself_goes_on() {
    let world = World::new();
    let target = |run: Run| {
        run.job().pause();
        run.job().resume();
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(job.runs(), 11);
}

#[test]
fn another_job_resumes_it() {
    let world = World::new();
    let slot = later::<Job>();
    let other = slot.clone();
    let target = move |run: Run| {
        if run.number() == 5 {
            take(&other).resume();
        }
    };
    world.every(100).run(target).unwrap();
    let job = noting(&world, 1_000);
    put(&slot, job.clone());
    job.pause();
    world.advance(2_000);
    let runs = begun(&world);
    assert_eq!(runs, [(0, 0), (1_000, 1_000), (2_000, 2_000)]); // resumed at 500
}

#[test]
fn before_the_first_run() {
    let world = World::new();
    let job = world.every(100).run(noting_scheduled(&world)).unwrap();
    job.pause();
    world.start();
    world.advance(510);
    assert_eq!(job.runs(), 0);
    job.resume();
    world.advance(190);
    assert_eq!(begun(&world), [(550, 510), (650, 610)]);
}

#[test]
fn a_first_run_that_is_ahead_stays_where_it_was() {
    let world = World::new();
    let builder = world.every(100).first_run(FirstRun::After(ms(500)));
    let job = builder.run(noting_scheduled(&world)).unwrap();
    world.start();
    job.pause();
    world.advance(400);
    job.resume();
    world.advance(200);
    assert_eq!(begun(&world), [(500, 500), (600, 600)]);
}

#[test]
fn a_restart_does_not_end_it() {
    let world = World::new();
    let job = noting(&world, 100);
    job.pause();
    world.stop();
    world.advance(500);
    world.start();
    world.advance(500);
    assert_eq!(job.runs(), 1);
    assert!(job.is_paused());
    job.resume(); // at 1000
    world.advance(150);
    assert_eq!(job.runs(), 3);
}

#[test]
fn a_job_that_is_paused_while_all_is_stopped() {
    let world = World::new();
    let job = noting(&world, 100);
    world.stop();
    job.pause();
    world.start();
    world.advance(500);
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_job_that_is_resumed_while_all_is_stopped() {
    let world = World::new();
    let job = noting(&world, 100);
    job.pause();
    world.advance(200);
    world.stop();
    world.advance(100);
    job.resume();
    world.advance(700);
    begun(&world);
    world.start(); // at 1000
    world.advance(200);
    assert_eq!(begun(&world), [(1_000, 1_000), (1_100, 1_100), (1_200, 1_200)]);
}

#[test]
fn a_run_in_progress_of_a_paused_job_is_cancelled_by_a_stop() {
    let world = World::new();
    let job = world.endless("endless");
    world.start();
    job.pause();
    assert_eq!(names(world.stop().cancelled()), ["endless"]);
    world.start();
    world.advance(5_000);
    assert_eq!(job.runs(), 1);
}

#[test]
fn the_status_says_so() {
    let world = World::new();
    let job = world.taking("a", 100, 30);
    world.start();
    job.pause();
    assert_eq!(job.status().state(), JobState::Running);
    world.advance(50);
    assert_eq!(job.status().state(), JobState::Paused);
    assert_eq!(job.status().next_due(), None);
    assert_eq!(world.scheduler.status().jobs()[0].state(), JobState::Paused);
    job.resume();
    assert_eq!(job.status().state(), JobState::Waiting);
    assert!(job.status().next_due().is_some());
    job.pause();
    job.remove();
    assert_eq!(job.status().state(), JobState::Removed);
}

#[test]
fn what_is_paused_can_be_removed() {
    let world = World::new();
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let target = move || {
        let _guard = &guard;
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    job.pause();
    job.remove();
    assert_eq!(dropped.get(), 1);
    job.resume();
    world.advance(500);
    assert_eq!(job.runs(), 1);
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn what_is_paused_costs_no_wake_up() {
    let world = World::new();
    let job = noting(&world, 100);
    job.pause();
    world.advance(200);
    assert_eq!(world.time.timers(), 0);
    job.resume();
    world.advance(200);
    assert!(job.runs() > 1);
}

#[test]
fn runs_that_overlap() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move || {
        log.note("a");
        clock.sleep(ms(130))
    };
    let job = world.every(100).on_overlap(Allow(3)).run(target).unwrap();
    world.start();
    world.advance(310);
    world.log.take();
    job.pause();
    world.advance(1_000);
    assert_eq!(world.log.take(), []);
    job.resume(); // at 1310
    world.advance(350);
    let times = world.log.take_times();
    assert_eq!(times, [1_350, 1_450, 1_550, 1_650]);
}

#[test]
fn an_instance_that_is_offered_does_not_run_after_the_call() {
    let world = World::new();
    let job = world.every(100).on_overlap(Allow(3)).run(pending::<()>).unwrap();
    world.start();
    world.advance(99);
    world.time.jump(ms(1));
    offer(&world);
    assert_eq!(job.runs(), 1);
    job.pause();
    world.advance(500);
    assert_eq!(job.runs(), 1);
    job.resume();
    world.advance(50);
    assert_eq!(job.runs(), 2);
}

#[test]
fn a_job_that_waits_for_its_group_does_not_run() {
    let world = World::new();
    world.scheduler.group("one", 1).unwrap();
    let first = world.every(10_000).group("one").run(world.log.taking("first", |_| 330));
    let second = world.every(10_000).group("one").run(world.log.noting("second"));
    let third = world.every(10_000).group("one").run(world.log.noting("third"));
    let [_, second, _] = [first, second, third].map(Result::unwrap);
    world.start();
    world.advance(100);
    second.pause();
    world.advance(900);
    assert_eq!(world.log.take_names(), ["first", "third"]);
    second.resume();
    world.advance(50);
    assert_eq!(world.log.take_names(), ["second"]);
}
