//! The drop of the last handle, and executors that go away.

use std::cell::RefCell;
use std::sync::{Arc, mpsc};
use std::thread;

use atevery::runtime::{AsyncStd, FuturesSpawner, FuturesTimer, Runtime, Smol, Standalone, Timer};
use atevery::testing::VirtualTime;
use atevery::{Event, Job, Run, Scheduler, WeakScheduler};
use futures::FutureExt;

use crate::naive::{Clock, Mode, Naive, pass};
use crate::support::{Count, Later, SECOND, in_time, later, ms, poll_once, put, take, yield_now};

fn scheduler() -> (VirtualTime, Scheduler) {
    let time = VirtualTime::new();
    (time.clone(), Scheduler::new(time))
}

/// A job whose runs never end. Counts the drops of their futures.
fn endless(scheduler: &Scheduler, dropped: &Count) -> Job {
    let dropped = dropped.clone();
    let target = move || {
        let guard = dropped.on_drop();
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    };
    scheduler.every(ms(100)).run(target).unwrap()
}

#[test]
fn dropping_the_last_scheduler_stops_it() {
    let (time, scheduler) = scheduler();
    let dropped = Count::default();
    let (idle, busy) = (
        scheduler.every(ms(100)).run(|| ()).unwrap(),
        endless(&scheduler, &dropped),
    );
    scheduler.start().unwrap();
    time.advance(ms(100));
    drop(scheduler);
    time.run_until_stalled();
    assert_eq!(dropped.get(), 1);
    time.advance(SECOND);
    assert_eq!((idle.runs(), busy.runs()), (2, 1));
    assert!(!busy.is_running());
    assert_eq!((time.tasks(), time.timers()), (0, 0));
}

#[test]
fn a_clone_keeps_it_alive() {
    let (time, scheduler) = scheduler();
    let job = scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    let clone = scheduler.clone();
    drop(scheduler);
    time.advance(ms(300));
    assert_eq!(job.runs(), 4);
    drop(clone);
    time.advance(ms(300));
    assert_eq!(job.runs(), 4);
}

#[test]
fn a_weak_handle_does_not_keep_it_alive() {
    let (time, scheduler) = scheduler();
    let job = scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    let weak = scheduler.downgrade();
    assert!(format!("{weak:?}").contains("alive: true"));
    assert_eq!(weak.upgrade().unwrap().jobs(), std::slice::from_ref(&job));
    time.advance(ms(300));
    assert_eq!(job.runs(), 4);
    drop(scheduler);
    assert!(weak.clone().upgrade().is_none());
    assert!(format!("{weak:?}").contains("alive: false"));
    time.advance(ms(300));
    assert_eq!(job.runs(), 4);
    assert_eq!((time.tasks(), time.timers()), (0, 0));
}

#[test]
fn what_a_weak_handle_gives_keeps_it_alive() {
    let (time, scheduler) = scheduler();
    let job = scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    let upgraded = scheduler.downgrade().upgrade().unwrap();
    drop(scheduler);
    time.advance(ms(300));
    assert_eq!((job.runs(), upgraded.is_running()), (4, true));
    drop(upgraded);
    time.advance(ms(300));
    assert_eq!(job.runs(), 4);
}

/// The last other handle is dropped in that run.
#[test]
fn a_job_may_reach_its_own_scheduler_through_a_weak_handle() {
    let (time, scheduler) = scheduler();
    let (weak, handle, dropped) = (scheduler.downgrade(), later(), Count::default());
    let (slot, guard) = (Arc::clone(&handle), dropped.on_drop());
    let target = move |run: Run| {
        let _captured = &guard;
        let scheduler = weak.upgrade().expect("it is alive");
        if run.number() == 2 {
            drop(take::<Scheduler>(&slot));
        }
        assert!(scheduler.is_running());
    };
    let job = scheduler.every(ms(100)).run(target).unwrap();
    scheduler.start().unwrap();
    put(&handle, scheduler);
    time.advance(SECOND);
    assert_eq!((job.runs(), job.status().panics()), (3, 0));
    drop(job);
    assert_eq!((dropped.get(), time.tasks(), time.timers()), (1, 0, 0));
}

