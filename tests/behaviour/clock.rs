//! Clocks that jump, step back or reach their end, and timers that wake at the wrong time.

use std::time::{Duration, Instant};

use atevery::runtime::Timer;
use atevery::{FirstRun, MissedTicks, Run, Scheduler};
use futures::FutureExt;

use crate::naive::{Clock, Naive, pass};
use crate::support::{SECOND, World, drive, ms};

#[test]
fn the_scheduler_tells_what_its_clock_says() {
    let world = World::new();
    assert_eq!(world.scheduler.now(), world.time.now());
    let begin = world.scheduler.now();
    world.start();
    world.advance(30);
    world.time.jump(SECOND * 3_600);
    assert_eq!(world.scheduler.now(), begin + ms(30) + SECOND * 3_600);
    world.time.step_back(SECOND);
    assert_eq!(world.scheduler.now(), world.time.now());
    world.stop();
    assert_eq!(world.scheduler.now(), world.time.now());
}

#[test]
fn a_jump_of_hours_is_made_up_one_run_a_tick_under_burst() {
    let world = World::new();
    let job = world.noting("a", 1_000);
    world.start();
    world.time.jump(SECOND * 3_600);
    world.settle();
    assert_eq!(job.runs(), 2);
    world.log.take();
    world.advance(1_000);
    let times = world.log.take_times();
    assert_eq!(times.len(), 20);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 50));
    world.advance(3_600_000);
    assert_eq!(job.runs(), 7_202); // all of them
}

#[test]
fn a_jump_of_hours_is_one_run_under_skip_and_delay() {
    for policy in [MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let log = world.log.clone();
        world
            .every(1_000)
            .missed_ticks(policy)
            .run(move |run: Run| log.note(run.missed().to_string()))
            .unwrap();
        world.start();
        world.time.jump(SECOND * 3_600);
        world.settle();
        world.advance(999);
        let expected = [(0, "0".to_owned()), (3_600_000, "3599".to_owned())];
        assert_eq!(world.log.take(), expected, "{policy:?}");
        world.advance(1);
        assert_eq!(world.log.take().len(), 1);
    }
}

#[test]
fn a_clock_that_steps_back_begins_no_run_early_and_none_twice() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let job = world
            .every(100)
            .missed_ticks(policy)
            .run(world.log.noting("a"))
            .unwrap();
        world.start();
        world.advance(1_000);
        world.log.take();
        world.time.step_back(ms(700));
        world.settle();
        world.advance(799);
        assert_eq!(job.runs(), 11, "{policy:?}");
        world.advance(101);
        assert_eq!(world.log.take_times(), [1_100, 1_200], "{policy:?}");
    }
}

#[test]
fn a_clock_that_steps_back_before_the_start_waits() {
    let world = World::new();
    world.advance(10_000);
    let job = world.noting("a", 100);
    world.start();
    world.time.step_back(ms(5_000));
    world.settle();
    world.advance(5_099);
    assert_eq!(job.runs(), 1);
    world.advance(1);
    assert_eq!(job.runs(), 2);
    assert!(world.stop().is_clean());
}

#[test]
fn a_clock_that_steps_back_between_registration_and_start() {
    let world = World::new();
    world.advance(10_000);
    let job = world.noting("a", 100);
    world.time.step_back(ms(5_000));
    world.start();
    world.advance(4_999);
    assert_eq!(job.runs(), 0); // it is scheduled ahead, and that stays
    world.advance(1);
    assert_eq!(job.runs(), 1);
}

#[test]
fn a_clock_that_steps_back_during_a_grace() {
    let world = World::new();
    world.advance(1_000);
    world.endless("endless");
    world.start();
    let mut stop = Box::pin(world.scheduler.stop().grace(ms(100)).into_future());
    assert!(crate::support::poll_once(stop.as_mut()).is_pending());
    world.time.step_back(ms(500));
    assert!(world.time.block_on(stop).is_clean());
    assert_eq!(world.elapsed_ms(), 1_100);
}

#[test]
fn started_before_it_is_scheduled_is_not_missed() {
    let world = World::new();
    world.advance(10_000);
    let (log, clock) = (world.log.clone(), world.time.clone());
    // The clock steps back between the tick and the beginning of the second job's run.
    let mut once = true;
    world
        .every(1_000)
        .run(move || {
            if std::mem::take(&mut once) {
                clock.step_back(ms(20));
            }
        })
        .unwrap();
    world
        .every(1_000)
        .missed_ticks(MissedTicks::Skip)
        .run(move |run: Run| log.note(run.missed().to_string()))
        .unwrap();
    world.start();
    assert!(world.log.take_names().iter().all(|missed| missed == "0"));
}

