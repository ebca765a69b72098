//! Behaviour that only Tokio has: its paused clock, and how a runtime is found.

use std::future::IntoFuture;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, SystemTime};

use atevery::runtime::{Timer, Tokio};
use atevery::{Event, EventKind, FirstRun, Job, Run, Scheduler, Stop};
use futures::executor::block_on;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn paused_clock_runs_an_hour_in_no_time() {
    let began = std::time::Instant::now();
    let scheduler = Scheduler::new(Tokio::current());
    let job = scheduler.every(SECOND).run(|| {}).unwrap();
    scheduler.start().unwrap();

    sleep(SECOND * 3600 - SECOND / 2).await;
    scheduler.stop().await;

    assert_eq!(job.runs(), 3600);
    assert!(began.elapsed() < SECOND * 60);
}

#[tokio::test(start_paused = true)]
async fn paused_clock_has_no_delays() {
    let begin = Instant::now();
    let (sender, mut begun) = mpsc::unbounded_channel();
    let scheduler = Scheduler::new(Tokio::current());
    scheduler
        .every(SECOND)
        .run(move || sender.send(Instant::now()))
        .unwrap();
    scheduler.start().unwrap();

    for second in 0..10 {
        assert_eq!(begun.recv().await, Some(begin + SECOND * second));
    }
}

#[tokio::test(start_paused = true)]
async fn paused_clock_counts_for_grace_and_timeout() {
    let scheduler = Scheduler::new(Tokio::current());
    let job = scheduler.every(SECOND).run(std::future::pending::<()>).unwrap();
    scheduler.start().unwrap();
    sleep(SECOND / 2).await;

    let begin = Instant::now();
    let report = scheduler.stop().grace(SECOND * 600).timeout(SECOND).await;

    assert_eq!(begin.elapsed(), SECOND * 600);
    assert_eq!(report.cancelled(), [job]);
}

#[tokio::test(start_paused = true)]
async fn paused_clock_moves_the_wall_clock_and_nothing_else_does() {
    let real = SystemTime::now();
    let tokio = Tokio::current();
    let (wall, clone) = (tokio.wall(), tokio.clone());
    assert!(wall.duration_since(real).unwrap_or_default() < SECOND * 3600);

    thread::sleep(SECOND / 50);
    assert_eq!(tokio.wall(), wall);

    sleep(SECOND * 86_400).await;
    assert_eq!(tokio.wall(), wall + SECOND * 86_400);
    assert_eq!(clone.wall(), tokio.wall());
}

/// Each adapter has an origin of its own.
#[tokio::test(start_paused = true)]
async fn paused_clock_has_the_same_wall_clock_on_adapters_of_different_days() {
    let early = Tokio::current();
    sleep(SECOND * 86_400).await;
    let late = Tokio::current();
    let (first, second) = (early.wall().min(late.wall()), early.wall().max(late.wall()));
    let apart = second.duration_since(first).unwrap();
    assert!(apart < SECOND * 3600, "{apart:?} apart");
}

#[tokio::test]
async fn wall_clock_goes_on_without_a_step_back_when_the_clock_is_paused_and_resumed() {
    let tokio = Tokio::current();
    assert!(tokio.wall() >= SystemTime::now() - SECOND * 60);
    tokio::time::pause();
    let paused = tokio.wall();
    tokio::time::advance(SECOND * 86_400).await;
    assert_eq!(tokio.wall(), paused + SECOND * 86_400);
    tokio::time::resume();
    assert!(tokio.wall() >= paused + SECOND * 86_400);
}

#[test]
fn handle_serves_threads_outside() {
    let tokio = Runtime::new().unwrap();
    let (sender, mut names) = mpsc::unbounded_channel();
    let runtime = Tokio::from(tokio.handle().clone());
    let report = thread::spawn(move || {
        let scheduler = Scheduler::new(runtime);
        let inside = move || sender.send(tokio::runtime::Handle::try_current().is_ok());
        scheduler.every(SECOND / 20).run(inside).unwrap();
        scheduler.start().unwrap();
        for _ in 0..3 {
            assert_eq!(names.blocking_recv(), Some(true));
        }
        block_on(scheduler.stop().into_future())
    });
    assert!(report.join().unwrap().is_clean());
}

#[test]
fn current_outside_a_runtime_panics_and_says_why() {
    let panic = catch_unwind(Tokio::current).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("Tokio"), "{message}");
    assert!(message.contains("runtime"), "{message}");
}

