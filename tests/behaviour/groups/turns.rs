//! Which job begins next, and that no job starves.

use std::future::pending;

use atevery::{Job, JobState, MissedTicks, Overlap, Run};

use super::{assert_permits, at_instant, member, members, with_group, with_restart};
use crate::allow::Gauge;
use crate::support::SECOND;
use crate::time_limit::at;

/// The turn that cancels a run for the next run also admits the jobs that wait for its permit.
#[test]
fn a_run_that_was_due_in_time_has_its_turn_after_the_last_instant_too() {
    let world = with_group(1);
    let replaced = world.every(1_000).on_overlap(Overlap::Replace).group("g");
    replaced.run(pending::<()>).unwrap();
    let waiting = members(&world, 10_000, 400).until(at_instant(&world, 500));
    let waiting = waiting.run(world.log.noting("waiting")).unwrap();
    world.start();
    world.advance(100);
    waiting.trigger();
    world.advance(2_000);
    // The run of 400. The triggered run would begin too late.
    assert_eq!(world.log.take_times(), [1_000]);
    assert_eq!(waiting.status().state(), JobState::Removed);
}

#[test]
fn a_waiting_job_begins_as_soon_as_a_permit_is_free_in_the_order_of_due_instants() {
    let world = with_group(1);
    member(&world, "a", 0, 231);
    member(&world, "b", 140, 10);
    member(&world, "c", 60, 10);
    member(&world, "d", 100, 10);
    world.start();
    world.advance(1_000);
    let expected = at(&[(0, "a"), (231, "c"), (241, "d"), (251, "b")]);
    assert_eq!(world.log.take(), expected);
}

#[test]
fn who_waits_keeps_its_scheduled_instant() {
    let world = with_group(1);
    let origin = atevery::runtime::Timer::now(&world.time);
    member(&world, "a", 0, 231);
    let log = world.log.clone();
    let target = move |run: Run| log.note(format!("{:?} {:?}", run.scheduled() - origin, run.started() - origin));
    members(&world, 200, 60).run(target).unwrap();
    world.start();
    world.advance(400);
    assert_eq!(world.log.take()[1..], at(&[(231, "60ms 231ms"), (300, "260ms 300ms")]));
}

#[test]
fn those_due_at_one_instant_begin_in_the_order_of_registration() {
    let world = with_group(1);
    for name in ["a", "b", "c", "d"] {
        member(&world, name, 0, 7);
    }
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take(), at(&[(0, "a"), (7, "b"), (14, "c"), (21, "d")]));
}

#[test]
fn those_that_come_up_at_one_tick_begin_in_the_order_of_due_instants() {
    let world = with_group(1);
    member(&world, "late", 40, 7);
    member(&world, "early", 10, 7);
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_names(), ["early", "late"]);
}

#[test]
fn two_permits_that_become_free_serve_two() {
    let world = with_group(2);
    member(&world, "a", 0, 121);
    member(&world, "b", 0, 121);
    for name in ["c", "d", "e"] {
        member(&world, name, 50, 10);
    }
    world.start();
    world.advance(1_000);
    assert_eq!(
        world.log.take(),
        at(&[(0, "a"), (0, "b"), (121, "c"), (121, "d"), (131, "e")])
    );
}

#[test]
fn a_permit_is_free_at_once_for_a_job_that_is_due_later() {
    let world = with_group(1);
    member(&world, "a", 0, 30);
    member(&world, "b", 100, 10);
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take(), at(&[(0, "a"), (100, "b")]));
}

#[test]
fn nothing_starves_among_busy_neighbours() {
    let world = with_group(2);
    for index in 0..20 {
        let busy = world.log.taking("", move |number| 20 + (number * 7 + index) % 40);
        let builder = members(&world, 50, 0).missed_ticks(MissedTicks::Skip);
        builder.run(busy).unwrap();
    }
    let rare: Vec<Job> = (1..=5)
        .map(|index| members(&world, 1_000 * index, 0).run(|| ()).unwrap())
        .collect();
    world.start();
    world.advance(600_000);
    for (index, job) in rare.iter().enumerate() {
        let expected = 600 / (index as u64 + 1);
        assert!(job.runs() >= expected - 1, "{} of {expected}", job.runs());
        assert!(
            job.status().max_lateness() < SECOND,
            "{:?}",
            job.status().max_lateness()
        );
    }
    let counts: Vec<u64> = world.scheduler.jobs()[..20].iter().map(Job::runs).collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(*least * 2 > *most, "{counts:?}");
}

