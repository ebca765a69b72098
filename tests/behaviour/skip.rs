//! `Overlap::Skip`: what comes due during a run is dropped.

use std::sync::{Arc, Mutex};

use atevery::{JobBuilder, MissedTicks, Overlap, Run};

use crate::support::{World, ms};
use crate::time_limit::{at, witnessed};

const POLICIES: [MissedTicks; 3] = [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay];

fn skipping(world: &World, interval_ms: u64) -> JobBuilder {
    world.every(interval_ms).name("a").on_overlap(Overlap::Skip)
}

/// The scheduled instant of each run, in milliseconds from the origin, and what the run has missed.
type Seen = Arc<Mutex<Vec<(u128, u64)>>>;

/// Notes each run in the log, and what it missed. The run takes as long as `duration_ms` returns for its number.
fn noting(
    world: &World,
    seen: &Seen,
    duration_ms: impl Fn(u64) -> u64 + Send + 'static,
) -> impl FnMut(Run) -> futures::future::BoxFuture<'static, ()> + Send + 'static {
    let (mut begin, seen) = (world.log.taking("run", duration_ms), Arc::clone(seen));
    let origin = world.scheduler.now();
    move |run: Run| {
        let scheduled = run.scheduled().duration_since(origin).as_millis();
        seen.lock().unwrap().push((scheduled, run.missed()));
        begin(run)
    }
}

#[test]
fn what_comes_due_during_a_run_is_dropped_under_every_policy() {
    for policy in POLICIES {
        let (world, seen) = (World::new(), Seen::default());
        let target = noting(&world, &seen, |number| if number == 0 { 230 } else { 10 });
        let job = skipping(&world, 100).missed_ticks(policy).run(target).unwrap();
        world.start();
        world.advance(500);
        assert_eq!(world.log.take_times(), [0, 300, 400, 500], "{policy:?}");
        assert_eq!(
            *seen.lock().unwrap(),
            [(0, 0), (300, 2), (400, 0), (500, 0)],
            "{policy:?}"
        );
        assert_eq!((job.runs(), job.status().missed()), (4, 2), "{policy:?}");
    }
}

#[test]
fn a_missed_event_tells_how_many_were_dropped() {
    let (world, told) = witnessed();
    skipping(&world, 100)
        .run(world.log.taking("run", |number| if number == 0 { 230 } else { 0 }))
        .unwrap();
    world.start();
    world.advance(300);
    let expected = [
        (0, "a started"),
        (230, "a finished"),
        (300, "a missed"),
        (300, "a started"),
        (300, "a finished"),
    ];
    assert_eq!(told.take(), at(&expected));
}

#[test]
fn a_run_that_always_overlaps_runs_at_each_other_instant() {
    let (world, seen) = (World::new(), Seen::default());
    skipping(&world, 100).run(noting(&world, &seen, |_| 130)).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take_times(), [0, 200, 400, 600, 800, 1_000]);
    assert!(seen.lock().unwrap()[1..].iter().all(|(_, missed)| *missed == 1));
}

#[test]
fn a_due_instant_between_two_ticks_is_dropped_too() {
    let (world, seen) = (World::new(), Seen::default());
    skipping(&world, 75)
        .run(noting(&world, &seen, |number| if number == 0 { 80 } else { 0 }))
        .unwrap();
    world.start();
    world.advance(240);
    assert_eq!(*seen.lock().unwrap(), [(0, 0), (150, 1), (225, 0)][..2]);
    world.advance(10);
    assert_eq!(*seen.lock().unwrap(), [(0, 0), (150, 1), (225, 0)]);
}

#[test]
fn synchronous_and_blocking_runs_drop_too() {
    for blocking in [false, true] {
        let world = World::new();
        let (log, clock) = (world.log.clone(), world.time.clone());
        let target = move |run: Run| {
            log.note(run.missed().to_string());
            if run.number() == 0 {
                clock.block_for(ms(230));
            }
        };
        let builder = skipping(&world, 100);
        let job = crate::support::register(builder, blocking, target);
        world.start();
        world.time.run_until_stalled();
        world.advance(170 + 100);
        assert_eq!(
            world.log.take(),
            at(&[(0, "0"), (300, "2"), (400, "0"), (500, "0")]),
            "{blocking}"
        );
        assert_eq!(job.status().missed(), 2);
    }
}

