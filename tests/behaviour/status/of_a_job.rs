//! The status of a job.

use super::*;

#[test]
fn before_its_first_run() {
    let world = World::new();
    let start = world.time.now();
    let job = world.every(1_500).name("a").run(|| ()).unwrap();
    let status = job.status();
    assert_eq!((status.id(), status.name()), (job.id(), "a"));
    assert_eq!(
        (status.state(), status.interval()),
        (JobState::Waiting, Some(ms(1_500)))
    );
    assert_eq!((status.runs(), status.failures(), status.panics()), (0, 0, 0));
    assert_eq!((status.timeouts(), status.cancelled(), status.retries()), (0, 0, 0));
    assert_eq!((status.missed(), status.refused(), status.last_error()), (0, 0, None));
    assert_eq!((status.last_start(), status.next_due()), (None, Some(start)));
    assert_eq!((status.last_duration(), status.mean_duration()), (None, None));
    assert_eq!(
        (status.max_lateness(), histogram(&status)),
        (Duration::ZERO, vec![0; 4])
    );
}

#[test]
fn while_a_run_is_in_progress_and_after_it() {
    let world = World::new();
    let start = world.time.now();
    let job = world.taking("a", 100, 30);
    world.start();
    world.advance(110);
    let status = job.status();
    assert_eq!((status.state(), status.runs()), (JobState::Running, 2));
    assert_eq!(status.last_start(), Some(start + ms(100)));
    assert_eq!(status.last_duration(), Some(ms(30))); // of the run before
    assert_eq!(status.next_due(), Some(start + ms(200)));
    world.advance(20);
    let status = job.status();
    assert_eq!((status.state(), status.runs()), (JobState::Waiting, 2));
    assert_eq!(status.last_start(), Some(start + ms(100)));
}

#[test]
fn in_its_own_run() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| log.note(run.job().status().state().to_string());
    world.every(100).run(target).unwrap();
    world.start();
    assert_eq!(world.log.take_names(), ["running"]);
}

#[test]
fn while_it_is_paused_and_after_it_was_removed() {
    let world = World::new();
    let start = world.time.now();
    let job = world.taking("a", 100, 30);
    world.start();
    job.pause();
    assert_eq!(job.status().state(), JobState::Running);
    world.advance(50);
    assert_eq!(job.status().state(), JobState::Paused);
    assert_eq!(job.status().next_due(), None);
    job.resume();
    assert_eq!(job.status().state(), JobState::Waiting);
    assert_eq!(job.status().next_due(), Some(start + ms(100)));
    world.advance(60);
    job.remove();
    assert_eq!(job.status().state(), JobState::Running);
    assert_eq!(job.status().next_due(), None);
    world.advance(50);
    let status = job.status();
    assert_eq!((status.state(), status.runs()), (JobState::Removed, 2));
    assert_eq!(status.last_start(), Some(start + ms(100)));
    job.pause();
    assert_eq!(job.status().state(), JobState::Removed);
}

#[test]
fn the_next_due_instant_of_a_fixed_delay_is_known_at_the_end_of_the_run() {
    let world = World::new();
    let start = world.time.now();
    let clock = world.time.clone();
    let target = move || clock.sleep(ms(70));
    let job = world.every(100).fixed_delay().run(target).unwrap();
    world.start();
    assert_eq!(job.status().next_due(), None);
    world.advance(80);
    assert_eq!(job.status().next_due(), Some(start + ms(170)));
}

/// The next due instant, in milliseconds from now, by the job's own status and by that of the scheduler.
fn next_due(world: &World, job: &atevery::Job) -> Option<u64> {
    let now = world.time.now();
    let ahead = |status: &atevery::JobStatus| {
        let due = status.next_due()?;
        Some(u64::try_from(due.saturating_duration_since(now).as_millis()).unwrap())
    };
    let own = ahead(&job.status());
    let of_all = world.scheduler.status();
    let same = of_all.jobs().iter().find(|status| status.id() == job.id());
    assert!(same.is_none_or(|status| ahead(status) == own));
    own
}

