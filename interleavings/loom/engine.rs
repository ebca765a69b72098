//! The whole scheduler, with two or three steps at once. If a model has too many interleavings, only those with a few
//! interruptions are run.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake};
use std::time::Duration;

use super::bench::{Bench, Task};
use super::{all, both, three, up_to};
use crate::control::job_builder::JobBuilder;
use crate::control::overlap::Overlap;
use crate::control::scheduler::Scheduler;
use crate::control::stop::StopReport;
use crate::dispatch::batch::OfferedAt;
use crate::engine::wakeups::Wakeups;
use crate::error::Error;
use crate::exec::begin::begin_run;
use crate::exec::cancel::cancel_runs;
use crate::job::cell::{JobCell, JobInstance};
use crate::job::config::{RunMode, RunPlace};
use crate::job::handle::Job;
use crate::job::run::Run;
use crate::job::state::{Offer, OfferId};
use crate::job::target::Target;
use crate::sync::AtomicWaker;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::time::{FirstRun, MissedTicks};
use crate::time::{Grid, Span, Time};
use crate::unwind::lock;

const SECOND: Duration = Duration::from_secs(1);

/// A scheduler on a bench, and the counts of its runs.
struct Scene {
    bench: Arc<Bench>,
    scheduler: Option<Scheduler>,
    tally: Arc<Tally>,
    tasks: Vec<Arc<Task>>,
}

#[derive(Default)]
struct Tally {
    begun: AtomicU64,
    inside: AtomicU64,
    /// Runs that began while another run was in progress.
    beside: AtomicU64,
    /// Targets that are not dropped yet.
    alive: AtomicU64,
}

/// Counts a target until it is dropped.
struct Alive(Arc<Tally>);

/// Counts a run as in progress until it is dropped.
struct Inside(Arc<Tally>);

impl Tally {
    fn alive(self: &Arc<Self>) -> Alive {
        self.alive.fetch_add(1, Ordering::AcqRel);
        Alive(Arc::clone(self))
    }

    fn begin(self: &Arc<Self>) -> Inside {
        self.begun.fetch_add(1, Ordering::AcqRel);
        let beside = self.inside.fetch_add(1, Ordering::AcqRel);
        self.beside.fetch_add(beside, Ordering::AcqRel);
        Inside(Arc::clone(self))
    }

    fn begun(&self) -> u64 {
        newest(&self.begun)
    }
}

