//! The scheduler of the process: started, stopped, and started again on every runtime.
//!
//! All tests share this scheduler, so they run one after the other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use atevery::runtime::{AsyncStd, FuturesSpawner, FuturesTimer, Runtime, Smol, Standalone, Tokio};
use atevery::{Run, StopReport, every, start_background_tasks, stop_background_tasks};
use futures::executor::{ThreadPool, block_on};

static RUNS: AtomicU64 = AtomicU64::new(0);

#[every("50ms", name = "count")]
fn count() {
    RUNS.fetch_add(1, Ordering::SeqCst);
}

/// The action of the next run of `hold`, and the number of its runs in progress.
static HOLD: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>> = Mutex::new(None);
static HOLDING: AtomicU64 = AtomicU64::new(0);
static HELD: AtomicU64 = AtomicU64::new(0);
/// Whether the last run of `hold` that ended was cancelled.
static CANCELLED: AtomicBool = AtomicBool::new(false);

#[every("50ms", name = "hold", blocking)]
fn hold(run: &Run) {
    HELD.fetch_add(1, Ordering::SeqCst);
    HOLDING.fetch_add(1, Ordering::SeqCst);
    let held = HOLD.lock().unwrap().take();
    if let Some((begun, released)) = held {
        begun.send(()).unwrap();
        let _ = released.recv();
    }
    CANCELLED.store(run.is_cancelled(), Ordering::SeqCst);
    HOLDING.fetch_sub(1, Ordering::SeqCst);
}

/// Longer than a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_stop_before_any_start_returns_at_once() {
    let _turn = turn();
    let report = stop();
    assert!(report.is_clean() && report.cancelled().is_empty() && report.finished().is_empty());
    block_on(
        stop_background_tasks()
            .grace(Duration::MAX)
            .timeout(Duration::MAX)
            .into_future(),
    );
    stop_background_tasks().detach();
}

#[test]
fn a_second_start_is_refused() {
    let _turn = turn();
    let runtime = Standalone::new();
    start_background_tasks(runtime.clone()).unwrap();
    assert!(start_background_tasks(runtime).unwrap_err().is_already_started());
    wait_for_runs();
    assert!(stop().is_clean());
    assert_stopped();
}

#[test]
fn it_starts_again_on_any_runtime() {
    let _turn = turn();
    for _ in 0..3 {
        // Each of these runtimes is dropped before the next start.
        let tokio = tokio::runtime::Runtime::new().unwrap();
        start_and_stop(Tokio::from(tokio.handle().clone()));
        drop(tokio);
        start_and_stop(Standalone::new());
        start_and_stop((
            FuturesSpawner(ThreadPool::builder().pool_size(1).create().unwrap()),
            FuturesTimer,
        ));
        start_and_stop(Smol);
        start_and_stop(AsyncStd);
    }
}

#[test]
fn a_runtime_that_is_gone_does_no_harm() {
    let _turn = turn();
    let tokio = tokio::runtime::Runtime::new().unwrap();
    start_background_tasks(Tokio::from(tokio.handle().clone())).unwrap();
    wait_for_runs();
    drop(tokio);
    stop();
    start_and_stop(Standalone::new());
}

#[test]
fn of_starts_at_the_same_time_one_wins() {
    let _turn = turn();
    let runtime = Standalone::new();
    for _ in 0..20 {
        let barrier = Barrier::new(8);
        let won: usize = thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        match start_background_tasks(runtime.clone()) {
                            Ok(()) => 1,
                            Err(error) => {
                                assert!(error.is_already_started(), "{error}");
                                0
                            }
                        }
                    })
                })
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).sum()
        });
        assert_eq!(won, 1);
        assert!(stop().is_clean());
    }
    assert_stopped();
}

#[test]
fn a_start_is_refused_while_a_stop_waits() {
    let _turn = turn();
    let runtime = Standalone::new();
    let release = start_and_hold(&runtime);
    let stopping = thread::spawn(stop);
    let refused = until(|| match start_background_tasks(runtime.clone()) {
        Err(error) if error.is_stopping() => true,
        Err(error) => !error.is_already_started(),
        Ok(()) => true,
    });
    assert!(refused);
    assert!(start_background_tasks(runtime.clone()).unwrap_err().is_stopping());
    drop(release);
    assert!(stopping.join().unwrap().is_clean());
    start_and_stop(runtime);
}

#[test]
fn a_straggler_is_not_run_a_second_time() {
    let _turn = turn();
    let runtime = Standalone::new();
    let release = start_and_hold(&runtime);
    let report = block_on(stop_background_tasks().timeout(Duration::ZERO).into_future());
    assert_eq!(report.still_running()[0].name(), "hold");

    // All other jobs run, possibly on another runtime.
    start_background_tasks(Standalone::new()).unwrap();
    let held = HELD.load(Ordering::SeqCst);
    wait_for_runs();
    assert_eq!(HELD.load(Ordering::SeqCst), held);

    drop(release);
    assert!(
        until(|| HELD.load(Ordering::SeqCst) > held),
        "it runs again once its straggler has ended"
    );
    assert!(stop().is_clean());
    assert_eq!(HOLDING.load(Ordering::SeqCst), 0);
}

#[test]
fn a_detached_run_outlives_the_next_start() {
    let _turn = turn();
    let runtime = Standalone::new();
    let release = start_and_hold(&runtime);
    stop_background_tasks().detach();
    start_and_stop(runtime);
    assert_eq!(HOLDING.load(Ordering::SeqCst), 1);
    drop(release);
    assert!(until(|| HOLDING.load(Ordering::SeqCst) == 0));
    assert!(!CANCELLED.load(Ordering::SeqCst));
}

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start_and_stop(runtime: impl Runtime) {
    start_background_tasks(runtime).unwrap();
    wait_for_runs();
    assert!(stop().is_clean());
    assert_stopped();
}

/// Starts, and waits until `hold` has begun a run. The run ends when the returned value is dropped.
fn start_and_hold(runtime: &Standalone) -> mpsc::Sender<()> {
    let (begun, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel();
    *HOLD.lock().unwrap() = Some((begun, released));
    start_background_tasks(runtime.clone()).unwrap();
    has_begun.recv_timeout(PATIENCE).expect("a run begins");
    release
}

fn stop() -> StopReport {
    block_on(stop_background_tasks().into_future())
}

fn wait_for_runs() {
    let before = RUNS.load(Ordering::SeqCst);
    assert!(until(|| RUNS.load(Ordering::SeqCst) >= before + 2), "jobs run");
}

fn assert_stopped() {
    let runs = RUNS.load(Ordering::SeqCst);
    thread::sleep(Duration::from_millis(60));
    assert_eq!(RUNS.load(Ordering::SeqCst), runs, "no run after a stop");
}

fn until(mut condition: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}