#[test]
fn try_current_outside_a_runtime_is_an_error() {
    assert!(Tokio::try_current().unwrap_err().is_no_runtime());
}

#[test]
fn a_stop_has_its_timeout_although_a_lone_run_blocks_the_thread_of_the_timers() {
    // Two threads, as on any machine with more than one processor. If there were only one, no thread would be left for
    // the timers.
    let (_runtime, scheduler) = on_two_threads(Duration::from_millis(50));
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let target = move |run: Run| {
        if run.number() == 3 {
            let _ = gate.recv_timeout(SECOND * 60);
        }
    };
    let job = scheduler.every(Duration::from_millis(50)).run(target).unwrap();
    scheduler.start().unwrap();
    while job.runs() < 4 {
        thread::sleep(Duration::from_millis(1));
    }

    let began = std::time::Instant::now();
    let report = block_on(scheduler.stop().timeout(SECOND / 10).into_future());

    assert_eq!(report.still_running(), [job]);
    assert!(began.elapsed() < SECOND * 30);
    drop(release);
}

/// A task that only timers wake answers each run.
#[test]
fn a_lone_job_that_is_known_to_hold_its_thread_does_not_hold_up_the_timers() {
    let (runtime, scheduler) = on_two_threads(Duration::from_millis(5));
    let begun = Arc::new(AtomicU64::new(0));
    let (answer, answers) = std::sync::mpsc::channel::<()>();
    let seen = Arc::clone(&begun);
    runtime.spawn(async move {
        let mut answered = 0;
        loop {
            sleep(Duration::from_millis(1)).await;
            let begun = seen.load(Ordering::SeqCst);
            if begun > answered && answer.send(()).is_err() {
                return;
            }
            answered = begun;
        }
    });
    let target = move |run: Run| {
        if run.number() == 0 {
            thread::sleep(Duration::from_millis(20));
            return Ok(());
        }
        begun.store(run.number(), Ordering::SeqCst);
        answers.recv_timeout(SECOND * 20)
    };
    let job = scheduler.every(Duration::from_millis(50)).run(target).unwrap();
    scheduler.start().unwrap();
    while job.runs() < 12 && job.status().failures() == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    let status = job.status();
    assert_eq!(status.failures(), 0, "the timers stood still");
    assert!(status.held_thread() > 0);
    assert!(block_on(scheduler.stop().into_future()).is_clean());
}

#[test]
fn a_lone_job_goes_on_beside_a_run_that_is_stuck_among_many() {
    // A thread of Tokio may keep a task that it has spawned, and thereby a worker that the scheduler counts on.
    let tick = Duration::from_millis(5);
    for stuck in (0..200).step_by(7) {
        let (_runtime, scheduler) = on_two_threads(tick);
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let mut gate = Some(gate);
        for job in 0..200 {
            let gate = gate.take_if(|_| job == stuck);
            let target = move || {
                if let Some(gate) = &gate {
                    let _ = gate.recv_timeout(SECOND * 60);
                }
            };
            scheduler.every(SECOND * 600).run(target).unwrap();
        }
        let lone = scheduler.every(tick).run(|| ()).unwrap();
        scheduler.start().unwrap();
        let began = std::time::Instant::now();
        while lone.runs() < 20 {
            assert!(
                began.elapsed() < SECOND * 20,
                "{} runs beside number {stuck}",
                lone.runs()
            );
            thread::sleep(Duration::from_millis(1));
        }
        drop(release);
        assert!(block_on(scheduler.stop().into_future()).is_clean());
    }
}

/// The caller must keep the runtime as long as the scheduler.
fn on_two_threads(tick: Duration) -> (Runtime, Scheduler) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let scheduler = Scheduler::builder(Tokio::from(runtime.handle().clone()));
    (runtime, scheduler.resolution(tick).build().unwrap())
}

