//! How long a stop waits, and what its report says.

use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use atevery::testing::VirtualTime;
use atevery::{Run, Scheduler, SchedulerState};
use futures::FutureExt;
use futures::executor::block_on;

use crate::cooperation::within;
use crate::support::{Count, SECOND, World, blow_up, ms, names, panicking_waker, poll_once, yield_now};
use crate::threads::Stuck;

#[test]
fn grace_lets_runs_end_by_themselves() {
    let world = World::new();
    let quick = world.taking("quick", 1_000, 70);
    let slow = world.taking("slow", 1_000, 130);
    let endless = world.endless("endless");
    world.start();
    let report = world.wait(world.scheduler.stop().grace(ms(100)));
    assert_eq!(report.finished(), [quick]);
    assert_eq!(report.cancelled(), [slow, endless]);
    assert_eq!(world.elapsed_ms(), 100);
}

#[test]
fn grace_ends_with_the_last_run() {
    let world = World::new();
    world.taking("quick", 1_000, 70);
    world.start();
    assert_eq!(
        names(world.wait(world.scheduler.stop().grace(SECOND * 60)).finished()),
        ["quick"]
    );
    assert_eq!(world.elapsed_ms(), 70);
}

#[test]
fn grace_without_runs_is_no_wait() {
    let world = World::new();
    world.noting("idle", 100);
    world.start();
    assert!(world.wait(world.scheduler.stop().grace(SECOND * 60)).is_clean());
    assert_eq!(world.elapsed_ms(), 0);
}

#[test]
fn no_run_begins_during_the_grace() {
    let world = World::new();
    let idle = world.noting("idle", 100);
    world.taking("slow", 1_000, 730);
    world.start();
    world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!((idle.runs(), world.elapsed_ms()), (1, 730));
}

#[test]
fn a_run_that_fails_or_panics_in_the_grace_has_finished() {
    let world = World::new();
    let clock = world.time.clone();
    let fails = move || {
        let sleep = clock.sleep(ms(10));
        async move {
            sleep.await;
            Err::<(), _>("no")
        }
    };
    world.every(1_000).name("fails").run(fails).unwrap();
    let clock = world.time.clone();
    let panics = move || {
        let sleep = clock.sleep(ms(20));
        async move {
            sleep.await;
            blow_up();
        }
    };
    world.every(1_000).name("panics").run(panics).unwrap();
    world.start();
    let report = world.wait(world.scheduler.stop().grace(SECOND));
    assert_eq!(names(report.finished()), ["fails", "panics"]);
}

#[test]
fn endless_grace_and_timeout_wait_for_ever() {
    let world = World::new();
    world.taking("slow", 1_000, 3_600_000);
    world.start();
    let stop = world.scheduler.stop().grace(Duration::MAX).timeout(Duration::MAX);
    assert_eq!(names(world.wait(stop).finished()), ["slow"]);
    assert_eq!(world.elapsed_ms(), 3_600_000);
}

#[test]
fn a_timeout_is_not_waited_for_when_all_have_gone() {
    let world = World::new();
    world.endless("endless");
    world.start();
    assert!(world.wait(world.scheduler.stop().timeout(SECOND * 60)).is_clean());
    assert_eq!(world.elapsed_ms(), 0);
}

#[test]
fn a_timeout_of_zero_cancels_and_returns_at_once() {
    let world = World::new();
    let job = world.endless("endless");
    world.start();
    let mut stop = pin!(world.scheduler.stop().timeout(Duration::ZERO).into_future());
    let report = stop.as_mut().now_or_never().expect("it does not wait");
    world.settle();
    assert!(!job.is_running());
    assert_eq!(report.cancelled().len() + report.still_running().len(), 1);
    world.scheduler.start().unwrap();
}

#[test]
fn settings_may_come_in_either_order_and_the_last_one_counts() {
    for flip in [false, true] {
        let world = World::new();
        world.endless("endless");
        world.start();
        let stop = world.scheduler.stop().grace(SECOND);
        let stop = if flip {
            stop.timeout(ms(10)).grace(ms(200))
        } else {
            stop.grace(ms(200)).timeout(ms(10))
        };
        assert!(world.wait(stop).is_clean());
        assert_eq!(world.elapsed_ms(), 200);
    }
}

