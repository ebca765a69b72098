//! Several runs of a job at a time.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use atevery::runtime::{BoxFuture, SpawnError, Spawner, Standalone};
use atevery::testing::VirtualTime;
use atevery::{Allow, Job, JobBuilder, MissedTicks, Run, Scheduler, Several};
use futures::FutureExt;

use crate::support::{Count, Log, PanicsWhenDropped, SECOND, World, blow_up, ms, names};
use crate::threads::Stuck;
use crate::time_limit::{NotesDrop, at, witnessed};

fn allowing(world: &World, interval_ms: u64, runs: usize) -> JobBuilder<Several> {
    world.every(interval_ms).name("a").on_overlap(Allow(runs))
}

/// How many there are at once.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Arc<Mutex<(usize, usize)>>);

pub(crate) struct Entered(Gauge);

impl Gauge {
    pub(crate) fn enter(&self) -> Entered {
        let mut counts = self.0.lock().unwrap();
        counts.0 += 1;
        counts.1 = counts.1.max(counts.0);
        Entered(self.clone())
    }

    pub(crate) fn now(&self) -> usize {
        self.0.lock().unwrap().0
    }

    pub(crate) fn peak(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().0 -= 1;
    }
}

/// A target each run of which notes its number, and takes as long as `duration_ms` says for it.
fn taking(
    log: &Log,
    time: &VirtualTime,
    duration_ms: impl Fn(u64) -> u64 + Send + Sync + 'static,
) -> impl Fn(Run) -> BoxFuture<'static, ()> + Send + Sync + 'static {
    let (log, time) = (log.clone(), time.clone());
    move |run: Run| {
        log.note(run.number().to_string());
        time.sleep(ms(duration_ms(run.number())))
    }
}

#[test]
fn there_are_at_most_so_many_at_once() {
    for runs in [1, 2, 3, 7] {
        let world = World::new();
        let gauge = Gauge::default();
        let (inner, clock) = (gauge.clone(), world.time.clone());
        let target = move || {
            let entered = inner.enter();
            let sleep = clock.sleep(ms(830));
            async move {
                let _entered = entered;
                sleep.await;
            }
        };
        allowing(&world, 100, runs).run(target).unwrap();
        world.start();
        world.advance(20_000);
        assert_eq!(gauge.peak(), runs);
    }
}

#[test]
fn the_timeline_of_the_docs() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 230 } else { 20 });
    allowing(&world, 100, 2).run(target).unwrap();
    world.start();
    world.advance(400);
    assert_eq!(world.log.take_times(), [0, 100, 200, 300, 400]);
}

#[test]

fn one_too_many_waits_and_begins_at_the_first_tick_after_an_end() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number < 2 { 220 } else { 10_000 });
    allowing(&world, 100, 2)
        .missed_ticks(MissedTicks::Skip)
        .run(target)
        .unwrap();
    world.start();
    world.advance(2_000);
    // Ends at 220 and 320.
    assert_eq!(world.log.take(), at(&[(0, "0"), (100, "1"), (250, "2"), (350, "3")]));
}

#[test]

fn an_end_on_a_tick_holds_up_none_that_has_room() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 200);
    allowing(&world, 100, 4).run(target).unwrap();
    world.start();
    world.advance(600);
    assert_eq!(world.log.take_times(), [0, 100, 200, 300, 400, 500, 600]);
}

#[test]

fn the_end_of_any_run_lets_the_next_begin() {
    for first_to_end in 0..3 {
        let world = World::new();
        let takes = move |number| if number == first_to_end { 420 } else { 100_000 };
        let target = taking(&world.log, &world.time, takes);
        let job = allowing(&world, 100, 3)
            .missed_ticks(MissedTicks::Skip)
            .run(target)
            .unwrap();
        world.start();
        world.advance(5_000);
        assert_eq!(job.runs(), 4);
        let begun = 100 * first_to_end + 450;
        assert_eq!(world.log.take_times(), [0, 100, 200, begun]);
    }
}

