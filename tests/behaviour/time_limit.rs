//! Runs with a time limit.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use atevery::runtime::{BoxFuture, Standalone, Timer};
use atevery::testing::VirtualTime;
use atevery::{Event, EventKind, Run, Scheduler};

use crate::support::{Count, Log, PanicsWhenDropped, SECOND, World, blow_up, ms, names};

/// A world, and a log of the events of its jobs, except of those that say how long a run held its thread.
pub(crate) fn witnessed() -> (World, Log) {
    let time = VirtualTime::new();
    let emitted = Log::new(&time);
    let log = emitted.clone();
    let hook = move |event: &Event| {
        if !matches!(event.kind(), EventKind::HeldThread(_)) {
            log.note(format!("{} {}", event.job().name(), event.kind().as_str()));
        }
    };
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    let log = Log::new(&time);
    (World { time, scheduler, log }, emitted)
}

pub(crate) fn at(times: &[(u64, &str)]) -> Vec<(u64, String)> {
    times.iter().map(|(at_ms, what)| (*at_ms, (*what).to_owned())).collect()
}

/// Notes when it is dropped.
pub(crate) struct NotesDrop(pub(crate) Log, pub(crate) &'static str);

impl Drop for NotesDrop {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

/// A target whose runs note that they begin, never end, and note that they are dropped.
fn endless(log: &Log) -> impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static {
    let log = log.clone();
    move || {
        log.note("begins");
        let guard = NotesDrop(log.clone(), "dropped");
        Box::pin(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        })
    }
}

#[test]
fn a_run_is_dropped_at_exactly_the_limit_and_the_next_is_on_time() {
    let world = World::new();
    world.every(200).timeout(ms(70)).run(endless(&world.log)).unwrap();
    world.start();
    world.advance(69);
    assert_eq!(world.log.take(), at(&[(0, "begins")]));
    world.advance(231);
    let expected = at(&[(70, "dropped"), (200, "begins"), (270, "dropped")]);
    assert_eq!(world.log.take(), expected);
}

#[test]
fn a_limit_longer_than_the_interval_holds_the_next_run_up() {
    let world = World::new();
    world.every(100).timeout(ms(130)).run(endless(&world.log)).unwrap();
    world.start();
    world.advance(200);
    let expected = at(&[(0, "begins"), (130, "dropped"), (150, "begins")]);
    assert_eq!(world.log.take(), expected);
}

#[test]
fn it_is_counted_and_emitted_once() {
    let (world, emitted) = witnessed();
    let job = world
        .every(1_000)
        .name("a")
        .timeout(ms(70))
        .run(std::future::pending::<()>)
        .unwrap();
    world.start();
    world.advance(999);
    assert_eq!(emitted.take(), at(&[(0, "a started"), (70, "a timed out")]));
    let status = job.status();
    assert_eq!((status.runs(), status.timeouts()), (1, 1));
    assert_eq!((status.failures(), status.panics(), status.cancelled()), (0, 0, 0));
    assert_eq!(status.last_error(), Some("timed out"));
    assert_eq!(status.last_duration(), Some(ms(70)));
    assert!(!job.is_running());
}

#[test]
fn the_future_is_gone_before_the_event() {
    let time = VirtualTime::new();
    let log = Log::new(&time);
    let emitted = log.clone();
    let hook = move |event: &Event| emitted.note(event.kind().as_str());
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    scheduler.every(SECOND).timeout(ms(70)).run(endless(&log)).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(100));
    assert_eq!(log.take_names(), ["started", "begins", "dropped", "timed out"]);
    time.shut_down();
}

#[test]
fn a_run_that_ends_in_time_is_not_timed_out() {
    for takes in [0, 1, 69, 70] {
        let (world, emitted) = witnessed();
        let job = world
            .every(1_000)
            .name("a")
            .timeout(ms(70))
            .run(world.log.taking("begins", move |_| takes))
            .unwrap();
        world.start();
        world.advance(900);
        assert_eq!(
            emitted.take(),
            at(&[(0, "a started"), (takes, "a finished")]),
            "{takes} ms"
        );
        assert_eq!(job.status().timeouts(), 0, "{takes} ms");
    }
}

#[test]
fn the_limit_counts_from_the_beginning_not_from_the_scheduled_instant() {
    let world = World::new();
    world.every(1_000).timeout(ms(70)).run(endless(&world.log)).unwrap();
    world.scheduler.start().unwrap();
    world.time.jump(ms(130));
    world.advance(500);
    assert_eq!(world.log.take(), at(&[(130, "begins"), (200, "dropped")]));
}

