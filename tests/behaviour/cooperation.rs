//! Runs that are told to end, and stops that are waited for within a run.

use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use atevery::runtime::{Spawner, Standalone};
use atevery::testing::VirtualTime;
use atevery::{Allow, Event, EventKind, FirstRun, Job, JobBuilder, MissedTicks, Overlap, Run, Scheduler, StopReport};
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{Either, select};

use crate::support::{
    Count, Later, Log, SECOND, World, blow_up, later, ms, names, panicking_waker, poll_once, put, take,
};
use crate::time_limit::at;

/// A job whose run takes `takes_ms`, and hands itself out.
fn handing_out(world: &World, builder: JobBuilder, takes_ms: u64) -> Later<Run> {
    let slot = later();
    let (own, clock) = (slot.clone(), world.time.clone());
    let target = move |run: Run| {
        put(&own, run);
        clock.sleep(ms(takes_ms))
    };
    builder.run(target).unwrap();
    slot
}

/// Notes when the run is told to end, in a task of its own.
fn note_cancelled(world: &World, run: &Run, what: &'static str) {
    let (cancelled, log) = (run.cancelled(), world.log.clone());
    let task = async move {
        cancelled.await;
        log.note(what);
    };
    world.time.spawn(Box::pin(task)).unwrap();
}

/// A world with a run in progress that takes `takes_ms`.
fn with_run(takes_ms: u64) -> (World, Run) {
    let world = World::new();
    let slot = handing_out(&world, world.every(10_000).name("a"), takes_ms);
    world.start();
    let run = take(&slot);
    (world, run)
}

#[test]
fn it_comes_at_the_start_of_the_grace() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        let (clock, log) = (clock.clone(), log.clone());
        async move {
            run.cancelled().await;
            log.note("told");
            assert!(run.is_cancelled());
            clock.sleep(ms(20)).await;
            log.note("done");
        }
    };
    let job = world.every(10_000).run(target).unwrap();
    world.start();
    world.advance(130);
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(report.finished(), [job]);
    assert_eq!(world.log.take(), at(&[(130, "told"), (150, "done")]));
    assert_eq!(world.elapsed_ms(), 150);
}

#[test]
fn it_comes_at_a_stop_without_grace() {
    let (world, run) = with_run(60_000);
    note_cancelled(&world, &run, "told");
    world.advance(130);
    assert_eq!(names(world.stop().cancelled()), ["a"]);
    world.settle();
    assert_eq!(world.log.take(), at(&[(130, "told")]));
}

#[test]
fn it_comes_with_a_stop_that_is_polled_once_and_dropped() {
    let (world, run) = with_run(60_000);
    note_cancelled(&world, &run, "told");
    let mut stop = Box::pin(world.scheduler.stop().grace(SECOND).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    drop(stop);
    world.settle();
    assert_eq!(world.log.take(), at(&[(0, "told")]));
}

#[test]
fn it_comes_when_the_run_is_replaced() {
    let world = World::new();
    let builder = world.every(130).on_overlap(Overlap::Replace);
    let slot = handing_out(&world, builder, 60_000);
    world.start();
    note_cancelled(&world, &take(&slot), "told");
    world.advance(200);
    assert_eq!(world.log.take(), at(&[(150, "told")]));
}

#[test]
fn it_comes_at_the_time_limit() {
    let world = World::new();
    let slot = handing_out(&world, world.every(10_000).timeout(ms(70)), 60_000);
    world.start();
    note_cancelled(&world, &take(&slot), "told");
    world.advance(69);
    assert_eq!(world.log.take(), at(&[]));
    world.advance(1);
    assert_eq!(world.log.take(), at(&[(70, "told")]));
    assert_eq!(world.time.timers(), 1);
}

#[test]
fn it_comes_at_the_time_limit_of_synchronous_code() {
    let world = World::new();
    let (clock, seen) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        let mut cancelled = run.cancelled();
        for step in [69, 1] {
            clock.block_for(ms(step));
            seen.note(poll_once(Pin::new(&mut cancelled)).is_ready().to_string());
        }
    };
    world.every(10_000).timeout(ms(70)).run_blocking(target).unwrap();
    world.start();
    assert_eq!(world.log.take(), at(&[(69, "false"), (70, "true")]));
}

