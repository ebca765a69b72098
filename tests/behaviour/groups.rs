//! Jobs of which only so many run at once.

use std::future::pending;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::{Duration, Instant};

use atevery::runtime::{Standalone, Timer};
use atevery::testing::VirtualTime;
use atevery::{Allow, FirstRun, Job, JobBuilder, JobState, MissedTicks, Overlap, Run, Scheduler};

use crate::allow::Gauge;
use crate::naive::{Clock, Mode, Naive, pass};
use crate::support::{Count, SECOND, World, blow_up, in_time, later, ms, names, put, take};
use crate::time_limit::{at, witnessed};

/// A world with a group "g" of so many places.
fn with_group(limit: usize) -> World {
    let world = World::new();
    world.scheduler.group("g", limit).unwrap();
    world
}

/// A job of the group that is due for the first time after `first_ms`, and notes its name when it begins.
fn member(world: &World, name: &'static str, first_ms: u64, takes_ms: u64) -> Job {
    members(world, 10_000, first_ms)
        .name(name)
        .run(world.log.taking(name, move |_| takes_ms))
        .unwrap()
}

fn members(world: &World, interval_ms: u64, first_ms: u64) -> JobBuilder {
    let first = FirstRun::After(ms(first_ms));
    world.every(interval_ms).first_run(first).group("g")
}

/// All places of the group are free.
fn assert_places(world: &World, places: usize) {
    assert!(world.stop().is_clean());
    world.start();
    let jobs: Vec<Job> = (0..=places)
        .map(|_| world.every(1_000_000).group("g").run(pending::<()>).unwrap())
        .collect();
    world.advance(50);
    let running = jobs.iter().filter(|job| job.is_running()).count();
    assert_eq!(running, places, "places");
    assert!(world.stop().is_clean());
    world.time.shut_down();
}

/// The turn that cancels a run for the next one also lets those in who wait for its place.
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
    // That of 400. What was triggered would begin too late.
    assert_eq!(world.log.take_times(), [1_000]);
    assert_eq!(waiting.status().state(), JobState::Removed);
}

fn at_instant(world: &World, at_ms: u64) -> Instant {
    world.time.now() - world.time.elapsed() + ms(at_ms)
}

#[test]
fn there_are_at_most_so_many_at_once_across_jobs() {
    for limit in [1, 2, 4] {
        let world = with_group(limit);
        let gauge = Gauge::default();
        for index in 0..10 {
            let (gauge, clock) = (gauge.clone(), world.time.clone());
            let target = move || {
                let entered = gauge.enter();
                let sleep = clock.sleep(ms(30 + 17 * index));
                async move {
                    let _entered = entered;
                    sleep.await;
                }
            };
            members(&world, 100 + 10 * index, 0).run(target).unwrap();
        }
        world.start();
        world.advance(60_000);
        assert_eq!(gauge.peak(), limit);
        assert!(world.scheduler.jobs().iter().all(|job| job.runs() > 10));
    }
}

#[test]
fn other_jobs_do_not_wait() {
    let world = with_group(1);
    members(&world, 100, 0).run(pending::<()>).unwrap();
    let free = world.noting("free", 100);
    let other = world.every(100).group(("other", 1)).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!((free.runs(), other.runs()), (11, 11));
}

#[test]
fn groups_of_different_schedulers_are_not_one() {
    let (one, other) = (with_group(1), with_group(1));
    let a = members(&one, 100, 0).run(pending::<()>).unwrap();
    let b = members(&other, 100, 0).run(pending::<()>).unwrap();
    one.start();
    other.start();
    assert!(a.is_running() && b.is_running());
}