#[test]
fn no_timer_is_left_by_a_run_that_ended_in_time() {
    let world = World::new();
    let quick = world.log.taking("quick", |_| 10);
    world.every(100).timeout(SECOND * 3_600).run(quick).unwrap();
    world.start();
    world.advance(5_050);
    // The loop's timer.
    assert_eq!(world.time.timers(), 1);
}

#[test]
fn no_timer_is_left_by_a_run_that_was_timed_out_or_stopped() {
    let world = World::new();
    world.every(100).timeout(ms(30)).run(endless(&world.log)).unwrap();
    world.start();
    world.advance(1_040);
    assert_eq!(world.time.timers(), 1);
    world.advance(60);
    assert!(world.stop().is_clean());
    world.settle();
    assert_eq!((world.time.timers(), world.time.tasks()), (0, 0));
}

#[test]
fn synchronous_code_counts_as_timed_out_when_it_ends() {
    for outcome in [Ok(()), Err("no")] {
        for blocking in [false, true] {
            let (world, emitted) = witnessed();
            let clock = world.time.clone();
            let target = move || {
                clock.block_for(ms(80));
                outcome
            };
            let builder = world.every(1_000).name("a").timeout(ms(70));
            let job = if blocking {
                builder.run_blocking(target)
            } else {
                builder.run(target)
            }
            .unwrap();
            world.start();
            world.advance(500);
            assert_eq!(emitted.take(), at(&[(0, "a started"), (80, "a timed out")]));
            let status = job.status();
            assert_eq!((status.timeouts(), status.failures()), (1, 0));
        }
    }
}

#[test]
fn synchronous_code_that_ends_in_time_is_not_timed_out() {
    for takes in [69, 70] {
        let (world, emitted) = witnessed();
        let clock = world.time.clone();
        let target = move || clock.block_for(ms(takes));
        let builder = world.every(1_000).name("a").timeout(ms(70));
        builder.run_blocking(target).unwrap();
        world.start();
        assert_eq!(emitted.take_names(), ["a started", "a finished"], "{takes} ms");
    }
}

#[test]
fn blocking_code_is_told_to_end_at_the_limit() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        for step in [69, 1, 10] {
            clock.block_for(ms(step));
            log.note(run.is_cancelled().to_string());
        }
    };
    world.every(1_000).timeout(ms(70)).run_blocking(target).unwrap();
    world.start();
    assert_eq!(world.log.take(), at(&[(69, "false"), (70, "true"), (80, "true")]));
}

#[test]
fn a_run_that_obeys_at_the_very_limit_is_timed_out() {
    for kind in ["synchronous", "blocking", "asynchronous", "tried again"] {
        let (world, told) = witnessed();
        let clock = world.time.clone();
        let obeys = move |run: Run| {
            while !run.is_cancelled() {
                clock.block_for(ms(10));
            }
        };
        let builder = world.every(1_000).name("a").timeout(ms(70));
        let job = match kind {
            "synchronous" => builder.run(obeys),
            "blocking" => builder.run_blocking(obeys),
            "asynchronous" => builder.run(async |run: Run| run.cancelled().await),
            _ => builder.retry(|| [ms(10); 9]).run_blocking(move |run: Run| {
                obeys(run);
                Err("too late")
            }),
        }
        .unwrap();
        world.start();
        world.advance(900);
        let told = told.take();
        assert_eq!(told.last(), Some(&(70, "a timed out".to_owned())), "{kind}: {told:?}");
        assert_eq!((job.status().timeouts(), job.status().failures()), (1, 0), "{kind}");
    }
}

#[test]
fn a_run_told_by_its_time_limit_leaves_the_next_alone() {
    let (world, told) = witnessed();
    let clock = world.time.clone();
    let target = move |run: Run| {
        let first = run.number() == 0;
        while first && !run.is_cancelled() {
            clock.block_for(ms(10));
        }
    };
    world.every(100).name("a").timeout(ms(70)).run(target).unwrap();
    world.start();
    world.advance(100);
    assert_eq!(
        told.take_names(),
        ["a started", "a timed out", "a started", "a finished"]
    );
}

