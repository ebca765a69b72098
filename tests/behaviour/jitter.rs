//! Jitter delays runs, but not the schedule.

use std::sync::mpsc;
use std::time::Duration;

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Allow, FirstRun, JobBuilder, MissedTicks, Run, Scheduler};

use crate::ends::offer;
use crate::support::{Log, SECOND, World, ms};

const EVERY: u64 = 100;
const JITTER: u64 = 40;

/// A world with a fixed seed, and with ticks so short that jitter shows.
fn world(seed: u64) -> World {
    let time = VirtualTime::new();
    let builder = Scheduler::builder(time.clone()).seed(seed).resolution(ms(1));
    World {
        scheduler: builder.build().unwrap(),
        log: Log::new(&time),
        time,
    }
}

fn jittery(world: &World) -> JobBuilder {
    world.every(EVERY).jitter(ms(JITTER))
}

/// A target that notes its scheduled instant in milliseconds.
pub(crate) fn noting_scheduled(world: &World) -> impl FnMut(Run) + Send + Sync + 'static {
    let noting = sharing_scheduled(world);
    move |run| noting(run)
}

fn sharing_scheduled(world: &World) -> impl Fn(Run) + Send + Sync + 'static {
    let (log, origin) = (world.log.clone(), world.time.now() - world.time.elapsed());
    move |run: Run| log.note((run.scheduled() - origin).as_millis().to_string())
}

/// Takes the start and the scheduled instant of each run, in milliseconds.
pub(crate) fn begun(world: &World) -> Vec<(u64, u64)> {
    let line = |(at_ms, scheduled): (u64, String)| (at_ms, scheduled.parse().unwrap());
    world.log.take().into_iter().map(line).collect()
}

/// The delay of each run, up to its tick.
fn delays(runs: &[(u64, u64)]) -> Vec<u64> {
    runs.iter().map(|(at, scheduled)| at - scheduled).collect()
}

/// The first `count` scheduled instants, from 0 on.
fn regular(count: u64) -> Vec<u64> {
    (0..count).map(|run| run * EVERY).collect()
}

fn scheduled(runs: &[(u64, u64)]) -> Vec<u64> {
    runs.iter().map(|(_, scheduled)| *scheduled).collect()
}

#[test]
fn scheduled_instants_do_not_wander_over_a_thousand_runs() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip] {
        let world = world(1);
        let target = noting_scheduled(&world);
        jittery(&world).missed_ticks(policy).run(target).unwrap();
        world.start();
        world.advance(1_000 * EVERY - 1);
        assert_eq!(scheduled(&begun(&world)), regular(1_000), "{policy:?}");
    }
}

#[test]
fn a_run_is_due_when_its_jitter_has_put_it_off_to() {
    let world = world(1);
    let (sender, runs) = mpsc::channel();
    jittery(&world).run(move |run: Run| sender.send(run).unwrap()).unwrap();
    world.start();
    world.advance(20 * EVERY - 1);
    let runs: Vec<Run> = runs.try_iter().collect();
    assert_eq!(runs.len(), 20);
    let puts: Vec<Duration> = runs.iter().map(|run| run.due() - run.scheduled()).collect();
    assert!(puts.iter().all(|put| *put <= ms(JITTER)), "{puts:?}");
    assert!(puts.iter().any(|put| *put > ms(1)), "{puts:?}");
    // A tick is a millisecond here.
    assert!(
        runs.iter()
            .all(|run| run.due() <= run.started() && run.started() < run.due() + ms(1))
    );
}

#[test]
fn a_triggered_run_is_scheduled_and_due_when_it_begins() {
    let world = world(1);
    let (sender, runs) = mpsc::channel();
    let target = move |run: Run| sender.send(run).unwrap();
    let job = jittery(&world).first_run(FirstRun::AfterInterval).run(target).unwrap();
    world.start();
    world.advance(10);
    job.trigger();
    world.advance(1);
    let run = runs.try_iter().next().unwrap();
    assert_eq!((run.scheduled(), run.due()), (run.started(), run.started()));
}