#[test]
fn a_job_or_a_run_does_not_keep_it_alive() {
    let (time, scheduler) = scheduler();
    let (runs, slot): (Later<Run>, _) = {
        let slot = later();
        (Arc::clone(&slot), slot)
    };
    let job = scheduler.every(ms(100)).run(move |run: Run| put(&slot, run)).unwrap();
    scheduler.start().unwrap();
    time.run_until_stalled();
    let run = take(&runs);
    drop(scheduler);
    time.advance(SECOND);
    assert_eq!(job.runs(), 1);
    assert_eq!(run.job(), job);
    assert_eq!(
        (run.number(), job.name().is_empty(), job.interval()),
        (0, false, Some(ms(100)))
    );
    job.remove();
    assert_eq!(time.tasks(), 0);
}

#[test]
fn dropping_jobs_changes_nothing() {
    let (time, scheduler) = scheduler();
    let runs = Count::default();
    let count = runs.clone();
    drop(scheduler.every(ms(100)).run(move || count.up()).unwrap());
    scheduler.start().unwrap();
    time.advance(ms(200));
    assert_eq!(runs.get(), 3);
    drop(scheduler.jobs());
    time.advance(ms(100));
    assert_eq!(runs.get(), 4);
}

#[test]
fn targets_are_dropped_with_the_scheduler() {
    let (time, scheduler) = scheduler();
    let dropped = Count::default();
    let mut jobs = Vec::new();
    for _ in 0..10 {
        let guard = dropped.on_drop();
        let target = move || {
            let _guard = &guard;
        };
        jobs.push(scheduler.every(ms(100)).run(target).unwrap());
    }
    scheduler.start().unwrap();
    time.advance(ms(100));
    drop(scheduler);
    time.run_until_stalled();
    assert_eq!(dropped.get(), 10);
}

#[test]
fn dropping_it_before_any_start_drops_the_targets() {
    let (_time, scheduler) = scheduler();
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let job = scheduler
        .every(ms(100))
        .run(move || {
            let _guard = &guard;
        })
        .unwrap();
    drop(scheduler);
    assert_eq!((dropped.get(), job.runs()), (1, 0));
}

#[test]
fn dropping_it_inside_a_synchronous_job() {
    let (time, scheduler) = scheduler();
    let slot = later();
    let own: Later<Scheduler> = Arc::clone(&slot);
    let job = scheduler.every(ms(100)).run(move || drop(take(&own))).unwrap();
    let other = scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    put(&slot, scheduler);
    time.advance(SECOND);
    assert_eq!((job.runs(), other.runs()), (1, 0));
    assert_eq!((time.tasks(), time.timers()), (0, 0));
}

#[test]
fn dropping_it_inside_a_future_cancels_that_run_at_its_next_await() {
    let (time, scheduler) = scheduler();
    let (slot, before, after, dropped) = (later(), Count::default(), Count::default(), Count::default());
    let own: Later<Scheduler> = Arc::clone(&slot);
    let (reached, passed, guard) = (before.clone(), after.clone(), dropped.clone());
    let target = move || {
        let (own, reached, passed, guard) = (Arc::clone(&own), reached.clone(), passed.clone(), guard.on_drop());
        async move {
            let _guard = guard;
            yield_now().await;
            drop(take(&own));
            reached.up();
            yield_now().await;
            passed.up();
        }
    };
    let job = scheduler.every(ms(100)).run(target).unwrap();
    scheduler.start().unwrap();
    put(&slot, scheduler);
    time.advance(SECOND);
    assert_eq!((before.get(), after.get(), dropped.get(), job.runs()), (1, 0, 1, 1));
    assert_eq!(time.tasks(), 0);
}

