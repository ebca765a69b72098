//! Runs that say when the next run is scheduled, or that they were the last.

use std::time::Duration;

use atevery::{Allow, EventKind, JobBuilder, MissedTicks, Overlap, Run};
use futures::{FutureExt, StreamExt};

use crate::support::{SECOND, World, later, ms, put, take};

/// A job that notes its runs. Each run calls `say`.
fn saying(world: &World, builder: JobBuilder, say: impl Fn(&Run) + Send + 'static) -> atevery::Job {
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note("run");
        say(&run);
    };
    let job = builder.run(target).unwrap();
    world.start();
    job
}

fn first_says(say: impl Fn(&Run) + Send + 'static) -> impl Fn(&Run) + Send + 'static {
    move |run| {
        if run.number() == 0 {
            say(run);
        }
    }
}

#[test]
fn the_schedule_goes_on_from_the_chosen_run() {
    let world = World::new();
    saying(&world, world.every(60_000), first_says(|run| run.next_in(SECOND * 80)));
    world.advance(200_000);
    assert_eq!(world.log.take_times(), [0, 80_000, 140_000, 200_000]);
}

#[test]
fn the_chosen_run_is_scheduled_at_the_chosen_instant() {
    let world = World::new();
    let log = world.log.clone();
    let job = world.every(1_000).run(move |run: Run| {
        log.note(format!("{:?}", run.started() - run.scheduled()));
        run.next_in(ms(1_010));
    });
    let job = job.unwrap();
    world.start();
    let foretold = job.status().next_due().unwrap();
    assert_eq!(foretold - world.scheduler.now(), ms(1_010));
    world.advance(2_100);
    let expected = [(0, "0ns"), (1_050, "40ms"), (2_100, "40ms")];
    assert_eq!(world.log.take(), expected.map(|(at, late)| (at, late.to_owned())));
}

#[test]
fn the_delay_counts_from_the_last_tick_before_the_call() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        log.note("run");
        let sleep = clock.sleep(ms(130));
        async move {
            sleep.await;
            run.next_in(ms(400));
        }
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 500, 1_000]);
}

#[test]
fn a_delay_shorter_than_a_tick_is_one_tick() {
    let world = World::new();
    saying(&world, world.every(1_000), |run| run.next_in(Duration::ZERO));
    world.advance(200);
    assert_eq!(world.log.take_times(), [0, 50, 100, 150, 200]);
}

#[test]
fn an_instant_that_has_passed_is_due_at_the_next_tick() {
    let world = World::new();
    let start = world.scheduler.now();
    saying(&world, world.every(1_000), first_says(move |run| run.next_at(start)));
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 50, 1_000]);
}

#[test]
fn an_endless_delay_means_never() {
    let world = World::new();
    let job = saying(&world, world.every(1_000), |run| run.next_in(Duration::MAX));
    world.advance(10_000);
    assert_eq!(world.log.take_times(), [0]);
    assert_eq!(job.status().next_due(), None);
}

#[test]
fn the_last_call_holds() {
    let world = World::new();
    let say = |run: &Run| {
        run.last();
        run.next_in(SECOND * 5);
        run.next_in(SECOND * 2);
    };
    let job = saying(&world, world.every(1_000), first_says(say));
    world.advance(3_000);
    assert_eq!(world.log.take_times(), [0, 2_000, 3_000]);
    assert_eq!(world.scheduler.jobs(), [job]);

    let world = World::new();
    let say = |run: &Run| {
        run.next_in(SECOND * 5);
        run.last();
    };
    saying(&world, world.every(1_000), say);
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn the_choice_holds_however_the_run_ends() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note("run");
        if run.number() == 0 {
            run.next_in(SECOND * 3);
        }
        match run.number() {
            0 => panic!("a run panics"),
            _ => Err("a run fails"),
        }
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(4_000);
    assert_eq!(world.log.take_times(), [0, 3_000, 4_000]);
}

#[test]
fn a_run_that_has_ended_chooses_nothing() {
    let world = World::new();
    let kept = later();
    let keep = kept.clone();
    let job = saying(
        &world,
        world.every(1_000),
        first_says(move |run| put(&keep, run.clone())),
    );
    world.advance(100);
    let run: Run = take(&kept);
    run.next_in(SECOND * 9);
    run.last();
    world.advance(1_900);
    assert_eq!(world.log.take_times(), [0, 1_000, 2_000]);
    assert_eq!(world.scheduler.jobs(), [job]);
}

#[test]
fn a_backlog_is_dropped() {
    let world = World::new();
    saying(&world, world.every(100), |run| {
        if run.number() == 2 {
            run.next_in(SECOND);
        }
    });
    world.time.jump(ms(500));
    world.advance(1_200);
    let times = world.log.take_times();
    assert_eq!(times, [0, 500, 550, 1_550, 1_650]);
}

#[test]
fn with_a_fixed_delay_the_choice_comes_before_the_end_of_the_run() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        log.note("run");
        if run.number() == 0 {
            run.next_in(SECOND);
        }
        clock.sleep(ms(200))
    };
    world.every(100).fixed_delay().run(target).unwrap();
    world.start();
    world.advance(1_700);
    assert_eq!(world.log.take_times(), [0, 1_000, 1_300, 1_600]);
}

