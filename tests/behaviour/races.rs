//! Threads that use all methods at once: no deadlock, no panic, one run at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use atevery::runtime::FuturesTimer;
use atevery::{Job, Run, Scheduler};
use futures::executor::block_on;

use crate::support::{Count, SECOND, ms, yield_now};
use crate::threads::Threads;

const THREADS: usize = 8;

fn scheduler() -> Scheduler {
    let runtime = (Threads::new(4), FuturesTimer);
    Scheduler::builder(runtime).resolution(ms(1)).build().unwrap()
}

/// Runs `work` on 8 threads, for `rounds` rounds each.
fn on_threads(rounds: usize, work: impl Fn(usize, usize) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let work = &work;
            scope.spawn(move || (0..rounds).for_each(|round| work(thread, round)));
        }
    });
}

/// A job that fails the test if two of its runs overlap.
fn exclusive(scheduler: &Scheduler, overlaps: &Count) -> Job {
    let (busy, overlaps) = (Arc::new(AtomicBool::new(false)), overlaps.clone());
    let target = move |run: Run| {
        let entered = Entered::new(&busy, &overlaps);
        async move {
            for _ in 0..run.number() % 4 {
                yield_now().await;
            }
            drop(entered);
        }
    };
    scheduler.every(ms(1)).run(target).unwrap()
}

struct Entered(Arc<AtomicBool>);