/// Runs that block their thread wait until the gate is open.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn wait(&self) {
        let (open, opened) = &*self.0;
        let open = open.lock().unwrap();
        let _ = opened.wait_timeout_while(open, SECOND * 60, |open| !*open).unwrap();
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// Registers jobs of which one is stuck at a gate, in several rounds, and checks that another job goes on.
#[track_caller]
fn a_job_goes_on_beside(register: impl Fn(&Scheduler, Gate)) {
    let tick = Duration::from_millis(5);
    for round in 0..5 {
        let (_runtime, scheduler) = on_two_threads(tick);
        let gate = Gate::default();
        // The job is not due at each tick, so a worker has to tell the loop how long to sleep.
        let beat = scheduler.every(4 * tick).first_run(FirstRun::AfterInterval);
        let beat = beat.run(|| ()).unwrap();
        register(&scheduler, gate.clone());
        scheduler.start().unwrap();
        let began = std::time::Instant::now();
        while beat.runs() < 8 {
            assert!(began.elapsed() < SECOND * 20, "{} runs in round {round}", beat.runs());
            thread::sleep(Duration::from_millis(1));
        }
        gate.open();
        assert!(block_on(scheduler.stop().into_future()).is_clean());
    }
}

const LONG: Duration = Duration::from_secs(600);

/// The worker tells the loop that it may sleep, and then polls the runs that were woken already.
#[test]
fn a_job_goes_on_beside_a_run_that_wakes_itself_and_then_blocks() {
    for others in [2, 199] {
        a_job_goes_on_beside(|scheduler, gate| {
            for _ in 0..others {
                scheduler.every(LONG).run(|| ()).unwrap();
            }
            let target = move || {
                let gate = gate.clone();
                let mut first = true;
                std::future::poll_fn(move |cx| {
                    if std::mem::take(&mut first) {
                        cx.waker().wake_by_ref();
                        return std::task::Poll::Pending;
                    }
                    gate.wait();
                    std::task::Poll::Ready(())
                })
            };
            scheduler.every(LONG).run(target).unwrap();
        });
    }
}

/// The end of a run inserts its job again. The loop is woken for it before the next run blocks.
#[test]
fn a_job_goes_on_beside_one_that_blocks_after_another_was_inserted_at_its_end() {
    a_job_goes_on_beside(|scheduler, gate| {
        scheduler.every(SECOND / 200).fixed_delay().run(|| ()).unwrap();
        scheduler.every(LONG).run(move || gate.wait()).unwrap();
    });
}

/// The end of a run inserts its job, but the worker wakes the loop only after the batch. Other threads must not rely on
/// this wakeup.
#[test]
fn a_job_is_triggered_beside_one_that_blocks_after_another_was_inserted_at_its_end() {
    let tick = Duration::from_millis(5);
    for _ in 0..3 {
        let (_runtime, scheduler) = on_two_threads(tick);
        let gate = Gate::default();
        // The first of a batch of three.
        let ended = scheduler.every(2 * tick).fixed_delay();
        let ended = ended.run(move || thread::sleep(tick)).unwrap();
        let stuck = gate.clone();
        let stuck = scheduler.every(LONG).run(move || stuck.wait()).unwrap();
        for _ in 0..198 {
            scheduler.every(LONG).run(|| ()).unwrap();
        }
        let triggered = scheduler.every(LONG).first_run(FirstRun::AfterInterval);
        let triggered = triggered.run(|| ()).unwrap();
        scheduler.start().unwrap();
        wait_until(|| ended.runs() > 0 && stuck.is_running());
        thread::sleep(10 * tick);
        triggered.trigger();
        wait_until(|| triggered.runs() > 0);
        gate.open();
        assert!(block_on(scheduler.stop().into_future()).is_clean());
    }
}

#[track_caller]
fn wait_until(happens: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !happens() {
        assert!(began.elapsed() < SECOND * 20, "it does not happen");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Wakes itself at each poll, for ever. (Tokio's `yield_now` would defer the wake to the end of the task's turn.)
async fn restless() {
    std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        std::task::Poll::<()>::Pending
    })
    .await;
}

/// Fails if `work` doesn't end within 20 s. Returns how long it took, too.
fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> (T, Duration) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let began = std::time::Instant::now();
    thread::spawn(move || sender.send(work()));
    let result = receiver.recv_timeout(SECOND * 20).expect("it returns");
    (result, began.elapsed())
}

/// A grace and a timeout of 300 ms together.
fn stops_of_300_ms(scheduler: &Scheduler) -> [Stop; 3] {
    let ms = Duration::from_millis;
    [
        scheduler.stop().timeout(ms(300)),
        scheduler.stop().grace(ms(300)).timeout(Duration::ZERO),
        scheduler.stop().grace(ms(150)).timeout(ms(150)),
    ]
}

