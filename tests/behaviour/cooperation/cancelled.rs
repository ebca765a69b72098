//! When a run is told to end, and which tasks are woken by it.

use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use atevery::runtime::{Spawner, Standalone};
use atevery::testing::VirtualTime;
use atevery::{Allow, Overlap, Run, Scheduler};
use futures::FutureExt;
use futures::executor::block_on;

use super::{lending_its_run, note_cancelled, with_run};
use crate::support::{Count, Later, Log, SECOND, World, blow_up, later, ms, names, poll_once, put, take};
use crate::time_limit::at;

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
    let slot = lending_its_run(&world, builder, 60_000);
    world.start();
    note_cancelled(&world, &take(&slot), "told");
    world.advance(200);
    assert_eq!(world.log.take(), at(&[(150, "told")]));
}

#[test]
fn it_comes_at_the_time_limit() {
    let world = World::new();
    let slot = lending_its_run(&world, world.every(10_000).timeout(ms(70)), 60_000);
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
    let slot = lending_its_run(&world, world.every(100), 10);
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
    let slot = lending_its_run(&world, world.every(10_000), 60_000);
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