/// Reads the newest value. A plain load might give an older value.
fn newest(count: &AtomicU64) -> u64 {
    count.fetch_add(0, Ordering::AcqRel)
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs wait until the gate is open.
#[derive(Default)]
struct Gate {
    open: AtomicBool,
    waker: AtomicWaker,
}

impl Gate {
    fn open(&self) {
        self.open.store(true, Ordering::Release);
        self.waker.wake();
    }

    async fn pass(&self) {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            if self.open.load(Ordering::Acquire) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl Scene {
    fn new() -> Scene {
        let bench = Bench::new();
        Scene {
            scheduler: Some(bench.scheduler()),
            bench,
            tally: Arc::default(),
            tasks: Vec::new(),
        }
    }

    fn scheduler(&self) -> &Scheduler {
        self.scheduler.as_ref().unwrap()
    }

    /// A target whose runs wait at the gate.
    fn waits(&self, gate: &Arc<Gate>) -> impl FnMut() -> futures::future::BoxFuture<'static, ()> + use<> {
        let (tally, gate, target) = (Arc::clone(&self.tally), Arc::clone(gate), self.tally.alive());
        move || {
            let _ = &target;
            let (inside, gate) = (tally.begin(), Arc::clone(&gate));
            Box::pin(async move {
                gate.pass().await;
                drop(inside);
            })
        }
    }

    fn at_once(&self) -> impl FnMut() + use<> {
        let (tally, target) = (Arc::clone(&self.tally), self.tally.alive());
        move || {
            let _ = &target;
            drop(tally.begin());
        }
    }

    fn waiting_job(&self, gate: &Arc<Gate>) -> Job {
        self.scheduler().every(SECOND).run(self.waits(gate)).unwrap()
    }

    /// A builder of a job that runs only when triggered.
    fn dormant(&self) -> JobBuilder {
        self.scheduler().every(SECOND).first_run(FirstRun::AfterInterval)
    }

    /// Starts the scheduler, and serves the first tick. Returns the loop, and the worker that the tick has spawned.
    fn start(&mut self) -> (Arc<Task>, Arc<Task>) {
        let driver = self.start_unpolled();
        driver.run();
        let worker = self.bench.take();
        self.tasks.push(Arc::clone(&worker));
        (driver, worker)
    }

    fn start_unpolled(&mut self) -> Arc<Task> {
        self.scheduler().start().unwrap();
        let driver = self.bench.take();
        self.tasks.push(Arc::clone(&driver));
        driver
    }

    fn stop(&mut self) -> Stop {
        self.stop_after(Duration::ZERO)
    }

    fn stop_after(&mut self, grace: Duration) -> Stop {
        let stop = self.scheduler().stop().grace(grace);
        let (tally, returned) = (Arc::clone(&self.tally), Arc::new(Mutex::new(None)));
        let report = Arc::clone(&returned);
        let task = Task::new(async move {
            let report = stop.await;
            let (inside, begun) = (newest(&tally.inside), tally.begun());
            *returned.lock().unwrap() = Some((report, inside, begun));
        });
        self.tasks.push(Arc::clone(&task));
        Stop { task, report }
    }

    fn settle(&mut self) {
        self.bench.settle(&mut self.tasks);
    }

    fn pass(&mut self, millis: u64) {
        self.bench.pass(millis);
        self.settle();
    }

    /// Stops and drops the scheduler. No run and no target may be left.
    fn end(mut self) {
        self.settle();
        let stop = self.scheduler.is_some().then(|| self.stop());
        self.settle();
        if let Some(stop) = stop {
            stop.check(&self);
        }
        assert_eq!(newest(&self.tally.inside), 0, "a run is left");
        self.scheduler = None;
        self.settle();
        assert_eq!(newest(&self.tally.alive), 0, "a target is left");
        assert_eq!(newest(&self.tally.beside), 0, "two runs at once");
    }
}

struct Stop {
    task: Arc<Task>,
    /// The report, with the numbers of runs in progress and of runs begun when the stop returned.
    report: Arc<Mutex<Option<(StopReport, u64, u64)>>>,
}

impl Stop {
    /// Checks the report. Call only if the scheduler was not started again.
    fn check(&self, scene: &Scene) -> StopReport {
        let returned = self.report.lock().unwrap().take();
        let (report, inside, begun) = returned.expect("a stop returns");
        assert!(report.is_clean());
        assert_eq!(inside, 0, "a run went on");
        assert_eq!(scene.tally.begun(), begun, "a run began after the stop");
        report
    }
}

fn triggered(job: Result<Job, Error>) -> Job {
    let job = job.unwrap();
    job.trigger();
    job
}

fn of(task: &Arc<Task>) -> impl FnOnce() + Send + use<> {
    let task = Arc::clone(task);
    move || {
        task.run();
    }
}

#[test]
fn a_stop_against_a_run_that_begins() {
    up_to(4, || {
        let mut scene = Scene::new();
        let job = scene.waiting_job(&Arc::default());
        let (_, worker) = scene.start();
        let stop = scene.stop();
        both(of(&worker), of(&stop.task));
        scene.settle();
        let report = stop.check(&scene);
        assert_eq!(report.cancelled().len() as u64, job.runs());
        scene.end();
    });
}

#[test]
fn a_stop_against_a_run_that_ends() {
    up_to(4, || {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        let job = scene.waiting_job(&gate);
        let (_, worker) = scene.start();
        worker.run();
        let run = of(&worker);
        let stop = scene.stop();
        both(
            move || {
                gate.open();
                run();
            },
            of(&stop.task),
        );
        scene.settle();
        let report = stop.check(&scene);
        let named = [report.finished(), report.cancelled()].concat();
        assert!(named.is_empty() || named == [job]);
        scene.end();
    });
}

/// Neither stop returns before all offers are withdrawn, although either stop may withdraw them.
#[test]
fn two_stops_against_a_run_that_begins() {
    up_to(3, || {
        let mut scene = Scene::new();
        scene.waiting_job(&Arc::default());
        let (_, worker) = scene.start();
        let (one, other) = (scene.stop(), scene.stop());
        three(of(&worker), of(&one.task), of(&other.task));
        scene.settle();
        one.check(&scene);
        other.check(&scene);
        scene.end();
    });
}

/// Both stops wait for the same runs.
#[test]
fn two_stops_against_a_run_that_ends() {
    up_to(2, || {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        scene.waiting_job(&gate);
        let (_, worker) = scene.start();
        worker.run();
        let (one, other, run) = (scene.stop(), scene.stop(), of(&worker));
        let first = of(&one.task);
        three(
            move || {
                gate.open();
                run();
            },
            first,
            of(&other.task),
        );
        scene.settle();
        one.check(&scene);
        other.check(&scene);
        scene.end();
    });
}

/// A run that was triggered before begins: the offer is still valid, or the run is offered again.
#[test]
fn a_stop_with_a_grace_against_a_triggered_run() {
    up_to(3, || {
        let mut scene = Scene::new();
        let job = triggered(scene.dormant().run(scene.at_once()));
        let (_, worker) = scene.start();
        let stop = scene.stop_after(SECOND);
        both(of(&worker), of(&stop.task));
        scene.settle();
        stop.check(&scene);
        assert_eq!(job.runs(), 1, "the trigger was lost, or served twice");
        scene.end();
    });
}

/// A stop without a grace ends the drain while the last run begins. Both stops wait for this run.
#[test]
fn two_stops_against_a_last_run_that_begins() {
    up_to(3, || {
        let mut scene = Scene::new();
        triggered(scene.dormant().run(scene.waits(&Arc::default())));
        let (driver, worker) = scene.start();
        let (graceful, other) = (scene.stop_after(SECOND), scene.stop());
        graceful.task.run();
        driver.run();
        // The stop looks once more, whatever wakes it.
        graceful.task.wake_by_ref();
        three(of(&worker), of(&other.task), of(&graceful.task));
        scene.settle();
        graceful.check(&scene);
        other.check(&scene);
        scene.end();
    });
}

#[test]
fn the_end_of_a_grace_against_a_last_run_that_begins() {
    up_to(4, || {
        let mut scene = Scene::new();
        let job = triggered(scene.dormant().run(scene.waits(&Arc::default())));
        let (driver, worker) = scene.start();
        let stop = scene.stop_after(SECOND);
        stop.task.run();
        driver.run();
        scene.bench.pass(1_000);
        both(of(&worker), of(&stop.task));
        scene.settle();
        let report = stop.check(&scene);
        assert_eq!(report.cancelled().len() as u64, job.runs());
        scene.end();
    });
}

/// The stop is woken by the last run, or by the removal.
#[test]
fn a_removal_against_a_last_run_that_begins() {
    up_to(3, || {
        let mut scene = Scene::new();
        let job = triggered(scene.dormant().run(scene.at_once()));
        let (driver, worker) = scene.start();
        let stop = scene.stop_after(SECOND);
        stop.task.run();
        driver.run();
        three(of(&worker), of(&stop.task), || job.remove());
        scene.settle();
        stop.check(&scene);
        scene.end();
    });
}

#[test]
fn a_stop_against_a_tick() {
    all(|| {
        let mut scene = Scene::new();
        let target = scene.at_once();
        scene.scheduler().every(SECOND).run(target).unwrap();
        let driver = scene.start_unpolled();
        let stop = scene.stop();
        both(of(&driver), of(&stop.task));
        scene.settle();
        stop.check(&scene);
        scene.end();
    });
}

#[test]
fn a_stop_against_a_tick_with_blocking_jobs() {
    all(|| {
        let mut scene = Scene::new();
        let target = scene.at_once();
        scene.scheduler().every(SECOND).run_blocking(target).unwrap();
        let driver = scene.start_unpolled();
        let stop = scene.stop();
        both(of(&driver), of(&stop.task));
        scene.settle();
        stop.check(&scene);
        scene.end();
    });
}

#[test]
fn a_stop_against_a_start() {
    all(|| {
        let mut scene = Scene::new();
        let job = scene.waiting_job(&Arc::default());
        let (_, worker) = scene.start();
        worker.run();
        let stop = scene.stop();
        let scheduler = scene.scheduler().clone();
        let (started, ()) = both(move || scheduler.start().is_ok(), of(&stop.task));
        scene.settle();
        stop.check(&scene);
        // The scheduler can be started again from the moment it has stopped.
        assert_ne!(started, scene.scheduler().start().is_ok());
        scene.pass(1_000);
        assert_eq!(job.runs(), 2);
        scene.end();
    });
}

/// While a detached stop is in progress, a start may succeed at any moment.
#[test]
fn a_detached_stop_against_a_start() {
    up_to(4, || {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        scene.waiting_job(&gate);
        let (_, worker) = scene.start();
        let scheduler = scene.scheduler().clone();
        let (mut started, (), ()) = three(
            move || scheduler.start().is_ok(),
            of(&worker),
            || scene.scheduler().stop().detach(),
        );
        started |= scene.scheduler().start().is_ok();
        assert!(started);
        scene.settle();
        gate.open();
        scene.pass(1_000);
        assert!(scene.tally.begun() >= 1, "the job was lost");
        scene.end();
    });
}

#[test]
fn a_wake_is_never_lost() {
    all(|| {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        let job = scene.waiting_job(&gate);
        let (_, worker) = scene.start();
        let opened = Arc::clone(&gate);
        both(
            {
                let worker = Arc::clone(&worker);
                move || while worker.run() {}
            },
            move || opened.open(),
        );
        scene.settle();
        assert!(!job.is_running(), "nobody polls the run");
        scene.end();
    });
}

/// A task that is woken a second time is polled afterwards, and sees all writes before that wake, even relaxed writes.
#[test]
fn a_second_wake_is_never_lost() {
    all(|| {
        let mut scene = Scene::new();
        let (open, kept) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
        let (is_open, waker) = (Arc::clone(&open), Arc::clone(&kept));
        let target = move || {
            let (is_open, waker) = (Arc::clone(&is_open), Arc::clone(&waker));
            poll_fn(move |cx| {
                waker.lock().unwrap().get_or_insert_with(|| cx.waker().clone());
                if is_open.load(Ordering::Relaxed) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
        };
        let job = scene.scheduler().every(SECOND).run(target).unwrap();
        let (_, worker) = scene.start();
        worker.run();
        let waker = kept.lock().unwrap().take().unwrap();
        both(of(&worker), move || {
            waker.wake_by_ref();
            open.store(true, Ordering::Relaxed);
            waker.wake();
        });
        scene.settle();
        assert!(!job.is_running(), "nobody polls the run");
        scene.end();
    });
}

/// If a job is registered while the loop goes to sleep, the loop notices the job.
#[test]
fn a_registration_against_a_tick() {
    all(|| {
        let mut scene = Scene::new();
        let target = scene.at_once();
        let driver = scene.start_unpolled();
        let scheduler = scene.scheduler().clone();
        let ((), job) = both(of(&driver), || scheduler.every(SECOND).run(target).unwrap());
        drop(scheduler);
        scene.pass(50);
        assert_eq!(job.runs(), 1, "the loop sleeps");
        scene.end();
    });
}

/// If a job comes due while its run ends, the job runs again.
#[test]
fn a_tick_against_an_end() {
    all(|| {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        let job = scene.waiting_job(&gate);
        let (driver, worker) = scene.start();
        worker.run();
        gate.open();
        scene.bench.pass(1_000);
        both(of(&worker), of(&driver));
        scene.settle();
        scene.pass(50);
        assert_eq!(job.runs(), 2, "what came due was lost");
        scene.end();
    });
}

/// A run that the loop takes for due may have begun and ended before the loop offers it.
#[test]
fn a_tick_against_a_late_run() {
    all(|| {
        let mut scene = Scene::new();
        let target = scene.at_once();
        let builder = scene.scheduler().every(SECOND).missed_ticks(MissedTicks::Delay);
        let job = builder.run(target).unwrap();
        let (driver, worker) = scene.start();
        scene.bench.pass(1_000);
        both(of(&worker), of(&driver));
        scene.settle();
        assert_eq!(job.runs(), 1, "a run began before it was scheduled");
        scene.end();
    });
}

#[test]
fn a_removal_against_a_run_and_a_tick() {
    up_to(2, || {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        let job = scene.waiting_job(&gate);
        let (driver, worker) = scene.start();
        gate.open();
        scene.bench.pass(1_000);
        three(of(&worker), of(&driver), || job.remove());
        scene.settle();
        let runs = job.runs();
        assert_eq!(newest(&scene.tally.alive), 0, "its target is left");
        scene.pass(1_000);
        assert_eq!(job.runs(), runs);
        scene.end();
    });
}

#[test]
fn a_pause_and_its_end_against_a_run_and_a_tick() {
    up_to(2, || {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        let job = scene.waiting_job(&gate);
        let (driver, worker) = scene.start();
        gate.open();
        scene.bench.pass(1_000);
        three(of(&worker), of(&driver), || {
            job.pause();
            job.resume();
        });
        scene.settle();
        scene.pass(50);
        assert!(job.runs() >= 1);
        let runs = job.runs();
        scene.pass(1_000);
        assert_eq!(job.runs(), runs + 1, "it was lost");
        scene.end();
    });
}

#[test]
fn a_trigger_against_an_end_and_a_tick() {
    up_to(3, || {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        let job = scene.waiting_job(&gate);
        let (driver, worker) = scene.start();
        worker.run();
        gate.open();
        // A tick at which no job is due.
        scene.bench.pass(50);
        three(of(&worker), of(&driver), || job.trigger());
        // The triggered run does not wait for another tick.
        scene.settle();
        assert_eq!(job.runs(), 2, "the trigger was lost");
        scene.pass(50);
        assert_eq!(job.runs(), 2, "the trigger was served twice");
        scene.end();
    });
}

#[test]
fn a_new_interval_against_an_end_and_a_tick() {
    up_to(2, || {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        let job = scene.waiting_job(&gate);
        let (driver, worker) = scene.start();
        worker.run();
        gate.open();
        scene.bench.pass(1_000);
        three(of(&worker), of(&driver), || {
            job.set_interval(Duration::from_millis(50)).unwrap();
        });
        scene.settle();
        scene.pass(50);
        scene.pass(50);
        assert!(job.runs() >= 3, "{} runs: the new interval was lost", job.runs());
        scene.end();
    });
}

/// The run on offer begins although no run is scheduled any more. Then another interval switches the job on again.
#[test]
fn a_job_that_is_switched_off_and_on_against_a_tick() {
    up_to(2, || {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        let job = scene.waiting_job(&gate);
        let (driver, worker) = scene.start();
        gate.open();
        worker.run();
        scene.bench.pass(1_000);
        three(of(&worker), of(&driver), || job.set_interval(Duration::MAX).unwrap());
        scene.settle();
        job.set_interval(Duration::from_millis(50)).unwrap();
        let runs = job.runs();
        scene.pass(50);
        scene.pass(50);
        assert!(job.runs() > runs, "{runs} runs: the job stays switched off");
        scene.end();
    });
}

/// A run that is to be replaced gives way, at each of its stages.
#[test]
fn a_replacement_against_a_run_that_begins() {
    up_to(4, || {
        let mut scene = Scene::new();
        let target = scene.waits(&Arc::default());
        let builder = scene.scheduler().every(SECOND).on_overlap(Overlap::Replace);
        let job = builder.run(target).unwrap();
        let (driver, worker) = scene.start();
        scene.bench.pass(1_000);
        both(of(&worker), of(&driver));
        scene.settle();
        for _ in 0..3 {
            scene.pass(1_000);
        }
        assert!(job.runs() >= 3, "{} runs: one didn't give way", job.runs());
        scene.end();
    });
}

#[test]
fn a_replacement_against_a_run_that_ends() {
    up_to(4, || {
        let mut scene = Scene::new();
        let gate = Arc::new(Gate::default());
        let target = scene.waits(&gate);
        let builder = scene.scheduler().every(SECOND).on_overlap(Overlap::Replace);
        let job = builder.run(target).unwrap();
        let (driver, worker) = scene.start();
        worker.run();
        gate.open();
        scene.bench.pass(1_000);
        both(of(&worker), of(&driver));
        scene.settle();
        scene.pass(1_000);
        assert!(job.runs() >= 2);
        scene.end();
    });
}

#[test]
fn a_replacement_against_a_blocking_run_that_ends() {
    up_to(4, || {
        let mut scene = Scene::new();
        let target = scene.at_once();
        let builder = scene.scheduler().every(SECOND).on_overlap(Overlap::Replace);
        let job = builder.run_blocking(target).unwrap();
        let (driver, run) = scene.start();
        scene.bench.pass(1_000);
        both(of(&run), of(&driver));
        scene.settle();
        scene.pass(1_000);
        scene.pass(1_000);
        assert!(job.runs() >= 3, "{} runs: an offer was lost", job.runs());
        scene.end();
    });
}

/// A job that waits for a permit gets it.
#[test]
fn a_permit_of_a_group_against_a_tick() {
    all(|| {
        let mut scene = Scene::new();
        scene.scheduler().group("one", 1).unwrap();
        let gate = Arc::new(Gate::default());
        let first = scene.waits(&gate);
        let first = scene.scheduler().every(SECOND).group("one").run(first).unwrap();
        let (driver, worker) = scene.start();
        worker.run();
        let second = scene.at_once();
        let second = scene.scheduler().every(SECOND).group("one").run(second).unwrap();
        gate.open();
        scene.bench.pass(50);
        both(of(&worker), of(&driver));
        scene.settle();
        assert_eq!((first.runs(), second.runs()), (1, 1), "one waits for ever");
        scene.end();
    });
}

#[test]
fn the_last_handle_goes_during_a_tick() {
    all(|| {
        let mut scene = Scene::new();
        scene.waiting_job(&Arc::default());
        let (driver, worker) = scene.start();
        worker.run();
        let target = scene.at_once();
        scene.scheduler().every(SECOND).run(target).unwrap();
        scene.bench.pass(1_000);
        let scheduler = scene.scheduler.take();
        both(of(&driver), || drop(scheduler));
        scene.settle();
        let begun = scene.tally.begun();
        scene.pass(1_000);
        assert_eq!(scene.tally.begun(), begun, "a run began without a scheduler");
        scene.end();
    });
}

/// Every run may be stuck. Nevertheless an idle worker exists for the batches that are left: two workers do not count
/// on each other.
#[test]
fn a_worker_is_idle_while_batches_are_left() {
    up_to(3, || {
        let mut scene = Scene::new();
        let engine = Arc::downgrade(scene.scheduler().engine());
        for _ in 0..3 {
            let engine = engine.clone();
            let target = move || {
                let engine = engine.upgrade().unwrap();
                assert!(lock(&engine.core).has_worker_for_what_is_left(), "no worker is idle");
            };
            scene.scheduler().every(SECOND).run(target).unwrap();
        }
        let (_, worker) = scene.start();
        let other = scene.bench.take();
        scene.tasks.push(Arc::clone(&other));
        both(of(&worker), of(&other));
        scene.settle();
        assert!(scene.scheduler().jobs().iter().all(|job| job.runs() == 1));
        scene.end();
    });
}

/// If a run begins while its batch is cancelled, either the beginning or the cancellation tells the run to end.
#[test]
fn a_cancelled_batch_against_a_run_that_begins() {
    all(|| {
        let scene = Scene::new();
        let engine = Arc::clone(scene.scheduler().engine());
        let config = engine.config(
            RunMode::new(MissedTicks::Burst, RunPlace::Executor, true),
            None,
            Vec::new(),
        );
        let target = |_: Run| std::future::pending::<()>();
        let job: Arc<JobCell> = Arc::new(JobCell::new(Some(SECOND), config, target.into_body()));
        let offer_id = OfferId::new(1);
        assert_eq!(job.state.offer(offer_id), Offer::Taken);
        let offered_at = OfferedAt {
            offer_id,
            now: Time::ORIGIN,
            grid: Grid::new(Time::ORIGIN, Span::from_nanos(50)),
        };
        let batch = lock(&engine.core)
            .queue
            .dispatch(offered_at, vec![JobInstance::own(&job)]);
        let (worker, run, its_batch) = (Arc::clone(&engine), JobInstance::own(&job), Arc::clone(&batch));
        let (begun, ()) = both(
            move || begin_run(&mut Wakeups::new(&worker), &its_batch, &run, &mut None),
            || cancel_runs(&engine),
        );
        assert!(begun.is_some());
        assert!(job.state.load().is_cancelled(), "nobody told the run to end");
        engine.finish_batch(&batch);
        scene.end();
    });
}
