//! A stop that is waited for in a hook.

use std::future::pending;
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Event, EventKind, FirstRun, Job, MissedTicks, Overlap, Scheduler, StopReport};

use super::within;
use crate::support::{SECOND, blow_up, later, ms, names, put, take};

/// Makes each kind of event happen at least once. The hook waits for a stop at the first event of `kind`.
fn stop_in_hook(kind: &'static str) -> (Option<String>, StopReport) {
    let time = VirtualTime::new();
    let (slot, seen) = (later::<Scheduler>(), later());
    let (own, tell) = (slot.clone(), seen.clone());
    let hook = move |event: &Event| {
        if event.kind().as_str() != kind {
            return;
        }
        let scheduler = own.lock().unwrap().take();
        if let Some(scheduler) = scheduler {
            let about = event.run().map(|_| event.job().name().to_owned());
            put(&tell, (about, scheduler.stop().blocking_wait()));
        }
    };
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    put(&slot, scheduler.clone());
    let every = |name: &str| scheduler.every(SECOND).name(name);
    let clock = time.clone();
    every("finishes").run(move || clock.sleep(ms(10))).unwrap();
    every("fails").run(async || Err("no")).unwrap();
    every("panics").run(blow_up).unwrap();
    every("times out").timeout(ms(30)).run(pending::<()>).unwrap();
    every("retries").retry(|| [ms(20), ms(20)]).run(|| Err("no")).unwrap();
    every("is replaced")
        .on_overlap(Overlap::Replace)
        .run(pending::<()>)
        .unwrap();
    every("ends").times(1).run(|| ()).unwrap();
    scheduler.start().unwrap();
    let late = every("is late").missed_ticks(MissedTicks::Skip);
    let passed = FirstRun::At(atevery::runtime::Timer::now(&time) - SECOND * 5);
    late.first_run(passed).run(|| ()).unwrap();
    time.refuse_spawns(if kind == "refused" { 1_000 } else { 0 });
    time.advance(SECOND);
    time.refuse_spawns(0);
    time.advance(SECOND * 2);
    let removed = scheduler.jobs().remove(0);
    removed.remove();
    time.shut_down();
    take(&seen)
}

#[test]
fn a_stop_that_is_waited_for_in_a_hook_names_the_run_that_it_was_called_for() {
    for kind in [
        "started",
        "finished",
        "failed",
        "panicked",
        "timed out",
        "retried",
        "cancelled",
        "missed",
        "late",
    ] {
        let (about, report) = within(move || stop_in_hook(kind));
        let about = about.expect("it is about a run");
        assert_eq!(names(report.still_running()), [about.as_str()], "{kind}");
    }
}

#[test]
fn a_stop_that_is_waited_for_in_a_hook_without_a_run_is_clean() {
    for kind in ["removed", "refused"] {
        let (about, report) = within(move || stop_in_hook(kind));
        assert_eq!(about, None, "{kind}");
        assert!(report.is_clean(), "{kind}: {report}");
    }
}

#[test]
fn a_stop_in_a_hook_that_a_stop_has_called() {
    within(|| {
        let (about, report) = stop_in_hook("cancelled");
        assert_eq!(names(report.still_running()), [about.unwrap().as_str()]);
    });
    // The same if many jobs share a task.
    within(|| {
        let time = VirtualTime::new();
        let (slot, seen) = (later::<Scheduler>(), later());
        let (own, tell) = (slot.clone(), seen.clone());
        let hook = move |event: &Event| {
            if matches!(event.kind(), EventKind::Cancelled) {
                let scheduler = own.lock().unwrap().take();
                if let Some(scheduler) = scheduler {
                    put(&tell, scheduler.stop().timeout(Duration::ZERO).blocking_wait());
                }
            }
        };
        let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
        put(&slot, scheduler.clone());
        for _ in 0..1_000 {
            scheduler.every(SECOND).run(pending::<()>).unwrap();
        }
        scheduler.start().unwrap();
        time.run_until_stalled();
        let report = time.block_on(scheduler.stop());
        assert_eq!(report.cancelled().len(), 1_000);
        assert!(!take(&seen).is_clean());
    });
}

#[test]
fn a_stop_in_a_hook_cancels_what_the_stop_that_called_it_has_not_come_to() {
    within(|| {
        let time = VirtualTime::new();
        let slot = later::<Scheduler>();
        let own = slot.clone();
        let hook = move |event: &Event| {
            if matches!(event.kind(), EventKind::Cancelled) {
                let scheduler = own.lock().unwrap().take();
                if let Some(scheduler) = scheduler {
                    let _ = scheduler.stop().blocking_wait();
                }
            }
        };
        let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
        put(&slot, scheduler.clone());
        for _ in 0..1_000 {
            scheduler.every(SECOND).run(pending::<()>).unwrap();
        }
        scheduler.start().unwrap();
        time.run_until_stalled();
        time.block_on(scheduler.stop());
    });
}

#[test]
fn a_stop_in_a_hook_that_was_called_by_what_another_run_did() {
    within(|| {
        let time = VirtualTime::new();
        let slot = later::<Scheduler>();
        let own = slot.clone();
        let hook = move |event: &Event| {
            if matches!(event.kind(), EventKind::Removed) {
                let scheduler = own.lock().unwrap().take();
                if let Some(scheduler) = scheduler {
                    let _ = scheduler.stop().blocking_wait();
                }
            }
        };
        let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
        put(&slot, scheduler.clone());
        let other = scheduler.every(SECOND).run(|| ()).unwrap();
        scheduler.every(SECOND).run(move || other.remove()).unwrap();
        scheduler.start().unwrap();
        time.run_until_stalled();
    });
}

#[test]
fn a_hook_may_wait_for_a_stop_when_a_run_that_awaits_takes_its_own_job_off() {
    within(|| {
        let time = VirtualTime::new();
        let slot = later::<Scheduler>();
        let own = slot.clone();
        let hook = move |event: &Event| {
            if matches!(event.kind(), EventKind::Removed) {
                let scheduler = own.lock().unwrap().take();
                if let Some(scheduler) = scheduler {
                    let report = scheduler.stop().blocking_wait();
                    assert_eq!(report.still_running().len(), 1);
                }
            }
        };
        let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
        put(&slot, scheduler.clone());
        let job = later::<Job>();
        let own_job = job.clone();
        let target = move || {
            let job = own_job.clone();
            async move { take(&job).remove() }
        };
        put(&job, scheduler.every(SECOND).run(target).unwrap());
        scheduler.start().unwrap();
        time.run_until_stalled();
        assert!(slot.lock().unwrap().is_none(), "the hook was called");
    });
}