#[test]
fn a_timer_that_wakes_early_begins_no_run_early() {
    let (naive, clock) = (Naive::new(), Clock::new().early(ms(37)));
    let (scheduler, begun) = watched(&naive, &clock);
    let job = scheduler.every(ms(100)).run(begun.0).unwrap();
    scheduler.start().unwrap();
    let mut polls = naive.run();
    for _ in 0..1_000 {
        clock.set(clock.now() + ms(1));
        clock.fire();
        polls += naive.run();
    }
    assert_eq!(job.runs(), 11);
    let begun: Vec<u64> = begun.1.try_iter().collect();
    assert_eq!(begun, (0..=10).map(|nth| nth * 100).collect::<Vec<_>>());
    // At each of eleven ticks, a worker is polled. The loop is polled at the tick, at the early wake, and while
    // the scheduler learns by how much the timer is early.
    assert!(polls <= 200, "{polls}");
}

#[test]
fn a_timer_that_wakes_at_random_begins_no_run_early_and_polls_little() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let (scheduler, begun) = watched(&naive, &clock);
    let job = scheduler.every(ms(100)).run(begun.0).unwrap();
    scheduler.start().unwrap();
    let mut random = 1_u64;
    let mut polls = naive.run();
    for _ in 0..10_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        clock.set(clock.now() + ms(10));
        // Of four wake-ups, one does nothing, and one wakes all sleepers, whether or not their time has come.
        match random >> 62 {
            0 => {}
            1 => clock.wake_all(),
            _ => clock.fire(),
        }
        polls += naive.run();
    }
    clock.fire();
    naive.run();
    let begun: Vec<u64> = begun.1.try_iter().collect();
    assert!(begun.iter().zip(0..).all(|(at_ms, nth)| *at_ms >= nth * 100));
    assert_eq!((begun.len() as u64, job.runs()), (1_001, 1_001));
    assert!(polls <= 10_000, "{polls}");
}

#[test]
fn a_timer_that_wakes_early_cuts_no_grace_short() {
    let (naive, clock) = (Naive::new(), Clock::new().early(ms(37)));
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let job = scheduler.every(SECOND).run(std::future::pending::<()>).unwrap();
    scheduler.start().unwrap();
    naive.run();
    let mut stop = Box::pin(scheduler.stop().grace(ms(100)).into_future());
    for _ in 0..100 {
        assert!(crate::support::poll_once(stop.as_mut()).is_pending());
        assert!(job.is_running());
        clock.set(clock.now() + ms(1));
    }
    assert_eq!(drive(stop, || naive.run()).cancelled(), [job]);
    assert_eq!(clock.elapsed_ms(), 100);
}

#[test]
fn a_thousand_early_wakes_are_a_bounded_number_of_polls() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let job = scheduler.every(SECOND).run(|| ()).unwrap();
    scheduler.start().unwrap();
    naive.run();
    let mut polls = 0;
    for _ in 0..1_000 {
        clock.wake_all();
        polls += naive.run();
    }
    assert_eq!(job.runs(), 1);
    assert!(polls <= 3_000, "{polls}");
    pass(&clock, &naive, SECOND, ms(10));
    assert_eq!(job.runs(), 2);
}

#[test]
fn a_timer_that_is_always_late_does_not_make_the_grid_drift() {
    let (naive, clock) = (Naive::new(), Clock::new().late(ms(7)));
    let (scheduler, begun) = watched(&naive, &clock);
    scheduler.every(ms(100)).run(begun.0).unwrap();
    scheduler.start().unwrap();
    pass(&clock, &naive, SECOND * 100, ms(1));
    let begun: Vec<u64> = begun.1.try_iter().collect();
    let expected: Vec<u64> = (0..1_000).map(|nth| if nth == 0 { 0 } else { nth * 100 + 7 }).collect();
    assert_eq!(begun[..1_000], expected);
}