#[test]
fn what_was_overdue_before_the_run_is_made_up_under_burst() {
    let (world, seen) = (World::new(), Seen::default());
    // Between two runs the program stands still for 320 ms. The run after that takes 120 ms.
    let target = noting(&world, &seen, |number| if number == 1 { 120 } else { 0 });
    skipping(&world, 100).run(target).unwrap();
    world.start();
    world.advance(50);
    world.time.jump(ms(320));
    world.settle();
    world.advance(330);
    // At 370 the runs due at 200 and 300 are owed, beside the run that begins. During this run, one comes due. Two are
    // made up, with those that come due meanwhile.
    assert_eq!(world.log.take_times(), [0, 370, 500, 550, 600, 650, 700]);
    let missed: Vec<u64> = seen.lock().unwrap().iter().map(|(_, missed)| *missed).collect();
    assert_eq!(missed, [0, 0, 1, 0, 0, 0, 0]);
}

#[test]
fn in_a_group_the_permit_goes_to_the_job_that_waits() {
    let world = World::new();
    world.scheduler.group("g", 1).unwrap();
    let skips = skipping(&world, 100)
        .group("g")
        .run(world.log.taking("skips", |_| 230))
        .unwrap();
    let waits = world.every(10_000).group("g").run(world.log.noting("waits")).unwrap();
    world.start();
    world.advance(500);
    let expected = [(0, "skips"), (230, "waits"), (300, "skips")];
    assert_eq!(world.log.take(), at(&expected));
    assert_eq!((skips.status().missed(), waits.runs()), (2, 1));
}

#[test]
fn a_trigger_during_a_run_is_not_dropped() {
    let (world, seen) = (World::new(), Seen::default());
    let job = skipping(&world, 100)
        .run(noting(&world, &seen, |number| if number == 0 { 230 } else { 0 }))
        .unwrap();
    world.start();
    world.advance(150);
    job.trigger();
    world.advance(150);
    // The triggered run misses nothing. The next run of the schedule reports what was dropped.
    assert_eq!(*seen.lock().unwrap(), [(0, 0), (230, 0), (300, 2)]);
}

fn with_seed(seed: u64) -> World {
    let time = atevery::testing::VirtualTime::new();
    let scheduler = atevery::Scheduler::builder(time.clone()).seed(seed).build().unwrap();
    let log = crate::support::Log::new(&time);
    World { time, scheduler, log }
}

#[test]
fn a_jitter_decides_what_came_due_during_the_run() {
    for seed in 0..20 {
        let world = with_seed(seed);
        let ends = Arc::new(Mutex::new(Vec::new()));
        let (own, clock) = (Arc::clone(&ends), world.time.clone());
        let target = move |run: Run| {
            let (ends, clock) = (Arc::clone(&own), clock.clone());
            async move {
                clock.sleep(ms(if run.number() % 2 == 0 { 1_120 } else { 5 })).await;
                ends.lock()
                    .unwrap()
                    .push((run.due(), atevery::runtime::Timer::now(&clock), run.missed()));
            }
        };
        skipping(&world, 500).jitter(ms(400)).run(target).unwrap();
        world.start();
        world.advance(20_000);
        let ends = ends.lock().unwrap();
        assert!(ends.len() > 10);
        for pair in ends.windows(2) {
            assert!(pair[1].0 > pair[0].1, "no run was due during the run before");
        }
        assert!(
            ends.iter()
                .skip(1)
                .step_by(2)
                .all(|(_, _, missed)| (1..=3).contains(missed))
        );
    }
}

