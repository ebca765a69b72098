//! The jobs whose runs are ticks: hands their offers to the holders of their [`Ticks`](crate::Ticks).

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::task::Waker;

use crate::dispatch::batch::Batch;
use crate::engine::Engine;
use crate::job::cell::JobCell;
use crate::job::config::Host;
use crate::job::id::JobId;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{AtomicWaker, Mutex};
use crate::unwind::{lock, quietly};

/// The tickers of a scheduler.
#[derive(Default)]
pub(crate) struct Tickers(Mutex<HashMap<JobId, Arc<Ticker>>>);

/// What a scheduler and the holder of a `Ticks` share.
pub(crate) struct Ticker {
    job: Weak<JobCell>,
    /// The offered run, which the next poll begins.
    offered: Mutex<Option<Arc<Batch>>>,
    is_over: AtomicBool,
    waker: AtomicWaker,
}

impl Ticker {
    pub(crate) fn new(job: &Arc<JobCell>) -> Arc<Ticker> {
        Arc::new(Ticker {
            job: Arc::downgrade(job),
            offered: Mutex::default(),
            is_over: AtomicBool::new(false),
            waker: AtomicWaker::default(),
        })
    }

    /// From here on, `waker` is woken when a run is offered or when no further run will come.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Keeps the later of two offers, and returns the other, which was withdrawn: a job has one offer at a time. The
    /// thread that made the earlier offer may come here last.
    fn offer(&self, batch: Arc<Batch>) -> Option<Arc<Batch>> {
        let mut offered = lock(&self.offered);
        match &*offered {
            Some(other) if other.number > batch.number => Some(batch),
            _ => offered.replace(batch),
        }
    }

    pub(crate) fn take_offered(&self) -> Option<Arc<Batch>> {
        lock(&self.offered).take()
    }

    /// Whether no further run will come.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// The waker is code of a user, and may panic.
    fn wake(&self) {
        quietly(|| self.waker.wake());
    }

    /// Whether the job was triggered, and its run has not begun.
    fn is_triggered(&self) -> bool {
        let job = self.job.upgrade();
        let is_triggered = job.as_ref().is_some_and(|job| job.state.load().is_triggered());
        quietly(|| drop(job));
        is_triggered
    }
}

impl Tickers {
    pub(crate) fn add(&self, job: JobId, ticker: Arc<Ticker>) {
        lock(&self.0).insert(job, ticker);
    }

    pub(crate) fn remove(&self, job: JobId) {
        let removed = lock(&self.0).remove(&job);
        quietly(|| drop(removed));
    }

    fn get(&self, job: JobId) -> Option<Arc<Ticker>> {
        lock(&self.0).get(&job).cloned()
    }

    /// Ends the ticks of a job that was removed.
    pub(crate) fn end(&self, job: JobId) {
        self.get(job).inspect(|ticker| ticker.end());
    }

    /// Ends all ticks: the scheduler is gone.
    pub(crate) fn end_all(&self) {
        self.all().iter().for_each(|ticker| ticker.end());
    }

    fn all(&self) -> Vec<Arc<Ticker>> {
        lock(&self.0).values().cloned().collect()
    }
}

impl Drop for Tickers {
    fn drop(&mut self) {
        self.end_all();
    }
}

impl Engine {
    /// Ends all ticks, and removes their jobs: the scheduler stops.
    pub(crate) fn end_ticks(&self) {
        self.end_ticks_of(&self.tickers.all());
    }

    /// Ends the ticks of all jobs that get no last run in a drain.
    pub(crate) fn end_undrained_ticks(&self) {
        let mut tickers = self.tickers.all();
        tickers.retain(|ticker| !ticker.is_triggered());
        self.end_ticks_of(&tickers);
    }

    fn end_ticks_of(&self, tickers: &[Arc<Ticker>]) {
        for ticker in tickers {
            // The removal ends the ticks.
            let job = ticker.job.upgrade();
            job.as_ref().inspect(|job| self.retire(job));
            quietly(|| drop(job));
        }
    }

    /// Hands an offer to the holder of the job's `Ticks`. If the holder has dropped it, withdraws the offer.
    pub(crate) fn deliver(self: &Arc<Self>, batch: Arc<Batch>) {
        let Some(ticker) = self.tickers.get(batch.jobs[0].job.id) else {
            self.withdraw_for_stop(&batch);
            self.finish_batch(&batch);
            return;
        };
        let withdrawn = ticker.offer(batch);
        withdrawn.inspect(|batch| self.finish_batch(batch));
        ticker.wake();
    }
}
