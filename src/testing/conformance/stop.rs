//! The four forms of a stop, each with three jobs: a cooperative job, a job that is stuck in synchronous code, and a
//! job that never ends.

use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Host;
use super::probe::{Gate, Probe};
use super::scene::{Fate, Scene, assert_fate, nap_until_open};
use super::waiting::{A_WHILE, AN_HOUR, INTERVAL, NAP, eventually, finish, goes_on, unchanged};
use crate::{FirstRun, Job};

/// `stop().await` drops a run that sleeps. The destructors of the run have run when the stop returns.
pub fn plain_cooperative(host: Host) {
    let scene = Scene::cooperative(&host);
    let report = finish("the stop returns", scene.scheduler.stop());
    scene.assert_cancelled();
    assert_fate(&report, &scene.job, Fate::Cancelled);
}

/// `stop().await` waits for the end of synchronous code.
pub fn plain_stuck(host: Host) {
    for place in host.places_to_block() {
        let scene = Scene::stuck(&host, &place);
        let mut stop = pin!(scene.scheduler.stop().into_future());
        goes_on("the stop, beside a stuck run", stop.as_mut());
        scene.gate.open();
        let report = finish("the stop returns once the run has ended", stop);
        scene.assert_completed();
        assert_fate(&report, &scene.job, Fate::Finished);
    }
}

/// `stop().await` drops a run that would never end.
pub fn plain_endless(host: Host) {
    let scene = Scene::endless(&host);
    let report = finish("the stop returns", scene.scheduler.stop());
    scene.assert_cancelled();
    assert_fate(&report, &scene.job, Fate::Cancelled);
}

/// `timeout` changes nothing for a run that can be cancelled in time.
pub fn timeout_cooperative(host: Host) {
    let scene = Scene::cooperative(&host);
    let report = finish(
        "the stop returns before its timeout",
        scene.scheduler.stop().timeout(AN_HOUR),
    );
    scene.assert_cancelled();
    assert_fate(&report, &scene.job, Fate::Cancelled);
}

/// With `timeout`, a stop returns beside synchronous code, and names the job.
pub fn timeout_stuck(host: Host) {
    for place in host.places_to_block() {
        let scene = Scene::stuck(&host, &place);
        let begin = host.now();
        let report = finish(
            "the stop returns at its timeout",
            scene.scheduler.stop().timeout(A_WHILE),
        );
        assert!(host.now() - begin >= A_WHILE, "gave up before the timeout");
        assert_fate(&report, &scene.job, Fate::StillRunning);
        assert!(scene.job.is_running());
        scene.gate.open();
        eventually("the straggler ends", || !scene.job.is_running());
        scene.assert_completed();
    }
}

/// `timeout` changes nothing for a run that would never end.
pub fn timeout_endless(host: Host) {
    let scene = Scene::endless(&host);
    let report = finish(
        "the stop returns before its timeout",
        scene.scheduler.stop().timeout(AN_HOUR),
    );
    scene.assert_cancelled();
    assert_fate(&report, &scene.job, Fate::Cancelled);
}

/// A stop with a timeout of zero returns at once. The cancelled run is dropped nevertheless.
pub fn timeout_zero(host: Host) {
    let scene = Scene::endless(&host);
    let report = finish("the stop returns", scene.scheduler.stop().timeout(Duration::ZERO));
    assert!(report.finished().is_empty(), "{report:?}");
    eventually("the run is dropped", || !scene.job.is_running());
    scene.assert_cancelled();
}

/// `detach` lets a run end by itself.
pub fn detach_cooperative(host: Host) {
    let scene = Scene::cooperative(&host);
    scene.scheduler.stop().detach();
    scene.assert_left_running();
    scene.gate.open();
    eventually("the run ends by itself", || !scene.job.is_running());
    scene.assert_completed();
}

/// `detach` doesn't wait for synchronous code.
pub fn detach_stuck(host: Host) {
    for place in host.places_to_block() {
        let scene = Scene::stuck(&host, &place);
        scene.scheduler.stop().detach();
        scene.assert_left_running();
        scene.gate.open();
        eventually("the run ends by itself", || !scene.job.is_running());
        scene.assert_completed();
    }
}

/// `detach` does not affect a run that never ends. A later stop cancels the run.
pub fn detach_endless(host: Host) {
    let scene = Scene::endless(&host);
    scene.scheduler.stop().detach();
    scene.assert_left_running();
    let report = finish("the later stop returns", scene.scheduler.stop());
    scene.assert_cancelled();
    assert_fate(&report, &scene.job, Fate::Cancelled);
}

/// With `grace`, a run ends by itself, and the stop returns as soon as the run has ended.
pub fn grace_cooperative(host: Host) {
    let scene = Scene::cooperative(&host);
    let mut stop = pin!(scene.scheduler.stop().grace(AN_HOUR).into_future());
    goes_on("the stop, within its grace", stop.as_mut());
    scene.gate.open();
    let report = finish("the stop returns before the grace is over", stop);
    scene.assert_completed();
    assert_fate(&report, &scene.job, Fate::Finished);
}