#[test]
fn a_timer_that_is_late_by_less_than_a_tick_lengthens_no_period() {
    use MissedTicks::{Burst, Delay, Skip};
    for (policy, late, interval) in [
        (Burst, 7, 100),
        (Skip, 7, 100),
        (Delay, 7, 100),
        (Delay, 49, 100),
        (Delay, 1, 50),
        (Delay, 49, 75),
        (Delay, 0, 75),
    ] {
        let (naive, clock) = (Naive::new(), Clock::new().late(ms(late)));
        let scheduler = Scheduler::new((naive.clone(), clock.clone()));
        let every = || scheduler.every(ms(interval)).missed_ticks(policy);
        let jobs = [
            every().run(|| ()).unwrap(),
            every().run(|_: Run| ()).unwrap(),
            every().run(async || ()).unwrap(),
            every().jitter(ms(interval / 4)).run(|| ()).unwrap(),
        ];
        scheduler.start().unwrap();
        pass(&clock, &naive, ms(interval * 120 + 49), ms(1));
        for (place, job) in jobs.iter().enumerate() {
            let what = format!("{policy:?}, {late} ms late, every {interval} ms, job {place}");
            assert!((119..=121).contains(&job.runs()), "{what}: {}", job.runs());
            assert_eq!(job.status().missed(), 0, "{what}");
        }
    }
}

#[test]
fn a_timer_that_is_late_by_less_than_a_tick_lengthens_no_fixed_delay() {
    for late in [1, 7, 49] {
        let (naive, clock) = (Naive::new(), Clock::new().late(ms(late)));
        let scheduler = Scheduler::new((naive.clone(), clock.clone()));
        let every = || scheduler.every(ms(100)).fixed_delay();
        let jobs = [
            every().run(|| ()).unwrap(),
            every().run(|_: Run| ()).unwrap(),
            every().run(async || ()).unwrap(),
            every().run_blocking(|| ()).unwrap(),
        ];
        scheduler.start().unwrap();
        pass(&clock, &naive, ms(12_049), ms(1));
        for job in jobs {
            assert_eq!(job.runs(), 121, "{late} ms late");
        }
    }
}

/// Its first sleeps are over at once.
struct Hasty(Clock, std::sync::atomic::AtomicUsize);

impl Timer for Hasty {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> atevery::runtime::BoxFuture<'static, ()> {
        use std::sync::atomic::Ordering::SeqCst;
        let left = self.1.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => Box::pin(std::future::ready(())),
            Err(_) => self.0.sleep_until(deadline),
        }
    }
}

#[test]
fn a_timer_that_wakes_at_once_makes_the_next_run_late_by_a_tick_at_most() {
    for (wakes, most_late) in [(1, 0), (2, 2), (3, 4), (12, 50), (100, 50)] {
        let (naive, clock) = (Naive::new(), Clock::new());
        let hasty = Hasty(clock.clone(), wakes.into());
        let scheduler = Scheduler::new((naive.clone(), hasty));
        let job = scheduler.every(SECOND * 3_600).run(|| ()).unwrap();
        let told = clock.clone();
        let (sender, ends) = std::sync::mpsc::channel();
        struct Tells(Clock, std::sync::mpsc::Sender<u64>);
        impl Drop for Tells {
            fn drop(&mut self) {
                let _ = self.1.send(self.0.elapsed_ms());
            }
        }
        let target = move || {
            let guard = Tells(told.clone(), sender.clone());
            async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }
        };
        scheduler
            .every(SECOND * 7_200)
            .timeout(SECOND * 10)
            .run(target)
            .unwrap();
        scheduler.start().unwrap();
        let polls = naive.run();
        assert!(polls < 2 * wakes + 20, "{polls}");
        pass(&clock, &naive, SECOND * 11, ms(1));
        let end = ends.try_recv().expect("the limit has passed");
        assert!((10_000..=10_000 + most_late).contains(&end), "{wakes} wakes: {end}");
        clock.set(clock.now() + SECOND * 3_500);
        pass(&clock, &naive, SECOND * 89 + ms(most_late), ms(1));
        assert_eq!(job.runs(), 2, "{wakes} wakes");
    }
}