#[test]
fn numbers_are_unique_and_rise_and_scheduled_instants_are_all_there() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let origin = atevery::runtime::Timer::now(&world.time);
        let runs: Arc<Mutex<Vec<(u64, Duration, Duration)>>> = Arc::default();
        let (seen, clock) = (Arc::clone(&runs), world.time.clone());
        let target = move |run: Run| {
            let entry = (run.number(), run.scheduled() - origin, run.started() - origin);
            seen.lock().unwrap().push(entry);
            clock.sleep(ms(if run.number() % 3 == 0 { 730 } else { 20 }))
        };
        let job = allowing(&world, 100, 3).missed_ticks(policy).run(target).unwrap();
        world.start();
        for _ in 0..50 {
            world.advance(90);
            world.time.jump(ms(170));
            world.settle();
        }
        let runs = runs.lock().unwrap().clone();
        assert_eq!(job.runs(), runs.len() as u64);
        assert!(runs.len() > 20, "{policy:?}: {}", runs.len());
        for (index, (number, scheduled, started)) in runs.iter().enumerate() {
            assert_eq!(*number, index as u64, "{policy:?}");
            assert!(scheduled <= started, "{policy:?}");
        }
        assert!(runs.windows(2).all(|pair| pair[0].1 < pair[1].1), "{policy:?}");
        if policy == MissedTicks::Burst {
            assert!(runs.iter().all(|(number, scheduled, _)| *scheduled == ms(number * 100)));
        }
        world.time.shut_down();
    }
}

#[test]
fn it_is_running_while_any_run_is() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 120 } else { 300 });
    let job = allowing(&world, 100, 2).times(2).run(target).unwrap();
    world.start();
    world.advance(150);
    assert!(job.is_running());
    world.advance(249);
    assert!(job.is_running());
    world.advance(1);
    assert!(!job.is_running());
}

#[test]

fn each_run_knows_whether_it_is_over() {
    let world = World::new();
    let (sender, runs) = mpsc::channel();
    let sender = Mutex::new(sender);
    let clock = world.time.clone();
    let target = move |run: Run| {
        let takes = if run.number() == 1 { 50 } else { 10_000 };
        sender.lock().unwrap().send(run).unwrap();
        clock.sleep(ms(takes))
    };
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(340);
    let runs: Vec<Run> = runs.try_iter().collect();
    let over: Vec<bool> = runs.iter().map(Run::is_cancelled).collect();
    assert_eq!(over, [false, true, false, false]);
    assert!(runs.iter().all(|run| run.job() == job && run.job().name() == "a"));
    assert!(world.stop().is_clean());
    assert!(runs.iter().all(Run::is_cancelled));
}

#[test]
fn a_stop_cancels_all_runs_and_names_the_job_once() {
    let world = World::new();
    let dropped = Count::default();
    let count = dropped.clone();
    let target = move || {
        let guard = count.on_drop();
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    };
    let job = allowing(&world, 100, 5).run(target).unwrap();
    world.start();
    world.advance(1_000);
    let report = world.stop();
    assert_eq!(report.cancelled(), std::slice::from_ref(&job));
    assert_eq!((dropped.get(), job.is_running()), (5, false));
    assert_eq!(job.status().cancelled(), 5);
}

#[test]
fn a_stop_waits_for_the_last_of_the_runs() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| 300 + 100 * number);
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(220);
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(world.elapsed_ms(), 700);
    assert_eq!(report.finished(), [job]);
    assert!(report.cancelled().is_empty());
}

#[test]
fn a_grace_that_only_some_runs_use() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 1 { 150 } else { 10_000 });
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(220);
    let report = world.wait(world.scheduler.stop().grace(ms(100)));
    assert_eq!(world.elapsed_ms(), 320);
    assert_eq!(
        (report.finished(), report.cancelled()),
        (&[job.clone()][..], &[job][..])
    );
}

#[test]
fn after_a_stop_there_is_room_again() {
    let world = World::new();
    let job = allowing(&world, 100, 3).run(pending::<()>).unwrap();
    for round in 1..=5 {
        world.start();
        world.advance(1_000);
        assert_eq!(job.runs(), 3 * round);
        assert!(world.stop().is_clean());
    }
}

#[test]
fn a_removed_job_begins_no_run_and_its_runs_go_on() {
    let (world, told) = witnessed();
    let target = taking(&world.log, &world.time, |_| 530);
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(120);
    job.remove();
    told.take();
    world.advance(2_000);
    assert_eq!(job.runs(), 2);
    assert_eq!(told.take(), at(&[(530, "a finished"), (630, "a finished")]));
}

#[test]

