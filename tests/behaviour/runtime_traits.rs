//! Runtimes that a user writes.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use atevery::runtime::{BoxFuture, Runtime, SpawnError, Spawner, Timer};
use atevery::testing::VirtualTime;
use atevery::{Job, Run, Scheduler};
use futures::future::select;
use futures::{FutureExt, StreamExt};

use crate::naive::{Clock, Mode, Naive, pass};
use crate::support::{Count, Later, PanicsWhenDropped, SECOND, World, drive, in_time, later, ms, put, take, yield_now};

/// One scheduler, a few jobs, one second on the clock, and a stop. Everything works as it should.
fn serves(runtime: impl Runtime, pass: impl Fn(Duration)) {
    let scheduler = Scheduler::new(runtime);
    let plain = scheduler.every(ms(100)).run(|| ()).unwrap();
    let future = scheduler.every(ms(100)).run(yield_now).unwrap();
    let blocking = scheduler.every(ms(100)).run_blocking(|| ()).unwrap();
    let endless = scheduler.every(ms(100)).run(std::future::pending::<()>).unwrap();
    scheduler.start().unwrap();
    pass(ms(1_020));
    assert_eq!(
        (plain.runs(), future.runs(), blocking.runs(), endless.runs()),
        (11, 11, 11, 1)
    );
    let report = drive(scheduler.stop(), || pass(ms(0)));
    assert_eq!(report.cancelled(), [endless]);
    pass(SECOND);
    assert_eq!((plain.runs(), future.runs(), blocking.runs()), (11, 11, 11));
}

#[test]
fn a_pair_of_spawner_and_timer() {
    let (naive, clock) = (Naive::new(), Clock::new());
    serves((naive.clone(), clock.clone()), |span| {
        pass(&clock, &naive, span, ms(10));
    });
}

#[test]
fn pairs_of_whole_runtimes_take_one_half_of_each() {
    let (time, other) = (VirtualTime::new(), VirtualTime::new());
    serves((time.clone(), time.clone()), |span| time.advance(span));
    assert_eq!((other.tasks(), other.timers()), (0, 0));
}

#[test]
fn a_pair_and_an_arc_show_the_wall_clock_of_the_timer() {
    let start = UNIX_EPOCH + SECOND;
    let (time, other) = (VirtualTime::at(start), VirtualTime::new());
    time.step_wall(60);
    let wall = start + 60 * SECOND;
    assert_eq!((other.clone(), time.clone()).wall(), wall);
    assert_eq!(Timer::wall(&Arc::new(time.clone())), wall);
    let runtime: Arc<dyn Runtime> = Arc::new((other, time));
    assert_eq!(Timer::wall(&runtime), wall);
}

#[test]
fn an_arc_of_a_runtime() {
    let time = VirtualTime::new();
    serves(Arc::new(time.clone()), |span| time.advance(span));
}

#[test]
fn an_arc_of_a_dyn_runtime() {
    let time = VirtualTime::new();
    let runtime: Arc<dyn Runtime> = Arc::new(time.clone());
    serves(Arc::clone(&runtime), |span| time.advance(span));
    serves(runtime, |span| time.advance(span));
}

#[test]
fn a_pair_of_arcs_of_dyns() {
    let time = VirtualTime::new();
    let spawner: Arc<dyn Spawner> = Arc::new(time.clone());
    let timer: Arc<dyn Timer> = Arc::new(time.clone());
    serves((spawner, timer), |span| time.advance(span));
}

#[test]
fn nested_pairs_and_arcs() {
    let (naive, clock) = (Naive::new(), Clock::new());
    let inner = Arc::new((naive.clone(), clock.clone()));
    serves((Arc::clone(&inner), inner), |span| {
        pass(&clock, &naive, span, ms(10));
    });
}

#[test]
fn a_spawner_that_polls_inside_spawn() {
    let (naive, clock) = (Naive::new(), Clock::new());
    naive.set(Mode::Inline);
    serves((naive.clone(), clock.clone()), |span| {
        pass(&clock, &naive, span, ms(10));
    });
}

#[test]
fn a_coarse_timer() {
    let (naive, clock) = (Naive::new(), Clock::new());
    serves((naive.clone(), clock.clone()), |span| {
        pass(&clock, &naive, span, ms(20));
    });
}

