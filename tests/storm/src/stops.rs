//! Stops of every form.

use std::collections::BTreeSet;
use std::future::IntoFuture;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use atevery::runtime::Spawner;
use atevery::{Job, Stop, StopReport};
use futures::executor::block_on;
use futures::future::join;
use futures::task::noop_waker_ref;

use crate::actions::Place;
use crate::plan::MS;
use crate::random::Random;
use crate::record::{JobNumber, Outcome, Record, Reported, StopNumber};
use crate::scene::{Scene, number_of};

/// A stop of a random form, with a random timeout and grace.
pub(crate) fn any(scene: &Arc<Scene>, random: &mut Random, place: Place) {
    match random.below(10) {
        0..3 => blocking(scene, random, place),
        3 => detached(scene),
        4 => half_way(scene, random),
        _ if place == Place::Run => detached(scene),
        5..7 => awaited_on_the_executor(scene, random),
        7..9 => awaited_on_the_thread(scene, random),
        _ => two_at_once(scene, random),
    }
}

/// In a destructor, a stop is short.
pub(crate) fn in_a_destructor(scene: &Arc<Scene>, random: &mut Random) {
    if random.one_in(2) {
        detached(scene);
    } else {
        blocking(scene, random, Place::Run);
    }
}

/// Stops, and waits for everything. Returns whether no run is left.
pub(crate) fn unlimited(scene: &Arc<Scene>) {
    let Some(planned) = Planned::unlimited(scene) else {
        return;
    };
    let _call = scene.log.call(format!("stop {}, to the end", planned.number));
    let (stop, called) = planned.call(Place::Thread);
    called.returned(&stop.blocking_wait());
}

fn blocking(scene: &Arc<Scene>, random: &mut Random, place: Place) {
    let Some(planned) = Planned::random(scene, random) else {
        return;
    };
    let _call = scene.log.call(format!("{planned}, blocking, {place:?}"));
    let (stop, called) = planned.call(place);
    called.returned(&stop.blocking_wait());
}

pub(crate) fn detached(scene: &Arc<Scene>) {
    let Some(planned) = Planned::unlimited(scene) else {
        return;
    };
    let _call = scene.log.call(format!("stop {}, detached", planned.number));
    let (stop, called) = planned.call(Place::Run);
    stop.detach();
    called.halted();
}

/// Polls a stop a few times, then drops its future.
fn half_way(scene: &Arc<Scene>, random: &mut Random) {
    let Some(planned) = Planned::random(scene, random) else {
        return;
    };
    let polls = random.within(0, 3);
    let _call = scene.log.call(format!("{planned}, dropped after {polls} polls"));
    let has_grace = planned.grace.is_some();
    let (stop, called) = planned.call(Place::Run);
    {
        let mut stopping = pin!(stop.into_future());
        for _ in 0..polls {
            let cx = &mut Context::from_waker(noop_waker_ref());
            if let Poll::Ready(report) = stopping.as_mut().poll(cx) {
                return called.returned(&report);
            }
            thread::sleep(random.up_to(MS));
        }
    }
    // A stop that was never polled does nothing.
    if polls > 0 && !has_grace {
        called.halted();
    }
}

fn awaited_on_the_executor(scene: &Arc<Scene>, random: &mut Random) {
    let Some(planned) = Planned::random(scene, random) else {
        return;
    };
    let _call = scene.log.call(format!("{planned}, awaited on the executor"));
    let (done, is_done) = mpsc::channel();
    let task = async move {
        let (stop, called) = planned.call(Place::Thread);
        called.returned(&stop.await);
        let _ = done.send(());
    };
    if scene.runtime.spawn(Box::pin(task)).is_err() {
        scene.log.fail("the executor refused a task");
    }
    let _ = is_done.recv();
}