#[test]
fn each_run_is_put_off_by_some_part_of_the_jitter_and_no_more() {
    let world = world(1);
    jittery(&world).run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(1_000 * EVERY - 1);
    let delays = delays(&begun(&world));
    assert!(delays.iter().all(|delay| *delay <= JITTER), "{delays:?}");
    for part in 0..4 {
        let range = part * 10 + 1..=part * 10 + 10; // up to the next tick of 1 ms
        let count = delays.iter().filter(|delay| range.contains(*delay)).count();
        assert!((180..320).contains(&count), "{count} of 1000 in {range:?}");
    }
}

#[test]
fn a_run_that_is_put_off_begins_at_the_tick_after() {
    let world = World::new();
    let target = noting_scheduled(&world);
    world.every(200).jitter(ms(100)).run(target).unwrap();
    world.start();
    world.advance(20_000);
    let delays = delays(&begun(&world));
    assert!(delays.iter().all(|delay| [0, 50, 100].contains(delay)), "{delays:?}");
    assert!(delays.contains(&50) && delays.contains(&100), "{delays:?}");
}

/// The end of the pause moves the schedule. The new schedule has another jitter.
#[test]
fn a_run_that_was_on_offer_during_a_pause_is_due_when_it_begins() {
    for seed in 0..8 {
        let world = world(seed);
        let job = jittery(&world).run(noting_order(&world)).unwrap();
        world.start();
        world.advance(EVERY - 1);
        world.time.jump(ms(JITTER + 1));
        offer(&world);
        job.pause();
        job.resume();
        world.advance(0);
        let (runs, log) = (job.runs(), world.log.take());
        assert_eq!(
            (runs, log.iter().all(|(_, order)| order == "in order")),
            (2, true),
            "{seed}: {log:?}"
        );
    }
}

/// The run is scheduled before the end of the job, and its jitter leads past the end.
#[test]
fn a_last_run_that_is_triggered_ahead_of_its_jitter_is_due_when_it_begins() {
    for seed in 0..8 {
        let world = world(seed);
        let until = world.time.now() + ms(EVERY);
        let builder = jittery(&world).first_run(FirstRun::AfterInterval).until(until);
        let job = builder.run(noting_order(&world)).unwrap();
        world.start();
        world.advance(EVERY);
        job.trigger();
        offer(&world);
        world.time.jump(ms(1));
        world.advance(0);
        assert_eq!(world.log.take(), [(EVERY + 1, "in order".to_owned())], "seed {seed}");
    }
}

/// A target that notes whether its run was scheduled, due and started in this order.
fn noting_order(world: &World) -> impl FnMut(Run) + Send + use<> {
    let log = world.log.clone();
    move |run: Run| {
        let is_in_order = run.scheduled() <= run.due() && run.due() <= run.started();
        log.note(if is_in_order { "in order" } else { "not in order" });
    }
}

#[test]
fn it_repeats_with_the_same_seed() {
    assert_eq!(times_of_two_jobs(7), times_of_two_jobs(7));
}

#[test]
fn it_differs_with_another_seed() {
    let (one, other) = (times_of_two_jobs(7), times_of_two_jobs(8));
    assert_ne!(one.0, other.0);
    assert_ne!(one.1, other.1);
}

#[test]
fn it_differs_between_jobs_of_one_scheduler() {
    let (first, second) = times_of_two_jobs(7);
    let alike = first.iter().zip(&second).filter(|(first, second)| first == second);
    assert!(alike.count() < 20, "{first:?} {second:?}");
}

fn times_of_two_jobs(seed: u64) -> (Vec<u64>, Vec<u64>) {
    let world = world(seed);
    for name in ["first", "second"] {
        jittery(&world).run(world.log.noting(name)).unwrap();
    }
    world.start();
    world.advance(100 * EVERY - 1);
    let runs = world.log.take();
    let of = |name: &str| {
        let own = runs.iter().filter(|(_, job)| job == name);
        own.map(|(at, _)| *at).collect::<Vec<_>>()
    };
    let (first, second) = (of("first"), of("second"));
    assert_eq!((first.len(), second.len()), (100, 100));
    (first, second)
}

