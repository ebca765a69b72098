//! What most checks begin with: a scheduler, and a job in the middle of its first run.

use std::future;
use std::sync::Arc;
use std::time::Instant;

use super::Host;
use super::probe::{Entrance, Gate, Probe};
use super::waiting::{INTERVAL, RESOLUTION, eventually};
use crate::runtime::Runtime;
use crate::{Job, Scheduler, StopReport};

/// A running scheduler whose `job` is in the middle of its first run.
pub(super) struct Scene {
    pub(super) scheduler: Scheduler,
    pub(super) job: Job,
    pub(super) probe: Probe,
    /// Opened, it lets the run (and every later one) come to its end.
    pub(super) gate: Gate,
}

/// Where synchronous code can be stuck without holding up the whole runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Executor,
    BlockingPool,
}

/// What a stop report says of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Finished,
    Cancelled,
    StillRunning,
}

impl Host {
    pub(super) fn scheduler(&self) -> Scheduler {
        Scheduler::builder(self.runtime())
            .resolution(RESOLUTION)
            .build()
            .expect("the resolution is valid")
    }

    pub(super) fn now(&self) -> Instant {
        self.runtime().now()
    }

    pub(super) fn places_to_block(&self) -> Vec<Place> {
        let mut places = Vec::new();
        if !self.is_single_threaded() {
            places.push(Place::Executor);
        }
        if self.has_blocking_pool() {
            places.push(Place::BlockingPool);
        }
        if places.is_empty() {
            println!("skipped: one thread and no blocking pool");
        }
        places
    }
}

impl Scene {
    /// The run is async, and sleeps in short naps.
    pub(super) fn cooperative(host: &Host) -> Scene {
        Scene::of(host, |scheduler, probe, entrance| {
            let runtime = host.runtime();
            let target = move || {
                let (visit, entrance, runtime) = (probe.enter(), entrance.clone(), Arc::clone(&runtime));
                async move {
                    nap_until_open(&*runtime, &entrance).await;
                    visit.complete();
                }
            };
            scheduler.every(INTERVAL).name("cooperative").run(target)
        })
    }

    /// The run is async, and waits for what never comes.
    pub(super) fn endless(host: &Host) -> Scene {
        Scene::of(host, |scheduler, probe, _| {
            let target = move || {
                let visit = probe.enter();
                async move {
                    future::pending::<()>().await;
                    visit.complete();
                }
            };
            scheduler.every(INTERVAL).name("endless").run(target)
        })
    }

    /// The run is synchronous, and blocks its thread.
    pub(super) fn stuck(host: &Host, place: Place) -> Scene {
        Scene::of(host, |scheduler, probe, entrance| {
            let target = move || {
                let visit = probe.enter();
                entrance.block();
                visit.complete();
            };
            let job = scheduler.every(INTERVAL).name("stuck");
            match place {
                Place::Executor => job.run(target),
                Place::BlockingPool => job.run_blocking(target),
            }
        })
    }

    fn of(host: &Host, register: impl FnOnce(&Scheduler, Probe, Entrance) -> Result<Job, crate::Error>) -> Scene {
        let (scheduler, probe, gate) = (host.scheduler(), Probe::default(), Gate::default());
        let job = register(&scheduler, probe.clone(), gate.entrance()).expect("the job is valid");
        scheduler.start().expect("the runtime takes the scheduler");
        eventually("the first run begins", || probe.inside() == 1);
        Scene {
            scheduler,
            job,
            probe,
            gate,
        }
    }
}

/// Sleeps again and again, so that there is always an await near at which the run can be dropped.
pub(super) async fn nap_until_open(runtime: &dyn Runtime, entrance: &Entrance) {
    while !entrance.is_open() {
        runtime.sleep_until(runtime.now() + RESOLUTION / 10).await;
    }
}

/// A job of `scheduler` that does next to nothing.
pub(super) fn quick_job(scheduler: &Scheduler) -> Job {
    scheduler
        .every(INTERVAL)
        .name("quick")
        .run(|| {})
        .expect("the job is valid")
}

/// Waits until `job` has run three times more.
#[track_caller]
pub(super) fn runs_on(job: &Job) {
    let before = job.runs();
    eventually(&format!("`{}` runs three times more", job.name()), || {
        job.runs() >= before + 3
    });
}

/// Asserts that `report` names `job` once, and as what.
#[track_caller]
pub(super) fn assert_fate(report: &StopReport, job: &Job, fate: Fate) {
    let named = [
        (Fate::Finished, report.finished()),
        (Fate::Cancelled, report.cancelled()),
        (Fate::StillRunning, report.still_running()),
    ];
    let fates: Vec<Fate> = named
        .into_iter()
        .flat_map(|(fate, jobs)| jobs.iter().filter(|named| *named == job).map(move |_| fate))
        .collect();
    assert_eq!(fates, [fate], "{report:?}");
    assert_eq!(report.is_clean(), report.still_running().is_empty());
}
