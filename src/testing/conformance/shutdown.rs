//! Checks in which the last scheduler is dropped, or the runtime is shut down.

use std::future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures::future::{AbortHandle, abortable};

use super::Host;
use super::scene::{Scene, quick_job, runs_on};
use super::waiting::{A_WHILE, AN_HOUR, eventually, finish, happens, poll_once, unchanged};
use crate::runtime::{BoxFuture, Runtime, SpawnError, Spawner, Timer};

/// Dropping the last handle stops the scheduler, and dropping an earlier handle does not. A job does not keep the
/// scheduler alive.
pub fn last_scheduler_dropped(host: Host) {
    let Scene {
        scheduler,
        job,
        probe,
        gate: _gate,
    } = Scene::cooperative(&host);
    let quick = quick_job(&scheduler);
    drop(scheduler.clone());
    runs_on(&quick);
    assert_eq!(probe.inside(), 1, "one scheduler was left");
    drop(scheduler);
    let runs = quick.runs();
    eventually("the run is dropped", || probe.inside() == 0 && !job.is_running());
    unchanged("the number of runs, after the drop", || quick.runs());
    assert_eq!((quick.runs(), probe.completed()), (runs, 0));
}

/// After the runtime is shut down, every form of stop returns.
pub fn runtime_gone(host: Host) {
    let mut host = host.mortal(Mortal::layer);
    let scene = Scene::cooperative(&host);
    host.shut_down();
    finish(
        "the stop returns at its timeout",
        scene.scheduler.stop().timeout(A_WHILE),
    );
    if drops_its_futures(&scene) {
        finish("the stop returns", scene.scheduler.stop());
        assert!(!scene.scheduler.is_running());
    }
    if scene.scheduler.start().is_ok() {
        finish("another stop returns", scene.scheduler.stop().timeout(A_WHILE));
    }
}

/// A stop with a timeout returns beside synchronous code, even if the timers were shut down with the runtime.
pub fn runtime_gone_beside_a_stuck_run(host: Host) {
    let mut host = host.mortal(Mortal::layer);
    if let Some(place) = host.blocking_job_to_block() {
        let scene = Scene::stuck(&host, &place);
        host.shut_down();
        finish("the stop returns", scene.scheduler.stop().timeout(A_WHILE));
        assert_eq!(scene.probe.inside(), 1);
    }
}

/// If the runtime is shut down while a stop waits, the stop returns.
pub fn runtime_gone_during_a_stop(host: Host) {
    let mut host = host.mortal(Mortal::layer);
    let scene = Scene::cooperative(&host);
    let mut stop = pin!(scene.scheduler.stop().grace(AN_HOUR).into_future());
    assert!(poll_once(stop.as_mut()).is_pending(), "the stop ended within its grace");
    host.shut_down();
    if drops_its_futures(&scene) {
        finish("the stop returns", stop);
    }
}

/// Whether the runtime drops its futures when it is shut down, or leaks its futures.
fn drops_its_futures(scene: &Scene) -> bool {
    let drops = happens(Duration::from_secs(1), || scene.probe.inside() == 0);
    if !drops {
        println!("skipped: this runtime keeps its futures, and may go on some day");
    }
    drops
}

/// A layer that can be shut down, around a runtime that cannot.
struct Mortal {
    runtime: Arc<dyn Runtime>,
    life: Arc<Life>,
}

#[derive(Default)]
struct Life {
    over: AtomicBool,
    futures: Mutex<Vec<AbortHandle>>,
}

impl Mortal {
    fn layer(runtime: Arc<dyn Runtime>) -> (Mortal, Box<dyn FnOnce() + Send>) {
        let life = Arc::new(Life::default());
        (
            Mortal {
                runtime,
                life: Arc::clone(&life),
            },
            Box::new(move || life.end()),
        )
    }
}

impl Life {
    fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        let futures = std::mem::take(&mut *self.futures.lock().unwrap_or_else(PoisonError::into_inner));
        futures.iter().for_each(AbortHandle::abort);
    }

    fn admit(&self, future: Option<AbortHandle>) -> Result<(), SpawnError> {
        let mut futures = self.futures.lock().unwrap_or_else(PoisonError::into_inner);
        if self.over.load(Ordering::SeqCst) {
            return Err(SpawnError::shutdown());
        }
        futures.extend(future);
        Ok(())
    }
}

impl Spawner for Mortal {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        let (future, handle) = abortable(future);
        self.life.admit(Some(handle))?;
        self.runtime.spawn(Box::pin(async { future.await.unwrap_or_default() }))
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        self.life.admit(None)?;
        self.runtime.spawn_blocking(work)
    }
}

impl Timer for Mortal {
    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let (sleep, life) = (self.runtime.sleep_until(deadline), Arc::clone(&self.life));
        Box::pin(async move {
            sleep.await;
            if life.over.load(Ordering::SeqCst) {
                future::pending::<()>().await;
            }
        })
    }

    fn wall(&self) -> SystemTime {
        self.runtime.wall()
    }
}