/// After the grace period, a stop waits for synchronous code as a stop without `grace` does.
pub fn grace_stuck(host: Host) {
    for place in host.places_to_block() {
        let scene = Scene::stuck(&host, &place);
        let mut stop = pin!(scene.scheduler.stop().grace(A_WHILE / 4).into_future());
        goes_on("the stop, beside a stuck run", stop.as_mut());
        scene.gate.open();
        let report = finish("the stop returns once the run has ended", stop);
        scene.assert_completed();
        assert_fate(&report, &scene.job, Fate::Finished);
    }
}

/// A run that never ends is dropped after the grace period, and not before.
pub fn grace_endless(host: Host) {
    let scene = Scene::endless(&host);
    let begin = host.now();
    let report = finish(
        "the stop returns after its grace",
        scene.scheduler.stop().grace(A_WHILE),
    );
    assert!(host.now() - begin >= A_WHILE, "cancelled within the grace");
    scene.assert_cancelled();
    assert_fate(&report, &scene.job, Fate::Cancelled);
}

/// With `grace`, runs that were triggered before the stop begin, and the stop waits for their ends.
pub fn grace_triggered(host: Host) {
    let (scheduler, probe) = (host.scheduler(), Probe::default());
    let dormant = || scheduler.every(AN_HOUR).first_run(FirstRun::AfterInterval);
    let [inside, blocking] = [probe.clone(), probe.clone()];
    let target = move || {
        let visit = inside.enter();
        async move { visit.complete() }
    };
    let blocking = move || {
        let visit = blocking.enter();
        thread::sleep(NAP);
        visit.complete();
    };
    let jobs = [dormant().run(target), dormant().run_blocking(blocking)];
    let jobs = jobs.map(|job| job.expect("the job is valid"));
    scheduler.start().expect("the runtime takes the scheduler");
    jobs.iter().for_each(Job::trigger);
    let report = finish(
        "the stop returns before the grace is over",
        scheduler.stop().grace(AN_HOUR),
    );
    assert!(report.is_clean() && report.cancelled().is_empty());
    assert_eq!((jobs.map(|job| job.runs()), probe.completed()), ([1, 1], 2));
}

/// The timeout begins at the end of the grace period.
pub fn grace_then_timeout(host: Host) {
    for place in host.places_to_block() {
        let scene = Scene::stuck(&host, &place);
        let begin = host.now();
        let stop = scene.scheduler.stop().grace(A_WHILE / 2).timeout(A_WHILE);
        let report = finish("the stop returns at its timeout", stop);
        assert!(host.now() - begin >= A_WHILE * 3 / 2, "gave up before the timeout");
        assert_fate(&report, &scene.job, Fate::StillRunning);
    }
}

/// An async run that is in synchronous code is dropped exactly at its next await.
pub fn next_await(host: Host) {
    let Some(_place) = host.executor_to_block() else { return };
    let (scheduler, probe, gate, never) = (host.scheduler(), Probe::default(), Gate::default(), Gate::default());
    let (inside, entrance, never_opened, runtime) = (probe.clone(), gate.entrance(), never.entrance(), host.runtime());
    let target = move || {
        let (visit, entrance, never_opened) = (inside.enter(), entrance.clone(), never_opened.clone());
        let runtime = Arc::clone(&runtime);
        async move {
            entrance.block();
            nap_until_open(&*runtime, &never_opened).await;
            visit.complete();
        }
    };
    let job = scheduler.every(INTERVAL).run(target).expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the run begins", || probe.inside() == 1);
    let mut stop = pin!(scheduler.stop().into_future());
    goes_on("the stop, beside a stuck run", stop.as_mut());
    gate.open();
    let report = finish("the stop returns at the next await", stop);
    assert_eq!((probe.inside(), probe.completed()), (0, 0));
    assert_fate(&report, &job, Fate::Cancelled);
}

impl Scene {
    /// Asserts that the scheduler has stopped, and that the run was dropped before its end.
    #[track_caller]
    fn assert_cancelled(&self) {
        assert_eq!(
            (self.probe.inside(), self.probe.completed()),
            (0, 0),
            "the run was to be dropped"
        );
        self.assert_stopped();
    }

    /// Asserts that the scheduler has stopped, and that the run reached its end.
    #[track_caller]
    fn assert_completed(&self) {
        assert_eq!(
            (self.probe.inside(), self.probe.completed()),
            (0, 1),
            "the run was to come to its end"
        );
        self.assert_stopped();
    }

    /// Asserts that the scheduler has stopped, and that the run continues.
    #[track_caller]
    fn assert_left_running(&self) {
        thread::sleep(A_WHILE);
        assert!(self.job.is_running());
        assert_eq!(
            (self.probe.inside(), self.probe.completed()),
            (1, 0),
            "the run was to go on"
        );
        self.assert_stopped();
    }

    #[track_caller]
    fn assert_stopped(&self) {
        assert!(!self.scheduler.is_running());
        unchanged("the number of runs, after the stop", || self.job.runs());
        assert_eq!(self.job.runs(), 1);
    }
}