#[test]
fn synchronous_code_is_waited_for_up_to_the_timeout_and_named() {
    let stuck = Stuck::new();
    let world = stuck.world();
    let cooperative = stuck
        .scheduler
        .every(SECOND)
        .name("ends")
        .run(std::future::pending::<()>)
        .unwrap();
    let job = stuck.register("stuck");
    stuck.start();
    while !cooperative.is_running() {
        std::thread::yield_now();
    }
    let mut stop = pin!(stuck.scheduler.stop().timeout(ms(300)).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    while cooperative.is_running() {
        std::thread::yield_now();
    }
    world.advance(299);
    assert!(poll_once(stop.as_mut()).is_pending());
    world.advance(1);
    let report = stop.now_or_never().expect("the timeout is over");
    assert_eq!(names(report.cancelled()), ["ends"]);
    assert_eq!(report.still_running(), std::slice::from_ref(&job));
    assert!(!report.is_clean());
    assert!(job.is_running());
    stuck.release();
}

#[test]
fn a_timeout_of_zero_names_what_is_stuck() {
    let stuck = Stuck::new();
    let job = stuck.register("stuck");
    stuck.start();
    let stop = stuck.scheduler.stop().timeout(Duration::ZERO).into_future();
    let report = stop.now_or_never().expect("it does not wait");
    assert_eq!(report.still_running(), [job]);
    stuck.release();
}

#[test]
fn a_stop_that_is_dropped_at_any_stage_is_carried_out() {
    // The stop has 60 ms before it cancels and 100 ms after. It is polled every 30 ms.
    for polls in 1.. {
        let stuck = Stuck::new();
        let endless = stuck.scheduler.every(SECOND).run(std::future::pending::<()>).unwrap();
        let job = stuck.register("stuck");
        stuck.start();
        while !endless.is_running() {
            std::thread::yield_now();
        }
        let mut stop = Box::pin(stuck.scheduler.stop().grace(ms(60)).timeout(ms(100)).into_future());
        let returned = (0..polls).any(|poll| {
            stuck.world().advance(if poll == 0 { 0 } else { 30 });
            poll_once(stop.as_mut()).is_ready()
        });
        if returned {
            assert_eq!(polls, 7);
            break;
        }
        assert!(endless.is_running() || polls >= 3, "{polls} polls");
        drop(stop);
        stuck
            .world()
            .advance_until(|| stuck.scheduler.status().state() == SchedulerState::Stopped);
        assert!(!endless.is_running() && job.is_running(), "{polls} polls");
    }
}

#[test]
fn an_endless_timeout_is_none() {
    let stuck = Stuck::new();
    let job = stuck.register("stuck");
    stuck.start();
    let mut stop = pin!(stuck.scheduler.stop().timeout(Duration::MAX).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    stuck.world().advance(3_600_000);
    assert!(poll_once(stop.as_mut()).is_pending());
    stuck.release();
    assert_eq!(block_on(stop).finished(), [job]);
}

#[test]
fn stops_that_gave_up_leave_nothing_behind_while_the_run_goes_on() {
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    let stuck = Stuck::new();
    let world = stuck.world();
    let job = stuck.register("stuck");
    stuck.start();
    let nobody = Arc::new(Nobody);
    let waker = Waker::from(Arc::clone(&nobody));
    let mut cx = Context::from_waker(&waker);
    for _ in 0..10 {
        let mut stop = stuck.scheduler.stop().timeout(ms(10)).into_future();
        assert!(stop.poll_unpin(&mut cx).is_pending());
        world.advance(10);
        assert!(stop.poll_unpin(&mut cx).is_ready());
    }
    assert!(job.is_running());
    assert_eq!(Arc::strong_count(&nobody), 2);
    stuck.release();
}

#[test]
fn a_stop_that_gave_up_takes_nothing_from_one_that_goes_on_waiting() {
    let stuck = Stuck::new();
    let job = stuck.register("stuck");
    stuck.start();
    let mut patient = stuck.scheduler.stop().into_future();
    assert!((&mut patient).now_or_never().is_none());
    let hasty = stuck.scheduler.stop().timeout(Duration::ZERO).into_future();
    assert!(hasty.now_or_never().is_some());
    let (sender, report) = mpsc::channel();
    let waiting = std::thread::spawn(move || sender.send(block_on(patient)));
    stuck.release();
    let report = report.recv_timeout(SECOND * 60).expect("it hears of the end");
    assert_eq!(report.finished(), [job]);
    waiting.join().unwrap().unwrap();
}

#[test]
fn one_whose_waker_panics_returns_and_harms_nothing() {
    let world = World::new();
    let (first, second) = (world.taking("first", 1_000, 70), world.taking("second", 1_000, 70));
    world.start();
    let waker = panicking_waker();
    let mut stop = pin!(world.scheduler.stop().grace(SECOND).into_future());
    assert!(stop.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let mut other = pin!(world.scheduler.stop().grace(SECOND).into_future());
    assert!(poll_once(other.as_mut()).is_pending());
    world.advance(100);
    let reports = [stop.now_or_never().unwrap(), other.now_or_never().unwrap()];
    for report in reports {
        assert_eq!(report.finished(), [first.clone(), second.clone()]);
    }
}

#[test]
fn one_whose_waker_panics_when_its_executor_goes_harms_nothing() {
    for grace in [SECOND, Duration::MAX] {
        let (waker, time) = (panicking_waker(), VirtualTime::new());
        let scheduler = Scheduler::new(time.clone());
        let job = scheduler.every(SECOND).run(std::future::pending::<()>).unwrap();
        scheduler.start().unwrap();
        time.run_until_stalled();
        let mut stop = pin!(scheduler.stop().grace(grace).into_future());
        assert!(stop.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        // The probe of the stop goes with the executor, and so does the run.
        time.shut_down();
        assert_eq!(stop.now_or_never().unwrap().cancelled(), [job]);
    }
}

#[test]
fn on_threads_they_end_by_the_threads_clock_if_the_runtimes_stands_still() {
    for (grace, timeout) in [(0, 300), (300, 0), (150, 150)] {
        let stuck = Stuck::new();
        let job = stuck.register("stuck");
        stuck.start();
        let began = Instant::now();
        let stop = stuck.scheduler.stop().grace(ms(grace)).timeout(ms(timeout));
        let report = within(move || stop.blocking_wait());
        assert_eq!(report.still_running(), [job]);
        let took = began.elapsed();
        assert!(ms(300) <= took && took < SECOND * 10, "{took:?}");
        stuck.release();
    }
}

#[test]
fn on_threads_the_runtimes_clock_ends_them_if_it_comes_first() {
    let stuck = Stuck::new();
    let job = stuck.register("stuck");
    stuck.start();
    let stop = stuck.scheduler.stop().timeout(SECOND * 60);
    let waiting = std::thread::spawn(move || within(move || stop.blocking_wait()));
    stuck.world().advance_until(|| waiting.is_finished());
    assert_eq!(waiting.join().unwrap().still_running(), [job]);
    stuck.release();
}

#[test]
fn the_timeout_counts_from_the_cancellation() {
    let stuck = Stuck::new();
    let world = stuck.world();
    stuck.register("stuck");
    stuck.start();
    let mut stop = pin!(stuck.scheduler.stop().grace(ms(200)).timeout(ms(300)).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    world.advance(200);
    assert!(poll_once(stop.as_mut()).is_pending());
    world.advance(299);
    assert!(poll_once(stop.as_mut()).is_pending());
    world.advance(1);
    assert!(!stop.now_or_never().expect("grace and timeout are over").is_clean());
    stuck.release();
}

#[test]
fn synchronous_code_that_ends_while_a_stop_waits_has_finished() {
    let stuck = Stuck::new();
    let job = stuck.register("stuck");
    stuck.start();
    let mut stop = Box::pin(stuck.scheduler.stop().into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    stuck.release();
    let report = futures::executor::block_on(stop);
    assert_eq!(report.finished(), [job]);
}

#[test]
fn a_blocking_run_that_ends_while_a_stop_waits_has_finished() {
    let stuck = Stuck::new();
    let job = stuck.register_blocking("stuck");
    stuck.start();
    let mut stop = Box::pin(stuck.scheduler.stop().into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    stuck.release();
    let report = futures::executor::block_on(stop);
    assert_eq!(report.finished(), [job]);
}

#[test]
fn a_straggler_is_not_restarted_before_it_has_ended_and_all_others_are() {
    let stuck = Stuck::new();
    let world = stuck.world();
    let straggler = stuck.register("straggler");
    stuck.start();
    let other = stuck.scheduler.every(ms(50)).run(|| ()).unwrap();
    let report = stuck
        .scheduler
        .stop()
        .timeout(Duration::ZERO)
        .into_future()
        .now_or_never();
    assert_eq!(report.unwrap().still_running(), std::slice::from_ref(&straggler));

    stuck.scheduler.start().unwrap();
    world.advance_until(|| other.runs() >= 5);
    assert_eq!(straggler.runs(), 1);

    stuck.release();
    world.advance_until(|| straggler.runs() == 2);
    let _ = stuck
        .scheduler
        .stop()
        .timeout(Duration::ZERO)
        .into_future()
        .now_or_never();
}

#[test]
fn a_later_stop_waits_for_the_straggler() {
    let stuck = Stuck::new();
    let job = stuck.register("straggler");
    stuck.start();
    let first = stuck
        .scheduler
        .stop()
        .timeout(Duration::ZERO)
        .into_future()
        .now_or_never();
    assert!(!first.unwrap().is_clean());
    let mut second = Box::pin(stuck.scheduler.stop().into_future());
    assert!(poll_once(second.as_mut()).is_pending());
    stuck.release();
    assert_eq!(futures::executor::block_on(second).finished(), [job]);
}

#[test]
fn an_async_run_that_was_cancelled_amid_a_poll_is_dropped_at_its_next_await() {
    let stuck = Stuck::new();
    let (dropped, went_on) = (Count::default(), Count::default());
    let (guard, count, wait) = (dropped.clone(), went_on.clone(), stuck.waiter());
    let target = move || {
        let (guard, count, wait) = (guard.on_drop(), count.clone(), wait.clone());
        async move {
            let _guard = guard;
            wait.wait();
            yield_now().await;
            count.up();
        }
    };
    let job = stuck.scheduler.every(SECOND).run(target).unwrap();
    stuck.start();
    let mut stop = Box::pin(stuck.scheduler.stop().into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    assert_eq!(dropped.get(), 0);
    stuck.release();
    let report = futures::executor::block_on(stop);
    assert_eq!(report.cancelled(), [job]);
    assert_eq!((dropped.get(), went_on.get()), (1, 0));
}

#[test]
fn blocking_code_sees_that_it_is_cancelled() {
    let stuck = Stuck::new();
    let (begin, begun) = std::sync::mpsc::channel();
    let target = move |run: Run| {
        assert!(!run.is_cancelled());
        begin.send(()).unwrap();
        while !run.is_cancelled() {
            std::thread::yield_now();
        }
    };
    let job = stuck.scheduler.every(SECOND).run_blocking(target).unwrap();
    stuck.scheduler.start().unwrap();
    begun.recv_timeout(SECOND * 20).unwrap();
    let report = futures::executor::block_on(stuck.scheduler.stop().into_future());
    assert_eq!(report.finished(), [job]);
}

#[test]
fn a_run_is_told_to_end_by_a_stop_with_grace_but_not_by_a_detached_one() {
    let world = World::new();
    let runs: crate::support::Later<Run> = crate::support::later();
    let slot = runs.clone();
    let target = move |run: Run| {
        crate::support::put(&slot, run);
        std::future::pending::<()>()
    };
    world.every(100).run(target).unwrap();
    world.start();
    let run = crate::support::take(&runs);
    world.scheduler.stop().detach();
    assert!(!run.is_cancelled());
    let mut stop = pin!(world.scheduler.stop().grace(ms(100)).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    assert!(run.is_cancelled());
    assert!(run.job().is_running());
    world.advance(100);
    assert!(poll_once(stop.as_mut()).is_pending());
    world.settle();
    assert!(stop.now_or_never().is_some());
    assert!(run.is_cancelled());
}

#[test]
fn the_run_after_a_cancelled_one_is_not_cancelled() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note(run.is_cancelled().to_string());
        std::future::pending::<()>()
    };
    world.every(100).run(target).unwrap();
    world.start();
    world.stop();
    world.scheduler.start().unwrap();
    world.advance(100);
    assert_eq!(world.log.take_names(), ["false", "false"]);
}

#[test]
fn a_report_is_shown_and_cloned() {
    let world = World::new();
    world.endless("endless");
    world.start();
    let report = world.stop();
    assert!(format!("{report:?}").contains("endless"));
}