#[test]
fn it_comes_at_the_end_of_the_run() {
    let (world, run) = with_run(230);
    note_cancelled(&world, &run, "over");
    world.advance(1_000);
    assert_eq!(world.log.take(), at(&[(230, "over")]));
}

#[test]
fn it_comes_at_the_end_of_a_run_however_that_ends() {
    let world = World::new();
    let slots: Vec<Later<Run>> = (0..3).map(|_| later()).collect();
    for (index, slot) in slots.iter().enumerate() {
        let (own, clock) = (slot.clone(), world.time.clone());
        let target = move |run: Run| {
            put(&own, run);
            let sleep = clock.sleep(ms(30));
            async move {
                sleep.await;
                match index {
                    0 => Err("no"),
                    1 => {
                        blow_up();
                        Ok(())
                    }
                    _ => Ok(()),
                }
            }
        };
        world.every(10_000).run(target).unwrap();
    }
    world.start();
    slots
        .iter()
        .for_each(|slot| note_cancelled(&world, &take(slot), "over"));
    world.advance(100);
    assert_eq!(world.log.take(), at(&[(30, "over"); 3]));
}

#[test]
fn what_is_kept_of_a_run_is_ready_for_ever() {
    let world = World::new();
    let slot = handing_out(&world, world.every(100), 10);
    world.start();
    let run = take(&slot);
    world.advance(105);
    // The next run is in progress.
    assert!(run.job().is_running());
    assert!(run.is_cancelled());
    assert!(run.cancelled().now_or_never().is_some());
    let next = take(&slot);
    assert!(next.cancelled().now_or_never().is_none());
}

#[test]
fn a_task_that_outlives_its_run_does_not_hang() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        let (late, log) = (clock.sleep(ms(500)), log.clone());
        let task = async move {
            late.await;
            run.cancelled().await;
            log.note("over");
        };
        clock.spawn(Box::pin(task)).unwrap();
    };
    world.every(10_000).run(target).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(world.log.take(), at(&[(500, "over")]));
}

#[test]
fn it_does_not_come_for_anything_else() {
    let (world, run) = with_run(60_000);
    let job = run.job();
    let mut cancelled = Box::pin(run.cancelled());
    let mut is_pending = |why: &str| assert!(poll_once(cancelled.as_mut()).is_pending(), "{why}");
    is_pending("nothing");
    job.trigger();
    world.advance(100);
    is_pending("a trigger");
    job.pause();
    world.advance(100);
    is_pending("a pause");
    job.resume();
    is_pending("the end of a pause");
    job.set_interval(ms(500)).unwrap();
    world.advance(1_000);
    is_pending("another interval, and being due");
    world.scheduler.stop().detach();
    world.advance(100);
    is_pending("a stop that is not waited for");
    world.start();
    is_pending("a start");
    job.remove();
    world.advance(100);
    is_pending("a removal");
    assert!(!run.is_cancelled());
    assert_eq!(names(world.stop().cancelled()), ["a"]);
    assert!(poll_once(cancelled.as_mut()).is_ready());
}

#[test]
fn it_does_not_come_for_other_jobs_runs() {
    let world = World::new();
    let slot = handing_out(&world, world.every(10_000), 60_000);
    world.taking("other", 100, 10);
    world.every(100).timeout(ms(10)).run(pending::<()>).unwrap();
    world.start();
    let run = take(&slot);
    let mut cancelled = Box::pin(run.cancelled());
    for _ in 0..20 {
        world.advance(55);
        assert!(poll_once(cancelled.as_mut()).is_pending());
    }
}