fn a_removed_job_is_running_while_any_of_its_runs_is() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 130 } else { 1_000 });
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(110);
    job.remove();
    world.advance(100);
    assert!(job.is_running());
    assert_eq!(job.status().state(), atevery::JobState::Running);
}

#[test]
fn a_stop_cancels_the_runs_of_a_removed_job() {
    let world = World::new();
    let job = allowing(&world, 100, 3).run(pending::<()>).unwrap();
    world.start();
    world.advance(500);
    job.remove();
    assert_eq!(world.stop().cancelled(), std::slice::from_ref(&job));
    assert_eq!(job.status().cancelled(), 3);
}

#[test]
fn what_the_target_captured_is_dropped_once_with_the_last_run() {
    let world = World::new();
    let dropped = Count::default();
    let (guard, clock) = (dropped.on_drop(), world.time.clone());
    let target = move |run: Run| {
        let _guard = &guard;
        clock.sleep(ms(if run.number() == 1 { 900 } else { 300 }))
    };
    let job = allowing(&world, 100, 3).run(target).unwrap();
    world.start();
    world.advance(250);
    job.remove();
    assert_eq!(dropped.get(), 0);
    world.advance(749);
    assert_eq!(dropped.get(), 0);
    world.advance(1);
    assert_eq!(dropped.get(), 1);
}

#[test]
fn what_the_target_captured_is_dropped_at_once_if_none_runs() {
    let world = World::new();
    let dropped = Count::default();
    let (guard, clock) = (dropped.on_drop(), world.time.clone());
    let target = move || {
        let _guard = &guard;
        clock.sleep(ms(250))
    };
    let job = allowing(&world, 100, 3).times(3).run(target).unwrap();
    world.start();
    world.advance(449);
    assert_eq!((job.runs(), dropped.get()), (3, 0));
    world.advance(1);
    assert!(world.scheduler.jobs().is_empty());
    assert_eq!(dropped.get(), 1);
}

#[test]
fn nothing_is_left_of_a_removed_job_and_its_places() {
    for in_a_run in [false, true] {
        let world = World::new();
        let dropped = Count::default();
        let (guard, clock) = (dropped.on_drop(), world.time.clone());
        // The job itself, and not its target, keeps this.
        let backoff = move || {
            let _guard = &guard;
            [SECOND]
        };
        let builder = allowing(&world, 100, 3).retry(backoff);
        let job = builder.run(move || clock.sleep(ms(250))).unwrap();
        world.start();
        world.advance(if in_a_run { 200 } else { 0 });
        assert_eq!(job.runs(), if in_a_run { 3 } else { 1 });
        job.remove();
        drop(job);
        world.advance(SECOND.as_millis() as u64);
        assert_eq!(dropped.get(), 1, "in a run: {in_a_run}");
    }
}

#[test]
fn what_the_target_captured_is_dropped_once_with_the_scheduler() {
    for started in [false, true] {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let value = Arc::new(());
        let captured = Arc::clone(&value);
        let target = move || {
            let own = Arc::clone(&captured);
            async move {
                let _own = own;
                pending::<()>().await;
            }
        };
        let job = scheduler.every(ms(100)).on_overlap(Allow(3)).run(target).unwrap();
        if started {
            scheduler.start().unwrap();
            time.advance(SECOND);
            assert_eq!(Arc::strong_count(&value), 5);
        }
        drop(scheduler);
        time.run_until_stalled();
        assert_eq!(Arc::strong_count(&value), 1, "started: {started}");
        assert_eq!((time.tasks(), time.timers()), (0, 0));
        drop(job);
    }
}

#[test]

fn a_target_that_panics_when_it_is_dropped() {
    for whole in [false, true] {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let guard = PanicsWhenDropped;
        let target = move || {
            let _guard = &guard;
            pending::<()>()
        };
        let job = scheduler.every(ms(100)).on_overlap(Allow(3)).run(target).unwrap();
        if whole {
            drop(scheduler);
        } else {
            job.remove();
        }
    }
}