impl Entered {
    fn new(busy: &Arc<AtomicBool>, overlaps: &Count) -> Entered {
        if busy.swap(true, Ordering::SeqCst) {
            overlaps.up();
        }
        Entered(Arc::clone(busy))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

#[test]
fn start_and_stop_from_many_threads() {
    let (scheduler, overlaps) = (scheduler(), Count::default());
    let jobs: Vec<Job> = (0..20).map(|_| exclusive(&scheduler, &overlaps)).collect();
    on_threads(200, |thread, round| match (thread + round) % 5 {
        0 => scheduler.stop().detach(),
        1 => drop(block_on(scheduler.stop().into_future())),
        2 => drop(block_on(scheduler.stop().timeout(Duration::ZERO).into_future())),
        3 => drop(block_on(scheduler.stop().grace(ms(1)).timeout(ms(1)).into_future())),
        _ => {
            let _ = scheduler.start();
            std::thread::yield_now();
        }
    });
    assert!(block_on(scheduler.stop().timeout(SECOND * 20).into_future()).is_clean());
    assert_eq!(overlaps.get(), 0);
    assert!(jobs.iter().all(|job| !job.is_running()));
    let before: u64 = jobs.iter().map(Job::runs).sum();
    std::thread::sleep(ms(20));
    assert_eq!(jobs.iter().map(Job::runs).sum::<u64>(), before);
    assert_goes_on(&scheduler, &jobs);
}

#[test]
fn register_and_remove_from_many_threads() {
    let (scheduler, overlaps) = (scheduler(), Count::default());
    let stay: Vec<Job> = (0..20).map(|_| exclusive(&scheduler, &overlaps)).collect();
    scheduler.start().unwrap();
    on_threads(300, |_, round| {
        let job = exclusive(&scheduler, &overlaps);
        if round % 3 == 0 {
            std::thread::yield_now();
        }
        job.remove();
        job.remove();
    });
    assert_eq!(scheduler.jobs(), stay);
    assert_goes_on(&scheduler, &stay);
    assert!(block_on(scheduler.stop().timeout(SECOND * 20).into_future()).is_clean());
    assert_eq!(overlaps.get(), 0);
}

#[test]
fn jobs_that_register_remove_start_and_stop() {
    let (scheduler, overlaps) = (scheduler(), Count::default());
    let made = Arc::new(AtomicUsize::new(0));
    for nth in 0..8 {
        let (weak, made) = (scheduler.clone(), Arc::clone(&made));
        let target = move |run: Run| {
            let (scheduler, made) = (weak.clone(), Arc::clone(&made));
            async move {
                match (run.number() + nth) % 6 {
                    0 => scheduler.stop().detach(),
                    1 => drop(scheduler.every(ms(2)).run(|run: Run| run.job().remove())),
                    2 => scheduler.jobs().iter().skip(8).for_each(Job::remove),
                    3 => drop(scheduler.stop().await),
                    _ => yield_now().await,
                }
                made.fetch_add(1, Ordering::SeqCst);
            }
        };
        scheduler.every(ms(1)).run(target).unwrap();
    }
    on_threads(300, |_, _| {
        let _ = scheduler.start();
        std::thread::sleep(Duration::from_micros(100));
    });
    let stopped = block_on(scheduler.stop().timeout(SECOND * 20).into_future());
    assert!(stopped.is_clean());
    scheduler.jobs().iter().for_each(Job::remove);
    assert!(made.load(Ordering::SeqCst) > 0);
    let job = exclusive(&scheduler, &overlaps);
    assert_goes_on(&scheduler, &[job]);
}

#[test]
fn a_stop_never_returns_before_its_runs_are_gone() {
    let scheduler = scheduler();
    let alive = Arc::new(AtomicUsize::new(0));
    for nth in 0..50 {
        let alive = Arc::clone(&alive);
        let target = move || {
            let guard = Alive::new(&alive);
            async move {
                for _ in 0..nth {
                    yield_now().await;
                }
                drop(guard);
            }
        };
        scheduler.every(ms(1)).run(target).unwrap();
    }
    for round in 0..300 {
        scheduler.start().unwrap();
        std::thread::sleep(Duration::from_micros(round * 7 % 1_500));
        let report = block_on(scheduler.stop().into_future());
        assert!(report.is_clean());
        assert_eq!(alive.load(Ordering::SeqCst), 0, "round {round}");
    }

    struct Alive(Arc<AtomicUsize>);
    impl Alive {
        fn new(count: &Arc<AtomicUsize>) -> Alive {
            count.fetch_add(1, Ordering::SeqCst);
            Alive(Arc::clone(count))
        }
    }
    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn blocking_runs_always_see_their_cancellation() {
    let scheduler = scheduler();
    for _ in 0..4 {
        let target = |run: Run| {
            while !run.is_cancelled() {
                std::thread::yield_now();
            }
        };
        scheduler.every(ms(1)).run_blocking(target).unwrap();
    }
    for round in 0..300 {
        scheduler.start().unwrap();
        std::thread::sleep(Duration::from_micros(round % 200));
        let report = block_on(scheduler.stop().timeout(SECOND * 20).into_future());
        assert!(report.is_clean(), "round {round}");
    }
}

#[test]
fn dropping_the_last_handle_while_ticks_are_served() {
    for round in 0..200 {
        let (scheduler, overlaps) = (scheduler(), Count::default());
        let dropped = Count::default();
        for _ in 0..10 {
            let guard = dropped.on_drop();
            let target = move || {
                let _guard = &guard;
                yield_now()
            };
            scheduler.every(ms(1)).run(target).unwrap();
        }
        let job = exclusive(&scheduler, &overlaps);
        scheduler.start().unwrap();
        std::thread::sleep(Duration::from_micros(round * 13 % 3_000));
        drop(scheduler);
        eventually(|| dropped.get() == 10 && !job.is_running());
        let runs = job.runs();
        std::thread::sleep(ms(3));
        assert_eq!(job.runs(), runs);
    }
}

/// Asserts that each job runs again soon.
fn assert_goes_on(scheduler: &Scheduler, jobs: &[Job]) {
    // A stop that was dropped half-way may still be in progress.
    eventually(|| scheduler.start().is_ok() || scheduler.is_running());
    let before: Vec<u64> = jobs.iter().map(Job::runs).collect();
    eventually(|| jobs.iter().zip(&before).all(|(job, runs)| job.runs() > runs + 2));
}

fn eventually(condition: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if condition() {
            return;
        }
        std::thread::sleep(ms(1));
    }
    panic!("it does not happen");
}