#[test]
fn several_runs_of_a_job_are_told_apart() {
    let world = World::new();
    let runs: Arc<Mutex<Vec<Run>>> = Arc::default();
    let (seen, clock) = (Arc::clone(&runs), world.time.clone());
    let target = move |run: Run| {
        let takes = [60_000, 170, 60_000][usize::try_from(run.number()).unwrap()];
        seen.lock().unwrap().push(run);
        clock.sleep(ms(takes))
    };
    world.every(100).times(3).on_overlap(Allow(3)).run(target).unwrap();
    world.start();
    world.advance(220);
    for (run, what) in runs.lock().unwrap().iter().zip(["first", "second", "third"]) {
        note_cancelled(&world, run, what);
    }
    world.advance(180);
    assert_eq!(world.log.take(), at(&[(270, "second")]));
    assert!(world.stop().is_clean());
    world.settle();
    let mut told = world.log.take();
    told.sort();
    assert_eq!(told, at(&[(400, "first"), (400, "third")]));
}

#[test]
fn one_that_is_dropped_before_it_comes_leaves_nothing() {
    struct Nothing;
    impl Wake for Nothing {
        fn wake(self: Arc<Self>) {}
    }
    let world = World::new();
    let slot = handing_out(&world, world.every(10_000).timeout(SECOND * 60), 600_000);
    world.start();
    let run = take(&slot);
    let (timers, nothing) = (world.time.timers(), Arc::new(Nothing));
    let waker = Waker::from(Arc::clone(&nothing));
    let mut waiting: Vec<_> = (0..10).map(|_| run.cancelled()).collect();
    for cancelled in &mut waiting {
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut *cancelled).poll(&mut cx).is_pending());
        assert!(Pin::new(cancelled).poll(&mut cx).is_pending());
    }
    assert!(Arc::strong_count(&nothing) > 10);
    drop(waiting);
    assert_eq!(Arc::strong_count(&nothing), 2);
    assert_eq!(world.time.timers(), timers);
}

#[test]
fn one_whose_waker_panics_holds_up_neither_the_stop_nor_others() {
    let (world, run) = with_run(60_000);
    let (waker, mut nasty) = (panicking_waker(), run.cancelled());
    assert!(Pin::new(&mut nasty).poll(&mut Context::from_waker(&waker)).is_pending());
    note_cancelled(&world, &run, "told");
    world.settle();
    assert_eq!(names(world.stop().cancelled()), ["a"]);
    world.settle();
    assert_eq!(world.log.take_names(), ["told"]);
}

#[test]
fn a_run_that_goes_with_its_executor_knows_that_it_should_end() {
    struct AsksAtItsEnd(Run, Log);
    impl Drop for AsksAtItsEnd {
        fn drop(&mut self) {
            self.1.note(format!("is cancelled: {}", self.0.is_cancelled()));
        }
    }
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        let asks = AsksAtItsEnd(run, log.clone());
        async move {
            let _asks = asks;
            pending::<()>().await;
        }
    };
    world.every(10_000).run(target).unwrap();
    world.start();
    world.time.shut_down();
    assert_eq!(world.log.take_names(), ["is cancelled: true"]);
}

#[test]
fn one_that_was_never_polled_is_no_waiter() {
    let (world, run) = with_run(60_000);
    let cancelled = run.cancelled();
    assert!(world.stop().is_clean());
    drop(cancelled);
    drop(run.cancelled());
}

#[test]
fn many_wait_and_all_are_told() {
    let (world, run) = with_run(60_000);
    let told = Count::default();
    for _ in 0..1_000 {
        let (cancelled, told) = (run.cancelled(), told.clone());
        let task = async move {
            cancelled.await;
            told.up();
        };
        world.time.spawn(Box::pin(task)).unwrap();
    }
    world.advance(100);
    assert_eq!(told.get(), 0);
    let polls = world.time.polls();
    assert!(world.stop().is_clean());
    world.settle();
    assert_eq!(told.get(), 1_000);
    assert!(world.time.polls() - polls < 1_100, "{}", world.time.polls() - polls);
}