#[test]
fn stragglers_keep_their_places_after_a_restart() {
    let stuck = Stuck::new();
    let waiter = stuck.waiter();
    let gauge = Gauge::default();
    let inner = gauge.clone();
    let waiter = Mutex::new(waiter);
    let target = move || {
        let _entered = inner.enter();
        let waiter = waiter.lock().unwrap().clone();
        waiter.wait();
    };
    let builder = stuck.scheduler.every(ms(50)).name("a").on_overlap(Allow(2));
    let job = builder.run_blocking(target).unwrap();
    stuck.start();
    stuck.scheduler.stop().detach();
    stuck.scheduler.start().unwrap();
    stuck.world().advance_until(|| gauge.now() == 2);
    stuck.begun();
    let report = stuck.scheduler.stop().timeout(Duration::ZERO).blocking_wait();
    assert_eq!(names(report.still_running()), ["a"]);
    stuck.scheduler.start().unwrap();
    for _ in 0..10 {
        stuck.world().advance(50);
        std::thread::sleep(ms(2));
    }
    assert_eq!((job.runs(), gauge.now()), (2, 2));
    stuck.release();
    stuck.world().advance_until(|| job.runs() >= 6);
    assert_eq!(gauge.peak(), 2);
    assert!(stuck.scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

#[test]
fn blocking_runs_are_parallel() {
    let scheduler = Scheduler::new(Standalone::new());
    let barrier = Arc::new(Barrier::new(4));
    let (sender, met) = mpsc::channel();
    let sender = Mutex::new(sender);
    let inner = Arc::clone(&barrier);
    let target = move || {
        inner.wait();
        let _ = sender.lock().unwrap().send(());
    };
    let builder = scheduler.every(ms(50)).on_overlap(Allow(4)).times(4);
    builder.run_blocking(target).unwrap();
    scheduler.start().unwrap();
    for _ in 0..4 {
        met.recv_timeout(SECOND * 20).expect("four run side by side");
    }
    assert!(scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

#[test]
fn synchronous_runs_are_parallel() {
    let scheduler = Scheduler::new(Standalone::new());
    let barrier = Arc::new(Barrier::new(2));
    let (sender, met) = mpsc::channel();
    let sender = Mutex::new(sender);
    let inner = Arc::clone(&barrier);
    let target = move || {
        inner.wait();
        let _ = sender.lock().unwrap().send(());
    };
    let builder = scheduler.every(ms(50)).on_overlap(Allow(2)).times(2);
    builder.run(target).unwrap();
    scheduler.start().unwrap();
    for _ in 0..2 {
        met.recv_timeout(SECOND * 20).expect("two run side by side");
    }
    assert!(scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

#[test]
fn on_threads_there_are_never_more() {
    let scheduler = Scheduler::builder(Standalone::new()).resolution(ms(1)).build().unwrap();
    let (gauge, numbers) = (Gauge::default(), Arc::new(Mutex::new(BTreeSet::new())));
    let doubled = Count::default();
    for blocking in [false, true] {
        let (inner, numbers, doubled) = (gauge.clone(), Arc::clone(&numbers), doubled.clone());
        let target = move |run: Run| {
            let _entered = inner.enter();
            if !numbers.lock().unwrap().insert((blocking, run.number())) {
                doubled.up();
            }
            std::thread::sleep(ms(2));
        };
        let builder = scheduler.every(ms(1)).on_overlap(Allow(2)).times(100);
        if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
    }
    scheduler.start().unwrap();
    let began = std::time::Instant::now();
    while !scheduler.jobs().is_empty() && began.elapsed() < SECOND * 20 {
        std::thread::sleep(ms(1));
    }
    assert!(scheduler.jobs().is_empty());
    assert_eq!((numbers.lock().unwrap().len(), doubled.get()), (200, 0));
    assert!(gauge.peak() <= 4, "{}", gauge.peak());
}

#[test]
fn one_at_a_time_is_as_wait() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let wait = World::new();
        let target = taking(&wait.log, &wait.time, |number| 33 + 70 * (number % 5));
        wait.every(100).missed_ticks(policy).run(target).unwrap();
        wait.start();
        wait.advance(10_000);

        let one = World::new();
        let target = taking(&one.log, &one.time, |number| 33 + 70 * (number % 5));
        allowing(&one, 100, 1).missed_ticks(policy).run(target).unwrap();
        one.start();
        one.advance(10_000);

        let (wait, one) = (wait.log.take(), one.log.take());
        assert!(wait.len() > 30);
        assert_eq!(wait, one, "{policy:?}");
    }
}

#[test]
fn none_at_a_time_is_refused() {
    let world = World::new();
    let error = allowing(&world, 100, 0).run(|| ()).unwrap_err();
    assert!(error.is_invalid_option());
    assert!(error.to_string().contains("Allow(0)"), "{error}");
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn any_number_at_a_time_costs_what_runs() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 1_000_000);
    let job = allowing(&world, 50, usize::MAX).run(target).unwrap();
    world.start();
    world.advance(5_000);
    assert_eq!(job.runs(), 101);
    assert_eq!(world.stop().cancelled(), [job]);
}

#[test]
fn a_panic_or_failure_of_one_run_leaves_the_others_alone() {
    let (world, told) = witnessed();
    let clock = world.time.clone();
    let target = move |run: Run| {
        let sleep = clock.sleep(ms(150));
        async move {
            match run.number() {
                0 => sleep.await,
                1 => {
                    blow_up();
                }
                2 => return Err("no"),
                _ => {}
            }
            Ok(())
        }
    };
    let job = allowing(&world, 50, 3).times(4).run(target).unwrap();
    world.start();
    world.advance(300);
    let ends: Vec<_> = told
        .take()
        .into_iter()
        .filter(|(_, what)| what != "a started")
        .collect();
    let expected = [
        (50, "a panicked"),
        (100, "a failed"),
        (150, "a finished"),
        (200, "a finished"),
        (200, "a removed"),
    ];
    assert!(
        ends == at(&expected)
            || ends
                == at(&[
                    (50, "a panicked"),
                    (100, "a failed"),
                    (150, "a finished"),
                    (150, "a finished"),
                    (150, "a removed")
                ]),
        "{ends:?}"
    );
    let status = job.status();
    assert_eq!((status.panics(), status.failures(), status.runs()), (1, 1, 4));
}

#[test]
fn a_panic_in_the_call_leaves_the_target_usable() {
    let world = World::new();
    let runs = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&runs);
    let target = move |run: Run| {
        if run.number() % 2 == 1 {
            blow_up();
        }
        count.fetch_add(1, Ordering::SeqCst);
    };
    let job = allowing(&world, 100, 2).run(target).unwrap();
    world.start();
    world.advance(900);
    assert_eq!((job.runs(), runs.load(Ordering::SeqCst)), (10, 5));
}

#[test]
fn each_run_has_a_limit_of_its_own() {
    let world = World::new();
    let log = world.log.clone();
    let target = move || {
        log.note("begins");
        let guard = NotesDrop(log.clone(), "dropped");
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    };
    let job = allowing(&world, 100, 3).timeout(ms(230)).times(4).run(target).unwrap();
    world.start();
    world.advance(1_000);
    let expected = [
        (0, "begins"),
        (100, "begins"),
        (200, "begins"),
        (230, "dropped"),
        (300, "begins"),
        (330, "dropped"),
        (430, "dropped"),
        (530, "dropped"),
    ];
    assert_eq!(world.log.take(), at(&expected));
    assert_eq!(job.status().timeouts(), 4);
}

#[test]

fn each_run_makes_attempts_of_its_own() {
    for blocking in [false, true] {
        let world = World::new();
        let log = world.log.clone();
        let target = move |run: Run| {
            log.note(run.number().to_string());
            Err::<(), _>("no")
        };
        let builder = allowing(&world, 100, 3).times(3).retry(|| [ms(130), ms(30)]);
        let job = if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        world.start();
        world.advance(1_000);
        let expected = [
            (0, "0"),
            (100, "1"),
            (130, "0"),
            (160, "0"),
            (200, "2"),
            (230, "1"),
            (260, "1"),
            (330, "2"),
            (360, "2"),
        ];
        assert_eq!(world.log.take(), at(&expected), "blocking: {blocking}");
        assert_eq!((job.status().failures(), job.status().retries()), (3, 6));
    }
}

#[test]
fn a_pause_holds_for_all_of_them() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 250);
    let job = allowing(&world, 100, 3)
        .missed_ticks(MissedTicks::Skip)
        .run(target)
        .unwrap();
    world.start();
    world.advance(220);
    job.pause();
    world.advance(1_000);
    assert_eq!(job.runs(), 3);
    job.resume();
    world.advance(230);
    assert_eq!(world.log.take_times()[3..], [1_250, 1_350, 1_450]);
}