#[test]
fn spawn_blocking_of_the_runtime_is_used_for_blocking_jobs_only() {
    #[derive(Clone, Default)]
    struct Counting(VirtualTime, Arc<AtomicUsize>);
    impl Spawner for Counting {
        fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
            self.0.spawn(future)
        }
        fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.spawn_blocking(work)
        }
    }
    for wrap in 0..3 {
        let spawner = Counting::default();
        let time = spawner.0.clone();
        let scheduler = match wrap {
            0 => Scheduler::new((spawner.clone(), time.clone())),
            1 => Scheduler::new(Arc::new((Arc::new(spawner.clone()), time.clone()))),
            _ => Scheduler::new(Arc::new((spawner.clone(), time.clone())) as Arc<dyn Runtime>),
        };
        scheduler.every(ms(100)).run(|| ()).unwrap();
        scheduler.every(ms(100)).run(async || ()).unwrap();
        scheduler.every(ms(100)).run_blocking(|| ()).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(500));
        assert_eq!(spawner.1.load(Ordering::SeqCst), 6, "{wrap}");
    }
}

#[test]
fn the_provided_spawn_blocking_runs_the_work_in_a_future() {
    let time = VirtualTime::new();
    let done = Count::default();
    let count = done.clone();
    Spawner::spawn_blocking(&time, Box::new(move || count.up())).unwrap();
    assert_eq!(done.get(), 0);
    time.run_until_stalled();
    assert_eq!(done.get(), 1);
}

#[test]
fn all_that_is_known_of_time_comes_from_the_timer() {
    // The clock stands still: the first tick is served, and no other tick ever.
    let (naive, clock) = (Naive::new(), Clock::at(Instant::now() + SECOND * 86_400));
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let (sender, runs) = std::sync::mpsc::channel();
    let job = scheduler
        .every(ms(50))
        .run(move |run: Run| sender.send((run.scheduled(), run.started())).unwrap())
        .unwrap();
    scheduler.start().unwrap();
    naive.run();
    std::thread::sleep(ms(120));
    clock.fire();
    naive.run();
    assert_eq!(job.runs(), 1);
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), [(clock.now(), clock.now())]);
}

#[test]
fn the_executor_may_come_to_its_tasks_late() {
    // The run is dispatched at 0 and begins at 230. The tick of the beginning counts.
    let (naive, clock) = (Naive::new(), Clock::new());
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    let (sender, runs) = std::sync::mpsc::channel();
    let start = clock.now();
    let target = move |run: Run| sender.send((run.scheduled() - start, run.started() - start, run.missed()));
    let builder = scheduler.every(ms(100)).missed_ticks(atevery::MissedTicks::Delay);
    builder.run(target).unwrap();
    scheduler.start().unwrap();
    naive.step(1); // the loop alone
    clock.set(start + ms(230));
    naive.run();
    clock.fire();
    pass(&clock, &naive, ms(120), ms(10));
    assert_eq!(
        runs.try_iter().collect::<Vec<_>>(),
        [(ms(0), ms(230), 2), (ms(300), ms(300), 0)]
    );
}

#[test]
fn a_job_dispatched_twice_would_run_twice() {
    // The executor runs no worker for many ticks, while the clock and the loop go on.
    let (naive, clock) = (Naive::new(), Clock::new());
    let lazy = Lazy(naive.clone(), Arc::default());
    let scheduler = Scheduler::new((lazy.clone(), clock.clone()));
    let job = scheduler
        .every(ms(50))
        .missed_ticks(atevery::MissedTicks::Skip)
        .run(|| ())
        .unwrap();
    scheduler.start().unwrap();
    pass(&clock, &naive, SECOND, ms(10));
    assert_eq!(job.runs(), 0);
    lazy.catch_up();
    naive.run();
    assert_eq!(job.runs(), 1);

    /// Runs the loop at once, and other tasks only when the test asks.
    #[derive(Clone)]
    struct Lazy(Naive, Arc<std::sync::Mutex<Vec<BoxFuture<'static, ()>>>>);
    impl Lazy {
        fn catch_up(&self) {
            for future in std::mem::take(&mut *self.1.lock().unwrap()) {
                self.0.spawn(future).unwrap();
            }
        }
    }
    impl Spawner for Lazy {
        fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
            if self.0.spawns() == 0 {
                return self.0.spawn(future);
            }
            self.1.lock().unwrap().push(future);
            Ok(())
        }
    }
}