#[test]
fn a_blocking_stop_keeps_its_time_on_a_runtime_that_nobody_drives() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for form in 0..3 {
        let scheduler = Scheduler::new(Tokio::from(runtime.handle().clone()));
        let gate = Gate::default();
        let (blocking, pending) = (gate.clone(), std::future::pending::<()>);
        let stuck = scheduler.every(LONG).run_blocking(move || blocking.wait()).unwrap();
        let waits = scheduler.every(LONG).run(pending).unwrap();
        runtime.block_on(async {
            scheduler.start().unwrap();
            while !stuck.is_running() || !waits.is_running() {
                sleep(Duration::from_millis(1)).await;
            }
        });
        let stop = stops_of_300_ms(&scheduler).into_iter().nth(form).unwrap();
        let (report, took) = within(move || stop.blocking_wait());
        assert_eq!(report.still_running(), [stuck]);
        assert_eq!(report.cancelled(), [waits]);
        assert!(SECOND * 3 / 10 <= took && took < SECOND * 10, "{took:?}");
        gate.open();
    }
}

#[test]
fn a_blocking_stop_keeps_its_time_while_all_workers_are_stuck() {
    for workers in [1, 2, 4] {
        for form in 0..3 {
            let runtime = Builder::new_multi_thread()
                .worker_threads(workers)
                .enable_all()
                .build()
                .unwrap();
            let scheduler = Scheduler::new(Tokio::from(runtime.handle().clone()));
            let gate = Gate::default();
            let stuck: Vec<_> = (0..workers)
                .map(|_| {
                    let gate = gate.clone();
                    scheduler.every(LONG).run(move || gate.wait()).unwrap()
                })
                .collect();
            scheduler.start().unwrap();
            wait_until(|| stuck.iter().all(|job| job.is_running()));
            let stop = stops_of_300_ms(&scheduler).into_iter().nth(form).unwrap();
            let (report, took) = within(move || stop.blocking_wait());
            assert_eq!(report.still_running(), stuck);
            assert!(SECOND * 3 / 10 <= took && took < SECOND * 10, "{took:?}");
            gate.open();
        }
    }
}

/// A job with runs that wait. The destructor of each run spawns a task, which is a panic outside the runtime.
fn cleaning_up(scheduler: &Scheduler, cleaned: &std::sync::mpsc::Sender<()>) -> Job {
    struct CleansUp(std::sync::mpsc::Sender<()>);
    impl Drop for CleansUp {
        fn drop(&mut self) {
            let cleaned = self.0.clone();
            drop(tokio::spawn(async move { cleaned.send(()) }));
        }
    }
    let cleaned = cleaned.clone();
    let target = move || {
        let guard = CleansUp(cleaned.clone());
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    };
    scheduler.every(LONG).run(target).unwrap()
}

#[test]
fn a_destructor_may_spawn_whoever_stops_the_scheduler() {
    for way in 0..4 {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let scheduler = Scheduler::new(Tokio::from(runtime.handle().clone()));
        let (sender, cleaned) = std::sync::mpsc::channel();
        let job = cleaning_up(&scheduler, &sender);
        scheduler.start().unwrap();
        wait_until(|| job.is_running());
        let report = match way {
            0 => Some(scheduler.stop().blocking_wait()),
            1 => Some(block_on(scheduler.stop().into_future())),
            2 => Some(runtime.block_on(scheduler.stop().into_future())),
            _ => {
                drop(scheduler);
                None
            }
        };
        cleaned
            .recv_timeout(SECOND * 20)
            .expect("the destructor has spawned a task");
        assert!(report.is_none_or(|report| report.cancelled() == [job]), "{way}");
    }
}

#[test]
fn a_destructor_may_spawn_on_a_runtime_that_nobody_drives() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let scheduler = Scheduler::new(Tokio::from(runtime.handle().clone()));
    let (sender, cleaned) = std::sync::mpsc::channel();
    let job = cleaning_up(&scheduler, &sender);
    runtime.block_on(async {
        scheduler.start().unwrap();
        while !job.is_running() {
            sleep(Duration::from_millis(1)).await;
        }
    });
    let (report, _) = within(move || scheduler.stop().blocking_wait());
    assert_eq!(report.cancelled(), [job]);
    runtime.block_on(async { sleep(Duration::from_millis(1)).await });
    cleaned
        .recv_timeout(SECOND * 20)
        .expect("the destructor has spawned a task");
}