#[test]

fn a_paused_job_that_is_triggered_runs_beside_the_run_in_progress() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 10_000 } else { 20 });
    let job = allowing(&world, 100, 2).run(target).unwrap();
    world.start();
    world.advance(120);
    job.pause();
    job.trigger();
    world.advance(200);
    assert_eq!(world.log.take(), at(&[(0, "0"), (100, "1"), (150, "2")]));
}

#[test]
fn a_triggered_run_begins_beside_the_run_in_progress_and_the_grid_stays() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 10_000);
    let job = allowing(&world, 1_000, 3).run(target).unwrap();
    world.start();
    world.advance(120);
    job.trigger();
    world.advance(900);
    assert_eq!(world.log.take(), at(&[(0, "0"), (150, "1"), (1_000, "2")]));
}

#[test]

fn a_triggered_run_that_was_refused_runs_once() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |number| if number == 0 { 230 } else { 10_000 });
    let job = allowing(&world, 1_000, 4).run(target).unwrap();
    world.start();
    world.advance(120);
    job.trigger();
    world.time.refuse_spawns(1_000);
    world.advance(120);
    world.time.refuse_spawns(0);
    world.advance(2_000);
    assert_eq!(
        world.log.take(),
        at(&[(0, "0"), (250, "1"), (1_000, "2"), (2_000, "3")])
    );
}