#[test]
fn the_last_waker_is_the_one_that_counts() {
    struct Wakes(Count);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.up();
        }
    }
    let (world, run) = with_run(60_000);
    let (first, last) = (Count::default(), Count::default());
    let mut cancelled = run.cancelled();
    for count in [&first, &last] {
        let waker = Waker::from(Arc::new(Wakes(count.clone())));
        assert!(
            Pin::new(&mut cancelled)
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    assert!(world.stop().is_clean());
    assert_eq!((first.get(), last.get()), (0, 1));
}

#[test]
fn in_a_select_it_may_be_made_anew_each_time() {
    let world = World::new();
    let (clock, log) = (world.time.clone(), world.log.clone());
    let target = move |run: Run| {
        let (clock, log) = (clock.clone(), log.clone());
        async move {
            for part in 0.. {
                match select(clock.sleep(ms(40)), run.cancelled()).await {
                    Either::Left(_) => log.note(format!("part {part}")),
                    Either::Right(_) => return log.note("told"),
                }
            }
        }
    };
    let job = world.every(10_000).run(target).unwrap();
    world.start();
    world.advance(100);
    assert_eq!(world.wait(world.scheduler.stop().grace(SECOND)).finished(), [job]);
    assert_eq!(world.log.take(), at(&[(40, "part 0"), (80, "part 1"), (100, "told")]));
}

#[test]
fn it_comes_when_the_scheduler_is_dropped() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let (slot, told) = (later::<Run>(), Count::default());
    let own = slot.clone();
    let target = move |run: Run| {
        put(&own, run);
        pending::<()>()
    };
    scheduler.every(SECOND).run(target).unwrap();
    scheduler.start().unwrap();
    time.run_until_stalled();
    let run = take(&slot);
    let (cancelled, count) = (run.cancelled(), told.clone());
    let task = async move {
        cancelled.await;
        count.up();
    };
    time.spawn(Box::pin(task)).unwrap();
    time.run_until_stalled();
    assert_eq!(told.get(), 0);
    drop(scheduler);
    time.run_until_stalled();
    assert_eq!((told.get(), time.tasks(), time.timers()), (1, 0, 0));
    assert!(run.is_cancelled());
    assert!(run.cancelled().now_or_never().is_some());
}

#[test]
fn it_comes_to_blocking_code_when_the_scheduler_is_dropped() {
    for limited in [false, true] {
        let scheduler = Scheduler::new(Standalone::new());
        let (sender, told) = mpsc::channel();
        let target = move |run: Run| {
            let _ = sender.send("begun");
            block_on(run.cancelled());
            let _ = sender.send("told");
        };
        let builder = scheduler.every(SECOND * 60);
        let builder = if limited {
            builder.timeout(SECOND * 600)
        } else {
            builder
        };
        builder.run_blocking(target).unwrap();
        scheduler.start().unwrap();
        assert_eq!(told.recv_timeout(SECOND * 20), Ok("begun"));
        drop(scheduler);
        assert_eq!(told.recv_timeout(SECOND * 20), Ok("told"));
    }
}

#[test]
fn on_threads_it_comes_to_blocking_code_and_to_other_threads() {
    let scheduler = Scheduler::new(Standalone::new());
    let (sender, told) = mpsc::channel();
    let target = move |run: Run| {
        let others: Vec<_> = (0..4)
            .map(|_| {
                let run = run.clone();
                thread::spawn(move || block_on(run.cancelled()))
            })
            .collect();
        let _ = sender.send(());
        block_on(run.cancelled());
        others.into_iter().for_each(|other| other.join().unwrap());
        let _ = sender.send(());
    };
    let job = scheduler.every(SECOND * 60).run_blocking(target).unwrap();
    scheduler.start().unwrap();
    told.recv_timeout(SECOND * 20).expect("it begins");
    let report = scheduler.stop().grace(SECOND * 20).timeout(SECOND).blocking_wait();
    told.recv_timeout(SECOND * 20).expect("it is told");
    assert_eq!(report.finished(), [job]);
}