#[test]
fn a_timer_that_panics_because_its_runtime_is_gone_keeps_no_stop() {
    #[derive(Clone)]
    struct Fragile(VirtualTime);
    impl Timer for Fragile {
        fn now(&self) -> Instant {
            self.0.now()
        }
        fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
            panic!("the runtime is gone");
        }
    }
    let time = VirtualTime::new();
    let scheduler = Scheduler::new((time.clone(), Fragile(time.clone())));
    let job = scheduler.every(ms(100)).run(std::future::pending::<()>).unwrap();
    scheduler.start().unwrap();
    time.run_until_stalled();
    let report = time.block_on(scheduler.stop().grace(SECOND).timeout(SECOND));
    assert_eq!(report.cancelled().len() + usize::from(job.runs() == 0), 1);
}

#[test]
fn a_timer_whose_sleeps_panic_when_they_are_dropped_harms_nothing() {
    #[derive(Clone)]
    struct Fragile(VirtualTime);
    impl Timer for Fragile {
        fn now(&self) -> Instant {
            self.0.now()
        }
        fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
            let (mut sleep, guard) = (self.0.sleep_until(deadline), PanicsWhenDropped);
            Box::pin(std::future::poll_fn(move |cx| {
                let _guard = &guard;
                sleep.poll_unpin(cx)
            }))
        }
    }
    let time = VirtualTime::new();
    let scheduler = Scheduler::new((time.clone(), Fragile(time.clone())));
    let clock = time.clone();
    let target = move |run: Run| select(run.cancelled(), clock.sleep(ms(130))).map(drop);
    let job = scheduler.every(ms(100)).timeout(SECOND).run(target).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(1_020));
    assert_eq!((job.runs(), job.status().panics()), (7, 0));
    let report = time.block_on(scheduler.stop().grace(SECOND));
    assert_eq!((report.finished(), job.status().panics()), (&[job.clone()][..], 0));
}

/// No lock is held while code of the runtime runs, so all of this code may use the scheduler.
#[test]
fn a_runtime_that_uses_its_own_scheduler() {
    let (time, slot, calls) = (VirtualTime::new(), later::<Scheduler>(), Count::default());
    let scheduler = Scheduler::new(Nosy {
        time: time.clone(),
        slot: slot.clone(),
        victim: later(),
        calls: calls.clone(),
    });
    put(&slot, scheduler.clone());
    let clock = time.clone();
    let slow = scheduler.every(ms(100)).run(move || clock.sleep(ms(130))).unwrap();
    scheduler.every(ms(100)).run_blocking(|| ()).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(1_000));
    let late = scheduler.every(ms(100)).run(|| ()).unwrap();
    time.advance(ms(500));
    late.remove();
    let stop = scheduler.stop().grace(ms(10)).timeout(ms(10));
    assert!(time.block_on(stop).is_clean());
    assert!(slow.runs() > 5 && late.runs() > 3 && calls.get() > 50);
    drop(take(&slot));
    time.shut_down();
}

#[test]
fn a_runtime_that_changes_jobs_whenever_it_is_called() {
    in_time(|| {
        let (slot, victim, calls) = (later(), later(), Count::default());
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(Nosy {
            time: time.clone(),
            slot: slot.clone(),
            victim: victim.clone(),
            calls: calls.clone(),
        });
        let changed = scheduler.every(ms(100)).run(yield_now).unwrap();
        let steady = scheduler.every(ms(100)).run(yield_now).unwrap();
        put(&slot, scheduler.clone());
        put(&victim, changed.clone());
        scheduler.start().unwrap();
        time.advance(ms(1_000));
        let stop = scheduler.stop().grace(ms(10)).timeout(ms(10));
        assert!(time.block_on(stop).is_clean());
        assert_eq!((steady.runs(), scheduler.jobs().len()), (11, 2));
        assert!(
            changed.runs() > 10 && calls.get() > 50,
            "{} {}",
            changed.runs(),
            calls.get()
        );
        drop((take(&slot), take(&victim)));
        time.shut_down();
    });
}

