//! Spawner and timer alone. If one of these checks fails, fix the adapter before you look at other checks.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use super::Host;
use super::waiting::{A_WHILE, AN_HOUR, eventually, finish, poll_once};
use crate::runtime::Runtime;

/// Futures that are spawned from any thread run.
pub fn futures_run(host: Host) {
    let done = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            let (runtime, done) = (host.runtime(), Arc::clone(&done));
            scope.spawn(move || (0..25).for_each(|_| count_later(&*runtime, &done)));
        }
    });
    eventually("a hundred futures run", || done.load(Ordering::SeqCst) == 100);
}

/// A future that runs can spawn another.
pub fn futures_spawn_futures(host: Host) {
    let done = Arc::new(AtomicUsize::new(0));
    let (runtime, count) = (host.runtime(), Arc::clone(&done));
    let outer = async move { count_later(&*runtime, &count) };
    host.runtime()
        .spawn(Box::pin(outer))
        .expect("the executor takes a future");
    eventually("the inner future runs", || done.load(Ordering::SeqCst) == 1);
}

/// Blocking work runs, whether it is spawned from outside or by a future.
pub fn blocking_work_runs(host: Host) {
    let done = Arc::new(AtomicUsize::new(0));
    count_blocking(&*host.runtime(), &done);
    let (runtime, count) = (host.runtime(), Arc::clone(&done));
    let inside = async move { count_blocking(&*runtime, &count) };
    host.runtime()
        .spawn(Box::pin(inside))
        .expect("the executor takes a future");
    eventually("both pieces of work run", || done.load(Ordering::SeqCst) == 2);
}

/// The clock moves, and never back.
pub fn clock_goes_on(host: Host) {
    clock_moves(&*host.runtime());
}

/// The wall clock goes on as fast as the clock, or faster.
///
/// A wall clock that is set back during the check, as that of any system may be, is measured again.
pub fn wall_clock_goes_on(host: Host) {
    wall_clock_moves(&*host.runtime());
}

/// A sleep until an instant that has passed ends at once, inside the runtime and outside.
pub fn past_deadline(host: Host) {
    sleep_everywhere(&host, Duration::ZERO);
}

/// A sleep ends once the clock has reached its deadline, inside the runtime and outside.
pub fn near_deadline(host: Host) {
    sleep_everywhere(&host, A_WHILE / 2);
}

/// A sleep until a far instant neither ends at once nor panics.
pub fn far_deadline(host: Host) {
    let runtime = host.runtime();
    for years in [0, 1, 100, 1000] {
        let Some(deadline) = runtime.now().checked_add(AN_HOUR + AN_HOUR * 24 * 365 * years) else {
            continue;
        };
        assert!(
            poll_once(runtime.sleep_until(deadline).as_mut()).is_pending(),
            "a sleep for {years} years is over"
        );
    }
}

/// A sleep that moves from one task to another task wakes the second task.
pub fn latest_waker(host: Host) {
    let runtime = host.runtime();
    let mut sleep = runtime.sleep_until(runtime.now() + A_WHILE);
    let _ = poll_once(sleep.as_mut());
    finish("the sleep wakes its last task", sleep);
}

/// After the runtime's shutdown the clocks still move, and a spawn is refused or has no effect, without a panic.
///
/// A sleep may panic after the shutdown, as sleeps of Tokio do. The scheduler expects the panic.
pub fn after_shut_down(mut host: Host) {
    if !host.can_be_shut_down() {
        println!("skipped: this runtime can't be shut down");
        return;
    }
    let runtime = host.runtime();
    host.shut_down();
    clock_moves(&*runtime);
    wall_clock_moves(&*runtime);
    let _ = runtime.spawn(Box::pin(async {}));
    let _ = runtime.spawn_blocking(Box::new(|| {}));
}

fn count_later(runtime: &dyn Runtime, done: &Arc<AtomicUsize>) {
    let done = Arc::clone(done);
    let future = async move {
        yield_once().await;
        done.fetch_add(1, Ordering::SeqCst);
    };
    runtime.spawn(Box::pin(future)).expect("the executor takes a future");
}

fn count_blocking(runtime: &dyn Runtime, done: &Arc<AtomicUsize>) {
    let done = Arc::clone(done);
    let work = move || {
        thread::sleep(A_WHILE / 10);
        done.fetch_add(1, Ordering::SeqCst);
    };
    runtime
        .spawn_blocking(Box::new(work))
        .expect("the executor takes blocking work");
}

#[track_caller]
fn clock_moves(runtime: &dyn Runtime) {
    let begin = runtime.now();
    let mut last = begin;
    eventually("the clock moves by some milliseconds", || {
        let now = runtime.now();
        assert!(now >= last, "the clock stepped back by {:?}", last - now);
        last = now;
        last - begin >= A_WHILE / 4
    });
}

#[track_caller]
fn wall_clock_moves(runtime: &dyn Runtime) {
    eventually("the wall clock moves with the clock", || {
        let (wall, now) = (runtime.wall(), runtime.now());
        thread::sleep(A_WHILE / 10);
        let passed = runtime.now().saturating_duration_since(now);
        let passed_on_wall = runtime.wall().duration_since(wall).unwrap_or_default();
        passed > Duration::ZERO && passed_on_wall >= passed / 2
    });
}

fn sleep_everywhere(host: &Host, span: Duration) {
    finish("the sleep outside ends", sleep_for(host.runtime(), span));
    let done = Arc::new(AtomicUsize::new(0));
    let (sleep, count) = (sleep_for(host.runtime(), span), Arc::clone(&done));
    let inside = async move {
        sleep.await;
        count.fetch_add(1, Ordering::SeqCst);
    };
    host.runtime()
        .spawn(Box::pin(inside))
        .expect("the executor takes a future");
    eventually("the sleep inside ends", || done.load(Ordering::SeqCst) == 1);
}

/// Sleeps as the scheduler does: if a sleep wakes early, sleeps again.
async fn sleep_for(runtime: Arc<dyn Runtime>, span: Duration) {
    let deadline = runtime.now() + span;
    loop {
        runtime.sleep_until(deadline).await;
        if runtime.now() >= deadline {
            return;
        }
    }
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context: &mut Context<'_>| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        Waker::wake_by_ref(context.waker());
        Poll::Pending
    })
    .await;
}