#[test]
fn on_threads_it_comes_at_the_time_limit() {
    let scheduler = Scheduler::new(Standalone::new());
    let (sender, told) = mpsc::channel();
    let target = move |run: Run| {
        block_on(run.cancelled());
        let _ = sender.send(());
    };
    let job = scheduler
        .every(SECOND * 60)
        .timeout(ms(60))
        .run_blocking(target)
        .unwrap();
    scheduler.start().unwrap();
    told.recv_timeout(SECOND * 20).expect("it is told");
    assert!(scheduler.stop().grace(SECOND * 20).blocking_wait().is_clean());
    assert_eq!(job.status().timeouts(), 1);
}

#[test]
fn on_threads_none_is_missed() {
    let scheduler = Scheduler::builder(Standalone::new()).resolution(ms(1)).build().unwrap();
    let (sender, told) = mpsc::channel();
    let target = move |run: Run| {
        let _ = sender.send("begun");
        block_on(run.cancelled());
        let _ = sender.send("told");
    };
    let job = scheduler.every(SECOND * 60).run_blocking(target).unwrap();
    for _ in 0..200 {
        scheduler.start().unwrap();
        assert_eq!(told.recv_timeout(SECOND * 20), Ok("begun"));
        assert!(scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
        assert_eq!(told.recv_timeout(SECOND * 20), Ok("told"));
        job.trigger();
    }
}

#[test]
fn it_serves_all_attempts_of_a_run() {
    let world = World::new();
    let slot = later::<Run>();
    let own = slot.clone();
    let target = move |run: Run| {
        put(&own, run);
        Err::<(), _>("no")
    };
    world.every(10_000).retry(|| [ms(50), ms(50)]).run(target).unwrap();
    world.start();
    note_cancelled(&world, &take(&slot), "over");
    world.advance(99);
    assert_eq!(world.log.take(), at(&[]));
    world.advance(1);
    assert_eq!(world.log.take(), at(&[(100, "over")]));
}

/// Does the work on a thread of its own, and gives up on it after a while.
fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(SECOND * 20).expect("it returns")
}

/// How a stop is waited for in code that isn't `async`.
#[derive(Debug, Clone, Copy)]
enum Way {
    Wait,
    BlockOn,
    TimeOut,
}

const WAYS: [Way; 3] = [Way::Wait, Way::BlockOn, Way::TimeOut];

fn stop(scheduler: &Scheduler, way: Way) -> StopReport {
    match way {
        Way::Wait => scheduler.stop().blocking_wait(),
        Way::BlockOn => block_on(scheduler.stop().into_future()),
        Way::TimeOut => scheduler.stop().timeout(SECOND * 60).blocking_wait(),
    }
}

#[test]
fn a_stop_that_is_waited_for_in_its_own_run_names_that_as_still_running() {
    for way in WAYS {
        for blocking in [false, true] {
            let (report, other, later) = within(move || {
                let world = World::new();
                let (slot, seen) = (later::<Scheduler>(), later());
                put(&slot, world.scheduler.clone());
                let tell = seen.clone();
                let other = world.endless("other");
                let target = move |run: Run| {
                    let Some(scheduler) = slot.lock().unwrap().take() else {
                        return;
                    };
                    let report = stop(&scheduler, way);
                    put(
                        &tell,
                        (names(report.still_running()).join(" "), report, run.is_cancelled()),
                    );
                };
                let builder = world.every(1_000).name("own");
                let own = if blocking {
                    builder.run_blocking(target)
                } else {
                    builder.run(target)
                }
                .unwrap();
                world.start();
                let (still, report, told) = take(&seen);
                assert_eq!(still, "own");
                assert!(told, "its own run is told to end, too");
                assert!(!own.is_running());
                // All is as after any other stop.
                world.start();
                world.advance(1_000);
                (names(report.cancelled()).join(" "), other.runs(), own.runs())
            });
            assert_eq!(report, "other", "{way:?} {blocking}");
            assert_eq!((other, later), (2, 2), "{way:?} {blocking}");
        }
    }
}