#[test]
fn a_stop_that_blocks_the_only_thread_ends_a_blocking_run_between_two_attempts() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let scheduler = Scheduler::new(Tokio::from(runtime.handle().clone()));
    let builder = scheduler.every(LONG).retry(|| [LONG]);
    let retried = builder.run_blocking(|| Err("the attempt fails")).unwrap();
    scheduler.start().unwrap();
    wait_until(|| retried.status().retries() == 1);
    let (weak, (sender, report)) = (scheduler.downgrade(), std::sync::mpsc::channel());
    let target = move || _ = sender.send(weak.upgrade().unwrap().stop().blocking_wait());
    scheduler.every(LONG).run(target).unwrap();
    let report = report.recv_timeout(SECOND * 20);
    runtime.shutdown_background();
    assert_eq!(report.expect("the stop returns").cancelled(), [retried]);
}

/// A scheduler in a thread-local, with what is to be done to it at the end of the thread.
struct AtThreadsEnd {
    scheduler: Option<Scheduler>,
    stops: bool,
    reports: std::sync::mpsc::Sender<usize>,
}

impl Drop for AtThreadsEnd {
    fn drop(&mut self) {
        let scheduler = self.scheduler.take().unwrap();
        if self.stops {
            let report = scheduler.stop().timeout(SECOND).blocking_wait();
            let _ = self.reports.send(report.cancelled().len());
        }
        drop(scheduler);
        let _ = self.reports.send(0);
    }
}

thread_local! {
    static AT_THREADS_END: std::cell::RefCell<Option<AtThreadsEnd>> = const { std::cell::RefCell::new(None) };
}

#[test]
fn a_scheduler_in_a_thread_local_aborts_nothing() {
    for (current_thread, stops) in [(true, false), (true, true), (false, false), (false, true)] {
        // Thread-locals are dropped in the order in which they were first used, or the other way round.
        for local_first in [false, true] {
            let (reports, received) = std::sync::mpsc::channel();
            let (told, ended) = std::sync::mpsc::channel();
            let ends = move |event: &Event| {
                if event.kind().is_end() {
                    let _ = told.send(event.kind().clone());
                }
            };
            let thread = thread::spawn(move || {
                let keep = |scheduler| {
                    AT_THREADS_END.with_borrow_mut(|slot| {
                        *slot = Some(AtThreadsEnd {
                            scheduler,
                            stops,
                            reports: reports.clone(),
                        });
                    });
                };
                if local_first {
                    AT_THREADS_END.with_borrow(|_| ());
                }
                let mut builder = if current_thread {
                    Builder::new_current_thread()
                } else {
                    Builder::new_multi_thread()
                };
                let runtime = builder.enable_all().build().unwrap();
                let tokio = Tokio::from(runtime.handle().clone());
                let scheduler = Scheduler::builder(tokio).on_event(ends).build().unwrap();
                let job = scheduler.every(LONG).run(std::future::pending::<()>).unwrap();
                runtime.block_on(async {
                    scheduler.start().unwrap();
                    while !job.is_running() {
                        sleep(Duration::from_millis(1)).await;
                    }
                });
                keep(Some(scheduler));
                runtime
            });
            // The runtime outlives the thread.
            let runtime = thread.join().expect("the thread ends");
            let reports: Vec<usize> = received.iter().collect();
            assert_eq!(reports, if stops { vec![1, 0] } else { vec![0] });
            // A runtime with one thread drops the run once somebody drives it again.
            runtime.block_on(async { sleep(Duration::from_millis(1)).await });
            assert!(matches!(ended.recv_timeout(SECOND * 20), Ok(EventKind::Cancelled)));
            drop(runtime);
        }
    }
}

/// A stop that blocks a thread of the runtime leaves the loop to the other thread.
#[test]
fn what_was_triggered_begins_while_the_stop_blocks_a_thread_of_the_runtime() {
    for _ in 0..5 {
        let (runtime, scheduler) = on_two_threads(Duration::from_millis(5));
        let job = scheduler.every(LONG).first_run(FirstRun::AfterInterval);
        let job = job.run(async || sleep(SECOND / 100).await).unwrap();
        scheduler.start().unwrap();
        let triggered = job.clone();
        let stop = runtime.spawn(async move {
            triggered.trigger();
            scheduler.stop().grace(LONG).blocking_wait()
        });
        let (report, _) = within(move || block_on(stop).unwrap());
        assert_eq!(report.finished(), [job]);
    }
}