#[test]
fn a_run_is_not_replaced_before_the_run_that_it_has_chosen() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        log.note("run");
        run.next_in(SECOND * 3);
        clock.sleep(SECOND * 10)
    };
    world.every(1_000).on_overlap(Overlap::Replace).run(target).unwrap();
    world.start();
    world.advance(6_500);
    assert_eq!(world.log.take_times(), [0, 3_000, 6_000]);
}

#[test]
fn a_later_change_of_the_interval_takes_the_place_of_the_choice() {
    let world = World::new();
    let job = saying(&world, world.every(1_000), first_says(|run| run.next_in(SECOND * 4)));
    job.set_interval(ms(500)).unwrap();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 500, 1_000]);
    job.set_interval(Duration::MAX).unwrap();
    assert_eq!(job.status().next_due(), None);
}

#[test]
fn a_job_that_a_choice_switches_off_is_switched_on_by_an_interval() {
    let world = World::new();
    let job = saying(&world, world.every(1_000), first_says(|run| run.next_in(Duration::MAX)));
    world.advance(5_000);
    job.set_interval(ms(300)).unwrap();
    world.advance(700);
    assert_eq!(world.log.take_times(), [0, 5_000, 5_300, 5_600]);
}

#[test]
fn the_later_of_a_choice_and_a_change_of_the_interval_in_one_run_holds() {
    for chooses_last in [false, true] {
        let world = World::new();
        let say = first_says(move |run| {
            if chooses_last {
                run.job().set_interval(ms(500)).unwrap();
                run.next_in(SECOND * 4);
            } else {
                run.next_in(SECOND * 4);
                run.job().set_interval(ms(500)).unwrap();
            }
        });
        saying(&world, world.every(1_000), say);
        world.advance(4_500);
        let expected = if chooses_last {
            vec![0, 4_000, 4_500]
        } else {
            (0..10).map(|run| run * 500).collect()
        };
        assert_eq!(world.log.take_times(), expected, "{chooses_last}");
    }
}

#[test]
fn a_trigger_leaves_the_chosen_run() {
    let world = World::new();
    let job = saying(&world, world.every(1_000), first_says(|run| run.next_in(SECOND * 4)));
    world.advance(1_010);
    job.trigger();
    world.advance(3_990);
    assert_eq!(world.log.take_times(), [0, 1_010, 4_000, 5_000]);
}

#[test]
fn what_lies_beyond_the_end_of_the_job_ends_it() {
    let world = World::new();
    let until = world.scheduler.now() + SECOND * 10;
    let builder = world.every(1_000).until(until);
    saying(&world, builder, |run| run.next_in(SECOND * 11));
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn after_its_last_run_the_job_is_removed_and_told_so() {
    for blocking in [false, true] {
        let world = World::new();
        let mut events = world.scheduler.events();
        let target = |run: Run| {
            if run.number() == 1 {
                run.last();
            }
        };
        let job = crate::support::register(world.every(1_000), blocking, target);
        world.start();
        job.trigger();
        world.advance(5_000);
        assert_eq!(job.runs(), 2);
        assert!(world.scheduler.jobs().is_empty());
        assert_eq!(job.status().next_due(), None);
        let told = || events.next().now_or_never().flatten();
        let kinds: Vec<EventKind> = std::iter::from_fn(told).map(|event| event.kind().clone()).collect();
        let ends = &kinds[kinds.len() - 2..];
        assert!(matches!(ends, [EventKind::Finished, EventKind::Removed]), "{kinds:?}");
    }
}

#[test]
fn no_run_follows_the_last_run_not_even_one_that_was_triggered_during_it() {
    let world = World::new();
    let clock = world.time.clone();
    let target = move |run: Run| {
        run.last();
        clock.sleep(SECOND)
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    job.trigger();
    assert_eq!(job.status().next_due(), None);
    world.advance(5_000);
    assert_eq!(job.runs(), 1);
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn the_last_of_several_runs_at_a_time_ends_the_job_and_not_the_others() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        if run.number() == 1 {
            run.last();
        }
        let sleep = clock.sleep(if run.number() == 1 { ms(100) } else { SECOND });
        let log = log.clone();
        async move {
            sleep.await;
            log.note(run.number().to_string());
        }
    };
    let job = world.every(200).on_overlap(Allow(4)).run(target).unwrap();
    world.start();
    world.advance(5_000);
    assert_eq!(job.runs(), 2);
    assert_eq!(world.log.take_names(), ["1", "0"]);
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn several_runs_at_a_time_choose_one_after_the_other() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        log.note("run");
        run.next_in(ms(300));
        clock.sleep(SECOND)
    };
    world.every(100).on_overlap(Allow(3)).run(target).unwrap();
    world.start();
    world.advance(900);
    assert_eq!(world.log.take_times(), [0, 300, 600]);
}

#[test]
fn a_skipping_job_does_not_count_the_chosen_delay_as_missed() {
    let world = World::new();
    let log = world.log.clone();
    let builder = world.every(100).missed_ticks(MissedTicks::Skip);
    let target = move |run: Run| {
        log.note(run.missed().to_string());
        run.next_in(SECOND);
    };
    builder.run(target).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_names(), ["0", "0", "0"]);
}