#[test]
fn dropping_it_inside_the_drop_of_a_run() {
    let (time, scheduler) = scheduler();
    let slot: Later<Scheduler> = later();
    let own = Arc::clone(&slot);
    let target = move || {
        let own = Arc::clone(&own);
        async move {
            let _guard = futures::future::AbortHandle::new_pair(); // something to hold
            let own = OnDrop(own);
            std::future::pending::<()>().await;
            drop(own);
        }
    };
    scheduler.every(ms(100)).run(target).unwrap();
    scheduler.start().unwrap();
    time.run_until_stalled();
    let stop = scheduler.stop().into_future();
    put(&slot, scheduler);
    assert_eq!(time.block_on(stop).cancelled().len(), 1);
    time.run_until_stalled();
    assert!(slot.lock().unwrap().is_none());
    assert_eq!(time.tasks(), 0);

    /// Drops the value in the slot.
    struct OnDrop(Later<Scheduler>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let scheduler = self.0.lock().unwrap().take();
            drop(scheduler);
        }
    }
}

#[test]
fn dropping_it_while_a_stop_waits_cuts_the_grace_short() {
    let (time, scheduler) = scheduler();
    let dropped = Count::default();
    endless(&scheduler, &dropped);
    scheduler.start().unwrap();
    time.run_until_stalled();
    let mut stop = Box::pin(scheduler.stop().grace(SECOND).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    drop(scheduler);
    time.run_until_stalled();
    assert_eq!(dropped.get(), 1);
    assert!(time.block_on(stop).is_clean());
    assert_eq!(time.elapsed(), ms(0));
}

#[test]
fn dropping_it_while_unwinding() {
    let (time, scheduler) = scheduler();
    let dropped = Count::default();
    endless(&scheduler, &dropped);
    scheduler.start().unwrap();
    time.run_until_stalled();
    let unwound = std::panic::catch_unwind(move || {
        let _scheduler = scheduler;
        panic!("a panic of the user's");
    });
    assert!(unwound.is_err());
    time.run_until_stalled();
    assert_eq!(dropped.get(), 1);
    assert_eq!(time.tasks(), 0);
}

#[test]
fn a_target_may_drop_the_scheduler_when_it_is_removed() {
    let (time, scheduler) = scheduler();
    let captured = scheduler.clone();
    let job = scheduler
        .every(ms(100))
        .run(move || assert!(captured.is_running()))
        .unwrap();
    scheduler.start().unwrap();
    drop(scheduler);
    time.advance(ms(100));
    assert_eq!(job.runs(), 2);
    job.remove();
    time.run_until_stalled();
    assert_eq!(time.tasks(), 0);
}

#[test]
fn each_future_is_dropped_exactly_once() {
    let (time, scheduler) = scheduler();
    let (made, dropped) = (Count::default(), Count::default());
    for nth in 0..10 {
        let (made, dropped, clock) = (made.clone(), dropped.clone(), time.clone());
        let target = move || {
            made.up();
            let (guard, sleep) = (dropped.on_drop(), clock.sleep(ms(nth * 40)));
            async move {
                let _guard = guard;
                sleep.await;
            }
        };
        scheduler.every(ms(100)).run(target).unwrap();
    }
    scheduler.start().unwrap();
    time.advance(ms(1_020));
    drop(scheduler);
    time.run_until_stalled();
    assert_eq!(made.get(), dropped.get());
    assert!(made.get() > 50);
    assert_eq!((time.tasks(), time.timers()), (0, 0));
}

#[test]
fn an_executor_that_drops_its_tasks_ends_the_runs_and_the_stop_returns() {
    let (time, scheduler) = scheduler();
    let dropped = Count::default();
    let job = endless(&scheduler, &dropped);
    scheduler.start().unwrap();
    time.run_until_stalled();
    time.shut_down();
    assert_eq!(dropped.get(), 1);
    assert!(!job.is_running() && !scheduler.is_running());
    assert!(scheduler.stop().into_future().now_or_never().unwrap().is_clean());
    assert!(scheduler.start().unwrap_err().is_spawn());
}

#[test]
fn stops_of_every_form_return_when_the_executor_goes_away_meanwhile() {
    for form in 0..4 {
        let (time, scheduler) = scheduler();
        endless(&scheduler, &Count::default());
        scheduler.start().unwrap();
        time.run_until_stalled();
        let stop = scheduler.stop().grace(SECOND);
        let stop = match form {
            0 => stop,
            1 => stop.timeout(SECOND),
            2 => stop.timeout(ms(0)),
            _ => stop.grace(std::time::Duration::MAX),
        };
        let mut stop = Box::pin(stop.into_future());
        assert!(poll_once(stop.as_mut()).is_pending());
        time.shut_down();
        assert!(
            stop.now_or_never().expect("there is nothing to wait for").is_clean(),
            "{form}"
        );
    }
}

#[test]
fn an_executor_that_leaks_its_tasks_keeps_no_stop() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let dropped = Count::default();
    endless(&scheduler, &dropped);
    scheduler.every(ms(50)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    pass(&clock, &naive, ms(200), ms(10));
    naive.go_away();
    clock.die();
    let stops = [
        scheduler.stop().grace(std::time::Duration::MAX),
        scheduler.stop(),
        scheduler.stop().timeout(SECOND),
        scheduler.stop().grace(SECOND).timeout(std::time::Duration::MAX),
    ];
    for stop in stops {
        let report = stop.into_future().now_or_never().expect("there is nothing to wait for");
        assert!(report.is_clean());
    }
    assert_eq!(dropped.get(), 1);
    assert!(scheduler.start().unwrap_err().is_spawn());
}

#[test]
fn runs_that_were_dispatched_to_an_executor_that_went_away_do_not_keep_a_stop() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let job = scheduler.every(ms(100)).run(async || ()).unwrap();
    let blocking = scheduler.every(ms(100)).run_blocking(|| ()).unwrap();
    naive.set(Mode::Inline);
    naive.refuse_blocking(false);
    scheduler.start().unwrap();
    assert_eq!((job.runs(), blocking.runs()), (1, 1));
    naive.set(Mode::Queue);
    clock.set(clock.now() + ms(100));
    clock.fire();
    naive.go_away();
    assert!(scheduler.stop().into_future().now_or_never().unwrap().is_clean());
}