#[test]
fn without_a_seed_two_schedulers_differ() {
    let runs = [(); 2].map(|()| {
        let time = VirtualTime::new();
        let scheduler = Scheduler::builder(time.clone()).resolution(ms(1)).build().unwrap();
        let log = Log::new(&time);
        scheduler.every(ms(100)).jitter(ms(99)).run(log.noting("a")).unwrap();
        scheduler.start().unwrap();
        time.advance(SECOND * 10);
        log.take_times()
    });
    assert_ne!(runs[0], runs[1]);
}

#[test]
fn being_put_off_is_not_being_late() {
    let world = world(2);
    let mut events = world.scheduler.events_with_capacity(10_000);
    let job = jittery(&world).run(|| ()).unwrap();
    world.start();
    world.advance(100 * EVERY);
    let lateness = job.status().max_lateness();
    assert!(lateness <= ms(1), "{lateness:?}"); // the wait for the tick
    let kinds = crate::ends::kinds(&mut events);
    assert!(!kinds.contains(&"late"), "{kinds:?}");
    assert!(kinds.contains(&"finished"));
}

/// If a tick is as long as the interval, each run begins later than its next scheduled instant.
#[test]
fn being_put_off_beyond_the_next_tick_misses_nothing() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let log = world.log.clone();
        let target = move |run: Run| log.note(run.missed().to_string());
        let builder = world.every(50).jitter(Duration::from_micros(49_999));
        let job = builder.missed_ticks(policy).run(target).unwrap();
        world.start();
        world.advance(10_000);
        assert!(world.log.take_names().iter().all(|missed| missed == "0"), "{policy:?}");
        assert_eq!(job.status().missed(), 0, "{policy:?}");
        assert!(job.runs() >= 199, "{policy:?}: {}", job.runs());
    }
}

#[test]
fn burst_makes_up_for_runs_that_are_late() {
    let world = world(3);
    let target = noting_scheduled(&world);
    jittery(&world).run(target).unwrap();
    world.start();
    world.advance(EVERY / 2);
    world.time.jump(ms(950)); // to 1000
    world.advance(500);
    let runs = begun(&world);
    assert_eq!(scheduled(&runs)[..14], regular(14));
    assert!(
        runs[1..10].iter().all(|(at, _)| (1_000..=1_010).contains(at)),
        "{runs:?}"
    );
}

#[test]
fn skip_drops_what_is_missed_and_keeps_the_grid() {
    for seed in 0..20 {
        let world = world(seed);
        let target = noting_scheduled(&world);
        let job = jittery(&world).missed_ticks(MissedTicks::Skip).run(target).unwrap();
        world.start();
        world.advance(EVERY / 2);
        world.time.jump(ms(1_000)); // to 1050: the run of 100 is 910 to 950 late
        world.advance(300);
        let runs = begun(&world);
        assert_eq!(scheduled(&runs)[..4], [0, 100, 1_100, 1_200], "seed {seed}");
        assert_eq!(runs[1].0, 1_050, "seed {seed}");
        assert_eq!(job.status().missed(), 9, "seed {seed}");
    }
}

/// The last instant of the schedule is not later than the end of the job, but its jitter leads past the end.
#[test]
fn what_is_dropped_by_the_end_of_a_job_is_missed_whatever_its_jitter() {
    for policy in [MissedTicks::Skip, MissedTicks::Delay] {
        for seed in 0..20 {
            let world = world(seed);
            let end = world.time.now() + ms(2 * EVERY);
            let log = world.log.clone();
            let target = move |run: Run| log.note(run.missed().to_string());
            jittery(&world).missed_ticks(policy).until(end).run(target).unwrap();
            world.scheduler.start().unwrap();
            world.time.jump(ms(1_000));
            world.advance(1_000);
            assert_eq!(world.log.take_names(), ["2"], "{policy:?}, seed {seed}");
        }
    }
}

#[test]
fn under_delay_too_the_jitter_alone_moves_nothing() {
    let world = world(4);
    let target = noting_scheduled(&world);
    jittery(&world).missed_ticks(MissedTicks::Delay).run(target).unwrap();
    world.start();
    world.advance(100 * EVERY);
    let runs = begun(&world);
    assert_eq!(scheduled(&runs)[..100], regular(100));
}