#[test]
fn who_waits_begins_as_soon_as_a_place_is_free_in_the_order_of_due_instants() {
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
fn two_places_that_become_free_serve_two() {
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
fn a_place_is_free_at_once_for_a_job_that_is_due_later() {
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
    // There is room for half of what they want.
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
fn a_higher_limit_lets_those_who_wait_begin_at_once() {
    let world = with_group(1);
    for name in ["a", "b", "c", "d"] {
        member(&world, name, 0, 100_000);
    }
    world.start();
    world.advance(120);
    world.scheduler.group("g", 3).unwrap();
    world.settle();
    assert_eq!(world.log.take(), at(&[(0, "a"), (120, "b"), (120, "c")]));
    world.scheduler.group("g", usize::MAX).unwrap();
    world.settle();
    assert_eq!(world.log.take(), at(&[(120, "d")]));
}

#[test]
fn a_lower_limit_lets_runs_go_on_and_none_begin() {
    let world = with_group(3);
    for (name, takes) in [("a", 100), ("b", 200), ("c", 300), ("d", 400)] {
        member(&world, name, 0, takes);
    }
    world.start();
    world.scheduler.group("g", 1).unwrap();
    world.advance(299);
    let busy: Vec<bool> = world.scheduler.jobs().iter().map(Job::is_running).collect();
    assert_eq!(busy, [false, false, true, false]);
    world.advance(1);
    assert_eq!(world.log.take(), at(&[(0, "a"), (0, "b"), (0, "c"), (300, "d")]));
}

#[test]
fn a_limit_may_be_changed_before_the_start_and_while_stopped() {
    let world = with_group(1);
    for name in ["a", "b", "c"] {
        member(&world, name, 0, 100_000);
    }
    world.scheduler.group("g", 2).unwrap();
    world.start();
    assert_eq!(world.log.take_names(), ["a", "b"]);
    assert!(world.stop().is_clean());
    world.scheduler.group("g", 3).unwrap();
    world.start();
    // The others have had their run.
    world.advance(100);
    assert_eq!(world.log.take_names(), ["c"]);
}

#[test]
fn a_run_may_change_the_limit_of_its_own_group() {
    let world = with_group(1);
    let scheduler = later::<Scheduler>();
    put(&scheduler, world.scheduler.clone());
    let own = scheduler.clone();
    members(&world, 10_000, 0)
        .run(move || {
            take(&own).group("g", 2).unwrap();
            pending::<()>()
        })
        .unwrap();
    let other = member(&world, "b", 0, 10);
    world.start();
    assert_eq!(other.runs(), 1);
}

#[test]
fn an_unknown_group_is_refused_with_a_way_out() {
    let world = World::new();
    let error = world.every(1_000).group("dp").run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    let text = error.to_string();
    assert!(text.contains("\"dp\"") && text.contains("group("), "{text}");
    assert!(world.scheduler.jobs().is_empty());
    world.scheduler.group("dp", 1).unwrap();
    world.every(1_000).group("dp").run(|| ()).unwrap();
}

#[test]
fn a_limit_of_zero_is_refused() {
    let world = with_group(2);
    for error in [
        world.scheduler.group("g", 0).unwrap_err(),
        world.scheduler.group("new", 0).unwrap_err(),
        world.every(1_000).group(("new", 0)).run(|| ()).unwrap_err(),
        world.every(1_000).group(("g", 0)).run(|| ()).unwrap_err(),
    ] {
        assert!(error.is_invalid_option());
        assert!(error.to_string().contains('0'), "{error}");
    }
    // Nothing has changed.
    assert!(world.every(1_000).group("new").run(|| ()).is_err());
    assert!(world.every(1_000).group(("g", 2)).run(|| ()).is_ok());
}

#[test]
fn a_group_whose_limit_is_stated_twice() {
    let world = World::new();
    world.every(1_000).group(("g", 2)).run(|| ()).unwrap();
    world.every(1_000).group(("g", 2)).run(|| ()).unwrap();
    world.every(1_000).group("g").run(|| ()).unwrap();
    world.every(1_000).group(String::from("g")).run(|| ()).unwrap();
    let error = world.every(1_000).group(("g", 3)).run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    let text = error.to_string();
    assert!(
        text.contains("\"g\"") && text.contains('2') && text.contains('3'),
        "{text}"
    );
    assert_eq!(world.scheduler.jobs().len(), 4);
}

#[test]
fn the_group_that_is_said_last_counts() {
    let world = with_group(1);
    world.every(1_000).group("g").run(pending::<()>).unwrap();
    let builder = world.every(1_000).group("g").group(("other", 1));
    let job = builder.run(pending::<()>).unwrap();
    world.start();
    assert!(job.is_running());
}

#[test]
fn a_stop_while_jobs_wait_begins_none_and_a_restart_all() {
    let world = with_group(1);
    member(&world, "a", 0, 70);
    let waiting = [member(&world, "b", 0, 10), member(&world, "c", 0, 10)];
    world.start();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(names(report.finished()), ["a"]);
    assert_eq!(world.elapsed_ms(), 70);
    world.advance(930);
    assert!(waiting.iter().all(|job| job.runs() == 0 && !job.is_running()));
    world.start();
    world.advance(500);
    assert_eq!(world.log.take(), at(&[(0, "a"), (1_000, "b"), (1_010, "c")]));
}

#[test]
fn after_a_restart_nobody_has_an_earlier_turn_for_having_waited_before() {
    let world = with_group(1);
    member(&world, "a", 100, 10);
    let running = member(&world, "b", 0, 100_000);
    member(&world, "c", 0, 10);
    world.start();
    assert_eq!(names(world.stop().cancelled()), ["b"]);
    running.remove();
    world.advance(1_000);
    world.start();
    world.advance(500);
    assert_eq!(world.log.take(), at(&[(0, "b"), (1_000, "a"), (1_010, "c")]));
}

#[test]
fn a_stop_that_cancels_gives_the_places_back() {
    let world = with_group(2);
    for name in ["a", "b", "c", "d"] {
        member(&world, name, 0, 100_000);
    }
    world.start();
    assert_eq!(names(world.stop().cancelled()), ["a", "b"]);
    assert_places(&with_restart(world), 2);
}

/// The jobs that were there are gone.
fn with_restart(world: World) -> World {
    world.scheduler.jobs().iter().for_each(Job::remove);
    world
}

#[test]
fn a_detached_stop_leaves_the_places_taken() {
    let world = with_group(1);
    member(&world, "a", 0, 730);
    member(&world, "b", 0, 10);
    world.start();
    world.scheduler.stop().detach();
    world.start();
    world.advance(700);
    assert_eq!(world.log.take(), at(&[(0, "a")]));
    world.advance(100);
    assert_eq!(world.log.take(), at(&[(730, "b")]));
}

#[test]
fn places_come_back_however_a_run_ends() {
    type Register = fn(JobBuilder) -> Job;
    let ways: [(&str, Register); 8] = [
        ("fails", |builder| builder.run(|| Err("no")).unwrap()),
        ("fails later", |builder| {
            let fails = async || {
                crate::support::yield_now().await;
                Err("no")
            };
            builder.run(fails).unwrap()
        }),
        ("panics", |builder| builder.run(blow_up).unwrap()),
        ("panics later", |builder| {
            let panics = async || {
                crate::support::yield_now().await;
                blow_up();
            };
            builder.run(panics).unwrap()
        }),
        ("panics in a pool", |builder| builder.run_blocking(blow_up).unwrap()),
        ("times out", |builder| {
            builder.timeout(ms(10)).run(pending::<()>).unwrap()
        }),
        ("gives up", |builder| {
            builder.retry(|| [ms(5)]).run(|| Err("no")).unwrap()
        }),
        ("gives up in a pool", |builder| {
            builder.retry(|| [ms(5)]).run_blocking(|| Err("no")).unwrap()
        }),
    ];
    for (way, register) in ways {
        let world = with_group(2);
        let jobs: Vec<Job> = (0..5).map(|_| register(members(&world, 100, 0))).collect();
        world.start();
        world.advance(940);
        assert!(jobs.iter().all(|job| job.runs() >= 5), "{way}");
        assert_places(&with_restart(world), 2);
    }
}

#[test]
fn a_run_that_waits_for_its_next_attempt_keeps_its_place() {
    for blocking in [false, true] {
        let world = with_group(1);
        let builder = members(&world, 10_000, 0).retry(|| [ms(230)]);
        if blocking {
            builder.run_blocking(|| Err("no"))
        } else {
            builder.run(|| Err("no"))
        }
        .unwrap();
        member(&world, "b", 0, 10);
        world.start();
        world.advance(500);
        assert_eq!(world.log.take(), at(&[(230, "b")]), "blocking: {blocking}");
    }
}

#[test]
fn a_refused_run_gives_its_place_back() {
    for blocking in [false, true] {
        for lost in [false, true] {
            let world = with_group(2);
            let jobs: Vec<Job> = (0..5)
                .map(|_| {
                    let builder = members(&world, 100, 0);
                    if blocking {
                        builder.run_blocking(|| ())
                    } else {
                        builder.run(|| ())
                    }
                    .unwrap()
                })
                .collect();
            world.scheduler.start().unwrap();
            let fault = |count| {
                if lost {
                    world.time.drop_spawns(count);
                } else {
                    world.time.refuse_spawns(count);
                }
            };
            fault(1_000_000);
            world.advance(500);
            assert!(jobs.iter().all(|job| job.runs() == 0 && !job.is_running()));
            fault(0);
            world.advance(1_000);
            assert!(jobs.iter().all(|job| job.runs() > 5));
            assert_places(&with_restart(world), 2);
        }
    }
}

#[test]
fn a_few_refusals_lose_no_place_and_no_run() {
    let world = with_group(3);
    let jobs: Vec<Job> = (0..50)
        .map(|index| {
            let builder = members(&world, 100, 0).missed_ticks(MissedTicks::Burst);
            if index % 2 == 0 {
                builder.run_blocking(|| ())
            } else {
                builder.run(async || ())
            }
            .unwrap()
        })
        .collect();
    world.scheduler.start().unwrap();
    for count in [1, 3, 17, 50, 99] {
        world.time.refuse_spawns(count);
        world.advance(130);
    }
    world.time.refuse_spawns(0);
    world.advance(850); // at 1,500
    assert!(jobs.iter().all(|job| job.runs() == 16));
    assert_places(&with_restart(world), 3);
}

#[test]
fn a_job_that_is_removed_while_it_is_on_offer_gives_its_place_back() {
    for allow in [false, true] {
        let world = with_group(2);
        let slot = later::<Job>();
        let victim = slot.clone();
        members(&world, 10_000, 0).run(move || take(&victim).remove()).unwrap();
        let dropped = Count::default();
        let guard = dropped.on_drop();
        let target = move || {
            let _guard = &guard;
            pending::<()>()
        };
        let builder = members(&world, 10_000, 0);
        let job = if allow {
            builder.on_overlap(Allow(3)).run(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        put(&slot, job.clone());
        world.start();
        assert_eq!((job.runs(), dropped.get()), (0, 1));
        assert_places(&with_restart(world), 2);
    }
}

#[test]
fn a_job_that_is_removed_while_it_waits_holds_up_nobody() {
    let world = with_group(1);
    member(&world, "a", 0, 230);
    let removed = member(&world, "b", 0, 10);
    member(&world, "c", 0, 10);
    world.start();
    world.advance(100);
    removed.remove();
    world.advance(400);
    assert_eq!(world.log.take(), at(&[(0, "a"), (230, "c")]));
    assert_places(&with_restart(world), 1);
}

#[test]
fn what_a_waiting_job_captured_is_dropped_when_it_is_removed() {
    let world = with_group(1);
    member(&world, "a", 0, 100_000);
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let target = move || {
        let _guard = &guard;
    };
    let job = members(&world, 100, 0).run(target).unwrap();
    world.start();
    world.advance(100);
    job.remove();
    assert_eq!(dropped.get(), 1);
}

#[test]
fn a_job_that_is_paused_while_it_waits_holds_up_nobody_and_runs_when_it_is_resumed() {
    let world = with_group(1);
    member(&world, "a", 0, 230);
    let paused = member(&world, "b", 0, 10);
    member(&world, "c", 0, 10);
    world.start();
    world.advance(100);
    paused.pause();
    world.advance(400);
    assert_eq!(world.log.take(), at(&[(0, "a"), (230, "c")]));
    paused.resume();
    world.advance(100);
    assert_eq!(world.log.take(), at(&[(500, "b")]));
    assert_places(&with_restart(world), 1);
}

#[test]
fn a_job_that_is_paused_and_resumed_while_it_waits_runs_once() {
    let world = with_group(1);
    member(&world, "a", 0, 230);
    let paused = member(&world, "b", 0, 10);
    world.start();
    world.advance(60);
    paused.pause();
    world.advance(60);
    paused.resume();
    world.advance(1_000);
    assert_eq!(world.log.take(), at(&[(0, "a"), (230, "b")]));
    assert_places(&with_restart(world), 1);
}

#[test]
fn a_job_that_is_triggered_while_it_waits_runs_for_both() {
    let world = with_group(1);
    member(&world, "a", 0, 230);
    let job = member(&world, "b", 0, 10);
    world.start();
    world.advance(60);
    job.trigger();
    job.trigger();
    world.advance(1_000);
    let times = world.log.take();
    assert_eq!(times[..2], at(&[(0, "a"), (230, "b")]));
    // Once by its schedule, and once since it was triggered.
    assert_eq!(times.len(), 3, "{times:?}");
    assert_places(&with_restart(world), 1);
}

#[test]
fn a_job_that_is_triggered_again_and_again_while_it_waits_has_one_turn() {
    let world = with_group(1);
    member(&world, "a", 0, 330);
    let job = member(&world, "b", 0, 10);
    member(&world, "c", 200, 10);
    world.start();
    for _ in 0..3 {
        world.advance(60);
        job.trigger();
    }
    world.advance(1_000);
    // What is left of its runs joins the end of the line.
    assert_eq!(world.log.take_names(), ["a", "b", "c", "b"]);
    assert_places(&with_restart(world), 1);
}

#[test]
fn a_triggered_run_waits_for_a_place_and_its_turn() {
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
fn dropping_the_scheduler_while_jobs_wait_drops_everything() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    scheduler.group("g", 1).unwrap();
    let dropped = Count::default();
    let jobs: Vec<Job> = (0..10)
        .map(|_| {
            let guard = dropped.on_drop();
            let target = move || {
                let _guard = &guard;
                pending::<()>()
            };
            scheduler.every(SECOND).group("g").run(target).unwrap()
        })
        .collect();
    scheduler.start().unwrap();
    time.advance(ms(500));
    drop(scheduler);
    time.run_until_stalled();
    assert_eq!(dropped.get(), 10);
    assert_eq!((time.tasks(), time.timers()), (0, 0));
    assert_eq!(jobs.iter().map(Job::runs).sum::<u64>(), 1);
}

#[test]
fn an_executor_that_drops_its_tasks_gives_the_places_back() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    scheduler.group("g", 2).unwrap();
    let jobs: Vec<Job> = (0..5)
        .map(|index| {
            let builder = scheduler.every(ms(100)).group("g");
            if index % 2 == 0 {
                builder.run_blocking(|| ())
            } else {
                builder.run(|| ())
            }
            .unwrap()
        })
        .collect();
    scheduler.start().unwrap();
    naive.run();
    for mode in [Mode::Drop, Mode::Refuse] {
        naive.set(mode);
        pass(&clock, &naive, ms(300), ms(10));
        naive.set(Mode::Queue);
        pass(&clock, &naive, ms(500), ms(10));
    }
    assert!(
        jobs.iter().all(|job| job.runs() >= 10),
        "{:?}",
        jobs.iter().map(Job::runs).collect::<Vec<_>>()
    );
}

#[test]
fn blocking_jobs_wait_for_places_too() {
    let world = with_group(1);
    for name in ["a", "b", "c"] {
        let (log, clock) = (world.log.clone(), world.time.clone());
        let target = move || {
            log.note(name);
            clock.block_for(ms(20));
        };
        members(&world, 10_000, 0).run_blocking(target).unwrap();
    }
    world.start();
    world.advance(200);
    assert_eq!(world.log.take(), at(&[(0, "a"), (20, "b"), (40, "c")]));
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
fn each_of_several_runs_of_a_job_takes_a_place() {
    let world = with_group(2);
    let gauge = Gauge::default();
    let (inner, clock) = (gauge.clone(), world.time.clone());
    let target = move || {
        let entered = inner.enter();
        let sleep = clock.sleep(ms(430));
        async move {
            let _entered = entered;
            sleep.await;
        }
    };
    let builder = members(&world, 100, 0).missed_ticks(MissedTicks::Skip);
    builder.on_overlap(Allow(5)).run(target).unwrap();
    let other = members(&world, 100, 5)
        .missed_ticks(MissedTicks::Skip)
        .run(|| ())
        .unwrap();
    world.start();
    world.advance(20_000);
    assert_eq!(gauge.peak(), 2);
    assert!(other.runs() > 20, "{}", other.runs());
    assert_places(&with_restart(world), 2);
}

#[test]
fn a_job_of_several_runs_leaves_the_places_that_it_may_not_use() {
    let world = with_group(3);
    let job = members(&world, 100, 0).on_overlap(Allow(2)).run(pending::<()>).unwrap();
    let other = members(&world, 100, 0).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!((job.runs(), other.runs()), (2, 11));
}

#[test]
fn a_stop_waits_for_both_of_two_runs_that_were_admitted_at_once() {
    let world = with_group(1);
    member(&world, "a", 0, 100_000);
    let clock = world.time.clone();
    let target = move |run: Run| clock.sleep(ms(if run.number() == 0 { 100 } else { 500 }));
    let builder = members(&world, 10_000, 0).name("b").on_overlap(Allow(2));
    let job = builder.run(target).unwrap();
    world.start();
    world.advance(60);
    job.trigger();
    world.advance(60);
    world.scheduler.group("g", 3).unwrap();
    world.advance(50);
    assert_eq!(job.runs(), 2);
    world.scheduler.jobs()[0].remove();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert!(!job.is_running());
    assert!(report.is_clean());
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
    assert_places(&world, 1);
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
        assert_places(&with_restart(world), 1);
    }
}

#[test]
fn a_thousand_that_wait_for_an_executor_that_refuses_everything_for_a_while() {
    for (limit, blocking, lost) in [
        (1, false, false),
        (1, true, false),
        (1, false, true),
        (1, true, true),
        (10, true, false),
        (2_000, false, false),
    ] {
        let world = with_group(limit);
        for _ in 0..1_000 {
            let builder = members(&world, 1_000, 0);
            if blocking {
                builder.run_blocking(|| ())
            } else {
                builder.run(async || ())
            }
            .unwrap();
        }
        world.scheduler.start().unwrap();
        let fault = |count| {
            if lost {
                world.time.drop_spawns(count);
            } else {
                world.time.refuse_spawns(count);
            }
        };
        fault(usize::MAX);
        world.advance(500);
        assert!(world.scheduler.jobs().iter().all(|job| job.runs() == 0));
        fault(0);
        world.advance(450);
        assert!(world.scheduler.jobs().iter().all(|job| job.runs() == 1));
        world.scheduler.group("g", limit.min(20)).unwrap();
        assert_places(&with_restart(world), limit.min(20));
    }
}

#[test]
fn on_an_executor_that_polls_inside_spawn() {
    for mode in [Mode::Inline, Mode::Queue] {
        let (naive, clock) = (Naive::new(), Clock::new());
        naive.set(mode);
        let scheduler = Scheduler::new((naive.clone(), clock.clone()));
        scheduler.group("g", 1).unwrap();
        let jobs: Vec<Job> = (0..1_000)
            .map(|index| {
                let builder = scheduler.every(SECOND).group("g");
                if index % 2 == 0 {
                    builder.run_blocking(|| ())
                } else {
                    builder.run(async || ())
                }
                .unwrap()
            })
            .collect();
        scheduler.start().unwrap();
        pass(&clock, &naive, ms(1_050), ms(50));
        assert!(jobs.iter().all(|job| job.runs() == 2), "{mode:?}");
    }
}

#[test]
fn an_inline_executor_that_refuses_a_thousand_that_wait() {
    let (naive, clock) = (Naive::new(), Clock::new());
    naive.set(Mode::Inline);
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    scheduler.group("g", 1).unwrap();
    let jobs: Vec<Job> = (0..1_000)
        .map(|_| {
            let builder = scheduler.every(SECOND * 10).group("g");
            builder.first_run(FirstRun::After(ms(50))).run(async || ()).unwrap()
        })
        .collect();
    scheduler.start().unwrap();
    naive.set(Mode::Refuse);
    pass(&clock, &naive, ms(500), ms(50));
    assert!(jobs.iter().all(|job| job.runs() == 0));
    naive.set(Mode::Inline);
    pass(&clock, &naive, ms(500), ms(50));
    assert!(jobs.iter().all(|job| job.runs() == 1));
}

#[test]
fn refused_runs_of_a_group_are_tried_once_a_tick() {
    let world = with_group(1);
    let jobs: Vec<Job> = (0..100)
        .map(|_| members(&world, 10_000, 0).run(|| ()).unwrap())
        .collect();
    world.scheduler.start().unwrap();
    world.time.refuse_spawns(usize::MAX);
    world.advance(1_000);
    let refused: Vec<u64> = jobs.iter().map(|job| job.status().refused()).collect();
    assert!(refused.iter().all(|count| *count <= 21), "{refused:?}");
}

#[test]
fn waiting_takes_no_polls() {
    let world = with_group(1);
    members(&world, 1_000_000, 0).run(pending::<()>).unwrap();
    for _ in 0..1_000 {
        members(&world, 1_000_000, 0).run(|| ()).unwrap();
    }
    world.start();
    world.advance(50);
    let before = world.time.polls();
    world.advance(600_000);
    assert_eq!(world.time.polls(), before);
}

#[test]
fn a_job_that_waits_is_not_running_and_not_started() {
    let (world, told) = witnessed();
    world.scheduler.group("g", 1).unwrap();
    members(&world, 1_000, 0)
        .name("a")
        .run(world.log.taking("a", |_| 230))
        .unwrap();
    let job = members(&world, 10_000, 0).name("b").run(|| ()).unwrap();
    world.start();
    world.advance(200);
    assert!(!job.is_running());
    assert_eq!((job.runs(), job.status().state()), (0, atevery::JobState::Waiting));
    world.advance(50);
    let told: Vec<_> = told
        .take()
        .into_iter()
        .filter(|(_, what)| what.starts_with('b'))
        .collect();
    assert_eq!(told, at(&[(230, "b late"), (230, "b started"), (230, "b finished")]));
}

#[test]
fn a_limit_of_time_counts_from_the_beginning_not_from_the_wait() {
    let (world, told) = witnessed();
    world.scheduler.group("g", 1).unwrap();
    member(&world, "a", 0, 230);
    let builder = members(&world, 10_000, 0).name("b").timeout(ms(70));
    builder.run(pending::<()>).unwrap();
    world.start();
    world.advance(1_000);
    let told = told.take();
    assert_eq!(told.last(), Some(&(300, "b timed out".to_owned())), "{told:?}");
}

#[test]
fn on_threads_there_are_never_more() {
    let scheduler = Scheduler::builder(Standalone::new()).resolution(ms(1)).build().unwrap();
    scheduler.group("g", 3).unwrap();
    let (gauge, done) = (Gauge::default(), Count::default());
    for index in 0..24 {
        let (gauge, count) = (gauge.clone(), done.clone());
        let builder = scheduler.every(ms(1)).group("g");
        let target = move || {
            let _entered = gauge.enter();
            std::thread::yield_now();
            count.up();
        };
        if index % 2 == 0 {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
    }
    scheduler.start().unwrap();
    let began = std::time::Instant::now();
    while done.get() < 2_000 && began.elapsed() < SECOND * 30 {
        scheduler.group("g", 1 + done.get() % 3).unwrap();
        std::thread::sleep(ms(1));
    }
    assert!(done.get() >= 2_000, "{}", done.get());
    assert!(scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
    assert!(gauge.peak() <= 3, "{}", gauge.peak());
    assert_eq!(gauge.now(), 0);
}

#[test]
fn on_threads_all_places_are_used() {
    let scheduler = Scheduler::new(Standalone::new());
    scheduler.group("g", 3).unwrap();
    let barrier = Arc::new(Barrier::new(3));
    let (sender, met) = mpsc::channel();
    for _ in 0..6 {
        let (barrier, sender) = (Arc::clone(&barrier), sender.clone());
        let target = move || {
            barrier.wait();
            let _ = sender.send(());
        };
        scheduler.every(Duration::MAX).group("g").run_blocking(target).unwrap();
    }
    scheduler.start().unwrap();
    for _ in 0..6 {
        met.recv_timeout(SECOND * 20).expect("three at a time");
    }
    assert!(scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

#[test]
fn a_target_may_register_a_job_in_its_own_group() {
    let world = with_group(1);
    let (scheduler, jobs) = (later::<Scheduler>(), Arc::new(Mutex::new(Vec::new())));
    put(&scheduler, world.scheduler.clone());
    let (own, made) = (scheduler.clone(), Arc::clone(&jobs));
    members(&world, 10_000, 0)
        .run(move || {
            let job = take(&own).every(SECOND).group("g").run(|| ()).unwrap();
            made.lock().unwrap().push(job);
        })
        .unwrap();
    world.start();
    world.advance(100);
    assert_eq!(jobs.lock().unwrap()[0].runs(), 1);
}

#[test]
fn what_a_job_that_was_removed_in_line_leaves_is_dropped_where_it_may_call_its_scheduler() {
    struct Meddles(Job, Count);
    impl Drop for Meddles {
        fn drop(&mut self) {
            self.0.pause();
            self.1.up();
        }
    }
    in_time(|| {
        let (world, dropped) = (with_group(1), Count::default());
        let first = member(&world, "first", 0, 70);
        let meddles = Meddles(first, dropped.clone());
        let backoff = move || {
            let _ = &meddles;
            std::iter::empty()
        };
        let second = world.every(1_000).group("g").retry(backoff).run(|| ()).unwrap();
        world.start();
        second.remove();
        drop(second);
        assert_eq!(dropped.get(), 0);
        world.advance(100);
        assert_eq!(dropped.get(), 1);
    });
}