#[test]
fn a_stop_in_the_call_that_makes_a_future() {
    let report = within(|| {
        let world = World::new();
        let (slot, seen) = (later::<Scheduler>(), later());
        put(&slot, world.scheduler.clone());
        let tell = seen.clone();
        let target = move || {
            put(&tell, take(&slot).stop().blocking_wait());
            pending::<()>()
        };
        let job = world.every(1_000).name("own").run(target).unwrap();
        world.start();
        assert!(!job.is_running(), "cancelled at its first await");
        take(&seen)
    });
    assert_eq!(names(report.still_running()), ["own"]);
}

#[test]
fn a_stop_in_any_attempt() {
    for blocking in [false, true] {
        let report = within(move || {
            let world = World::new();
            let (slot, seen) = (later::<Scheduler>(), later());
            put(&slot, world.scheduler.clone());
            let (tell, mut attempts) = (seen.clone(), 0);
            let target = move || {
                attempts += 1;
                if attempts == 3 {
                    put(&tell, take(&slot).stop().blocking_wait());
                }
                Err("no")
            };
            let builder = world.every(1_000).name("own").retry(|| [ms(20); 5]);
            let job = if blocking {
                builder.run_blocking(target)
            } else {
                builder.run(target)
            }
            .unwrap();
            world.start();
            world.advance(200);
            assert_eq!((job.status().retries(), job.status().cancelled()), (3, 1));
            take(&seen)
        });
        assert_eq!(names(report.still_running()), ["own"], "blocking: {blocking}");
    }
}

#[test]
fn a_stop_in_one_of_several_runs_cancels_the_others() {
    let report = within(|| {
        let world = World::new();
        let (slot, seen) = (later::<Scheduler>(), later());
        put(&slot, world.scheduler.clone());
        let tell = seen.clone();
        let target = move |run: Run| {
            if run.number() == 2 {
                put(&tell, take(&slot).stop().blocking_wait());
            }
            pending::<()>()
        };
        world.every(100).name("own").on_overlap(Allow(4)).run(target).unwrap();
        world.start();
        world.advance(200);
        take(&seen)
    });
    assert_eq!(names(report.still_running()), ["own"]);
    assert_eq!(names(report.cancelled()), ["own"]);
}

#[test]
fn on_threads_a_stop_in_its_own_run_waits_for_the_others() {
    for blocking in [false, true] {
        let report = within(move || {
            let scheduler = Scheduler::new(Standalone::new());
            let (slot, (sender, reports)) = (later::<Scheduler>(), mpsc::channel());
            put(&slot, scheduler.clone());
            let slow = |run: Run| {
                block_on(run.cancelled());
                thread::sleep(ms(100));
            };
            scheduler.every(SECOND * 60).name("slow").run_blocking(slow).unwrap();
            let target = move || {
                let scheduler = take(&slot);
                while !scheduler.jobs()[0].is_running() {
                    thread::yield_now();
                }
                let _ = sender.send(scheduler.stop().blocking_wait());
            };
            let builder = scheduler.every(SECOND * 60).name("own");
            if blocking {
                builder.run_blocking(target)
            } else {
                builder.run(target)
            }
            .unwrap();
            scheduler.start().unwrap();
            reports.recv_timeout(SECOND * 20).expect("the stop returns")
        });
        assert_eq!(names(report.still_running()), ["own"], "blocking: {blocking}");
        assert_eq!(names(report.finished()), ["slow"], "blocking: {blocking}");
    }
}