#[test]
fn delay_moves_the_scheduled_instants_of_a_job_that_was_held_up() {
    let world = world(5);
    let target = noting_scheduled(&world);
    let job = jittery(&world).missed_ticks(MissedTicks::Delay).run(target).unwrap();
    world.start();
    world.advance(EVERY / 2);
    world.time.jump(ms(1_000)); // to 1050
    world.advance(300);
    let runs = begun(&world);
    assert_eq!(runs[1].0, 1_050);
    assert_eq!(runs[2].1, 1_150);
    assert_eq!(job.status().missed(), 9);
}

#[test]
fn the_first_run_is_put_off_from_its_own_instant() {
    let world = world(6);
    let builder = jittery(&world).first_run(FirstRun::After(ms(330)));
    builder.run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(1_000);
    let runs = begun(&world);
    assert_eq!(scheduled(&runs)[..3], [330, 430, 530]);
    assert!(delays(&runs).iter().any(|delay| *delay > 1), "{runs:?}");
}

#[test]
fn a_jitter_of_nothing_puts_nothing_off() {
    let world = World::new();
    let target = noting_scheduled(&world);
    world.every(100).jitter(Duration::ZERO).run(target).unwrap();
    world.start();
    world.advance(300);
    assert_eq!(begun(&world), [(0, 0), (100, 100), (200, 200), (300, 300)]);
}