#[test]
fn a_panic_after_the_limit_counts_as_a_panic() {
    for blocking in [false, true] {
        let (world, emitted) = witnessed();
        let clock = world.time.clone();
        let target = move || {
            clock.block_for(ms(80));
            blow_up();
        };
        let builder = world.every(1_000).name("a").timeout(ms(70));
        let job = if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        world.start();
        assert_eq!(emitted.take_names(), ["a started", "a panicked"]);
        assert_eq!((job.status().panics(), job.status().timeouts()), (1, 0));
    }
}

#[test]
fn a_future_that_is_late_because_it_blocks_its_thread_is_timed_out() {
    let (world, emitted) = witnessed();
    let clock = world.time.clone();
    let target = move || {
        let clock = clock.clone();
        async move {
            clock.sleep(ms(10)).await;
            clock.block_for(ms(100));
        }
    };
    world.every(1_000).name("a").timeout(ms(70)).run(target).unwrap();
    world.start();
    world.advance(500);
    assert_eq!(emitted.take(), at(&[(0, "a started"), (110, "a timed out")]));
}

#[test]
fn the_limit_holds_for_all_attempts_together() {
    for synchronous in [false, true] {
        let (world, emitted) = witnessed();
        let builder = world.every(1_000).name("a").timeout(ms(70));
        let builder = builder.retry(|| std::iter::repeat(ms(30)));
        if synchronous {
            builder.run(|| Err("no"))
        } else {
            builder.run(async || Err("no"))
        }
        .unwrap();
        world.start();
        world.advance(900);
        let expected = [
            (0, "a started"),
            (0, "a retried"),
            (30, "a retried"),
            (60, "a retried"),
            (70, "a timed out"),
        ];
        assert_eq!(emitted.take(), at(&expected), "synchronous: {synchronous}");
    }
}

#[test]
fn the_limit_holds_in_the_midst_of_an_attempt() {
    let (world, emitted) = witnessed();
    let clock = world.time.clone();
    let target = move || {
        let sleep = clock.sleep(ms(25));
        async move {
            sleep.await;
            Err("no")
        }
    };
    let builder = world.every(1_000).name("a").timeout(ms(70));
    builder.retry(|| std::iter::repeat(ms(30))).run(target).unwrap();
    world.start();
    world.advance(900);
    let expected = [(0, "a started"), (25, "a retried"), (70, "a timed out")];
    assert_eq!(emitted.take(), at(&expected));
}

#[test]

fn the_limit_holds_while_a_blocking_run_waits_for_its_next_attempt() {
    let (world, emitted) = witnessed();
    let builder = world.every(1_000).name("a").timeout(ms(70));
    let builder = builder.retry(|| std::iter::repeat(ms(30)));
    builder.run_blocking(|| Err("no")).unwrap();
    world.start();
    world.advance(300);
    let emitted = emitted.take();
    assert_eq!(emitted.last(), Some(&(70, "a timed out".to_owned())), "{emitted:?}");
}

#[test]
fn an_attempt_at_the_very_limit_is_still_made() {
    for blocking in [false, true] {
        let (world, emitted) = witnessed();
        let mut attempts = 0;
        let target = move || {
            attempts += 1;
            if attempts == 1 { Err("no") } else { Ok(()) }
        };
        let builder = world.every(1_000).name("a").timeout(ms(70)).retry(|| [ms(70)]);
        if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        world.start();
        world.advance(300);
        let emitted = emitted.take();
        assert_eq!(emitted.last(), Some(&(70, "a finished".to_owned())), "{emitted:?}");
    }
}

#[test]

fn the_limit_holds_for_attempts_without_a_wait_between_them() {
    let (world, emitted) = witnessed();
    let clock = world.time.clone();
    let target = move || {
        clock.block_for(ms(20));
        Err("no")
    };
    let builder = world.every(1_000_000).name("a").timeout(ms(70));
    let builder = builder.retry(|| [Duration::ZERO; 1_000]);
    builder.run(target).unwrap();
    world.start();
    world.advance(100);
    let emitted = emitted.take();
    assert_eq!(
        emitted.last(),
        Some(&(80, "a timed out".to_owned())),
        "{} emitted",
        emitted.len()
    );
}

#[test]
fn a_time_out_is_not_tried_again() {
    let (world, emitted) = witnessed();
    let builder = world.every(1_000).name("a").timeout(ms(70));
    builder.retry(|| [ms(1); 5]).run(std::future::pending::<()>).unwrap();
    world.start();
    world.advance(900);
    assert_eq!(emitted.take(), at(&[(0, "a started"), (70, "a timed out")]));
}