#[test]
fn a_timer_that_is_late_by_more_than_a_tick_misses_no_run_under_burst() {
    let (naive, clock) = (Naive::new(), Clock::new().late(ms(133)));
    let (scheduler, begun) = watched(&naive, &clock);
    let job = scheduler.every(ms(100)).run(begun.0).unwrap();
    let seldom = scheduler.every(ms(1_000)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    pass(&clock, &naive, SECOND * 100, ms(1));
    let begun: Vec<u64> = begun.1.try_iter().collect();
    // The job cannot keep up, at one run a tick and at most one tick in 183 ms. But no run is early, and no run comes
    // twice.
    assert!(begun.iter().zip(0u64..).all(|(at_ms, nth)| *at_ms >= nth * 100));
    assert!(job.runs() > 500, "{}", job.runs());
    assert_eq!(seldom.runs(), 100);
}

/// A scheduler, and a target that notes when it runs.
fn watched(
    naive: &Naive,
    clock: &Clock,
) -> (
    Scheduler,
    (impl FnMut() + Send + 'static, std::sync::mpsc::Receiver<u64>),
) {
    let (sender, begun) = std::sync::mpsc::channel();
    let face = clock.clone();
    let target = move || sender.send(face.elapsed_ms()).unwrap();
    (Scheduler::new((naive.clone(), clock.clone())), (target, begun))
}

/// The last instant that the clock can represent, to the second.
fn end_of_time() -> Instant {
    let mut instant = Instant::now();
    let mut step = Duration::from_secs(u64::MAX >> 1);
    while step > Duration::from_secs(1) {
        match instant.checked_add(step) {
            Some(later) => instant = later,
            None => step /= 2,
        }
    }
    instant
}

#[test]
fn at_the_end_of_the_clock_a_job_runs_once_and_then_never() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let (naive, clock) = (Naive::new(), Clock::at(end_of_time() - SECOND * 10));
        let scheduler = Scheduler::new((naive.clone(), clock.clone()));
        let beat = scheduler.every(SECOND).missed_ticks(policy).run(|_: Run| ()).unwrap();
        let once = scheduler
            .every(SECOND * 3_600)
            .missed_ticks(policy)
            .run(|_: Run| ())
            .unwrap();
        let never = scheduler
            .every(SECOND)
            .first_run(FirstRun::After(SECOND * 3_600))
            .run(|| ())
            .unwrap();
        scheduler.start().unwrap();
        pass(&clock, &naive, SECOND * 5, ms(10));
        assert_eq!((beat.runs(), once.runs(), never.runs()), (6, 1, 0), "{policy:?}");
        let stop = scheduler
            .stop()
            .grace(Duration::MAX)
            .timeout(SECOND * 3_600)
            .into_future();
        assert!(stop.now_or_never().unwrap().is_clean());
    }
}

#[test]
fn a_stop_at_the_end_of_the_clock() {
    let (naive, clock) = (Naive::new(), Clock::at(end_of_time()));
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let job = scheduler.every(SECOND).run(std::future::pending::<()>).unwrap();
    scheduler.start().unwrap();
    naive.run();
    assert_eq!(job.runs(), 1);
    let mut graceful = Box::pin(scheduler.stop().grace(SECOND * 10).into_future());
    assert!(crate::support::poll_once(graceful.as_mut()).is_pending());
    let report = drive(scheduler.stop().timeout(SECOND * 10), || naive.run());
    assert_eq!(report.cancelled(), std::slice::from_ref(&job));
    assert!(graceful.now_or_never().is_some());
}

#[test]
fn a_clock_that_jumps_to_its_end_panics_nobody() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let job = scheduler.every(SECOND).run(|_: Run| ()).unwrap();
    let skip = scheduler
        .every(SECOND)
        .missed_ticks(MissedTicks::Skip)
        .run(|_: Run| ())
        .unwrap();
    let delay = scheduler
        .every(SECOND)
        .missed_ticks(MissedTicks::Delay)
        .run(|_: Run| ())
        .unwrap();
    scheduler.start().unwrap();
    naive.run();
    clock.set(end_of_time());
    clock.fire();
    naive.step(10_000);
    assert!(job.runs() >= 2 && skip.runs() == 2 && delay.runs() == 2);
    assert!(scheduler.stop().into_future().now_or_never().unwrap().is_clean());
}

#[test]
fn first_run_at_an_instant_before_the_scheduler_was_made() {
    let (naive, clock) = (Naive::new(), Clock::at(Instant::now() + SECOND * 1_000));
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let at = clock.now() - SECOND * 500;
    let (sender, runs) = std::sync::mpsc::channel();
    scheduler.start().unwrap();
    naive.run();
    let target = move |run: Run| sender.send((run.scheduled(), run.missed())).unwrap();
    let builder = scheduler.every(SECOND).missed_ticks(MissedTicks::Skip);
    builder.first_run(FirstRun::At(at)).run(target).unwrap();
    pass(&clock, &naive, ms(100), ms(10));
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), [(at, 500)]);
}

#[test]
fn first_run_at_the_end_of_time_is_never() {
    let world = World::new();
    let job = world
        .every(100)
        .first_run(FirstRun::At(end_of_time()))
        .run(|| ())
        .unwrap();
    world.start();
    world.time.advance(SECOND * 86_400);
    assert_eq!(job.runs(), 0);
}