#[test]
fn a_jitter_that_is_not_shorter_than_the_interval_is_refused() {
    let world = World::new();
    for jitter_ms in [200, 201, 5_000] {
        let error = world.every(200).jitter(ms(jitter_ms)).run(|| ()).unwrap_err();
        assert!(error.is_invalid_option());
        let text = error.to_string();
        for part in [format!("{:?}", ms(jitter_ms)), "200ms".into(), "jitter".into()] {
            assert!(text.contains(&part), "{part:?} in {text:?}");
        }
        assert!(
            text.contains("shorter jitter") && text.contains("longer interval"),
            "{text}"
        );
    }
    let error = world.every(200).jitter(Duration::MAX).run_blocking(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    assert_eq!(world.scheduler.jobs(), []);
    world
        .every(200)
        .jitter(Duration::from_nanos(199_999_999))
        .run(|| ())
        .unwrap();
}

#[test]
fn the_longest_jitter_does_not_overflow() {
    let world = World::new();
    let builder = world.every(100).first_run(FirstRun::After(Duration::MAX));
    let never = builder.jitter(ms(99)).run(|| ()).unwrap();
    let longest = Duration::MAX - Duration::from_nanos(1);
    let builder = world.scheduler.every(Duration::MAX).jitter(longest);
    let some_time = builder.run(|| ()).unwrap();
    let once = world.scheduler.every(Duration::MAX).jitter(ms(99)).run(|| ()).unwrap();
    world.start();
    world.advance(86_400_000);
    assert_eq!((never.runs(), some_time.runs(), once.runs()), (0, 0, 1));
}

#[test]
fn after_a_restart_runs_are_put_off_again() {
    let world = world(7);
    jittery(&world).run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(EVERY / 2);
    world.stop();
    world.advance(10_000);
    begun(&world);
    world.start(); // at 10050
    world.advance(20 * EVERY - 1);
    let runs = begun(&world);
    let expected: Vec<u64> = (0..20).map(|run| 10_050 + run * EVERY).collect();
    assert_eq!(scheduled(&runs), expected);
    let delays = delays(&runs);
    assert!(delays.iter().all(|delay| *delay <= JITTER), "{delays:?}");
    assert!(delays.iter().any(|delay| *delay > 20), "{delays:?}");
}

#[test]
fn after_a_pause_runs_are_put_off_again() {
    let world = world(8);
    let job = jittery(&world).run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(EVERY / 2);
    job.pause();
    world.advance(10_000);
    begun(&world);
    job.resume(); // at 10050
    world.advance(20 * EVERY - 1);
    let runs = begun(&world);
    let expected: Vec<u64> = (0..20).map(|run| 10_050 + run * EVERY).collect();
    assert_eq!(scheduled(&runs), expected);
    assert!(delays(&runs).iter().any(|delay| *delay > 20), "{runs:?}");
    assert_eq!(job.status().missed(), 0);
}

#[test]
fn a_pause_that_is_over_before_the_scheduled_instant_changes_nothing() {
    let runs = [false, true].map(|pauses| {
        let world = world(9);
        let job = jittery(&world).run(noting_scheduled(&world)).unwrap();
        world.start();
        world.advance(50);
        if pauses {
            job.pause();
        }
        world.advance(40);
        job.resume();
        world.advance(910);
        begun(&world)
    });
    assert_eq!(runs[0], runs[1]);
}

/// Between its scheduled instant and its due instant, a run is not due yet.
#[test]

fn a_pause_that_is_over_before_a_run_is_due_changes_nothing() {
    let runs = [false, true].map(|pauses| {
        let world = world(9);
        let target = noting_scheduled(&world);
        let job = world.every(100).jitter(ms(99)).run(target).unwrap();
        world.start();
        world.advance(520); // the run of 500 comes at 588
        if pauses {
            job.pause();
            job.resume();
        }
        world.advance(480);
        begun(&world)
    });
    assert_eq!(runs[0][5], (588, 500));
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn a_run_that_was_triggered_is_not_put_off() {
    let world = world(10);
    let job = jittery(&world).run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(1_000 - EVERY / 2); // at 950, when all runs of before have begun
    begun(&world);
    job.trigger();
    world.advance(1);
    let triggered = begun(&world);
    assert!([(950, 950), (951, 951)].contains(&triggered[0]), "{triggered:?}");
    world.advance(EVERY * 3);
    assert_eq!(scheduled(&begun(&world)), [1_000, 1_100, 1_200]);
}

#[test]
fn an_interval_not_longer_than_the_jitter_is_refused_later_too() {
    let world = world(11);
    let job = jittery(&world).run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(1);
    for interval_ms in [JITTER - 1, JITTER] {
        let error = job.set_interval(ms(interval_ms)).unwrap_err();
        assert!(
            error.is_invalid_option() && error.to_string().contains("40ms"),
            "{error}"
        );
    }
    assert_eq!(job.interval(), Some(ms(EVERY)));
    world.advance(4 * EVERY - 2);
    assert_eq!(scheduled(&begun(&world)), regular(4));
    job.set_interval(ms(JITTER + 1)).unwrap();
    assert_eq!(job.interval(), Some(ms(JITTER + 1)));
}

#[test]
fn runs_are_put_off_with_a_new_interval_too() {
    let world = world(12);
    let job = jittery(&world).run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(90);
    job.set_interval(ms(300)).unwrap();
    world.advance(9_910);
    let runs = begun(&world);
    assert_eq!(scheduled(&runs)[..4], [0, 300, 600, 900]);
    let delays = delays(&runs);
    assert!(delays.iter().all(|delay| *delay <= JITTER), "{delays:?}");
    assert!(delays.iter().any(|delay| *delay > 20), "{delays:?}");
}

#[test]
fn runs_that_overlap_are_put_off_too() {
    let world = world(13);
    let (noting, clock) = (sharing_scheduled(&world), world.time.clone());
    let target = move |run: Run| {
        noting(run);
        clock.sleep(ms(250))
    };
    jittery(&world).on_overlap(Allow(5)).run(target).unwrap();
    world.start();
    world.advance(20 * EVERY - 1);
    let runs = begun(&world);
    assert_eq!(scheduled(&runs), regular(20));
    assert!(delays(&runs).iter().any(|delay| *delay > 20), "{runs:?}");
}

#[test]
fn runs_on_the_blocking_pool_are_put_off_too() {
    let world = world(14);
    jittery(&world).run_blocking(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(20 * EVERY - 1);
    let runs = begun(&world);
    assert_eq!(scheduled(&runs), regular(20));
    assert!(delays(&runs).iter().any(|delay| *delay > 20), "{runs:?}");
}