#[test]
fn a_stop_of_another_scheduler_waits_as_ever() {
    let report = within(|| {
        let (own, other) = (World::new(), World::new());
        let job = other.endless("other");
        other.start();
        let (scheduler, seen) = (later::<Scheduler>(), later());
        put(&scheduler, other.scheduler.clone());
        let tell = seen.clone();
        own.every(1_000)
            .run(move || put(&tell, take(&scheduler).stop().blocking_wait()))
            .unwrap();
        own.start();
        assert!(!job.is_running());
        take(&seen)
    });
    assert_eq!(names(report.cancelled()), ["other"]);
    assert!(report.is_clean());
}

/// Has each kind of event come about once or more; a stop is waited for in the hook at the first of `kind`.
fn stop_in_hook(kind: &'static str) -> (Option<String>, StopReport) {
    let time = VirtualTime::new();
    let (slot, seen) = (later::<Scheduler>(), later());
    let (own, tell) = (slot.clone(), seen.clone());
    let hook = move |event: &Event| {
        if event.kind().as_str() != kind {
            return;
        }
        let scheduler = own.lock().unwrap().take();
        if let Some(scheduler) = scheduler {
            let about = event.run().map(|_| event.job().name().to_owned());
            put(&tell, (about, scheduler.stop().blocking_wait()));
        }
    };
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    put(&slot, scheduler.clone());
    let every = |name: &str| scheduler.every(SECOND).name(name);
    let clock = time.clone();
    every("finishes").run(move || clock.sleep(ms(10))).unwrap();
    every("fails").run(async || Err("no")).unwrap();
    every("panics").run(blow_up).unwrap();
    every("times out").timeout(ms(30)).run(pending::<()>).unwrap();
    every("retries").retry(|| [ms(20), ms(20)]).run(|| Err("no")).unwrap();
    every("is replaced")
        .on_overlap(Overlap::Replace)
        .run(pending::<()>)
        .unwrap();
    every("ends").times(1).run(|| ()).unwrap();
    scheduler.start().unwrap();
    let late = every("is late").missed_ticks(MissedTicks::Skip);
    let passed = FirstRun::At(atevery::runtime::Timer::now(&time) - SECOND * 5);
    late.first_run(passed).run(|| ()).unwrap();
    time.refuse_spawns(if kind == "refused" { 1_000 } else { 0 });
    time.advance(SECOND);
    time.refuse_spawns(0);
    time.advance(SECOND * 2);
    let removed = scheduler.jobs().remove(0);
    removed.remove();
    time.shut_down();
    take(&seen)
}

#[test]
fn a_stop_that_is_waited_for_in_a_hook_names_the_run_that_it_was_called_for() {
    for kind in [
        "started",
        "finished",
        "failed",
        "panicked",
        "timed out",
        "retried",
        "cancelled",
        "missed",
        "late",
    ] {
        let (about, report) = within(move || stop_in_hook(kind));
        let about = about.expect("it is about a run");
        assert_eq!(names(report.still_running()), [about.as_str()], "{kind}");
    }
}

#[test]
fn a_stop_that_is_waited_for_in_a_hook_without_a_run_is_clean() {
    for kind in ["removed", "refused"] {
        let (about, report) = within(move || stop_in_hook(kind));
        assert_eq!(about, None, "{kind}");
        assert!(report.is_clean(), "{kind}: {report}");
    }
}

