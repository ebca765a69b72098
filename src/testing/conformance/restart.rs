//! Restarts: after a stop, beside a straggler, or without a stop. A straggler is a run that outlasts its stop.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use super::Host;
use super::scene::{Fate, Scene, assert_fate, quick_job, runs_on};
use super::waiting::{A_WHILE, INTERVAL, eventually, finish, poll_once};
use crate::Run;

/// Jobs run again after every restart, and continue to count their runs.
pub fn again(host: Host) {
    let scheduler = host.scheduler();
    let numbers = Arc::new(Mutex::new(Vec::<u64>::new()));
    let log = Arc::clone(&numbers);
    let target = move |run: Run| log.lock().unwrap_or_else(PoisonError::into_inner).push(run.number());
    let job = scheduler.every(INTERVAL).run(target).expect("the job is valid");
    for _ in 0..3 {
        scheduler.start().expect("the runtime takes the scheduler");
        assert!(scheduler.is_running());
        runs_on(&job);
        finish("the stop returns", scheduler.stop());
        assert!(!scheduler.is_running());
    }
    let numbers = numbers.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*numbers, (0..job.runs()).collect::<Vec<_>>());
}

/// A job with a straggler runs again only after the straggler has ended. All other jobs run at once.
pub fn with_a_straggler(host: Host) {
    for place in host.places_to_block() {
        let scene = Scene::stuck(&host, &place);
        let quick = quick_job(&scene.scheduler);
        let report = finish(
            "the stop returns at its timeout",
            scene.scheduler.stop().timeout(A_WHILE / 2),
        );
        assert_fate(&report, &scene.job, Fate::StillRunning);
        scene.scheduler.start().expect("the runtime takes the scheduler again");
        runs_on(&quick);
        assert_eq!(
            (scene.job.runs(), scene.probe.inside()),
            (1, 1),
            "the straggler was to be alone"
        );
        scene.gate.open();
        runs_on(&scene.job);
        assert_eq!(scene.probe.most_at_once(), 1);
    }
}

/// Starting a scheduler that runs is refused, and changes nothing.
pub fn started_twice(host: Host) {
    let scheduler = host.scheduler();
    let quick = quick_job(&scheduler);
    scheduler.start().expect("the runtime takes the scheduler");
    let error = scheduler.start().expect_err("it runs already");
    assert!(error.is_already_started(), "{error}");
    runs_on(&quick);
    finish("one stop is enough", scheduler.stop());
    assert!(!scheduler.is_running());
}

/// Starting a scheduler while a stop waits is refused.
pub fn while_stopping(host: Host) {
    for place in host.places_to_block() {
        let scene = Scene::stuck(&host, &place);
        let mut stop = pin!(scene.scheduler.stop().into_future());
        assert!(
            poll_once(stop.as_mut()).is_pending(),
            "the stop ended beside a stuck run"
        );
        let error = scene.scheduler.start().expect_err("a stop waits");
        assert!(error.is_stopping(), "{error}");
        scene.gate.open();
        finish("the stop returns once the run has ended", stop);
        scene.scheduler.start().expect("the runtime takes the scheduler again");
        eventually("the job runs again", || scene.probe.completed() >= 2);
    }
}