#[test]
fn nothing_is_foretold_after_the_last_of_so_many_runs() {
    for duration in [0, 500] {
        let world = World::new();
        let clock = world.time.clone();
        let target = move || clock.sleep(ms(duration));
        let job = world.every(1_000).times(2).run(target).unwrap();
        assert_eq!(next_due(&world, &job), Some(0));
        world.start();
        world.advance(600);
        assert_eq!(next_due(&world, &job), Some(400));
        world.advance(400);
        assert_eq!(job.runs(), 2);
        assert_eq!(next_due(&world, &job), None, "{duration} ms");
        job.trigger();
        assert_eq!(next_due(&world, &job), None, "{duration} ms, triggered");
        world.advance(10_000);
        assert_eq!(job.runs(), 2);
    }
}

#[test]
fn nothing_is_foretold_past_the_end_of_a_job() {
    for duration in [0, 800] {
        let world = World::new();
        let clock = world.time.clone();
        let until = world.time.now() + ms(1_500);
        let target = move || clock.sleep(ms(duration));
        let job = world.every(1_000).until(until).run(target).unwrap();
        world.start();
        assert_eq!(next_due(&world, &job), Some(1_000));
        world.advance(1_000);
        assert_eq!(next_due(&world, &job), None, "{duration} ms");
        world.advance(10_000);
        assert_eq!(job.runs(), 2);
    }
}

#[test]
fn nothing_is_foretold_for_a_job_that_a_start_would_find_past_its_end() {
    for first in [FirstRun::Now, FirstRun::After(ms(5_000))] {
        let world = World::new();
        let until = world.time.now() + ms(1_500);
        let job = world.every(1_000).first_run(first).until(until).run(|| ()).unwrap();
        world.advance(1_501);
        assert_eq!(next_due(&world, &job), None, "{first:?}");
        world.start();
        world.advance(10_000);
        assert_eq!((job.runs(), next_due(&world, &job)), (0, None), "{first:?}");
    }
}

#[test]
fn a_late_run_that_still_begins_is_foretold() {
    let world = World::new();
    let until = world.time.now() + ms(1_010);
    let job = world.every(1_000).until(until).run(|| ()).unwrap();
    world.start();
    world.time.jump(ms(1_020));
    assert!(job.status().next_due().is_some());
    world.advance(50);
    assert_eq!((job.runs(), next_due(&world, &job)), (2, None));
}

#[test]
fn several_runs_at_once_are_one_state() {
    let world = World::new();
    let clock = world.time.clone();
    let target = move || clock.sleep(ms(150));
    let job = world.every(100).on_overlap(Allow(2)).run(target).unwrap();
    world.start();
    world.advance(120);
    assert_eq!((job.status().state(), job.status().runs()), (JobState::Running, 2));
    job.pause();
    world.advance(60); // The first has ended.
    assert_eq!(job.status().state(), JobState::Running);
    world.advance(100);
    let status = job.status();
    assert_eq!((status.state(), status.runs()), (JobState::Paused, 2));
    assert_eq!((status.last_duration(), measured(&job)), (Some(ms(150)), 2));
}

#[test]
fn its_interval_follows_set_interval() {
    let world = World::new();
    let job = world.noting("a", 100);
    job.set_interval(SECOND).unwrap();
    assert_eq!(job.status().interval(), Some(SECOND));
}

#[test]
fn after_its_scheduler() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let job = scheduler.every(ms(100)).name("a").run(|| Err("no pulse")).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(250));
    drop(scheduler);
    let status = job.status();
    assert_eq!(
        (status.state(), status.runs(), status.failures()),
        (JobState::Removed, 3, 3)
    );
    assert_eq!((status.last_error(), status.next_due()), (Some("no pulse"), None));
    assert_eq!(
        (status.last_duration(), histogram(&status)),
        (Some(Duration::ZERO), vec![3, 0, 0, 0])
    );
    assert!(status.to_string().contains("removed"), "{status}");
}

#[test]

fn after_its_scheduler_there_are_no_instants() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let job = scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    time.run_until_stalled();
    assert!(job.status().last_start().is_some());
    drop(scheduler);
    assert_eq!((job.status().last_start(), job.status().next_due()), (None, None));
}

#[test]
fn a_status_is_that_of_the_moment_it_was_taken() {
    let world = World::new();
    let job = world.noting("a", 100);
    let status = job.status();
    world.start();
    assert_eq!((status.runs(), job.status().runs()), (0, 1));
}
