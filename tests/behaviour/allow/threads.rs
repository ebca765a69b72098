//! Several runs of a job on threads.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use atevery::runtime::Standalone;
use atevery::{Allow, Run, Scheduler};

use super::Gauge;
use crate::support::{Count, SECOND, ms, names};
use crate::threads::Stuck;

#[test]
fn stragglers_keep_their_instances_after_a_restart() {
    let stuck = Stuck::new();
    let waiter = stuck.waiter();
    let gauge = Gauge::default();
    let inner = gauge.clone();
    let waiter = Mutex::new(waiter);
    let target = move || {
        let _entered = inner.enter();
        let waiter = waiter.lock().unwrap().clone();
        waiter.wait();
    };
    let builder = stuck.scheduler.every(ms(50)).name("a").on_overlap(Allow(2));
    let job = builder.run_blocking(target).unwrap();
    stuck.start();
    stuck.scheduler.stop().detach();
    stuck.scheduler.start().unwrap();
    stuck.world().advance_until(|| gauge.now() == 2);
    stuck.begun();
    let report = stuck.scheduler.stop().timeout(Duration::ZERO).blocking_wait();
    assert_eq!(names(report.still_running()), ["a"]);
    stuck.scheduler.start().unwrap();
    for _ in 0..10 {
        stuck.world().advance(50);
        std::thread::sleep(ms(2));
    }
    assert_eq!((job.runs(), gauge.now()), (2, 2));
    stuck.release();
    stuck.world().advance_until(|| job.runs() >= 6);
    assert_eq!(gauge.peak(), 2);
    assert!(stuck.scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

#[test]
fn blocking_runs_are_parallel() {
    let scheduler = Scheduler::new(Standalone::new());
    let barrier = Arc::new(Barrier::new(4));
    let (sender, met) = mpsc::channel();
    let sender = Mutex::new(sender);
    let inner = Arc::clone(&barrier);
    let target = move || {
        inner.wait();
        let _ = sender.lock().unwrap().send(());
    };
    let builder = scheduler.every(ms(50)).on_overlap(Allow(4)).times(4);
    builder.run_blocking(target).unwrap();
    scheduler.start().unwrap();
    for _ in 0..4 {
        met.recv_timeout(SECOND * 20).expect("four run side by side");
    }
    assert!(scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

#[test]
fn synchronous_runs_are_parallel() {
    let scheduler = Scheduler::new(Standalone::new());
    let barrier = Arc::new(Barrier::new(2));
    let (sender, met) = mpsc::channel();
    let sender = Mutex::new(sender);
    let inner = Arc::clone(&barrier);
    let target = move || {
        inner.wait();
        let _ = sender.lock().unwrap().send(());
    };
    let builder = scheduler.every(ms(50)).on_overlap(Allow(2)).times(2);
    builder.run(target).unwrap();
    scheduler.start().unwrap();
    for _ in 0..2 {
        met.recv_timeout(SECOND * 20).expect("two run side by side");
    }
    assert!(scheduler.stop().timeout(SECOND * 20).blocking_wait().is_clean());
}

#[test]
fn on_threads_there_are_never_more() {
    let scheduler = Scheduler::builder(Standalone::new()).resolution(ms(1)).build().unwrap();
    let (gauge, numbers) = (Gauge::default(), Arc::new(Mutex::new(BTreeSet::new())));
    let doubled = Count::default();
    for blocking in [false, true] {
        let (inner, numbers, doubled) = (gauge.clone(), Arc::clone(&numbers), doubled.clone());
        let target = move |run: Run| {
            let _entered = inner.enter();
            if !numbers.lock().unwrap().insert((blocking, run.number())) {
                doubled.up();
            }
            std::thread::sleep(ms(2));
        };
        let builder = scheduler.every(ms(1)).on_overlap(Allow(2)).times(100);
        if blocking {
            builder.run_blocking(target)
        } else {
            builder.run(target)
        }
        .unwrap();
    }
    scheduler.start().unwrap();
    let began = std::time::Instant::now();
    while !scheduler.jobs().is_empty() && began.elapsed() < SECOND * 20 {
        std::thread::sleep(ms(1));
    }
    assert!(scheduler.jobs().is_empty());
    assert_eq!((numbers.lock().unwrap().len(), doubled.get()), (200, 0));
    assert!(gauge.peak() <= 4, "{}", gauge.peak());
}