#[test]
fn paused_and_stopped_time_is_not_missed() {
    let (world, seen) = (World::new(), Seen::default());
    let job = skipping(&world, 100)
        .run(noting(&world, &seen, |number| if number == 0 { 230 } else { 0 }))
        .unwrap();
    world.start();
    world.advance(50);
    job.pause();
    world.advance(450);
    job.resume();
    world.advance(50);
    assert_eq!(*seen.lock().unwrap(), [(0, 0), (500, 0)]);

    let (world, seen) = (World::new(), Seen::default());
    skipping(&world, 100)
        .run(noting(&world, &seen, |number| if number == 0 { 230 } else { 0 }))
        .unwrap();
    world.start();
    world.advance(50);
    world.stop();
    world.advance(450);
    world.start();
    assert_eq!(*seen.lock().unwrap(), [(0, 0), (500, 0)]);
}

#[test]
fn the_next_run_that_is_foretold_is_one_that_is_not_dropped() {
    let world = World::new();
    let job = skipping(&world, 100).run(std::future::pending::<()>).unwrap();
    world.start();
    let start = world.scheduler.now();
    for (at_ms, due_ms) in [(20, 100), (130, 200), (930, 1_000)] {
        world.advance(at_ms - world.elapsed_ms());
        assert_eq!(job.status().next_due(), Some(start + ms(due_ms)), "{at_ms}");
    }
    let until = start + ms(1_250);
    let last = skipping(&world, 100)
        .until(until)
        .run(std::future::pending::<()>)
        .unwrap();
    world.advance(200);
    assert_eq!(last.status().next_due(), Some(start + ms(1_230)));
    world.advance(150);
    assert_eq!(last.status().next_due(), None);
}

#[test]
fn a_job_whose_last_instants_were_dropped_removes_itself() {
    let world = World::new();
    let until = world.scheduler.now() + ms(200);
    let job = skipping(&world, 100)
        .until(until)
        .run(world.log.taking("run", |_| 230))
        .unwrap();
    world.start();
    world.advance(229);
    assert!(!world.scheduler.jobs().is_empty());
    world.advance(1);
    assert!(world.scheduler.jobs().is_empty());
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_number_of_runs_does_not_count_what_was_dropped() {
    let world = World::new();
    skipping(&world, 100)
        .times(3)
        .run(world.log.taking("run", |_| 230))
        .unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 300, 600]);
}

#[test]
fn an_interval_that_is_set_during_a_run_holds_for_what_is_dropped() {
    let (world, seen) = (World::new(), Seen::default());
    let job = skipping(&world, 1_000)
        .run(noting(&world, &seen, |number| if number == 0 { 530 } else { 0 }))
        .unwrap();
    world.start();
    world.advance(150);
    job.set_interval(ms(200)).unwrap();
    world.advance(650);
    assert_eq!(*seen.lock().unwrap(), [(0, 0), (600, 2), (800, 0)]);
}

#[test]
fn what_is_dropped_at_the_end_of_the_job_counts_and_nothing_past_it_does() {
    let world = World::new();
    let until = world.scheduler.now() + ms(250);
    let clock = world.time.clone();
    let builder = world.every(100).until(until).on_overlap(Overlap::Skip);
    let job = builder.run(move || clock.sleep(ms(990))).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!((job.runs(), job.status().missed()), (1, 2));
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn nothing_past_the_end_of_the_job_is_missed() {
    let world = World::new();
    let until = world.scheduler.now() + ms(250);
    let (clock, log) = (world.time.clone(), world.log.clone());
    let builder = world.every(100).until(until).missed_ticks(MissedTicks::Skip);
    let target = move |run: Run| {
        log.note(run.missed().to_string());
        clock.sleep(ms(990))
    };
    builder.run(target).unwrap();
    world.start();
    world.advance(3_000);
    assert_eq!(world.log.take(), [(0, "0".into()), (1_000, "1".into())]);
}

/// The second run is scheduled at the end of the job, and its jitter leads past it.
#[test]
fn what_came_due_during_the_run_is_dropped_even_if_its_jitter_leads_past_the_end_of_the_job() {
    for seed in 0..20 {
        let world = with_seed(seed);
        let end = atevery::runtime::Timer::now(&world.time) + ms(500);
        let target = world.log.taking("a", |_| 2_000);
        let job = skipping(&world, 500).jitter(ms(400)).until(end).run(target).unwrap();
        world.start();
        world.advance(5_000);
        assert_eq!(job.runs(), 1, "seed {seed}");
        assert!(world.scheduler.jobs().is_empty());
    }
}