#[test]
fn those_that_never_catch_up_starve_nobody() {
    let world = with_group(1);
    for _ in 0..3 {
        let busy = world.log.taking("", |_| 60);
        members(&world, 100, 0)
            .missed_ticks(MissedTicks::Burst)
            .run(busy)
            .unwrap();
    }
    let rare = members(&world, 1_000, 0).run(|| ()).unwrap();
    world.start();
    world.advance(600_000);
    // The permits are enough for half of the runs that are due.
    assert!(rare.runs() > 250, "{}", rare.runs());
}

#[test]
fn one_that_never_catches_up_starves_no_job_that_skips() {
    let world = with_group(1);
    for _ in 0..3 {
        let busy = world.log.taking("", |_| 60);
        members(&world, 100, 0)
            .missed_ticks(MissedTicks::Burst)
            .run(busy)
            .unwrap();
    }
    let rare = members(&world, 1_000, 0)
        .missed_ticks(MissedTicks::Skip)
        .run(|| ())
        .unwrap();
    world.start();
    world.advance(600_000);
    assert!(rare.runs() > 100, "{}", rare.runs());
}

#[test]
fn a_job_that_takes_its_turn_again_and_again_leaves_room_for_others() {
    let world = with_group(1);
    let greedy = members(&world, 50, 0).run(world.log.taking("greedy", |_| 500)).unwrap();
    let modest = members(&world, 1_000, 10)
        .run(world.log.taking("modest", |_| 10))
        .unwrap();
    world.start();
    world.advance(60_000);
    assert!(
        greedy.runs() > 80 && modest.runs() > 5,
        "{} {}",
        greedy.runs(),
        modest.runs()
    );
}

#[test]
fn a_triggered_run_waits_for_a_permit_and_its_turn() {
    let world = with_group(1);
    member(&world, "a", 0, 330);
    member(&world, "b", 100, 10);
    let job = member(&world, "c", 5_000, 10);
    world.start();
    world.advance(160);
    job.trigger();
    world.advance(500);
    assert_eq!(world.log.take(), at(&[(0, "a"), (330, "b"), (340, "c")]));
}

#[test]
fn synchronous_jobs_take_turns_without_a_tick_in_between() {
    let world = with_group(1);
    let jobs: Vec<Job> = (0..500).map(|_| members(&world, 100, 0).run(|| ()).unwrap()).collect();
    world.start();
    assert!(jobs.iter().all(|job| job.runs() == 1));
    world.advance(500);
    assert!(jobs.iter().all(|job| job.runs() == 6));
}

#[test]
fn a_job_of_so_many_runs_that_waits_has_them_all() {
    let world = with_group(1);
    let jobs: Vec<Job> = (0..5)
        .map(|_| {
            members(&world, 50, 0)
                .times(4)
                .run(world.log.taking("", |_| 20))
                .unwrap()
        })
        .collect();
    world.start();
    world.advance(5_000);
    assert!(jobs.iter().all(|job| job.runs() == 4));
    assert!(world.scheduler.jobs().is_empty());
    assert_permits(&world, 1);
}

#[test]
fn a_thousand_that_wait_are_served_one_by_one() {
    for blocking in [false, true] {
        let world = with_group(1);
        let gauge = Gauge::default();
        for _ in 0..1_000 {
            let gauge = gauge.clone();
            let builder = members(&world, 100_000, 0);
            if blocking {
                builder.run_blocking(move || drop(gauge.enter()))
            } else {
                builder.run(world.log.taking("", |_| 1))
            }
            .unwrap();
        }
        world.start();
        world.advance(2_000);
        assert!(world.scheduler.jobs().iter().all(|job| job.runs() == 1));
        assert!(gauge.peak() <= 1);
        assert_permits(&with_restart(world), 1);
    }
}

/// The run that gives way frees the only permit.
#[test]
fn a_triggered_run_that_replaces_another_waits_behind_those_that_came_up_before() {
    for (trigger, expected) in [
        (60, [(0, "replaced"), (60, "replaced"), (60, "")]),
        (100, [(0, "replaced"), (100, "due"), (110, "replaced")]),
        (120, [(0, "replaced"), (120, "due"), (130, "replaced")]),
    ] {
        let world = with_group(1);
        let replaced = members(&world, 10_000, 0).name("replaced").on_overlap(Overlap::Replace);
        let log = world.log.clone();
        let replaced = replaced
            .run(move || {
                log.note("replaced");
                pending::<()>()
            })
            .unwrap();
        member(&world, "due", 80, 10);
        world.start();
        world.advance(trigger);
        replaced.trigger();
        world.advance(1_000);
        let expected: Vec<_> = expected.into_iter().filter(|(_, name)| !name.is_empty()).collect();
        assert_eq!(world.log.take(), at(&expected));
    }
}
