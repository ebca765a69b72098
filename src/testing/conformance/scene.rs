//! The common start of most checks: a scheduler, and a job in the middle of its first run.

use std::future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Host;
use super::probe::{Entrance, Gate, Probe};
use super::waiting::{INTERVAL, RESOLUTION, eventually};
use crate::runtime::Runtime;
use crate::{BlockingTarget, Job, JobBuilder, Scheduler, StopReport};

/// A running scheduler whose `job` is in the middle of its first run.
pub(super) struct Scene {
    pub(super) scheduler: Scheduler,
    pub(super) job: Job,
    pub(super) probe: Probe,
    /// An open gate lets this run and every later run end.
    pub(super) gate: Gate,
}

/// A kind of job whose synchronous code can be stuck without holding up the whole runtime.
///
/// Only one check at a time blocks threads of an executor, since some executors belong to the process and have few
/// threads.
pub(super) struct Place {
    blocking: bool,
    _turn: Option<MutexGuard<'static, ()>>,
}

/// The list of a stop report in which a job stands.
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

    /// Returns each kind of job that may block, for checks that try one kind after the other.
    pub(super) fn places_to_block(&self) -> impl Iterator<Item = Place> {
        let places: [fn(&Host) -> Option<Place>; 2] = [Host::blocking_job_to_block, Host::executor_to_block];
        places.into_iter().filter_map(|place| place(self))
    }

    pub(super) fn blocking_job_to_block(&self) -> Option<Place> {
        if self.has_blocking_pool() {
            return Some(Place {
                blocking: true,
                _turn: None,
            });
        }
        self.executor_to_block().map(|place| Place {
            blocking: true,
            ..place
        })
    }

    pub(super) fn executor_to_block(&self) -> Option<Place> {
        static TURN: Mutex<()> = Mutex::new(());
        if self.is_single_threaded() {
            println!("skipped: nothing can block the only thread of this executor");
            return None;
        }
        Some(Place {
            blocking: false,
            _turn: Some(TURN.lock().unwrap_or_else(PoisonError::into_inner)),
        })
    }
}

impl Place {
    pub(super) fn run<M>(&self, job: JobBuilder, target: impl BlockingTarget<M>) -> Job {
        let job = if self.blocking {
            job.run_blocking(target)
        } else {
            job.run(target)
        };
        job.expect("the job is valid")
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
            scheduler
                .every(INTERVAL)
                .name("cooperative")
                .run(target)
                .expect("the job is valid")
        })
    }

    /// The run is async, and never becomes ready.
    pub(super) fn endless(host: &Host) -> Scene {
        Scene::of(host, |scheduler, probe, _| {
            let target = move || {
                let visit = probe.enter();
                async move {
                    future::pending::<()>().await;
                    visit.complete();
                }
            };
            scheduler
                .every(INTERVAL)
                .name("endless")
                .run(target)
                .expect("the job is valid")
        })
    }

    /// The run is synchronous, and blocks its thread.
    pub(super) fn stuck(host: &Host, place: &Place) -> Scene {
        Scene::of(host, |scheduler, probe, entrance| {
            let target = move || {
                let visit = probe.enter();
                entrance.block();
                visit.complete();
            };
            place.run(scheduler.every(INTERVAL).name("stuck"), target)
        })
    }

    fn of(host: &Host, register: impl FnOnce(&Scheduler, Probe, Entrance) -> Job) -> Scene {
        let (scheduler, probe, gate) = (host.scheduler(), Probe::default(), Gate::default());
        let job = register(&scheduler, probe.clone(), gate.entrance());
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

/// Sleeps again and again, so the run soon reaches an await at which it can be dropped.
pub(super) async fn nap_until_open(runtime: &dyn Runtime, entrance: &Entrance) {
    while !entrance.is_open() {
        runtime.sleep_until(runtime.now() + RESOLUTION / 10).await;
    }
}

/// Registers a job that does next to nothing.
pub(super) fn quick_job(scheduler: &Scheduler) -> Job {
    scheduler
        .every(INTERVAL)
        .name("quick")
        .run(|| {})
        .expect("the job is valid")
}

/// Waits until `job` has run three more times.
#[track_caller]
pub(super) fn runs_on(job: &Job) {
    let before = job.runs();
    eventually(&format!("`{}` runs three times more", job.name()), || {
        job.runs() >= before + 3
    });
}

/// Asserts that `report` names `job` once, in the list `fate`.
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