#[test]
fn the_limit_holds_during_the_grace_of_a_stop() {
    let (world, emitted) = witnessed();
    let job = world
        .every(1_000)
        .name("a")
        .timeout(ms(70))
        .run(std::future::pending::<()>)
        .unwrap();
    world.start();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(world.elapsed_ms(), 70);
    assert!(report.is_clean());
    assert_eq!(job.status().timeouts(), 1);
    assert_eq!(emitted.take_names(), ["a started", "a timed out"]);
}

#[test]
fn a_run_that_a_stop_cancels_before_the_limit_is_cancelled() {
    let (world, emitted) = witnessed();
    let job = world
        .every(1_000)
        .name("a")
        .timeout(ms(70))
        .run(std::future::pending::<()>)
        .unwrap();
    world.start();
    world.advance(50);
    assert_eq!(world.wait(world.scheduler.stop().grace(ms(10))).cancelled(), [job]);
    world.advance(100);
    assert_eq!(emitted.take(), at(&[(0, "a started"), (60, "a cancelled")]));
}

#[test]
fn a_detached_stop_leaves_the_limit_in_force() {
    let world = World::new();
    world.every(1_000).timeout(ms(70)).run(endless(&world.log)).unwrap();
    world.start();
    world.scheduler.stop().detach();
    world.advance(500);
    assert_eq!(world.log.take(), at(&[(0, "begins"), (70, "dropped")]));
}

#[test]
fn a_removed_or_paused_job_keeps_the_limit_of_its_run() {
    for remove in [false, true] {
        let world = World::new();
        let job = world.every(200).timeout(ms(70)).run(endless(&world.log)).unwrap();
        world.start();
        if remove {
            job.remove();
        } else {
            job.pause();
        }
        world.advance(500);
        assert_eq!(world.log.take(), at(&[(0, "begins"), (70, "dropped")]));
    }
}

#[test]
fn a_limit_of_zero_is_refused() {
    let world = World::new();
    let error = world.every(1_000).timeout(Duration::ZERO).run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    assert!(error.to_string().contains("timeout"), "{error}");
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn the_shortest_limit_is_served() {
    let (world, emitted) = witnessed();
    let builder = world.every(1_000).name("a").timeout(Duration::from_nanos(1));
    builder.run(std::future::pending::<()>).unwrap();
    world.start();
    world.advance(1);
    assert_eq!(emitted.take_names(), ["a started", "a timed out"]);
}

#[test]
fn an_endless_limit_is_none() {
    for limit in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let world = World::new();
        let job = world
            .every(1_000)
            .timeout(limit)
            .run(world.log.taking("slow", |_| 86_400_000))
            .unwrap();
        let clock = world.time.clone();
        let noted = world.log.clone();
        let blocking = move |run: Run| {
            clock.block_for(SECOND);
            noted.note(run.is_cancelled().to_string());
        };
        world.every(86_400_000).timeout(limit).run_blocking(blocking).unwrap();
        world.start();
        world.advance(86_300_000);
        assert!(job.is_running());
        assert_eq!(job.status().timeouts(), 0);
        assert_eq!(world.log.take_names(), ["slow", "false"]);
        world.time.shut_down();
    }
}

#[test]
fn a_future_that_panics_when_it_is_dropped_at_the_limit() {
    let (world, emitted) = witnessed();
    let target = || {
        let guard = PanicsWhenDropped;
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    };
    world.every(100).name("a").timeout(ms(70)).run(target).unwrap();
    world.start();
    world.advance(199);
    let expected = [
        (0, "a started"),
        (70, "a timed out"),
        (100, "a started"),
        (170, "a timed out"),
    ];
    assert_eq!(emitted.take(), at(&expected));
}

/// Virtual time, with one odd sleep.
struct Odd<F>(VirtualTime, Instant, F);

impl<F: Fn(&VirtualTime) -> BoxFuture<'static, ()> + Send + Sync + 'static> Timer for Odd<F> {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        if deadline == self.1 && self.0.now() < self.1 - ms(5) {
            (self.2)(&self.0)
        } else {
            self.0.sleep_until(deadline)
        }
    }
}

fn with_odd_timer(odd: impl Fn(&VirtualTime) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Vec<(u64, String)> {
    let time = VirtualTime::new();
    let log = Log::new(&time);
    let timer = Odd(time.clone(), time.now() + ms(70), odd);
    let scheduler = Scheduler::new((time.clone(), timer));
    let (clock, begins) = (time.clone(), log.clone());
    let target = move || {
        begins.note("begins");
        let guard = NotesDrop(begins.clone(), "dropped");
        let sleep = clock.sleep(ms(130));
        async move {
            let _guard = guard;
            sleep.await;
        }
    };
    let job = scheduler.every(ms(200)).timeout(ms(70)).run(target).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(300));
    assert_eq!(job.status().timeouts(), 2);
    time.shut_down();
    log.take()
}