#[test]
fn a_stop_in_a_hook_that_a_stop_has_called() {
    within(|| {
        let (about, report) = stop_in_hook("cancelled");
        assert_eq!(names(report.still_running()), [about.unwrap().as_str()]);
    });
    // Likewise when many share a task.
    within(|| {
        let time = VirtualTime::new();
        let (slot, seen) = (later::<Scheduler>(), later());
        let (own, tell) = (slot.clone(), seen.clone());
        let hook = move |event: &Event| {
            if matches!(event.kind(), EventKind::Cancelled) {
                let scheduler = own.lock().unwrap().take();
                if let Some(scheduler) = scheduler {
                    put(&tell, scheduler.stop().timeout(Duration::ZERO).blocking_wait());
                }
            }
        };
        let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
        put(&slot, scheduler.clone());
        for _ in 0..1_000 {
            scheduler.every(SECOND).run(pending::<()>).unwrap();
        }
        scheduler.start().unwrap();
        time.run_until_stalled();
        let report = time.block_on(scheduler.stop());
        assert_eq!(report.cancelled().len(), 1_000);
        assert!(!take(&seen).is_clean());
    });
}

#[test]

fn a_stop_in_a_hook_cancels_what_the_stop_that_called_it_has_not_come_to() {
    within(|| {
        let time = VirtualTime::new();
        let slot = later::<Scheduler>();
        let own = slot.clone();
        let hook = move |event: &Event| {
            if matches!(event.kind(), EventKind::Cancelled) {
                let scheduler = own.lock().unwrap().take();
                if let Some(scheduler) = scheduler {
                    let _ = scheduler.stop().blocking_wait();
                }
            }
        };
        let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
        put(&slot, scheduler.clone());
        for _ in 0..1_000 {
            scheduler.every(SECOND).run(pending::<()>).unwrap();
        }
        scheduler.start().unwrap();
        time.run_until_stalled();
        time.block_on(scheduler.stop());
    });
}

#[test]

fn a_stop_in_a_hook_that_was_called_by_what_another_run_did() {
    within(|| {
        let time = VirtualTime::new();
        let slot = later::<Scheduler>();
        let own = slot.clone();
        let hook = move |event: &Event| {
            if matches!(event.kind(), EventKind::Removed) {
                let scheduler = own.lock().unwrap().take();
                if let Some(scheduler) = scheduler {
                    let _ = scheduler.stop().blocking_wait();
                }
            }
        };
        let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
        put(&slot, scheduler.clone());
        let other = scheduler.every(SECOND).run(|| ()).unwrap();
        scheduler.every(SECOND).run(move || other.remove()).unwrap();
        scheduler.start().unwrap();
        time.run_until_stalled();
    });
}

#[test]
fn a_hook_may_wait_for_a_stop_when_a_run_that_awaits_takes_its_own_job_off() {
    within(|| {
        let time = VirtualTime::new();
        let slot = later::<Scheduler>();
        let own = slot.clone();
        let hook = move |event: &Event| {
            if matches!(event.kind(), EventKind::Removed) {
                let scheduler = own.lock().unwrap().take();
                if let Some(scheduler) = scheduler {
                    let report = scheduler.stop().blocking_wait();
                    assert_eq!(report.still_running().len(), 1);
                }
            }
        };
        let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
        put(&slot, scheduler.clone());
        let job = later::<Job>();
        let own_job = job.clone();
        let target = move || {
            let job = own_job.clone();
            async move { take(&job).remove() }
        };
        put(&job, scheduler.every(SECOND).run(target).unwrap());
        scheduler.start().unwrap();
        time.run_until_stalled();
        assert!(slot.lock().unwrap().is_none(), "the hook was called");
    });
}

#[test]
fn a_job_that_awaits_a_stop_of_its_own_is_cancelled_there() {
    let world = World::new();
    let (slot, log) = (later::<Scheduler>(), Log::new(&world.time));
    put(&slot, world.scheduler.clone());
    let note = log.clone();
    let target = move || {
        let (scheduler, note) = (take(&slot), note.clone());
        async move {
            let _ = scheduler.stop().await;
            note.note("not reached");
        }
    };
    let job: Job = world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(100);
    assert!(!job.is_running() && !world.scheduler.is_running());
    assert_eq!(log.take(), at(&[]));
}