/// Changes a job, and registers and removes another job.
fn meddle(scheduler: &Scheduler, job: &Job) {
    job.pause();
    job.resume();
    job.trigger();
    job.set_interval(ms(100)).unwrap();
    scheduler.every(SECOND).run(|| ()).unwrap().remove();
    assert!(scheduler.status().jobs().len() >= 2);
}

/// A waker that changes jobs.
fn meddler(scheduler: &Scheduler, job: &Job, woken: &Count) -> Waker {
    struct Meddler(Scheduler, Job, Count);
    impl Wake for Meddler {
        fn wake(self: Arc<Self>) {
            meddle(&self.0, &self.1);
            self.2.up();
        }
    }
    Waker::from(Arc::new(Meddler(scheduler.clone(), job.clone(), woken.clone())))
}

#[test]
fn wakers_that_change_jobs() {
    in_time(|| {
        let (world, woken, slot) = (World::new(), Count::default(), later());
        let job = world.noting("changed", 100);
        let (own, clock) = (slot.clone(), world.time.clone());
        let slow = move |run: Run| {
            put(&own, run);
            clock.sleep(ms(30))
        };
        world.every(1_000).run(slow).unwrap();
        let waker = meddler(&world.scheduler, &job, &woken);
        let mut cx = Context::from_waker(&waker);

        // The waker of a reader of events.
        let mut events = world.scheduler.events();
        assert!(events.next().poll_unpin(&mut cx).is_pending());
        world.start();
        assert_eq!(woken.get(), 1);

        // The waker of a run that waits for `cancelled`, and the waker of the stop that cancels the run.
        let mut told = Box::pin(take::<Run>(&slot).cancelled());
        assert!(told.poll_unpin(&mut cx).is_pending());
        let mut stop = Box::pin(world.scheduler.stop().grace(SECOND).into_future());
        assert!(stop.poll_unpin(&mut cx).is_pending());
        assert_eq!(woken.get(), 2);
        // The job was triggered at its own event. Its last run begins at the next tick.
        world.advance(49);
        assert_eq!(woken.get(), 2);
        world.advance(1);
        assert_eq!(woken.get(), 3);
        assert!(stop.poll_unpin(&mut cx).is_ready());
        drop((events, told, waker));
    });
}

/// A runtime that uses the scheduler whenever it is called, and whenever one of its tasks is woken or dropped. It may
/// change a job.
#[derive(Clone)]
struct Nosy {
    time: VirtualTime,
    slot: Later<Scheduler>,
    victim: Later<Job>,
    calls: Count,
}

impl Nosy {
    fn look(&self) {
        thread_local!(static LOOKS: Cell<bool> = const { Cell::new(false) });
        if LOOKS.replace(true) {
            return;
        }
        let scheduler = self.slot.lock().unwrap().clone();
        let victim = self.victim.lock().unwrap().clone();
        if let Some(scheduler) = &scheduler {
            let _ = (scheduler.jobs(), scheduler.is_running());
            self.calls.up();
        }
        if let Some((scheduler, job)) = scheduler.zip(victim) {
            meddle(&scheduler, &job);
        }
        LOOKS.set(false);
    }
}

impl Spawner for Nosy {
    fn spawn(&self, mut future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.look();
        let nosy = self.clone();
        self.time.spawn(Box::pin(std::future::poll_fn(move |cx| {
            let both = waker_fn(cx.waker().clone(), nosy.clone());
            future.as_mut().poll(&mut Context::from_waker(&both))
        })))
    }
}

impl Timer for Nosy {
    fn now(&self) -> Instant {
        self.look();
        self.time.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.look();
        self.time.sleep_until(deadline)
    }

    fn wall(&self) -> SystemTime {
        self.look();
        self.time.wall()
    }
}

/// A waker that uses the scheduler, and then wakes the task.
fn waker_fn(inner: Waker, nosy: Nosy) -> Waker {
    struct Both(Waker, Nosy);
    impl Wake for Both {
        fn wake(self: Arc<Self>) {
            self.1.look();
            self.0.wake_by_ref();
        }
    }
    impl Drop for Both {
        fn drop(&mut self) {
            self.1.look();
        }
    }
    Waker::from(Arc::new(Both(inner, nosy)))
}