#[test]
fn without_a_timer_a_run_goes_on_and_counts_at_its_end() {
    let log = with_odd_timer(|_| panic!("a timer refuses"));
    let expected = [(0, "begins"), (130, "dropped"), (200, "begins"), (270, "dropped")];
    assert_eq!(log, at(&expected));
}

#[test]
fn a_timer_that_panics_when_it_is_polled_does_no_harm() {
    let log = with_odd_timer(|_| Box::pin(async { panic!("a timer gives up") }));
    let expected = [(0, "begins"), (130, "dropped"), (200, "begins"), (270, "dropped")];
    assert_eq!(log, at(&expected));
}

#[test]
fn a_timer_that_wakes_early_drops_no_run_early() {
    let log = with_odd_timer(|time| time.sleep(ms(65)));
    let expected = [(0, "begins"), (70, "dropped"), (200, "begins"), (270, "dropped")];
    assert_eq!(log, at(&expected));
}

#[test]
fn each_job_has_its_own_limit() {
    let (world, emitted) = witnessed();
    for (name, limit) in [("a", 70), ("b", 30), ("c", 45)] {
        let builder = world.every(1_000).name(name).timeout(ms(limit));
        builder.run(std::future::pending::<()>).unwrap();
    }
    world.start();
    emitted.take();
    world.advance(900);
    let expected = [(30, "b timed out"), (45, "c timed out"), (70, "a timed out")];
    assert_eq!(emitted.take(), at(&expected));
}

#[test]
fn a_stop_names_a_run_that_timed_out_before_it_nowhere() {
    let world = World::new();
    let builder = world.every(1_000).name("a").timeout(ms(70));
    builder.run(std::future::pending::<()>).unwrap();
    world.endless("b");
    world.start();
    world.advance(100);
    let report = world.stop();
    assert_eq!((report.finished().len(), names(report.cancelled())), (0, vec!["b"]));
}

#[test]
fn many_runs_are_dropped_once_each() {
    let world = World::new();
    let dropped = Count::default();
    for _ in 0..300 {
        let dropped = dropped.clone();
        let target = move || {
            let guard = dropped.on_drop();
            async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }
        };
        world.every(100).timeout(ms(30)).run(target).unwrap();
    }
    world.start();
    world.advance(29);
    assert_eq!(dropped.get(), 0);
    world.advance(1);
    assert_eq!(dropped.get(), 300);
    world.advance(980);
    assert_eq!(dropped.get(), 300 * 10);
}

#[test]
fn on_threads_a_blocking_run_is_told_to_end_in_the_midst_of_its_work() {
    let scheduler = Scheduler::new(Standalone::new());
    let (sender, ends) = mpsc::channel();
    let target = move |run: Run| {
        let began = Instant::now();
        while !run.is_cancelled() && began.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        sender.send(began.elapsed())
    };
    let builder = scheduler.every(SECOND * 60).timeout(ms(100));
    let job = builder.run_blocking(target).unwrap();
    scheduler.start().unwrap();
    let took = ends.recv_timeout(SECOND * 20).expect("it ends");
    assert!(took < SECOND * 10, "{took:?}");
    assert!(scheduler.stop().grace(SECOND * 10).blocking_wait().is_clean());
    assert_eq!(job.status().timeouts(), 1);
}

#[test]
fn on_threads_a_future_is_dropped_at_the_limit() {
    let scheduler = Scheduler::new(Standalone::new());
    let (sender, ends) = mpsc::channel();
    struct Tells(mpsc::Sender<Duration>, Instant);
    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.0.send(self.1.elapsed());
        }
    }
    let target = move || {
        let guard = Tells(sender.clone(), Instant::now());
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    };
    let job = scheduler.every(SECOND * 60).timeout(ms(100)).run(target).unwrap();
    scheduler.start().unwrap();
    let took = ends.recv_timeout(SECOND * 20).expect("it is dropped");
    assert!(took >= ms(99), "{took:?}");
    assert!(scheduler.stop().grace(SECOND * 10).blocking_wait().is_clean());
    assert_eq!(job.status().timeouts(), 1);
}
