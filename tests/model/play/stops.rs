//! Stops that wait.
//!
//! The executor has no faults while stops begin or are dropped. An executor that drops its tasks counts as gone, and
//! every stop then returns early.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use atevery::runtime::Spawner;
use atevery::{Job, StopReport};
use futures::future::poll_fn;
use futures::task::AtomicWaker;

use crate::play::Player;
use crate::scenario::Fate;
use crate::trace::What;

/// A stop that a task of its own drives. The stop can be dropped before it returns.
pub(super) struct WaitingStop {
    number: usize,
    future: Mutex<Option<StopFuture>>,
    task: AtomicWaker,
}

type StopFuture = Pin<Box<dyn Future<Output = StopReport> + Send>>;

impl Player {
    pub(super) fn stop(&self, grace: Duration, timeout: Option<Duration>) {
        self.0.runtime.set(Fate::Granted, 0);
        let mut stop = self.scheduler().stop().grace(grace);
        if let Some(limit) = timeout {
            stop = stop.timeout(limit);
        }
        let number = self.next_stop();
        let mut future: StopFuture = Box::pin(stop.into_future());
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(report) => self.note_report(number, &report),
            Poll::Pending => self.wait(number, future),
        }
    }

    fn next_stop(&self) -> usize {
        let mut stops = self.0.stops_so_far.lock().unwrap();
        *stops += 1;
        *stops
    }

    fn wait(&self, number: usize, future: StopFuture) {
        let stop = Arc::new(WaitingStop {
            number,
            future: Mutex::new(Some(future)),
            task: AtomicWaker::new(),
        });
        self.0.stops.lock().unwrap().push(Arc::clone(&stop));
        let player = self.clone();
        let task = poll_fn(move |cx| player.poll_stop(&stop, cx));
        self.0.time.spawn(Box::pin(task)).expect("virtual time takes tasks");
    }

    fn poll_stop(&self, stop: &WaitingStop, cx: &mut Context<'_>) -> Poll<()> {
        stop.task.register(cx.waker());
        let future = stop.future.lock().unwrap().take();
        let Some(mut future) = future else {
            return Poll::Ready(());
        };
        let Poll::Ready(report) = future.as_mut().poll(cx) else {
            *stop.future.lock().unwrap() = Some(future);
            return Poll::Pending;
        };
        self.0.stops.lock().unwrap().retain(|other| other.number != stop.number);
        self.note_report(stop.number, &report);
        Poll::Ready(())
    }

    pub(super) fn drop_stop(&self, index: usize) {
        self.0.runtime.set(Fate::Granted, 0);
        let mut stops = self.0.stops.lock().unwrap();
        if stops.is_empty() {
            return;
        }
        let index = index % stops.len();
        let stop = stops.remove(index);
        drop(stops);
        let future = stop.future.lock().unwrap().take();
        drop(future);
        stop.task.wake();
    }

    fn note_report(&self, stop: usize, report: &StopReport) {
        self.note(What::Stopped {
            stop,
            finished: self.indices(report.finished()),
            cancelled: self.indices(report.cancelled()),
            still_running: self.indices(report.still_running()),
        });
    }

    pub(super) fn indices(&self, jobs: &[Job]) -> Vec<usize> {
        let known = self.0.jobs.lock().unwrap();
        let index = |job: &Job| known.iter().position(|other| other == job);
        jobs.iter().map(|job| index(job).expect("a job of ours")).collect()
    }
}