/// One triggered run follows another on a thread, and the second one blocks. The end of the first one must not leave
/// the stop to this thread.
#[test]
fn a_stop_keeps_its_grace_beside_a_triggered_run_that_blocks_after_another_one() {
    for others in [1, 2, 3, 199] {
        let (runtime, scheduler) = on_two_threads(Duration::from_millis(5));
        let gate = Gate::default();
        let dormant = || scheduler.every(LONG).first_run(FirstRun::AfterInterval);
        let mut jobs: Vec<Job> = (0..others).map(|_| dormant().run(|| ()).unwrap()).collect();
        let stuck = gate.clone();
        jobs.push(dormant().run(move || stuck.wait()).unwrap());
        scheduler.start().unwrap();
        jobs.iter().for_each(Job::trigger);
        let stop = scheduler.stop().grace(SECOND / 5).timeout(Duration::ZERO);
        let stop = runtime.spawn(stop.into_future());
        let (report, _) = within(move || block_on(stop).unwrap());
        gate.open();
        assert_eq!(report.still_running(), &jobs[others..], "{others} others");
        assert!(jobs.iter().all(|job| job.runs() == 1), "{others} others");
    }
}

#[tokio::test]
async fn a_trigger_does_not_wait_for_a_tick() {
    let hour = SECOND * 3_600;
    let (sender, mut begun) = mpsc::unbounded_channel();
    let scheduler = Scheduler::builder(Tokio::current()).resolution(hour).build().unwrap();
    let builder = scheduler.every(hour).first_run(FirstRun::AfterInterval);
    let job = builder.run(move |run: Run| sender.send(run.number())).unwrap();
    scheduler.start().unwrap();

    for number in 0..100 {
        job.trigger();
        let run = timeout(SECOND * 20, begun.recv()).await.expect("it waits for a tick");
        assert_eq!(run, Some(number));
    }
}

/// Two jobs that trigger each other in their runs.
async fn a_pair_beside_others() {
    let slots = [OnceLock::<Job>::new(), OnceLock::new()].map(Arc::new);
    let (sender, mut begun) = mpsc::unbounded_channel();
    let scheduler = Scheduler::new(Tokio::current());
    for (slot, other) in [(0, 1), (1, 0)] {
        let other = Arc::clone(&slots[other]);
        let job = scheduler
            .every(SECOND)
            .run(move || other.get().map(Job::trigger).unwrap());
        slots[slot].set(job.unwrap()).unwrap();
    }
    let pair = slots.map(|slot| slot.get().unwrap().clone());
    let other = scheduler.every(SECOND / 20).run(move || sender.send(())).unwrap();
    scheduler.start().unwrap();

    for _ in 0..10 {
        begun.recv().await.unwrap();
        tokio::task::yield_now().await;
    }
    let [first, second] = pair.each_ref().map(Job::runs);
    let most = 3 * (other.runs() + 20);
    assert!(
        first > 3 && second > 3 && first < most && second < most,
        "{first}, {second}"
    );
    assert!(scheduler.stop().timeout(SECOND * 20).await.is_clean());
    let runs = pair.each_ref().map(Job::runs);
    tokio::time::sleep(SECOND / 10).await;
    assert_eq!(pair.each_ref().map(Job::runs), runs);
}

#[tokio::test]
async fn two_jobs_that_trigger_each_other_hold_up_nobody_on_one_thread() {
    a_pair_beside_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_jobs_that_trigger_each_other_hold_up_nobody_on_two_threads() {
    a_pair_beside_others().await;
}

#[tokio::test]
async fn a_run_that_wakes_itself_without_end_holds_up_nobody_on_one_thread() {
    let (sender, mut begun) = mpsc::unbounded_channel();
    let scheduler = Scheduler::new(Tokio::current());
    let restless = scheduler.every(SECOND / 20).run(restless).unwrap();
    scheduler.every(SECOND / 20).run(move || sender.send(())).unwrap();
    scheduler.start().unwrap();

    for _ in 0..3 {
        begun.recv().await.unwrap();
    }
    let report = scheduler.stop().timeout(SECOND * 20).await;

    assert_eq!(report.cancelled(), [restless]);
}