#[test]
fn a_dead_timer_does_not_keep_a_stop_that_has_nothing_to_wait_for() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    naive.run();
    clock.die();
    let stop = scheduler.stop().grace(SECOND).timeout(SECOND).into_future();
    assert!(stop.now_or_never().unwrap().is_clean());
}

#[test]
fn an_executor_that_goes_away_with_its_timer_keeps_no_stop_with_a_timeout() {
    let gone = Gone::with_a_stuck_run();
    gone.go_away();
    for stop in [
        gone.scheduler.stop().timeout(SECOND),
        gone.scheduler.stop().grace(SECOND).timeout(SECOND),
    ] {
        let report = stop.into_future().now_or_never().expect("its timer will never tell");
        assert_eq!(report.still_running(), std::slice::from_ref(&gone.job));
    }
}

#[test]
fn an_executor_that_goes_away_while_a_stop_waits_for_its_timeout() {
    let gone = Gone::with_a_stuck_run();
    let mut stop = Box::pin(gone.scheduler.stop().timeout(SECOND).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    gone.go_away();
    let report = stop.now_or_never().expect("its timer will never tell");
    assert_eq!(report.still_running(), std::slice::from_ref(&gone.job));
}

/// A runtime with one thread, on which a run is stuck.
struct Gone {
    scheduler: Scheduler,
    job: Job,
    naive: Naive,
    clock: Clock,
    _release: std::sync::mpsc::Sender<()>,
}

impl Gone {
    fn with_a_stuck_run() -> Gone {
        let (naive, clock) = (Naive::new(), Clock::new());
        let scheduler = Scheduler::new((naive.clone(), clock.clone()));
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = std::sync::mpsc::channel();
        let target = move || {
            begin.send(()).unwrap();
            let _ = released.recv();
        };
        let job = scheduler.every(ms(100)).run(target).unwrap();
        scheduler.start().unwrap();
        let executor = naive.clone();
        std::thread::spawn(move || executor.run());
        begun.recv_timeout(SECOND * 20).expect("the run begins");
        Gone {
            scheduler,
            job,
            naive,
            clock,
            _release: release,
        }
    }

    fn go_away(&self) {
        self.naive.go_away();
        self.clock.die();
    }
}

/// Stops its scheduler, or only drops the last handle, when its thread has ended.
struct AtThreadsEnd {
    scheduler: Option<Scheduler>,
    stops: bool,
    is_clean: mpsc::Sender<bool>,
}

impl Drop for AtThreadsEnd {
    fn drop(&mut self) {
        let scheduler = self.scheduler.take().unwrap();
        let is_clean = !self.stops || scheduler.stop().timeout(SECOND * 10).blocking_wait().is_clean();
        drop(scheduler);
        let _ = self.is_clean.send(is_clean);
    }
}

thread_local! {
    static AT_THREADS_END: RefCell<Option<AtThreadsEnd>> = const { RefCell::new(None) };
}

/// A hook stops the scheduler once more, on the thread that ends.
fn ends_with_its_thread(runtime: impl Runtime + Clone) {
    for stops in [false, true] {
        let (dropped, told, stopping) = (Count::default(), Count::default(), later::<WeakScheduler>());
        let (count, telling, again, runtime) = (dropped.clone(), told.clone(), stopping.clone(), runtime.clone());
        let hook = move |event: &Event| {
            if event.kind().is_end() {
                let scheduler = again.lock().unwrap().as_ref().and_then(WeakScheduler::upgrade);
                drop(scheduler.map(|scheduler| scheduler.stop().blocking_wait()));
                telling.up();
            }
        };
        let (is_clean, received) = mpsc::channel();
        let thread = thread::spawn(move || {
            // Used first, so dropped last: the thread-locals of the runtime are gone by then.
            AT_THREADS_END.with_borrow(|_| ());
            let scheduler = Scheduler::builder(runtime).on_event(hook).build().unwrap();
            put(&stopping, scheduler.downgrade());
            let job = endless(&scheduler, &count);
            // The first round uses the thread-locals that a stop uses.
            for round in 0..2 {
                scheduler.start().unwrap();
                while !job.is_running() {
                    thread::yield_now();
                }
                if round == 0 {
                    drop(scheduler.stop().grace(ms(1)).timeout(SECOND).blocking_wait());
                }
            }
            AT_THREADS_END.set(Some(AtThreadsEnd {
                scheduler: Some(scheduler),
                stops,
                is_clean,
            }));
        });
        thread.join().expect("the thread ends");
        assert_eq!(received.recv_timeout(SECOND * 20), Ok(true));
        while (dropped.get(), told.get()) != (2, 2) {
            assert!(!stops, "a stop has returned");
            thread::yield_now();
        }
    }
}

#[test]
fn a_scheduler_in_a_thread_local_ends_with_its_thread_on_every_runtime() {
    in_time(|| {
        ends_with_its_thread(Standalone::new());
        ends_with_its_thread(Smol);
        ends_with_its_thread(AsyncStd);
        let pool = futures::executor::ThreadPool::new().unwrap();
        ends_with_its_thread(Arc::new((FuturesSpawner(pool), FuturesTimer)));
    });
}