#[test]
fn runs_that_are_refused_are_tried_again() {
    for blocking in [false, true] {
        let world = World::new();
        let (clock, log) = (world.time.clone(), world.log.clone());
        let builder = allowing(&world, 100, 3);
        let job = if blocking {
            builder.run_blocking(move || log.note("begins"))
        } else {
            builder.run(move || {
                log.note("begins");
                clock.sleep(ms(1_000))
            })
        }
        .unwrap();
        world.scheduler.start().unwrap();
        world.time.refuse_spawns(1_000);
        world.advance(240);
        assert_eq!((job.runs(), job.is_running()), (0, false));
        world.time.refuse_spawns(0);
        world.advance(110);
        assert_eq!(world.log.take_times(), [250, 300, 350], "blocking: {blocking}");
        assert!(world.stop().is_clean());
    }
}

/// Virtual time with a blocking pool that is busy until it is told.
#[derive(Clone)]
struct BusyPool(VirtualTime, Arc<Mutex<Vec<Work>>>);

type Work = Box<dyn FnOnce() + Send>;

impl BusyPool {
    fn catch_up(&self) {
        let waiting = std::mem::take(&mut *self.1.lock().unwrap());
        for work in waiting {
            work();
        }
    }
}

impl Spawner for BusyPool {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.0.spawn(future)
    }

    fn spawn_blocking(&self, work: Work) -> Result<(), SpawnError> {
        self.1.lock().unwrap().push(work);
        Ok(())
    }
}

#[test]
fn a_pool_that_is_busy_for_a_while_begins_no_run_before_it_is_scheduled() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let time = VirtualTime::new();
        let pool = BusyPool(time.clone(), Arc::default());
        let scheduler = Scheduler::new((pool.clone(), time.clone()));
        let runs: Arc<Mutex<Vec<Run>>> = Arc::default();
        let seen = Arc::clone(&runs);
        let builder = scheduler.every(ms(200)).on_overlap(Allow(10)).missed_ticks(policy);
        builder
            .run_blocking(move |run: Run| seen.lock().unwrap().push(run))
            .unwrap();
        scheduler.start().unwrap();
        for busy in [400, 730, 50, 1_000] {
            time.advance(ms(busy));
            pool.catch_up();
        }
        for _ in 0..100 {
            time.advance(ms(50));
            pool.catch_up();
        }
        let runs = runs.lock().unwrap();
        assert!(runs.iter().all(|run| run.scheduled() <= run.started()), "{policy:?}");
        assert!(runs.is_sorted_by_key(|run| run.number()), "{policy:?}");
        assert!(runs.is_sorted_by_key(|run| run.scheduled()), "{policy:?}");
        if policy == MissedTicks::Burst {
            // All of them are made up: those of 0, 200, ... 7,000 and what came since.
            assert!(runs.len() >= 36, "{}", runs.len());
        }
        time.shut_down();
    }
}