fn awaited_on_the_thread(scene: &Arc<Scene>, random: &mut Random) {
    let Some(planned) = Planned::random(scene, random) else {
        return;
    };
    let _call = scene.log.call(format!("{planned}, awaited on the thread"));
    let (stop, called) = planned.call(Place::Thread);
    called.returned(&block_on(stop.into_future()));
}

fn two_at_once(scene: &Arc<Scene>, random: &mut Random) {
    let (one, two) = (Planned::random(scene, random), Planned::random(scene, random));
    let (Some(one), Some(two)) = (one, two) else { return };
    let _call = scene.log.call(format!("{one}, and {two}"));
    let complete = |planned: Planned| async {
        let (stop, called) = planned.call(Place::Thread);
        called.returned(&stop.await);
    };
    block_on(join(complete(one), complete(two)));
}

/// The stop may cancel the run that awaits it.
pub(crate) async fn awaited_in_a_run(scene: &Arc<Scene>, random: &mut Random) {
    let Some(planned) = Planned::random(scene, random) else {
        return;
    };
    let _call = scene.log.call(format!("{planned}, awaited in a run"));
    let (stop, called) = planned.call(Place::Run);
    called.returned(&stop.await);
}

/// A stop that was not called yet.
struct Planned {
    scene: Arc<Scene>,
    number: StopNumber,
    stop: Stop,
    timeout: Option<Duration>,
    grace: Option<Duration>,
}

impl Planned {
    /// `None` if the scheduler is gone.
    fn random(scene: &Arc<Scene>, random: &mut Random) -> Option<Planned> {
        let mut planned = Planned::unlimited(scene)?;
        planned.timeout = random.maybe(2, |random| match random.below(3) {
            0 => Duration::ZERO,
            _ => random.up_to(8 * MS),
        });
        planned.grace = random.maybe(3, |random| random.up_to(8 * MS));
        Some(planned)
    }

    fn unlimited(scene: &Arc<Scene>) -> Option<Planned> {
        Some(Planned {
            scene: Arc::clone(scene),
            number: scene.next_stop(),
            stop: scene.scheduler()?.stop(),
            timeout: None,
            grace: None,
        })
    }

    /// The stop, and what notes how it returns. The stop must begin right away.
    fn call(self, place: Place) -> (Stop, Called) {
        let Planned {
            scene,
            number,
            mut stop,
            timeout,
            grace,
        } = self;
        if let Some(timeout) = timeout {
            stop = stop.timeout(timeout);
        }
        if let Some(grace) = grace {
            stop = stop.grace(grace);
        }
        scene.log.note(Record::StopCalled {
            stop: number,
            is_unlimited: timeout.is_none() && place == Place::Thread,
        });
        let outcome = Outcome::Abandoned;
        (stop, Called { scene, number, outcome })
    }
}

impl std::fmt::Display for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "stop {}, timeout {:?}, grace {:?}",
            self.number, self.timeout, self.grace
        )
    }
}

/// A stop that was called. Notes its outcome when dropped.
struct Called {
    scene: Arc<Scene>,
    number: StopNumber,
    outcome: Outcome,
}

impl Called {
    fn returned(mut self, report: &StopReport) {
        self.outcome = Outcome::Reported(Reported {
            finished: self.numbers(report.finished()),
            cancelled: self.numbers(report.cancelled()),
            still_running: self.numbers(report.still_running()),
        });
    }

    fn halted(mut self) {
        self.outcome = Outcome::Halted {
            idle: self.scene.idle_jobs(),
        };
    }

    fn numbers(&self, jobs: &[Job]) -> BTreeSet<JobNumber> {
        if !jobs.is_sorted_by(|a, b| a.id() < b.id()) {
            self.scene
                .log
                .fail(&format!("a report is not in the order of registration: {jobs:?}"));
        }
        jobs.iter().map(number_of).collect()
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Abandoned);
        self.scene.log.note(Record::StopReturned {
            stop: self.number,
            outcome,
        });
    }
}
