//! Stops at unusual times and from unusual callers.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use super::Host;
use super::probe::{Probe, Visit};
use super::scene::{Fate, Scene, assert_fate, quick_job, runs_on};
use super::waiting::{A_WHILE, INTERVAL, eventually, finish, goes_on, poll_once};
use crate::{Scheduler, StopReport};

/// A scheduler that was never started stops at once, and can be started afterwards.
pub fn before_start(host: Host) {
    let scheduler = host.scheduler();
    let quick = quick_job(&scheduler);
    let report = finish("the stop returns", scheduler.stop());
    assert!(
        report.is_clean() && report.cancelled().is_empty() && report.finished().is_empty(),
        "{report:?}"
    );
    scheduler.start().expect("the runtime takes the scheduler");
    runs_on(&quick);
}

/// The second of two stops has nothing to do.
pub fn twice(host: Host) {
    let scene = Scene::endless(&host);
    finish("the first stop returns", scene.scheduler.stop());
    let report = finish("the second stop returns", scene.scheduler.stop());
    assert!(
        report.is_clean() && report.cancelled().is_empty() && report.finished().is_empty(),
        "{report:?}"
    );
}

/// Two stops at the same time both return.
pub fn at_the_same_time(host: Host) {
    for place in host.places_to_block() {
        let scene = Scene::stuck(&host, &place);
        let mut first = pin!(scene.scheduler.stop().into_future());
        let mut second = pin!(scene.scheduler.stop().into_future());
        goes_on("the first stop", first.as_mut());
        goes_on("the second stop", second.as_mut());
        scene.gate.open();
        assert!(finish("the second stop returns", second).is_clean());
        assert!(finish("the first stop returns", first).is_clean());
        assert!(!scene.job.is_running());
    }
}

/// A stop that is never polled does nothing.
pub fn never_polled(host: Host) {
    let scheduler = host.scheduler();
    let quick = quick_job(&scheduler);
    scheduler.start().expect("the runtime takes the scheduler");
    drop(scheduler.stop());
    drop(scheduler.stop().into_future());
    runs_on(&quick);
    assert!(scheduler.is_running());
}

/// After its first poll, a stop is carried out to its end, even if its future is dropped half-way.
pub fn dropped_half_way(host: Host) {
    let scene = Scene::endless(&host);
    let mut stop = Box::pin(scene.scheduler.stop().grace(A_WHILE / 2).into_future());
    assert!(
        poll_once(stop.as_mut()).is_pending(),
        "the run never ends, yet the stop has"
    );
    drop(stop);
    eventually("the run is dropped after the grace", || scene.probe.inside() == 0);
    starts_again(&scene.scheduler);
    eventually("the job runs again", || scene.probe.inside() == 1);
}

/// A stop can be awaited on the runtime itself, even if the runtime has one thread.
pub fn on_the_runtime(host: Host) {
    let scene = Scene::cooperative(&host);
    let (sender, receiver) = mpsc::channel::<StopReport>();
    let scheduler = scene.scheduler.clone();
    let stops = async move { drop(sender.send(scheduler.stop().await)) };
    host.runtime()
        .spawn(Box::pin(stops))
        .expect("the executor takes a future");
    let mut report = None;
    eventually("the stop returns", || {
        report = receiver.try_recv().ok();
        report.is_some()
    });
    assert_eq!((scene.probe.inside(), scene.probe.completed()), (0, 0));
    assert_fate(&report.expect("it was waited for"), &scene.job, Fate::Cancelled);
}

/// A job that awaits an unlimited stop is itself cancelled at that await.
pub fn inside_a_job(host: Host) {
    let (scheduler, probe) = (host.scheduler(), Probe::default());
    first_run_with_scheduler(&scheduler, &probe, |scheduler, visit| {
        Box::pin(async move {
            scheduler.stop().await;
            visit.complete();
        })
    });
    let quick = quick_job(&scheduler);
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the scheduler stops", || !scheduler.is_running());
    eventually("the run that stopped it is dropped", || probe.inside() == 0);
    assert_eq!(probe.completed(), 0);
    starts_again(&scheduler);
    runs_on(&quick);
}

/// A job that detaches a stop comes to its end.
pub fn detach_inside_a_job(host: Host) {
    let (scheduler, probe) = (host.scheduler(), Probe::default());
    first_run_with_scheduler(&scheduler, &probe, |scheduler, visit| {
        scheduler.stop().detach();
        Box::pin(async move { visit.complete() })
    });
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the run comes to its end", || probe.completed() == 1);
    eventually("the scheduler stops", || !scheduler.is_running());
    starts_again(&scheduler);
    eventually("the job runs again", || probe.completed() >= 2);
}

/// A blocking job that waits for a stop is reported by the stop as still running.
pub fn inside_a_blocking_job(host: Host) {
    let Some(place) = host.blocking_job_to_block() else {
        return;
    };
    let scheduler = host.scheduler();
    let (sender, receiver) = mpsc::channel::<StopReport>();
    let slot = Mutex::new(Some(scheduler.clone()));
    let target = move || {
        if let Some(scheduler) = slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = sender.send(finish("the stop returns", scheduler.stop().timeout(A_WHILE)));
        }
    };
    let job = place.run(scheduler.every(INTERVAL), target);
    scheduler.start().expect("the runtime takes the scheduler");
    let mut report = None;
    eventually("the stop returns", || {
        report = receiver.try_recv().ok();
        report.is_some()
    });
    assert_fate(&report.expect("it was waited for"), &job, Fate::StillRunning);
    starts_again(&scheduler);
    runs_on(&job);
}

/// Registers a job whose first run gets its own scheduler. Later runs end at once.
fn first_run_with_scheduler(
    scheduler: &Scheduler,
    probe: &Probe,
    first_run: impl Fn(Scheduler, Visit) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + 'static,
) {
    let slot = Arc::new(Mutex::new(Some(scheduler.clone())));
    let probe = probe.clone();
    let target = move || {
        let visit = probe.enter();
        match slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(scheduler) => first_run(scheduler, visit),
            None => Box::pin(async move { visit.complete() }),
        }
    };
    scheduler.every(INTERVAL).run(target).expect("the job is valid");
}

/// Starts the scheduler as soon as its stop has returned.
#[track_caller]
fn starts_again(scheduler: &Scheduler) {
    eventually("the scheduler can be started again", || match scheduler.start() {
        Ok(()) => true,
        Err(error) => {
            assert!(error.is_stopping(), "{error}");
            false
        }
    });
}