/// The job's own run ends while another one waits for the pool, which has not moved the schedule on yet.
#[test]
fn no_second_run_is_offered_for_one_scheduled_instant_or_one_trigger() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        for is_triggered in [false, true] {
            let time = VirtualTime::new();
            let pool = BusyPool(time.clone(), Arc::default());
            let scheduler = Scheduler::new((pool.clone(), time.clone()));
            let runs: Arc<Mutex<Vec<Run>>> = Arc::default();
            let (seen, clock) = (Arc::clone(&runs), time.clone());
            let builder = scheduler.every(ms(200)).on_overlap(Allow(2)).missed_ticks(policy);
            let job = builder
                .run_blocking(move |run: Run| {
                    if run.number() == 0 {
                        clock.advance(ms(220));
                    }
                    seen.lock().unwrap().push(run);
                })
                .unwrap();
            scheduler.start().unwrap();
            time.run_until_stalled();
            pool.catch_up();
            if is_triggered {
                job.trigger();
            }
            for _ in 0..20 {
                time.advance(ms(50));
                pool.catch_up();
            }
            let runs = runs.lock().unwrap();
            assert!(runs.iter().all(|run| run.scheduled() <= run.started()), "{policy:?}");
            // Those of 0, 200, ... 1,200, or each 250 after the one before; and the triggered one.
            let regular = if policy == MissedTicks::Delay { 5 } else { 7 };
            assert_eq!(runs.len(), regular + usize::from(is_triggered), "{policy:?}");
            time.shut_down();
        }
    }
}

#[test]
fn runs_that_wait_in_a_busy_pool_are_withdrawn_by_a_stop() {
    let time = VirtualTime::new();
    let pool = BusyPool(time.clone(), Arc::default());
    let scheduler = Scheduler::new((pool.clone(), time.clone()));
    let builder = scheduler.every(ms(100)).on_overlap(Allow(3));
    let job = builder.run_blocking(|| ()).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(500));
    let report = scheduler.stop().into_future().now_or_never().expect("nothing runs");
    assert!(report.is_clean() && report.cancelled().is_empty());
    for work in std::mem::take(&mut *pool.1.lock().unwrap()) {
        work();
    }
    assert_eq!((job.runs(), job.is_running()), (0, false));
    time.shut_down();
}

#[test]
fn an_interval_from_the_end_leaves_no_room_for_a_second_run() {
    let world = World::new();
    let target = taking(&world.log, &world.time, |_| 120);
    allowing(&world, 100, 3).fixed_delay().run(target).unwrap();
    world.start();
    world.advance(550);
    assert_eq!(world.log.take_times(), [0, 250, 500]);
}

#[test]
fn all_shapes_of_target_can_run_several_times_at_once() {
    let world = World::new();
    let jobs: Vec<Job> = vec![
        allowing(&world, 100, 2).run(|| ()).unwrap(),
        allowing(&world, 100, 2).run(|_: Run| Ok::<(), String>(())).unwrap(),
        allowing(&world, 100, 2).run(async || ()).unwrap(),
        allowing(&world, 100, 2).run(async |_: Run| Err::<(), _>("no")).unwrap(),
        allowing(&world, 100, 2).run_blocking(|| ()).unwrap(),
        allowing(&world, 100, 2).run_blocking(|_: Run| ()).unwrap(),
    ];
    world.start();
    world.advance(500);
    assert!(jobs.iter().all(|job| job.runs() == 6));
}

#[test]
fn nothing_is_left_behind_in_ten_thousand_ticks() {
    let world = World::new();
    let clock = world.time.clone();
    let target = move |run: Run| clock.sleep(ms(10 + 60 * (run.number() % 4)));
    let job = allowing(&world, 50, 6).run(target).unwrap();
    world.start();
    world.advance(50 * 10_000);
    assert!(job.runs() >= 9_900, "{}", job.runs());
    assert!(world.time.tasks() <= 7, "{}", world.time.tasks());
    assert!(world.stop().is_clean());
    world.settle();
    assert_eq!((world.time.tasks(), world.time.timers()), (0, 0));
}

#[test]
fn many_jobs_have_places_of_their_own() {
    let world = World::new();
    let jobs: Vec<Job> = (0..300)
        .map(|_| allowing(&world, 100, 3).run(pending::<()>).unwrap())
        .collect();
    world.start();
    world.advance(1_000);
    assert!(jobs.iter().all(|job| job.runs() == 3));
    assert_eq!(world.stop().cancelled(), jobs);
}
