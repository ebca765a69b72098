//! Stops in several runs at once, each waited for in its run.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use atevery::runtime::Standalone;
use atevery::{Job, Run, Scheduler, StopReport};
use futures::executor::block_on;

use super::within;
use crate::support::{Later, SECOND, later, ms, names, put, take};

/// A job that stops `stops` once all runs of the barrier have come to it, after `delay`, and sends the report.
fn stopping(
    of: &Scheduler,
    name: &'static str,
    (barrier, delay): (&Arc<Barrier>, Duration),
    stops: &Later<Scheduler>,
    blocking: bool,
) -> (Job, Receiver<StopReport>) {
    let ((sender, reports), barrier, stops) = (mpsc::channel(), Arc::clone(barrier), stops.clone());
    let target = move || {
        barrier.wait();
        thread::sleep(delay);
        let scheduler = stops.lock().unwrap().clone().expect("it was put there");
        let _ = sender.send(scheduler.stop().blocking_wait());
        thread::sleep(ms(50));
    };
    let builder = of.every(SECOND * 60).name(name);
    let job = if blocking {
        builder.run_blocking(target)
    } else {
        builder.run(target)
    };
    (job.unwrap(), reports)
}

fn next(reports: &Receiver<StopReport>) -> StopReport {
    reports.recv_timeout(SECOND * 20).expect("the stop returns")
}

#[test]
fn on_threads_they_do_not_wait_for_each_other() {
    for (first, second) in [(0, 0), (0, 100), (100, 0)] {
        for blocking in [(false, false), (true, true), (false, true)] {
            within(move || {
                let scheduler = Scheduler::new(Standalone::new());
                let (stops, barrier) = (later(), Arc::new(Barrier::new(2)));
                put(&stops, scheduler.clone());
                let (_, one) = stopping(&scheduler, "one", (&barrier, ms(first)), &stops, blocking.0);
                let (_, two) = stopping(&scheduler, "two", (&barrier, ms(second)), &stops, blocking.1);
                scheduler.start().unwrap();
                assert!(names(next(&one).still_running()).contains(&"one"));
                assert!(names(next(&two).still_running()).contains(&"two"));
                assert!(scheduler.stop().blocking_wait().is_clean());
                drop(take(&stops));
            });
        }
    }
}

#[test]
fn on_threads_each_waits_for_the_runs_that_wait_for_no_stop() {
    let reports = within(|| {
        let scheduler = Scheduler::new(Standalone::new());
        let (stops, barrier) = (later(), Arc::new(Barrier::new(3)));
        put(&stops, scheduler.clone());
        let meet = Arc::clone(&barrier);
        let slow = move |run: Run| {
            meet.wait();
            block_on(run.cancelled());
            thread::sleep(ms(200));
        };
        scheduler.every(SECOND * 60).name("slow").run_blocking(slow).unwrap();
        let (_, one) = stopping(&scheduler, "one", (&barrier, ms(0)), &stops, true);
        let (_, two) = stopping(&scheduler, "two", (&barrier, ms(50)), &stops, true);
        scheduler.start().unwrap();
        let reports = [next(&one), next(&two)];
        drop(take(&stops));
        reports
    });
    for report in reports {
        assert_eq!(names(report.finished()).first(), Some(&"slow"));
    }
}

#[test]
fn on_threads_a_stop_from_outside_waits_for_the_runs_that_wait_for_stops() {
    let report = within(|| {
        let scheduler = Scheduler::new(Standalone::new());
        let (stops, barrier) = (later(), Arc::new(Barrier::new(3)));
        put(&stops, scheduler.clone());
        let (_, one) = stopping(&scheduler, "one", (&barrier, ms(50)), &stops, true);
        let (_, two) = stopping(&scheduler, "two", (&barrier, ms(100)), &stops, false);
        scheduler.start().unwrap();
        barrier.wait();
        let report = scheduler.stop().blocking_wait();
        // Both had their reports before their runs ended.
        assert!(one.try_recv().is_ok() && two.try_recv().is_ok());
        drop(take(&stops));
        report
    });
    assert!(report.is_clean());
    assert_eq!(names(report.finished()), ["one", "two"]);
}

#[test]
fn on_threads_two_jobs_that_stop_each_others_schedulers_do_not_wait_for_each_other() {
    let reports = within(|| {
        let [one, two] = [(), ()].map(|()| Scheduler::new(Standalone::new()));
        let (stops_one, stops_two, barrier) = (later(), later(), Arc::new(Barrier::new(2)));
        put(&stops_one, one.clone());
        put(&stops_two, two.clone());
        let (_, from_one) = stopping(&one, "one", (&barrier, ms(0)), &stops_two, true);
        let (_, from_two) = stopping(&two, "two", (&barrier, ms(100)), &stops_one, false);
        one.start().unwrap();
        two.start().unwrap();
        let reports = [next(&from_one), next(&from_two)];
        drop((take(&stops_one), take(&stops_two)));
        reports
    });
    // The second may have ended by the time of the first one's report, or not.
    assert_eq!(names(reports[0].still_running()), ["two"]);
}

#[test]
fn on_threads_a_run_that_ends_before_the_stop_returns_is_not_named_as_still_running() {
    let report = within(|| {
        let scheduler = Scheduler::new(Standalone::new());
        let (stops, barrier) = (later(), Arc::new(Barrier::new(3)));
        put(&stops, scheduler.clone());
        let meet = Arc::clone(&barrier);
        let slow = move |run: Run| {
            meet.wait();
            block_on(run.cancelled());
            thread::sleep(ms(500));
        };
        let hasty = Arc::clone(&barrier);
        let (sender, reports) = mpsc::channel();
        let scheduler_of_hasty = stops.clone();
        let target = move || {
            hasty.wait();
            let scheduler = scheduler_of_hasty.lock().unwrap().clone().expect("it was put there");
            let _ = sender.send(scheduler.stop().timeout(ms(100)).blocking_wait());
        };
        scheduler.every(SECOND * 60).name("slow").run_blocking(slow).unwrap();
        scheduler.every(SECOND * 60).name("hasty").run_blocking(target).unwrap();
        let (_, patient) = stopping(&scheduler, "patient", (&barrier, ms(0)), &stops, true);
        scheduler.start().unwrap();
        assert_eq!(names(next(&reports).still_running()).last(), Some(&"patient"));
        let report = next(&patient);
        drop(take(&stops));
        report
    });
    assert_eq!(names(report.still_running()), ["patient"]);
    assert_eq!(names(report.finished()), ["slow", "hasty"]);
}
